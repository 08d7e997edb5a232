"""A take: a picture, and all that made it. It imports no torch, so that rooms without a model can hold takes too."""

from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from nextscene.provenance import Provenance
from nextscene.story import Reference, Shot

FAULTS = ("bars", "near-copy")  # what nobody wants in a scene; other words are only worth a look


class Pictures(Protocol):
    """Pictures by what refers to them; a plain mapping is one."""

    def __getitem__(self, reference: Reference, /) -> Image.Image: ...


@dataclass(frozen=True)
class Withheld:
    """What stays known of a picture: the safety checker's score, and the sha256 that its lossless file would have."""

    score: float
    sha256: str


@dataclass(frozen=True)
class Take:
    """What one shot gave.

    seconds: how long it took to draw.
    provenance: what made it, as its file will say.
    withheld: why its picture is not shown; `picture` is then a card that says so.
    """

    shot: Shot
    picture: Image.Image
    seconds: float
    provenance: Provenance
    withheld: Withheld | None = None

    @property
    def faults(self) -> list[str]:
        """What is plainly wrong with it, of all that was noticed."""
        return [word for word in self.provenance.noticed if word in FAULTS]

    @property
    def astray(self) -> list[str]:
        """The kinds of things in which it was seen to show something else than planned."""
        planned = self.shot.shows.sights
        return [kind for kind, answer in self.provenance.seen.items() if answer != planned[kind]]

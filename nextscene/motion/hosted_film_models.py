"""The hosted models that restyle films, and what each calls its inputs. A new one is a new row.

As their pages on Replicate said in November 2026; none was tried here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nextscene import NextSceneError


@dataclass(frozen=True)
class HostedFilm:
    """A model that restyles. seconds: how long a piece it takes. seed: what it calls one; more: what is always said."""

    seconds: float
    seed: str = ""
    more: Mapping[str, object] = field(default_factory=dict)


DEFAULT = "runwayml/gen4-aleph"
HOSTED_FILMS = {
    DEFAULT: HostedFilm(5, seed="seed"),
    "luma/modify-video": HostedFilm(10, more={"mode": "flex_1"}),
}


def find_hosted_film(name: str | None) -> tuple[str, HostedFilm]:
    """The hosted model of this name, or the usual one."""
    name = name or DEFAULT
    if name not in HOSTED_FILMS:
        raise NextSceneError(
            f"How {name} calls its inputs is not known here: name one of {', '.join(HOSTED_FILMS)} as hosted_model."
        )
    return name, HOSTED_FILMS[name]

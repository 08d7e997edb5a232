"""Who draws: the picture without its things, and things settled into a picture. Without a model, or by ours.

`ByModel` imports torch where it is used.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from nextscene.moves.drawing import hole_of
from nextscene.moves.patches import fill_from_around
from nextscene.moves.plan import Plan
from nextscene.settings import Look

if TYPE_CHECKING:
    from nextscene.model import Model

KEYFRAME, BETWEEN = (
    0.3,
    0.2,
)  # strength: how much a frame may change where something was put (docs/measurements/moves.md)
REMOVAL = 1.0


class Painter(Protocol):
    """Who draws the frames of a plan. facts: what makes its pictures what they are."""

    @property
    def facts(self) -> Mapping[str, object]: ...

    def background(self, picture: Image.Image, masks: Mapping[str, Image.Image]) -> Image.Image:
        """The picture without the things."""

    def settle(
        self, composite: Image.Image, mask: Image.Image, keyframe: bool, before: Sequence[Image.Image]
    ) -> Image.Image:
        """A composed frame as it is to be seen; beyond the mask's surroundings it stays as it is, to the bit."""


class Composite:
    """No model: the background is filled with what is like its surroundings, and frames are as they were composed."""

    facts: Mapping[str, object] = {"engine": "composite"}

    def background(self, picture: Image.Image, masks: Mapping[str, Image.Image]) -> Image.Image:
        return fill_from_around(picture, hole_of(masks))

    def settle(
        self, composite: Image.Image, mask: Image.Image, keyframe: bool, before: Sequence[Image.Image]
    ) -> Image.Image:
        return composite


class ByModel:
    """The model that draws scenes: what was hidden is drawn, and every frame is gently drawn over where things are."""

    def __init__(self, load: Callable[[], "Model"], name: str, plan: Plan, look: Look, seed: int) -> None:
        self._load, self._plan, self._look, self._seed = load, plan, look, seed
        self.facts: Mapping[str, object] = {"engine": "model", "model": name, "seed": seed, **look.model_dump()}

    def background(self, picture: Image.Image, masks: Mapping[str, Image.Image]) -> Image.Image:
        from nextscene.moves.removal import remove

        words = "the same place, empty, with nothing in it"
        covered = hole_of(masks)
        return remove(self._load(), picture, covered, words, look=self._with(REMOVAL), seed=self._seed)

    def settle(
        self, composite: Image.Image, mask: Image.Image, keyframe: bool, before: Sequence[Image.Image]
    ) -> Image.Image:
        from nextscene.moves.placing import STRENGTH, settle

        look = self._with(STRENGTH)  # and the same noise for all frames: nothing flickers
        return settle(self._load(), composite, mask, self._plan.prompt, look=look, seed=self._seed, before=before)

    def _with(self, strength: float) -> Look:
        return self._look.overlaid(Look(strength=strength))

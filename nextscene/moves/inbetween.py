"""The frames between two keyframes otherwise than by a thing's exact transform: from latents, or from both keyframes.

Both are for one thing that goes its way without turning or growing; what they cannot do is refused before it is drawn.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from nextscene import NextSceneError
from nextscene.moves.composing import cut_out
from nextscene.moves.drawing import Drawing
from nextscene.moves.plan import Plan

if TYPE_CHECKING:
    from nextscene.model import Model
    from nextscene.moves.between import Latents

Drawn = tuple[Image.Image, Image.Image]  # a frame, and a mask of what moves in it


class Between(Protocol):
    """A way between keyframes. facts: what makes its frames what they are."""

    facts: Mapping[str, object]

    def at(self, drawing: Drawing, number: int, one: int, other: int, keyframe: Callable[[int], Image.Image]) -> Drawn:
        """The frame of this number, between the keyframes one and other."""


class ByLatents:
    """The keyframe before, led to noise, the thing shifted there by whole cells, and drawn again by the model."""

    def __init__(self, load: Callable[[], "Model"], plan: Plan) -> None:
        self.facts: Mapping[str, object] = {"between": "latent"}
        self._load, self._plan = load, plan
        self._name = _only_thing(plan, "latent")
        self._held: tuple[int, Latents] | None = None

    def at(self, drawing: Drawing, number: int, one: int, other: int, keyframe: Callable[[int], Image.Image]) -> Drawn:
        from nextscene.moves.between import Latents

        if self._held is None or self._held[0] != one:
            mask = drawing.mask_of(self._name, one)
            self._held = one, Latents(self._load(), keyframe(one), mask, drawing.background, self._plan.prompt)
        begin, here = (self._plan.places(self._name)[each] for each in (one, number))
        return self._held[1].at(here.x - begin.x, here.y - begin.y)


class ByFlow:
    """From what both keyframes have of the thing, for what changes its shape."""

    def __init__(self, plan: Plan) -> None:
        self.facts: Mapping[str, object] = {"between": "flow"}
        self._plan, self._name = plan, _only_thing(plan, "flow")

    def at(self, drawing: Drawing, number: int, one: int, other: int, keyframe: Callable[[int], Image.Image]) -> Drawn:
        from nextscene.moves.between import by_flow

        places = self._plan.places(self._name)
        begin, end = (
            cut_out(
                keyframe(each), drawing.mask_of(self._name, each), (places[each].x, places[each].y), drawing.background
            )
            for each in (one, other)
        )
        here, share = places[number], (number - one) / (other - one)
        return by_flow(drawing.background, begin, end, here.x, here.y, 0.0, 1.0, share)


def _only_thing(plan: Plan, way: str) -> str:
    """The one thing that moves, straight and at its size; refuses other plans."""
    if len(plan.things) > 1 or plan.camera != "none":
        raise NextSceneError(f"--between {way} is for one thing before a camera that stands: use --between exact.")
    name = plan.things[0].id
    if any(abs(place.angle) > 1 or abs(place.size - 1) > 0.02 for place in plan.places(name)):
        raise NextSceneError(
            f"--between {way} neither turns nor resizes, as the {name} does here: use --between exact."
        )
    return name

"""The frames of a plan: each thing as it was cut out, moved, turned and resized exactly, the farthest first.

    drawing = Drawing(plan, picture, masks, background)
    picture, mask = drawing.frame(7)

Beyond what a frame's mask covers, each pixel is the background's own. The camera, where the plan moves one, sees all of
this as the film's camera sees a still.
"""

from collections.abc import Mapping
from functools import cached_property

from PIL import Image, ImageChops

from nextscene.film import find_crop
from nextscene.moves.composing import CutOut, cut_out, put, widen
from nextscene.moves.plan import Place, Plan, Thing

CAMERA_SECONDS = 4.0  # of a film's still: how far its camera goes in them, a plan's goes in all
AROUND = 0.012  # of the picture's larger side: how far beyond a mask what it covers still shows, at least two pixels


class Drawing:
    """Draws a plan's frames, one at a time, without a model."""

    def __init__(
        self, plan: Plan, picture: Image.Image, masks: Mapping[str, Image.Image], background: Image.Image
    ) -> None:
        self._plan, self._picture, self._masks, self.background = plan, picture, masks, background

    def frame(self, number: int) -> tuple[Image.Image, Image.Image]:
        """The frame, and a mask of where something moves in it."""
        picture, covered = self.background, Image.new("L", self.background.size)
        for name, thing in self._things.items():
            place = self._plan.places(name)[number]
            picture, mask = put(thing, picture, place.x, place.y, place.angle, place.size)
            covered = ImageChops.lighter(covered, mask)
        return self.seen(picture, number), self.seen(covered, number)

    def mask_of(self, name: str, number: int) -> Image.Image:
        """Where one thing is in a frame, as if nothing were before it."""
        place = self._plan.places(name)[number]
        _, mask = put(
            self._things[name], Image.new("RGB", self.background.size), place.x, place.y, place.angle, place.size
        )
        return self.seen(mask, number)

    def seen(self, picture: Image.Image, number: int) -> Image.Image:
        """As the plan's camera sees it in that frame."""
        if self._plan.camera == "none":
            return picture
        return picture.resize(picture.size, Image.Resampling.LANCZOS, self._crop(number))

    def spot(self, place: Place) -> tuple[float, float, float]:
        """Where a thing's middle is in its frame, and how much larger than in the picture it is seen there."""
        if self._plan.camera == "none":
            return place.x, place.y, 1.0
        left, top, right, _ = self._crop(place.frame)
        closer = self.background.width / (right - left)
        return (place.x - left) * closer, (place.y - top) * closer, closer

    def _crop(self, number: int) -> tuple[float, float, float, float]:
        """What the plan's camera sees of the picture."""
        share = number / max(self._plan.count - 1, 1)
        return find_crop(self._plan.camera, self.background.size, CAMERA_SECONDS, share)

    @cached_property
    def _things(self) -> dict[str, CutOut]:
        """Each thing by itself, the farthest first."""
        return {
            thing.id: cut_out(self._picture, self._masks[thing.id], middle_of(thing), self.background)
            for thing in self._plan.things
        }


def middle_of(thing: Thing) -> tuple[float, float]:
    """The point of the first picture that a plan's x and y move."""
    assert thing.box
    left, top, right, bottom = thing.box
    return (left + right) / 2, (top + bottom) / 2


def hole_of(masks: Mapping[str, Image.Image]) -> Image.Image:
    """Where the background is not known, because something lies before it."""
    covered = next(iter(masks.values()))
    for mask in masks.values():
        covered = ImageChops.lighter(covered, mask)
    return widen(covered, max(2, round(AROUND * max(covered.size))))


def is_seen(place: Place, size: tuple[int, int]) -> bool:
    """Whether its middle is in the picture."""
    return 0 <= place.x < size[0] and 0 <= place.y < size[1]

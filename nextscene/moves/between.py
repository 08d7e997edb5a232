"""Two other ways to a frame between keyframes, beside a thing's exact transform.

`Latents`: a keyframe led to noise, the thing shifted there by whole cells, and drawn again. It can only go, not turn or
grow, and by steps of 8 pixels. `by_flow`: from what two keyframes have of the thing, for what changes its shape.
"""

import numpy as np
import torch
from PIL import Image, ImageChops

from nextscene.film import find_between
from nextscene.model import Flow, Model
from nextscene.moves.composing import CutOut, put, widen
from nextscene.moves.editing import GRID, extended
from nextscene.pictures import paste

CELL = 8  # pixels that one cell of latents stands for
AROUND = 16  # pixels around a thing, two cells, that go with it
ROOM = 0.25  # of a thing's size: how much of what is around it is looked at, where its flow is found


class Latents:
    """A keyframe and its background as noise, from which the thing is drawn in any place."""

    def __init__(
        self, model: Model, keyframe: Image.Image, mask: Image.Image, background: Image.Image, words: str, *,
        steps: int = 8, share: float = 1.0,
    ) -> None:  # fmt: skip
        """mask: where the thing is in the keyframe. share: of the noise schedule, the last that is gone back."""
        right, below = (-side % GRID for side in keyframe.size)
        self._background, self._mask, self._share = background, extended(mask, right, below), share
        with_thing, without = (extended(each, right, below) for each in (keyframe, background))
        self._flow = Flow(model.pipe, words, [without], *without.size, steps=steps)
        self._noise = self._flow.to_noise(self._flow.encode(with_thing), share)
        behind = self._flow.encode(without)
        self._path = {self._flow.levels[-1]: behind}
        self._behind = self._flow.to_noise(behind, share, self._remember)

    def _remember(self, latents: torch.Tensor, level: float) -> torch.Tensor:
        self._path[level] = latents
        return latents

    def at(self, right: float, down: float) -> tuple[Image.Image, Image.Image]:
        """The picture with the thing so many pixels from its place in the keyframe, as nearly as cells allow; and a
        mask of where it is. Elsewhere it is the background, to the bit."""
        across, under = round(right / CELL), round(down / CELL)
        moved = Image.new("L", self._mask.size)
        moved.paste(self._mask, (across * CELL, under * CELL))
        hole = widen(moved, AROUND)
        inside = self._flow.covers(hole)
        start = torch.where(inside, self._flow.shift(self._noise, across, under), self._behind)
        found = self._flow.to_picture(
            start, self._share, lambda latents, level: torch.where(inside, latents, self._path[level])
        )
        box = (0, 0, *self._background.size)
        drawn = self._flow.decode(found).crop(box)
        return paste(drawn, self._background, hole.crop(box)), moved.crop(box)


def by_flow(
    background: Image.Image, one: CutOut, other: CutOut, x: float, y: float, angle: float, size: float, share: float
) -> tuple[Image.Image, Image.Image]:
    """The picture with the thing there, on its way from the shape that it has in one keyframe to that in another; and a
    mask of where it may be. Elsewhere it is the background, to the bit.

    share: how far it is on the way. Where the two shapes have too little in common, it has the nearer one.
    """
    (begin, begins), (end, ends) = (put(each, background, x, y, angle, size) for each in (one, other))
    mask = ImageChops.lighter(begins, ends)
    if mask.getbbox() is None:
        return background, mask
    box = _around(mask)
    way = find_between(*(np.asarray(each.crop(box)) for each in (begin, end)))
    if way is None:
        return (begin, begins) if share < 0.5 else (end, ends)
    drawn = background.copy()
    drawn.paste(Image.fromarray(way(share)), box[:2])
    hole = widen(mask, 2)
    return paste(drawn, background, hole, 2), hole


def _around(mask: Image.Image) -> tuple[int, int, int, int]:
    left, top, right, bottom = mask.getbbox() or (0, 0, *mask.size)
    room = 4 + round(ROOM * max(right - left, bottom - top))
    return max(left - room, 0), max(top - room, 0), min(right + room, mask.width), min(bottom + room, mask.height)

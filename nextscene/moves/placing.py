"""A thing put into a picture, and drawn into it: its edge, its light, its shadow."""

from collections.abc import Callable, Sequence

from PIL import Image, ImageChops

from nextscene.model import Model
from nextscene.moves.composing import narrow, widen
from nextscene.moves.editing import edit
from nextscene.settings import Look

REACH = 8  # pixels around a thing, one cell of latents, that may change with it
EDGE = 1 / 32  # of a thing's size, two pixels at least: its own edge may change; within, it stays as it was cut out
STRENGTH = (
    0.1  # the last quarter of the schedule; from 0.2 on the small model draws something else in the thing's place
)


def settle(
    model: Model,
    composite: Image.Image,
    mask: Image.Image,
    words: str,
    *,
    look: Look,
    seed: int,
    edge: float | None = EDGE,
    before: Sequence[Image.Image] = (),
    fast: bool = False,
    on_step: Callable[[int, int], None] | None = None,
) -> Image.Image:
    """A composite, gently drawn over where the mask says that something was put; elsewhere it stays as it is.

    look: its strength best is near `STRENGTH`.
    edge: how much of the thing's own edge may change, as a share of its size; None: all of it, as where it is to take
        on another light.
    before: finished pictures of the same film to look at beside it.
    """
    hole = widen(mask, REACH)
    if edge is not None and (box := mask.getbbox()):
        size = min(box[2] - box[0], box[3] - box[1])
        hole = ImageChops.subtract(hole, narrow(mask, max(2, round(edge * size))))
    return edit(model, composite, hole, words, look=look, seed=seed, beside=before, fast=fast, on_step=on_step)

"""A thing put into a picture, and drawn into it: its edge, its light, its shadow."""

from collections.abc import Callable, Sequence

from PIL import Image, ImageChops

from nextscene.model import Model
from nextscene.moves.composing import narrow, widen
from nextscene.moves.editing import edit
from nextscene.settings import Look

REACH = 8  # pixels around a thing, one cell of latents, that may change with it
EDGE = 4  # pixels of a thing's own edge that may change; what is within stays as sharp as it was cut out


def settle(
    model: Model,
    composite: Image.Image,
    mask: Image.Image,
    words: str,
    *,
    look: Look,
    seed: int,
    edge: int | None = EDGE,
    before: Sequence[Image.Image] = (),
    fast: bool = False,
    on_step: Callable[[int, int], None] | None = None,
) -> Image.Image:
    """A composite, gently drawn over where the mask says that something was put; elsewhere it stays as it is.

    edge: how many pixels of the thing's own edge may change; None: all of it, as where it is to take on another light.
    before: finished pictures of the same film to look at beside it.
    """
    hole = widen(mask, REACH)
    if edge is not None:
        hole = ImageChops.subtract(hole, narrow(mask, edge))
    return edit(model, composite, hole, words, look=look, seed=seed, beside=before, fast=fast, on_step=on_step)

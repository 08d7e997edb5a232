"""A picture without a thing: what was behind it is filled in crudely, then drawn by the model."""

from collections.abc import Callable

from PIL import Image

from nextscene.model import Model
from nextscene.moves.composing import fill, widen
from nextscene.moves.editing import edit
from nextscene.settings import Look

STRENGTH = 0.6  # more makes nothing better, less leaves the filling's blur
REACH = 16  # pixels around a thing, two cells of latents, that its colours reach into
SHADOW = 0.25  # of a thing's height: how far below it its shadow or reflection lies, and to its sides a half of that


def remove(
    model: Model,
    picture: Image.Image,
    mask: Image.Image,
    words: str,
    *,
    look: Look,
    seed: int,
    shadow: float = SHADOW,
    fast: bool = False,
    on_step: Callable[[int, int], None] | None = None,
) -> Image.Image:
    """The picture with all that the mask covers taken away; beyond its shadow each pixel stays as it is.

    look: its strength best is `STRENGTH` or more.
    words: what is to be seen there, or how the picture is to be mended.
    """
    hole = cover(mask, shadow)
    # The model looks at the filled picture: looking at the picture itself, it would draw the thing again.
    return edit(model, fill(picture, hole), hole, words, look=look, seed=seed, fast=fast, on_step=on_step)


def cover(mask: Image.Image, shadow: float = SHADOW) -> Image.Image:
    """A mask of the thing and of what belongs to it: its edge, its shadow, its reflection."""
    box = mask.getbbox()
    height = box[3] - box[1] if box else 0
    around = max(REACH, round(shadow * height / 2))
    return widen(mask, around, max(around, round(shadow * height)))

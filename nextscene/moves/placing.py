"""A thing put into a picture, and drawn into it: its edge, its light, its shadow."""

from collections.abc import Callable, Sequence

from PIL import Image

from nextscene.model import Model
from nextscene.moves.composing import widen
from nextscene.moves.editing import edit
from nextscene.settings import Look

REACH = 8  # pixels around a thing, one cell of latents, that may change with it


def settle(
    model: Model,
    composite: Image.Image,
    mask: Image.Image,
    words: str,
    *,
    look: Look,
    seed: int,
    before: Sequence[Image.Image] = (),
    fast: bool = False,
    on_step: Callable[[int, int], None] | None = None,
) -> Image.Image:
    """A composite, gently drawn over where the mask says that something was put; elsewhere it stays as it is.

    before: finished pictures of the same film to look at beside it.
    """
    hole = widen(mask, REACH)
    return edit(model, composite, hole, words, look=look, seed=seed, beside=before, fast=fast, on_step=on_step)

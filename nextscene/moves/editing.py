"""A masked edit: a picture of any size, drawn anew within a mask by the model, and elsewhere as it was, to the bit."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image

from nextscene.model import Model
from nextscene.settings import Look

GRID = 16  # pixels: what a model draws at all


def edit(
    model: Model,
    picture: Image.Image,
    mask: Image.Image,
    words: str,
    *,
    look: Look,
    seed: int,
    beside: Sequence[Image.Image] = (),
    fast: bool = False,
    on_step: Callable[[int, int], None] | None = None,
) -> Image.Image:
    """The picture with what is within the mask drawn anew.

    picture: what the model starts from and looks at.
    look: how; its strength says how much may change.
    beside: up to two more pictures to look at.
    """
    if mask.getbbox() is None:
        return picture
    model.use_look(look, fast=fast)
    right, below = (-side % GRID for side in picture.size)
    sheet = extended(picture, right, below)
    drawn = model.pipe(
        words,
        [sheet, *beside],
        mask=extended(mask.convert("L"), right, below),
        look=look,
        width=sheet.width,
        height=sheet.height,
        generator=torch.Generator().manual_seed(seed),
        on_step=on_step,
    )
    return drawn.crop((0, 0, *picture.size))


def extended(picture: Image.Image, right: int, below: int) -> Image.Image:
    """With its last column and row repeated, so that all of it lies on the model's grid."""
    pixels = np.asarray(picture)
    room = [(0, below), (0, right), (0, 0)][: pixels.ndim]
    return Image.fromarray(np.pad(pixels, room, mode="edge")) if right or below else picture

"""The one grade of the sample set: teal shadows and orange lights, twice over; rays from the upper left; a vignette.

A picture in, a picture out, always the same; where it is near black or white a little is lost, all else can be told.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nextscene.film import Grade
from nextscene.settings import FilmSettings

SUN = (0.12, 0.06)  # of the width and the height: where the rays come from
RAYS, WIDE = 16, 0.4  # how many all around; how wide they are, from -1 to 1
WARM = np.array((1.0, 0.78, 0.42))
STRENGTH = 0.5  # of the rays, at their source
FLARE = (
    (0.35, 0.045, 0.16),
    (0.55, 0.028, 0.12),
    (0.78, 0.07, 0.09),
)  # on the way through the middle: place, size, light
VIGNETTE = 0.9


def grade(picture: Image.Image) -> Image.Image:
    frame = np.asarray(picture, np.float64) / 255
    light = _light(picture.width, picture.height)[:, :, None] * WARM
    lit = 1 - (1 - frame) * (1 - light)  # as two lights on one screen
    colours = Grade.of(FilmSettings(grade="teal_orange", vignette=VIGNETTE))
    return Image.fromarray(Grade(colours.table)(colours(np.round(lit * 255).astype(np.uint8), 0), 0))


def _light(width: int, height: int) -> NDArray[np.float64]:
    """How much light the rays and the flare add, by place."""
    y, x = np.mgrid[0:height, 0:width]
    across, down = (x + 0.5) / width, (y + 0.5) / height
    far = np.hypot((across - SUN[0]) * width / height, down - SUN[1])
    angle = np.arctan2(down - SUN[1], (across - SUN[0]) * width / height)
    stripes = np.clip((np.cos(angle * RAYS) + WIDE) / (1 + WIDE), 0, 1)
    rays = STRENGTH * stripes * np.clip(1 - far / 1.3, 0, 1)
    for place, size, strength in FLARE:
        at = SUN[0] + (1 - 2 * SUN[0]) * place, SUN[1] + (1 - 2 * SUN[1]) * place
        near = np.hypot((across - at[0]) * width / height, down - at[1]) / size
        rays = rays + strength * np.clip(2 - 2 * near, 0, 1).clip(max=1)
    return np.clip(rays, 0, 1)

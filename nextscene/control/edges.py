"""Edges of a picture, white on black, as Canny finds them: steep, thin, and connected to what is steeper still."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

SOFT = 1.0  # pixels over which a picture is smoothed first
STEEP, STEEPEST = 0.15, 0.4  # of a picture's steep places: an edge goes on down to the first, and reaches the second
FAINTEST = 0.01  # of white: what is less steep is no edge in any picture
STEPS = ((0, 1), (1, 1), (1, 0), (1, -1))  # to the neighbour on which an edge looks, by its direction

Numbers = NDArray[np.float64]


def find_edges(picture: Image.Image) -> Image.Image:
    grey = picture.convert("L").filter(ImageFilter.GaussianBlur(SOFT))
    down, across = np.gradient(np.asarray(grey, np.float64) / 255)
    steep = np.hypot(down, across) * 2
    ridge = steep * _is_ridge(steep, np.arctan2(down, across))
    steep_places = ridge[ridge > FAINTEST]
    most = float(np.percentile(steep_places, 80)) if steep_places.size else 1.0
    return Image.fromarray((_connected(ridge > STEEP * most, ridge > STEEPEST * most) * 255).astype(np.uint8)).convert(
        "RGB"
    )


def _is_ridge(steep: Numbers, direction: Numbers) -> NDArray[np.bool_]:
    """Where it is at least as steep as on both sides, across the edge."""
    sector = np.round(direction / (np.pi / 4)).astype(int) % 4
    ridge = np.zeros(steep.shape, bool)
    for number, (down, across) in enumerate(STEPS):
        higher = (steep >= _moved(steep, down, across)) & (steep > _moved(steep, -down, -across))
        ridge |= (sector == number) & higher
    return ridge


def _moved(values: Numbers, down: int, across: int) -> Numbers:
    """What lies so far down and across, by place; nothing beyond the border."""
    high, wide = values.shape
    return np.pad(values, 1)[1 + down : 1 + down + high, 1 + across : 1 + across + wide]


def _connected(weak: NDArray[np.bool_], strong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is strong, and all that is weak and hangs together with it."""
    found = strong
    while True:
        near = np.asarray(Image.fromarray(found).convert("L").filter(ImageFilter.MaxFilter(3)), bool)
        grown = weak & near | strong
        if (grown == found).all():
            return found
        found = grown

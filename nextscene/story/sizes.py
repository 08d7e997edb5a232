"""Which size a picture has, and at which it is drawn, where a model cannot draw that one.

A wanted size and what a model can draw go in; the size to draw comes out: of the same shape as nearly as the model's
grid allows, and near its own area. What is drawn at another size is then brought to the wanted one. It knows no
pictures.
"""

import math

from nextscene.card import Limits
from nextscene.settings import MAX_SIDE, MIN_SIDE, StorySettings

Size = tuple[int, int]

GRID = 16  # pixels: the VAE's factor 8, times patches of 2
SHAPE = 10  # how much a shape that is off counts beside an area that is off


def full_size(settings: StorySettings, own_size: Size, image: Size | None) -> Size:
    """The size of every picture: on the model's grid, of its own area, and in the shape that was asked for, or else
    the first picture's."""
    aspect = settings.shape or (image[0] / image[1] if image else own_size[0] / own_size[1])
    width = settings.width or (settings.height * aspect if settings.height else math.sqrt(math.prod(own_size) * aspect))
    height = settings.height or width / aspect
    return _on_grid(width), _on_grid(height)


def _on_grid(side: float) -> int:
    return min(max(round(side / GRID) * GRID, MIN_SIDE), MAX_SIDE)


def drawing_size(wanted: Size, own_size: Size, limits: Limits | None = None) -> Size:
    """The size to draw for a wanted one.

    own_size: the size that the model draws best.
    limits: what it can draw besides; None: any size, as it is wanted.
    """
    if limits is None:
        return wanted
    own_area = math.prod(own_size)
    across, down = limits.grid
    smallest, largest = limits.smallest * own_area, limits.largest * own_area
    sizes = [
        (width, height)
        for width in range(across, int(largest // down) + 1, across)
        for height in range(math.ceil(smallest / width / down) * down, int(largest // width) + 1, down)
    ]

    def difference(size: Size) -> tuple[float, int]:
        """How far its shape is from the wanted one, and its area from the model's own; the smaller one of equals."""
        shape = abs(math.log(size[0] / size[1] * wanted[1] / wanted[0]))
        area = abs(math.log(math.prod(size) / own_area))
        return round(SHAPE * shape + area, 6), math.prod(size)

    return min(sizes, key=difference)

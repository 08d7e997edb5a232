"""At which size a picture is drawn, where a model cannot draw the size that was asked for.

A wanted size and what a model can draw go in; the size to draw comes out: of the same shape as nearly as the grid
allows, and near the model's own area. What is drawn smaller is enlarged to the wanted size. It knows no pictures.
"""

import math

Size = tuple[int, int]
Areas = tuple[float, float]  # the smallest and the largest area that a model can draw, as shares of its own

GRID = 16  # pixels: the VAE's factor 8, times patches of 2
SHAPE = 20  # how much a shape that is off counts beside an area that is off


def drawing_size(wanted: Size, own_size: Size, areas: Areas | None = None) -> Size:
    """The size to draw for a wanted one: that one itself, if the model can draw it.

    own_size: the size that the model draws best.
    areas: between which areas it can draw, as shares of its own; None: it can draw any size.
    """
    area = math.prod(own_size)
    if areas is None or areas[0] <= math.prod(wanted) / area <= areas[1]:
        return wanted
    sides = range(GRID, max(GRID, round(area * areas[1] / GRID)) + 1, GRID)
    sizes = [(width, height) for width in sides for height in sides if areas[0] <= width * height / area <= areas[1]]

    def off(size: Size) -> float:
        """How far a size is from the wanted shape, and, as far as that is equal, from the model's own area."""
        shape = abs(math.log(size[0] / size[1] * wanted[1] / wanted[0]))
        return SHAPE * shape + abs(math.log(math.prod(size) / area))

    return min(sizes, key=off)

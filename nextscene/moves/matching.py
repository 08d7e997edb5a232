"""Following a thing from one frame to the next by its looks alone, and back again."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

SIDE, REACH = 40, 4  # pixels: how large a thing is made to be compared, and how far beyond its plan it is looked for


@dataclass(frozen=True)
class View:
    """A frame around a thing: where its middle is, how it is turned, and how far around it is looked, in pixels."""

    frame: Image.Image
    mask: Image.Image
    x: float
    y: float
    angle: float
    reach: float

    def upright(self) -> tuple[np.ndarray, np.ndarray]:
        """The thing as it would be without its turn, in a small square; and where it is seen there."""
        half, turn = SIDE / 2 + REACH, math.radians(self.angle)
        each = self.reach / (SIDE / 2)
        cos, sin = math.cos(turn) * each, math.sin(turn) * each
        matrix = (cos, -sin, self.x - cos * half + sin * half, sin, cos, self.y - sin * half - cos * half)
        size = (round(2 * half),) * 2
        grey = self.frame.convert("L").transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        seen = self.mask.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        return np.asarray(grey, np.float64), np.asarray(seen) > 127


def match_back_and_forth(one: View, other: View) -> float:
    """How many pixels one is away from where one began, after following the thing to the other frame and back."""
    (here, seen_here), (there, seen_there) = one.upright(), other.upright()
    forth, back = _follow(here, seen_here, there), _follow(there, seen_there, here)
    return math.hypot(forth[0] + back[0], forth[1] + back[1]) * one.reach / (SIDE / 2)


def _follow(one: np.ndarray, seen: np.ndarray, other: np.ndarray) -> tuple[int, int]:
    """The shift at which the thing in one view looks most like what is there in the other; rather a small one."""
    rows, columns = np.nonzero(seen)
    best, least = (0, 0), np.inf
    steps = range(-REACH, REACH + 1)
    for x, y in sorted(((x, y) for x in steps for y in steps), key=lambda each: each[0] ** 2 + each[1] ** 2):
        across, down = columns + x, rows + y
        kept = (across >= 0) & (across < other.shape[1]) & (down >= 0) & (down < other.shape[0])
        if kept.sum() > len(rows) / 3:
            off = float(((other[down[kept], across[kept]] - one[rows[kept], columns[kept]]) ** 2).mean())
            if off < least - 1e-9:
                best, least = (x, y), off
    return best

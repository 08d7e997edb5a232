"""Regions of a picture, in numpy alone: parts that hang together, holes, smoothing along edges, colours.

It knows no things and no words.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]
_XYZ = np.array([[0.41246, 0.35758, 0.18044], [0.21267, 0.71515, 0.07218], [0.01933, 0.11919, 0.95030]])  # from sRGB
_WHITE = np.array([0.95047, 1.0, 1.08883])


def to_lab(pixels: NDArray[np.uint8]) -> Floats:
    """Colours such that equal distances look about equal."""
    share = pixels.astype(np.float64) / 255
    linear = np.where(share > 0.04045, ((share + 0.055) / 1.055) ** 2.4, share / 12.92)
    xyz = linear @ _XYZ.T / _WHITE
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    lab: Floats = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    return lab


def label_parts(seen: Flags) -> tuple[NDArray[np.int64], int]:
    """Each part that hangs together, its pixels numbered from 1 on; and how many parts there are."""
    runs = [_runs(row) for row in seen]
    first = np.cumsum([0, *(len(each) for each in runs)])
    parent = list(range(int(first[-1])))

    def find(each: int) -> int:
        while parent[each] != each:
            parent[each] = parent[parent[each]]
            each = parent[each]
        return each

    for number, (above, below) in enumerate(pairwise(runs)):
        at = 0
        for under, (begin, end) in enumerate(below):
            while at < len(above) and above[at][1] < begin:
                at += 1
            over = at
            while over < len(above) and above[over][0] <= end:  # touching by a corner is enough
                parent[find(int(first[number + 1]) + under)] = find(int(first[number]) + over)
                over += 1
    numbers: dict[int, int] = {}
    labels = np.zeros(seen.shape, np.int64)
    for number, row in enumerate(runs):
        for at, (begin, end) in enumerate(row):
            labels[number, begin:end] = numbers.setdefault(find(int(first[number]) + at), len(numbers) + 1)
    return labels, len(numbers)


def _runs(row: Flags) -> list[tuple[int, int]]:
    """Where a row's pixels are set: from each begin to before each end."""
    steps = np.diff(np.concatenate([[False], row, [False]]).astype(np.int8))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def count_parts(seen: Flags, least: float = 0.05) -> int:
    """How many parts there are that are more than specks beside the largest."""
    labels, count = label_parts(seen)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return int((sizes > least * sizes.max()).sum()) if count else 0


def largest_part(seen: Flags) -> Flags:
    labels, count = label_parts(seen)
    if not count:
        return seen
    largest: Flags = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return largest


def fill_holes(seen: Flags) -> Flags:
    """With all that it encloses."""
    labels, _ = label_parts(~np.pad(seen, 1))
    filled: Flags = (labels != labels[0, 0])[1:-1, 1:-1]
    return filled


def mean_around(values: Floats, reach: int) -> Floats:
    """The mean of each place's square neighbourhood, as far as that lies within."""
    total = values
    for axis in (0, 1):
        length = values.shape[axis]
        sums = np.concatenate([np.zeros_like(total.take([0], axis)), np.cumsum(total, axis)], axis)
        at = np.arange(length)
        high, low = np.minimum(at + reach + 1, length), np.maximum(at - reach, 0)
        shape = [1] * values.ndim
        shape[axis] = length
        total = (sums.take(high, axis) - sums.take(low, axis)) / (high - low).reshape(shape)
    mean: Floats = total
    return mean


def smooth_along(guide: Floats, values: Floats, reach: int, sharp: float) -> Floats:
    """Values smoothed, but not over the edges of a grey guide (from 0 to 1): a guided filter."""
    mean_guide, mean = mean_around(guide, reach), mean_around(values, reach)
    spread = mean_around(guide * guide, reach) - mean_guide**2
    slope = (mean_around(guide * values, reach) - mean_guide * mean) / (spread + sharp)
    smoothed: Floats = mean_around(slope, reach) * guide + mean_around(mean - slope * mean_guide, reach)
    return smoothed


def box_of(seen: Flags) -> tuple[int, int, int, int]:
    """The box around all that is set: left, top, right, bottom."""
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

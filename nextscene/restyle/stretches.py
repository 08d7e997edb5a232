"""Which frames of a film are keyframes: cuts in, stretches of frames out, each with its keyframes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Stretch:
    """The frames from one cut to the next, by their numbers. keys: the first, the last, and some between."""

    first: int
    last: int
    keys: tuple[int, ...]


def find_stretches(frames: int, cuts: Sequence[int], every: int) -> list[Stretch]:
    """cuts: the first frame of each shot. every: how many frames keyframes are apart, at most."""
    ends = [*(cut - 1 for cut in cuts[1:]), frames - 1]
    return [Stretch(first, last, _keys(first, last, every)) for first, last in zip(cuts, ends, strict=True)]


def _keys(first: int, last: int, every: int) -> tuple[int, ...]:
    steps = ceil((last - first) / every)
    return tuple(first + round((last - first) * step / max(steps, 1)) for step in range(steps + 1))

"""Cuts of a film: small frames in, one after another, the numbers at which something else begins out. Pure.

What is compared is what the pictures show, wherever a moving camera has put it, and their colours on the whole: light
that changes slowly is no cut, nor is a pan, nor a flash between two frames that are alike.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from nextscene.film import Frame

SMALL = (48, 32)  # pixels: the frames that are compared
REACH = (8, 4)  # pixels, to a side, up and down: how far a camera may have gone
UNLIKE = 0.5  # of the contrast: frames of two shots differ by more, mostly by about 1, and those of one shot by less
COLOURS = 2.0  # how much a difference of the whole picture's colours counts beside that
STANDS_OUT = 3.0  # times the usual difference between the frames around
AROUND = 8  # frames, to each side
FLASH = 3  # frames: what comes and goes in so few, between frames that are alike, is no shot

Light = NDArray[np.float32]


def find_cuts(frames: Iterable[Frame]) -> tuple[int, list[int]]:
    """How many frames there are, and the first of each shot."""
    differences: list[float] = []
    kept: list[Light] = []  # the last few
    after_flash: dict[int, float] = {}  # a frame, and how unlike the one before a flash it is
    for number, frame in enumerate(frames):
        light = (frame / np.float32(255)).astype(np.float32)
        if kept:
            differences.append(_difference(kept[-1], light))
        if number > FLASH and max(differences[-FLASH - 1 : -1], default=0) > UNLIKE:
            after_flash[number] = min(_difference(each, light) for each in kept[:-1])
        kept = [*kept[-FLASH:], light]
    count = len(differences) + bool(kept)
    cuts = [at + 1 for at in range(len(differences)) if _is_cut(differences, at)]
    return count, [0, *_without_flashes(cuts, after_flash)] if count else []


def _is_cut(differences: Sequence[float], at: int) -> bool:
    around = [*differences[max(at - AROUND, 0) : at], *differences[at + 1 : at + 1 + AROUND]]
    usual = float(np.median(around)) if around else 0.0
    return differences[at] > max(UNLIKE, STANDS_OUT * usual)


def _without_flashes(cuts: Sequence[int], after_flash: dict[int, float]) -> list[int]:
    kept: list[int] = []
    for cut in cuts:
        if kept and cut - kept[-1] <= FLASH and after_flash.get(cut, 2.0) < UNLIKE:
            kept.pop()  # what was there before is there again
        else:
            kept.append(cut)
    return kept


def _difference(one: Light, other: Light) -> float:
    """How unlike two pictures are: by their shapes, as a share of their contrast, at the move of the camera that leaves
    the least; and by their colours on the whole."""
    height, width = one.shape[:2]
    across, down = REACH
    middle = one[down : height - down, across : width - across]
    centred = np.moveaxis(middle - middle.mean((0, 1)), 2, 0)
    windows = np.lib.stride_tricks.sliding_window_view(other, middle.shape[:2], (0, 1))
    windows = windows - windows.mean((3, 4), keepdims=True)
    contrast = (windows.std((2, 3, 4)) + centred.std()) / 2 + 0.02
    apart = np.abs(windows - centred).mean((2, 3, 4)) / contrast
    colours = float(np.abs(one.mean((0, 1)) - other.mean((0, 1))).mean())
    return float(apart.min()) + COLOURS * colours

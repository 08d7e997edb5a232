"""What changed from one picture to the next, in numbers: a Drift of two pictures, the Bars of one, and words for both.

It goes by the pictures alone. Only the caller knows what was asked for, so a number is a reason to look and not yet a
fault. It knows no models, no stories and no files.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter, ImageStat

from nextscene import pictures

Floats = NDArray[np.floating[Any]]
Move = tuple[float, float, float]  # zoom, shift across, shift down
BOX, BILINEAR = Image.Resampling.BOX, Image.Resampling.BILINEAR

# From where `badges` suspects a fault; measured by `script/bench badges` (docs/measurements/badges.md).
BLURRED = 0.76  # of the steepness of the strongest edges, in the picture before
NOISY = 1.5  # levels of 255, more than in the picture before

SIDE = 256  # pixels; what need not be measured on the whole picture is measured on this, stretched to a square
COARSE, FINE = (64, 0.05, 9), (128, 0.02, 2)  # searches of the zoom: pixels, a step of its logarithm, steps each way
DETAIL = 0.12  # cycles per pixel: finer features count less and less in finding the move
SURE = 0.25  # agreement from which a move is believed; pictures that have nothing in common mostly stay below 0.2
FAINT = 2 / 255  # of brightness per pixel: weaker gradients are no edges
FLAT, EVENLY = 1e-6, 1e-4  # the gradient energy and the contrast that even a uniform picture is taken to have

STILL = 0.025  # of zoom and shift: in a near-copy the camera stood still
CELLS = 16  # to each side: what a near-copy is compared by, as shares of the contrast of the picture before
HARDLY, NOWHERE, SMALL = 0.6, 2.5, 95  # so little changed in this percentage of the cells, and so much in two at most
TONE = 4.0  # Delta E: the colours of a near-copy, wherever they lie, are the same but for this
FLATTEST = 6.0  # Delta E: the contrast that even a uniform picture is taken to have

EDGES = 0.05  # the share of a picture that is its strongest edges
SOFTEN = ImageFilter.GaussianBlur(1.5)  # what they are compared with
MEDIAN = 0.6745  # of the deviation of normal noise: the median of its magnitudes

ACROSS = 64  # samples along a bar
DARK, LIGHT = 32, 240  # of 255: what is between these is no bar
EVEN, EDGE = 12, 24  # of 255: what a bar may vary by, and the least step from it to the scene
LEAST, MOST, SOFT = 0.01, 0.4, 0.01  # of the side: how deep a bar is, and how soft its edge may be
UNEVEN = 0.03  # of the side: what the bars of a pair may differ by
PAIRED, ALONE = 0.5, 0.9  # of the scene: how much must begin with an edge at a bar, with and without its twin

XYZ = np.array([[0.41246, 0.35758, 0.18044], [0.21267, 0.71515, 0.07218], [0.01933, 0.11919, 0.95030]])  # from sRGB


@dataclass(frozen=True)
class Drift:
    """What changed, from the picture before to the picture after.

    `structure` and `colour_shift` are about what both pictures show: the camera's move is undone first. It is found up
    to a zoom of 1.5 or a shift of a fifth; pictures that have too little in common count as not moved.
    """

    change: float  # mean difference of the pixels as they lie, 0 (none) to 1 (black for white)
    structure: float  # share of the edges that are still there, in whatever light, 0 (none) to 1 (all)
    colour_shift: float  # Delta E (CIE 1976) from the colours before to those after, wherever they lie; 0 is none
    sharpness: float  # ratio of the gradient energy, for equal contrast; 1 is as before, above 1 is sharper
    steepness: float  # ratio of how steep the strongest edges are; 1 is as before, below 1 is softer
    noise: float  # how much noisier, in levels of 255; 0 is as before
    zoom: float  # ratio; 1 is none, above 1 the camera moved closer
    shift_x: float  # fraction of the width; above 0 the scene moved to the right
    shift_y: float  # fraction of the height; above 0 the scene moved down
    near_copy: bool  # the camera stood still, and all that changed is faint or less than a hundredth of the picture


@dataclass(frozen=True)
class Bars:
    """The borders that are no part of the scene, as fractions of the height or the width. False when there are none."""

    top: float = 0.0
    bottom: float = 0.0
    left: float = 0.0
    right: float = 0.0

    def __bool__(self) -> bool:
        return any((self.top, self.bottom, self.left, self.right))


def compare(before: Image.Image, after: Image.Image) -> Drift:
    """Measures two pictures of any size; the later is fitted to the size of the earlier."""
    before, after = before.convert("RGB"), after.convert("RGB")
    after = pictures.fit(after, *before.size)
    one, other = (picture.resize((SIDE, SIDE), BOX) for picture in (before, after))
    zoom, x, y = move = _move(one, other)
    near, there = _common(one, other, move)
    was, now = (_cells(picture) for picture in (near, there))
    colour_shift = float(_distance(np.sort(was, axis=0), np.sort(now, axis=0)).mean())
    still = max(abs(zoom - 1), abs(x), abs(y)) < STILL and colour_shift < TONE
    return Drift(
        change=float(np.mean(ImageStat.Stat(ImageChops.difference(before, after)).mean)) / 255,
        structure=_structure(_grey(near), _grey(there)),
        colour_shift=colour_shift,
        sharpness=_sharpness(_grey(after)) / _sharpness(_grey(before)),
        steepness=_steepness(before, after, move),
        noise=_noise(_grey(after)) - _noise(_grey(before)),
        zoom=zoom,
        shift_x=x,
        shift_y=y,
        near_copy=still and _hardly_changed(_cells(one), _cells(other)),
    )


def bars(picture: Image.Image) -> Bars:
    """The borders that letterbox or pillarbox a picture: straight, even, nearly black or white, and sharply edged.

    One on its own must be plainer than a pair. Sky, snow or night has no such edge all along.
    """
    width, height = picture.size
    picture = picture.convert("RGB")
    (top, bottom), (left, right) = _pair(picture), _pair(picture.transpose(Image.Transpose.TRANSPOSE))
    return Bars(top / height, bottom / height, left / width, right / width)


def badges(drift: Drift | None, bars: Bars, asked_for_change: bool) -> list[str]:
    """What is worth a look in a scene, in short words for a log or a sheet; `drift` is None if it grew from nothing.

    Only what was measured to be right when it is said, and said when it is right, four times of five.
    """
    found = {"bars": bool(bars)}
    if drift:
        found |= {
            "near-copy": drift.near_copy and asked_for_change,
            "blurred": drift.steepness < BLURRED,
            "noisy": drift.noise > NOISY,
        }
    return [word for word, seen in found.items() if seen]


def _move(before: Image.Image, after: Image.Image) -> Move:
    """The zoom, of many tried coarsely and then finely, at which the pictures agree best, and their shift there."""
    before, after = before.convert("L"), after.convert("L")
    best = 0.0
    for side, step, reach in (COARSE, FINE):
        logs = best + step * np.arange(-reach, reach + 1)
        agreed = [_shift(before, after, float(np.exp(log)), side)[0] for log in logs]
        at = int(np.argmax(agreed))
        best = logs[at] + step * _summit(np.array(agreed), at)[0]
    zoom = float(np.exp(best))
    agreement, x, y = _shift(before, after, zoom, side)
    return (zoom, x, y) if agreement > SURE else (1.0, 0.0, 0.0)


def _shift(before: Image.Image, after: Image.Image, zoom: float, side: int) -> tuple[float, float, float]:
    """Phase correlation at a zoom: how well the pictures agree there, 0 to 1, and the shift at which they do."""
    window, weight = _window(side)
    one, other = (
        np.fft.rfft2((seen - seen.mean()) * window)
        for seen in (_middle(before, min(1, 1 / zoom), side), _middle(after, min(1, zoom), side))
    )
    cross = other * one.conj()
    field = np.fft.irfft2(weight * cross / (np.abs(cross) + side), (side, side))
    y, x = divmod(int(field.argmax()), side)
    (right, gain), (down, more) = _summit(field[y], x), _summit(field[:, x], y)
    across, along = (((shift / side + 0.5) % 1 - 0.5) * min(1, zoom) for shift in (x + right, y + down))
    return float(field[y, x]) + gain + more, across, along


@lru_cache
def _window(side: int) -> tuple[Floats, Floats]:
    """What fades a picture out to its borders, and what lets its coarse features count more: to 1 where all agree."""
    fade = np.hanning(side + 2)[1:-1]
    y, x = np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)
    weight = np.exp(-(x**2 + y**2) / (2 * DETAIL**2))
    return np.outer(fade, fade), (weight * side**2 / weight.sum())[:, : side // 2 + 1]


def _summit(heights: Floats, at: int) -> tuple[float, float]:
    """How far, in steps, and how high above a maximum the parabola through it and its neighbours has its top."""
    left, top, right = heights[at - 1], heights[at], heights[(at + 1) % len(heights)]
    slope, bend = float(right - left) / 2, float(2 * top - left - right)
    return (slope / bend, slope**2 / bend / 2) if bend > 0 else (0.0, 0.0)


def _middle(picture: Image.Image, share: float, side: int) -> Floats:
    """The middle of a picture, this share of its sides, at a size."""
    edge = (1 - share) / 2 * SIDE
    return np.asarray(picture.resize((side, side), BILINEAR, (edge, edge, SIDE - edge, SIDE - edge)), np.float64)


def _common(before: Image.Image, after: Image.Image, move: Move) -> tuple[Image.Image, Image.Image]:
    """The part of the scene that both show, cut from each, at half the size."""
    zoom, x, y = move
    middle = 0.5 + np.array([x, y, x, y])
    now = np.clip(middle + zoom * np.array([-0.5, -0.5, 0.5, 0.5]), 0, 1)
    was = np.clip((now - middle) / zoom + 0.5, 0, 1)
    size = (SIDE // 2, SIDE // 2)
    return before.resize(size, BILINEAR, tuple(SIDE * was)), after.resize(size, BILINEAR, tuple(SIDE * now))


def _grey(picture: Image.Image) -> Floats:
    return np.asarray(picture.convert("L"), np.float32) / 255


def _structure(before: Floats, after: Floats) -> float:
    """How well edges still point where they did; the stronger one was, the more it counts."""
    (down, across), (now_down, now_across) = np.gradient(before), np.gradient(after)
    was, now = np.hypot(across, down), np.hypot(now_across, now_down)
    edges = np.where(was > FAINT, was, 0)
    alike = (across * now_across + down * now_down) / np.maximum(was * now, FAINT**2)
    return float(np.clip((edges * alike).sum() / edges.sum(), 0, 1)) if edges.any() else 1.0


def _sharpness(grey: Floats) -> float:
    """Gradient energy for the contrast: dusk or fog leaves it, blur lowers and noise raises it."""
    energy = sum(float((np.diff(grey, axis=axis) ** 2).sum()) for axis in (0, 1)) / grey.size
    return (energy + FLAT) / (float(grey.var()) + EVENLY)


def _steepness(before: Image.Image, after: Image.Image, move: Move) -> float:
    """How steep, beside what a blur leaves of them, those edges are that are strong in both pictures.

    Soft ones lose little by it. What is in one picture alone, as rain is, does not count, nor that fog fades it all.
    """
    _, x, y = move
    moved = (-round(y * before.height), -round(x * before.width))
    was, soft = (_gradients(_grey(each)) for each in (before, before.filter(SOFTEN)))
    now, soft_now = (np.roll(_gradients(_grey(each)), moved, (0, 1)) for each in (after, after.filter(SOFTEN)))
    strong = soft * soft_now
    edges = strong >= np.quantile(strong, 1 - EDGES)
    steep, steep_now = (
        ((sharp[edges] ** 2).mean() + FLAT) / ((softened[edges] ** 2).mean() + FLAT)
        for sharp, softened in ((was, soft), (now, soft_now))
    )
    return float(np.sqrt(steep_now / steep))


def _gradients(grey: Floats) -> Floats:
    down, across = np.gradient(grey) if min(grey.shape) > 1 else (np.zeros_like(grey),) * 2
    strength: Floats = np.hypot(across, down)
    return strength


def _noise(grey: Floats) -> float:
    """The deviation of the noise, in levels: what differs within squares of two by two where most of them are even."""
    height, width = (side // 2 * 2 for side in grey.shape)
    grey = grey[:height, :width]
    cross = (grey[::2, ::2] - grey[1::2, ::2] - grey[::2, 1::2] + grey[1::2, 1::2]) / 2
    return 255 * float(np.median(np.abs(cross))) / MEDIAN if cross.size else 0.0


def _cells(picture: Image.Image) -> Floats:
    return _lab(np.asarray(picture.resize((CELLS, CELLS), BOX)))


def _hardly_changed(was: Floats, now: Floats) -> bool:
    contrast = max(float(np.linalg.norm(was.std(axis=0))), FLATTEST)
    apart = _distance(was, now) / contrast
    return bool(np.percentile(apart, SMALL) <= HARDLY and np.sort(apart)[-3] <= NOWHERE)


def _lab(rgb: NDArray[np.uint8]) -> Floats:
    """sRGB as CIE Lab under D65: one row of L, a, b for each pixel."""
    part = rgb.reshape(-1, 3) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    xyz = linear @ XYZ.T / XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def _distance(one: Floats, other: Floats) -> Floats:
    """Delta E (CIE 1976), row by row."""
    distance: Floats = np.linalg.norm(one - other, axis=1)
    return distance


def _pair(picture: Image.Image) -> tuple[int, int]:
    """How many rows at the top and at the bottom are bars."""
    rows = np.asarray(picture.resize((ACROSS, picture.height), BOX), np.int16)
    (top, sure), (bottom, as_sure) = _bar(rows), _bar(rows[::-1])
    if abs(top - bottom) <= UNEVEN * len(rows) and min(sure, as_sure) >= PAIRED:
        return top, bottom
    return top if sure >= ALONE else 0, bottom if as_sure >= ALONE else 0


def _bar(rows: NDArray[np.int16]) -> tuple[int, float]:
    """How many of the first rows are alike and dark or light, and how much of the scene begins with an edge behind."""
    colour = np.median(rows[0], axis=0)
    away = np.abs(rows - colour).max(axis=2)
    depth = int((away.max(axis=1) > EVEN).argmax())
    plain = colour.max() <= DARK or colour.min() >= LIGHT
    if not (plain and LEAST <= depth / len(rows) <= MOST):
        return 0, 0.0
    behind = away[depth + int(SOFT * len(rows))] > EDGE
    return depth, float(behind.sum() / (away.max(axis=0) > EVEN).sum())

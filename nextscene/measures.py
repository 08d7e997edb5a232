"""What a picture is like, in figures with names: not how beautiful it is, but how near it comes to other pictures.

    closeness = Closeness(pictures_of_a_folder)
    closeness.of(picture)         # how many of their spreads it is from their mean, in the mean of all measures

Pictures in, numbers out; it knows no models.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Colours = NDArray[np.float64]  # (height, width, 3), from 0 to 1

LUMA = np.array((0.2126, 0.7152, 0.0722))
TEAL_ORANGE = np.array((1.0, 0.05, -0.9))  # from teal to orange, without what makes it lighter
SIDE = 128  # pixels of the longer side at which all are measured
LEAST_SPREAD = 0.02  # of a measure, where all pictures agree
SOFT = 1.5  # pixels over which shapes are smoothed before they are compared
AROUND = (12, 9)  # places of a picture, each with a light of its own
FAINT = 2.0  # levels of 255: steps that are less than this count for little


def _luma(frame: Colours) -> NDArray[np.float64]:
    return np.asarray(frame @ LUMA)


def _chroma(frame: Colours) -> Colours:
    return frame - _luma(frame)[:, :, None]


def contrast(frame: Colours) -> float:
    """How far the lightest twentieth is from the darkest."""
    low, high = np.percentile(_luma(frame), (5, 95))
    return float(high - low)


def teal_and_orange(frame: Colours) -> float:
    """How much of all colour lies on the line from teal to orange."""
    chroma = _chroma(frame).reshape(-1, 3)
    axis = TEAL_ORANGE - TEAL_ORANGE.mean()
    along = chroma @ (axis / np.linalg.norm(axis))
    return float(np.sum(along**2) / max(float(np.sum(chroma**2)), 1e-6))


def bloom(frame: Colours) -> float:
    """How light it is around what is lightest."""
    luma = _luma(frame)
    light = Image.fromarray(((luma > np.percentile(luma, 95)) * 255).astype(np.uint8))
    near = np.asarray(light.filter(ImageFilter.BoxBlur(SIDE // 16)), float) / 255
    return float(np.average(luma, weights=near + 1e-6) - luma.mean())


def vignette(frame: Colours) -> float:
    """How much darker the corners are than the middle."""
    luma = _luma(frame)
    y, x = np.meshgrid(np.linspace(-1, 1, luma.shape[0]), np.linspace(-1, 1, luma.shape[1]), indexing="ij")
    far = np.hypot(x, y)
    return float(luma[far < 0.5].mean() - luma[far > 1.1].mean())


def saturation(frame: Colours) -> float:
    return float((frame.max(axis=2) - frame.min(axis=2)).mean())


def darkness(frame: Colours) -> float:
    """The share that is dark."""
    return float((_luma(frame) < 0.2).mean())


def warmth(frame: Colours) -> float:
    """How much more red than blue there is."""
    return float((frame[:, :, 0] - frame[:, :, 2]).mean())


MEASURES: Mapping[str, Callable[[Colours], float]] = {
    each.__name__.replace("_", " "): each
    for each in (contrast, teal_and_orange, bloom, vignette, saturation, darkness, warmth)
}


def measure(picture: Image.Image) -> dict[str, float]:
    """Every measure of a picture, by its name."""
    frame = _colours(picture)
    return {name: of(frame) for name, of in MEASURES.items()}


class Closeness:
    """How near a picture comes to some pictures."""

    def __init__(self, pictures: Iterable[Image.Image]) -> None:
        figures = [measure(each) for each in pictures]
        self._means = {name: float(np.mean([each[name] for each in figures])) for name in MEASURES}
        self._spreads = {name: max(float(np.std([each[name] for each in figures])), LEAST_SPREAD) for name in MEASURES}

    def of(self, picture: Image.Image) -> float:
        """In the mean of all measures, how many of the pictures' own spreads it is away; they are about 0.8."""
        return float(np.mean([abs(each) for each in self.by_measure(picture).values()]))

    def by_measure(self, picture: Image.Image) -> dict[str, float]:
        found = measure(picture)
        return {name: (found[name] - self._means[name]) / self._spreads[name] for name in MEASURES}


def structure(one: Image.Image, other: Image.Image) -> float:
    """How alike the shapes of two pictures are, whatever their colours and light: 1 the same, 0 nothing."""
    first, second = (_edges(each) for each in (one, other.resize(one.size, Image.Resampling.LANCZOS)))
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.sum(first * second)) / length if length else 1.0


def decibels(one: Image.Image, other: Image.Image) -> float:
    """How near two pictures of one size are; 99 where nothing differs."""
    square = np.square(np.asarray(one, float) - np.asarray(other, float)).mean() / 255**2
    return min(float(-10 * np.log10(max(square, 1e-10))), 99.0)


def _edges(picture: Image.Image) -> NDArray[np.float64]:
    """How steep it is at each place, beside how steep it is around there: a grade changes neither much."""
    soft = picture.convert("L").filter(ImageFilter.GaussianBlur(SOFT))
    down, across = np.gradient(np.asarray(soft, float))
    steep = np.hypot(down, across)
    coarse = Image.fromarray(steep.astype(np.float32)).resize(AROUND, Image.Resampling.BOX)
    around = np.asarray(coarse.resize(picture.size, Image.Resampling.BICUBIC), float).clip(min=0)
    level = steep / (around + FAINT)
    return np.asarray(level - level.mean())


def _colours(picture: Image.Image) -> Colours:
    small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, np.float64) / 255

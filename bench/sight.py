"""What a chain's pictures show, and how far they are from what they should show. It knows no models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from nextscene.shooting import drift
from storybook.oracle import shown
from storybook.world import State, draw


@dataclass(frozen=True)
class Sight:
    """One scene: what its picture should show, what it shows, and numbers of the picture itself.

    decibels, structure, colour_shift, sharpness: beside the drawn truth (see `nextscene.drift`).
    zoom: from the picture before; 1 is none.
    """

    truth: State
    shown: State
    decibels: float
    structure: float
    colour_shift: float
    sharpness: float
    zoom: float
    bars: bool


def look(pictures: Sequence[Image.Image], truths: Sequence[State]) -> list[Sight]:
    """A chain's pictures, scene by scene."""
    before = [pictures[0], *pictures]
    sights: list[Sight] = []
    for picture, last, truth in zip(pictures, before, truths, strict=False):
        right = draw(truth, *picture.size)
        beside = drift.compare(right, picture)
        likely = {truth, sights[-1].shown} if sights else {truth}
        sights.append(
            Sight(
                truth=truth,
                shown=shown(picture, likely),
                decibels=_decibels(right, picture),
                structure=beside.structure,
                colour_shift=beside.colour_shift,
                sharpness=beside.sharpness,
                zoom=drift.compare(last, picture).zoom,
                bars=bool(drift.bars(picture)),
            )
        )
    return sights


def _decibels(right: Image.Image, picture: Image.Image) -> float:
    apart = np.asarray(right, float) - np.asarray(picture, float)
    return float(-10 * np.log10(max(np.square(apart / 255).mean(), 1e-6)))

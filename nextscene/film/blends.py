"""Two pictures in one: what is to be seen at any point of the way from the one to the other, from 0 to 1.

Light is what a screen gives off; values are what a picture's file holds. Pictures are mixed as light, as if by two
projectors on one screen: mixed as values, colours turn muddy half way.
"""

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]  # height, width, colours
Light = NDArray[np.float32]

BLACK = 0.1  # share of the fade that is fully black

_LIGHT = np.power(np.arange(256, dtype=np.float32) / 255, 2.2)
_VALUES = np.rint(np.power(np.arange(65536) / 65535, 1 / 2.2) * 255).astype(np.uint8)


def to_light(frame: Frame) -> Light:
    light: Light = _LIGHT[frame]
    return light


def to_values(light: Light) -> Frame:
    values: Frame = _VALUES[(light * 65535 + 0.5).astype(np.uint16)]
    return values


def crossfade(one: Frame, other: Frame, progress: float) -> Frame:
    progress = ease(progress)
    return to_values(to_light(one) * (1 - progress) + to_light(other) * progress)


def fade(one: Frame, other: Frame, progress: float) -> Frame:
    """Into black, and out of it. As light it would stay long and end abruptly."""
    level = max(abs(2 * progress - 1) - BLACK, 0) / (1 - BLACK)
    return ((one if progress < 0.5 else other) * np.float32(level) + 0.5).astype(np.uint8)


def ease(progress: float) -> float:
    """From rest to rest."""
    return progress * progress * (3 - 2 * progress)

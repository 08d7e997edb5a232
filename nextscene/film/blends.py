"""Two pictures in one: how far along from the one to the other, 0 to 1, and what is then seen.

Light is what a screen gives off; values are what a picture's file holds. Pictures are mixed as light, as if by two
projectors on one screen: mixed as values, colours turn muddy half way.
"""

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]  # height, width, colours
Light = NDArray[np.float32]

BLACK = 0.1  # of a fade, for how long nothing is seen

_LIGHT = np.power(np.arange(256, dtype=np.float32) / 255, 2.2)
_VALUES = np.rint(np.power(np.arange(65536) / 65535, 1 / 2.2) * 255).astype(np.uint8)


def light(frame: Frame) -> Light:
    found: Light = _LIGHT[frame]
    return found


def values(light: Light) -> Frame:
    found: Frame = _VALUES[(light * 65535 + 0.5).astype(np.uint16)]
    return found


def crossfade(one: Frame, other: Frame, along: float) -> Frame:
    along = eased(along)
    return values(light(one) * (1 - along) + light(other) * along)


def fade(one: Frame, other: Frame, along: float) -> Frame:
    """Into black, and out of it. As light it would stay long and end abruptly."""
    level = max(abs(2 * along - 1) - BLACK, 0) / (1 - BLACK)
    return ((one if along < 0.5 else other) * np.float32(level) + 0.5).astype(np.uint8)


def eased(along: float) -> float:
    """From rest to rest."""
    return along * along * (3 - 2 * along)

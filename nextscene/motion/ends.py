"""The ends of a clip: both pictures brought to its size alike, and its frames brought back to them.

A decoder changes colours a little, and an engine brightness: where one clip ends and the next begins, that is seen as a
jump. So the first frame is the picture itself, and what follows is led to and from it.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nextscene.clip import Frame, Frames
from nextscene.pictures import fit

RAMP = 8  # frames over which brightness is led from the picture's to the engine's own, and back
Colour = NDArray[np.float32]
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def fit_ends(
    first: Image.Image, last: Image.Image | None, width: int, height: int
) -> tuple[Image.Image, Image.Image | None]:
    """Both pictures at the clip's size, scaled and cropped alike, never stretched."""
    one = fit(first.convert("RGB"), width, height)
    if last is None:
        return one, None
    if last.size != first.size:  # a picture of another shape would be cropped otherwise
        last = fit(last, *first.size)
    return one, fit(last.convert("RGB"), width, height)


def level(frames: Frames, first: Image.Image, last: Image.Image | None, whole: bool = False) -> list[Frame]:
    """The frames, with the picture itself first, and as bright as the pictures at both ends.

    whole: whether the decoder shifts all colours alike: every frame is brought back by what the first one is off.
    """
    begin = np.asarray(first)
    shift = _means(begin) - _means(frames[0]) if whole else np.zeros(3, np.float32)
    levelled = [begin.copy()]
    gain_in = _luminance(begin) / max(_luminance(_shifted(frames[0], shift)), 1)
    gain_out = _luminance(np.asarray(last)) / max(_luminance(_shifted(frames[-1], shift)), 1) if last else 1.0
    ramp = min(RAMP, len(frames) // 2)
    for at, frame in enumerate(frames[1:], 1):
        near, far = max(1 - at / ramp, 0), max(1 - (len(frames) - 1 - at) / ramp, 0) if last else 0
        gain = 1 + (gain_in - 1) * near + (gain_out - 1) * far
        levelled.append(_shifted(frame, shift, gain))
    return levelled


def _shifted(frame: Frame, shift: Colour, gain: float = 1.0) -> Frame:
    if gain == 1 and not shift.any():
        return frame
    shifted: Frame = np.clip(np.rint((frame + shift) * gain), 0, 255).astype(np.uint8)
    return shifted


def _means(frame: Frame) -> Colour:
    means: Colour = frame.reshape(-1, 3).mean(0, dtype=np.float64).astype(np.float32)
    return means


def _luminance(frame: Frame) -> float:
    return float(_means(frame) @ LUMA)

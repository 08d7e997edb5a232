"""A restyled frame carried to another one, along the motion of the film itself.

    carried = carry(here, there, styled_there)
    carried.picture, carried.seen       # what it shows here, and where that is known to be the same thing

What is seen in only one of the two frames, or has changed between them, is not seen in what is carried.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nextscene.film import Frame, motion

Share = NDArray[np.float32]  # height, width, 1
Colours = NDArray[np.float32]  # height, width, colours, from 0 to 255

BACK_AND_FORTH = 1.0  # pixels of the small pictures: by so much the way there and back may miss where it began
UNLIKE = 0.06  # of evened brightness: what differs by twice that is something else
HARDLY = np.float32(1e-3)  # of a share: what counts where nothing is seen
EDGE = 5  # pixels around what is not seen, which are not believed either


@dataclass(frozen=True)
class Carried:
    """A picture, and how much of each place of it is known."""

    picture: Colours
    seen: Share


@torch.inference_mode()
def carry(here: Frame, there: Frame, styled_there: Frame) -> Carried:
    """A frame that was restyled, as it is seen from another one of the same shot."""
    away, back = motion.find_motions(here, there)
    small = away.shape[2:]
    light = [motion.evened(motion.resized(motion.tensor(each), small)) for each in (here, there)]
    unlike = motion.around((light[0] - motion.moved(light[1], away)).abs(), EDGE)
    seen = _returns(away, back) * (2 - unlike / UNLIKE).clamp(0, 1)
    seen = motion.around(-torch.nn.functional.max_pool2d(-seen, EDGE, 1, EDGE // 2), EDGE)
    picture = motion.tensor(styled_there)
    carried = motion.moved(picture, motion.large(away, picture)).clamp(0, 1) * 255
    return Carried(_array(carried), _array(motion.large(seen, picture).clamp(0, 1)))


def blend(carried: Sequence[Carried], shares: Sequence[float]) -> Carried:
    """Several that show the same frame, each for its share, and hardly where it is not seen."""
    weights = [(each.seen + HARDLY) * share for each, share in zip(carried, shares, strict=True)]
    mixed = np.sum([each.picture * weight for each, weight in zip(carried, weights, strict=True)], axis=0)
    seen = np.maximum.reduce([each.seen for each in carried])
    return Carried(mixed / np.sum(weights, axis=0), seen)


def over(first: Carried, second: Carried) -> Carried:
    """The first where it is seen, elsewhere the second."""
    picture = first.picture * first.seen + second.picture * (1 - first.seen)
    return Carried(picture, np.maximum(first.seen, second.seen))


def filled(carried: Carried, frame: Frame) -> Frame:
    """What is not seen, out of a frame."""
    mixed = carried.picture * carried.seen + frame.astype(np.float32) * (1 - carried.seen)
    whole: Frame = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return whole


@torch.inference_mode()
def warp_errors(before: Frame, after: Frame, *films: tuple[Frame, Frame]) -> list[float]:
    """How far each film's frame is from the one before carried along the motion of the source, on what both see.

    before, after: the source's frames. films: of each, the same two frames. In shares of the whole range.
    """
    if np.array_equal(before, after):
        return [float(np.abs(now / np.float32(255) - was / np.float32(255)).mean()) for was, now in films]
    away, back = motion.find_near_motions(after, before)
    small = away.shape[2:]
    seen = _returns(away, back)
    errors = []
    for one, other in films:
        was, now = (motion.resized(motion.tensor(each), small) for each in (one, other))
        apart = (now - motion.moved(was, away).clamp(0, 1)).abs().mean(1, keepdim=True)
        errors.append(float((apart * seen).sum() / seen.sum().clamp(min=1)))
    return errors


def _returns(away: Tensor, back: Tensor) -> Tensor:
    """Where the way there and back ends where it began, and stays within the picture."""
    height, width = away.shape[2:]
    half_sides = torch.tensor([width / 2, height / 2]).view(1, 2, 1, 1)
    missed = ((away + motion.moved(back, away)) * half_sides).norm(dim=1, keepdim=True)
    inside = (motion.places(away) + away).abs().amax(1, keepdim=True) < 1
    seen: Tensor = (2 - missed / BACK_AND_FORTH).clamp(0, 1) * inside
    return seen


def _array(picture: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy())

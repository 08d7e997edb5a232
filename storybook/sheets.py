"""Sheets of pictures to look at: the world, what the autoencoder keeps, what the model makes."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from storybook.autoencoder import LATENTS, Flat
from storybook.measure import MakeScenes, _decibels, _edges, picture
from storybook.training import DEVICE
from storybook.words import camera, caption, instruction
from storybook.world import HEIGHT, LANDMARKS, LIGHTS, PLACES, WEATHERS, WIDTH, State, draw, random_state


def sheet(rows: Sequence[Sequence[Image.Image]], path: Path) -> None:
    width, height = rows[0][0].size
    whole = Image.new("RGB", (width * max(len(row) for row in rows), height * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, each in enumerate(row):
            whole.paste(each, (x * width, y * height))
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.save(path)


def world(path: Path) -> None:
    """Each row: a scene, the camera to either side, closer, back, up and down, and the place in other moods."""
    chance, rows = random.Random(1), []
    for number, place in enumerate(PLACES * 2):
        first = random_state(chance).but(
            place=place, light=LIGHTS[number % 4], weather=WEATHERS[number // 2 % 4],
            landmark=LANDMARKS[number % 4],
        )  # fmt: skip
        views: tuple[dict[str, int], ...] = (
            {},
            {"pan": 2},
            {"pan": -1},
            {"zoom": 1},
            {"zoom": -1},
            {"tilt": 1},
            {"tilt": -1},
        )
        states = [first.but(**view) for view in views] + [random_state(chance).but(place=place)]
        rows.append([draw(state, 192, 144) for state in states])
    sheet(rows, path)


@torch.no_grad()
def reconstructions(flat: Flat, path: Path, count: int = 48) -> dict[str, float]:
    """Drawn pictures of worlds that training never saw, and below each what the autoencoder gives back."""
    chance = random.Random(2)
    drawn = torch.stack([picture(random_state(chance, held_out=True)) for _ in range(count)])
    kept = flat.decode(flat.encode(drawn.to(DEVICE) * 2 - 1)[:, :LATENTS]).float().cpu().clamp(-1, 1) / 2 + 0.5
    rows = [pictures(each[part : part + 6]) for part in (0, 6) for each in (drawn, kept)]
    sheet(rows, path)
    return {"dB": float(_decibels(kept, drawn).median()), "sharpness": float(_edges(kept) / _edges(drawn))}


def samples(make: MakeScenes, folder: Path, name: str, step: int) -> None:
    """From words: made above drawn. Then edits and the camera's words: what was seen, made, and the truth."""
    chance = random.Random(3)
    states = [random_state(chance, held_out=True) for _ in range(8)]
    rows = []
    if name == "base":
        made = make([caption(state, chance, held_out=True) for state in states], [])
        rows += [pictures(made), _drawn(states)]
        after = [
            states[0].but(light="night"), states[1].but(weather="snow"), states[2].but(colour="red"),
            states[3].but(landmark="balloon"), states[4].but(pan=2), states[5].but(pan=-1),
            states[6].but(zoom=1), states[7].but(tilt=1),
        ]  # fmt: skip
        words = [instruction(one, other, chance) for one, other in zip(states, after, strict=True)]
        rows += [_drawn(states), pictures(make(words, states)), _drawn(after)]
    changes = (("pan", 2), ("pan", -2), ("tilt", 1), ("tilt", -1), ("zoom", 1), ("zoom", -1), ("pan", 1), ("pan", -1))
    after = [state.but(**{axis: by}) for state, (axis, by) in zip(states, changes, strict=True)]
    words = [camera(one, other, chance) for one, other in zip(states, after, strict=True)]
    rows += [_drawn(states), pictures(make(words, states)), _drawn(after)]
    sheet(rows, folder / f"{name}-{step:05d}.png")


def hurried(makers: Sequence[MakeScenes], path: Path) -> None:
    """Held-out worlds: what was seen (nothing, for the first three), a row for each way to make it, and the truth."""
    chance = random.Random(5)
    states = [random_state(chance, held_out=True) for _ in range(9)]
    openings, before = states[:3], states[3:]
    after = [
        before[0].but(light="night"), before[1].but(weather="snow"), before[2].but(landmark="balloon"),
        before[3].but(pan=2), before[4].but(zoom=1), before[5].but(tilt=1),
    ]  # fmt: skip
    said = [caption(state, chance, held_out=True) for state in openings]
    words = [instruction(one, other, chance, held_out=True) for one, other in zip(before[:3], after[:3], strict=True)]
    words += [camera(one, other, chance, held_out=True) for one, other in zip(before[3:], after[3:], strict=True)]
    blank = [Image.new("RGB", (WIDTH, HEIGHT), "white")] * len(openings)
    rows = [pictures(make(said)) + pictures(make(words, before)) for make in makers]
    sheet([blank + _drawn(before), *rows, _drawn([*openings, *after])], path)


def pictures(made: Tensor) -> list[Image.Image]:
    return [Image.fromarray((each * 255).round().byte().permute(1, 2, 0).numpy()) for each in made]


def _drawn(states: Sequence[State]) -> list[Image.Image]:
    return [Image.fromarray(np.asarray(draw(state))) for state in states]

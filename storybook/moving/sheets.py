"""Strips of frames to look at: the world in motion, and what the model makes of it."""

import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from storybook.moving.clips import Clip, camera_clip, draw_frame, joining_clip, world_clip
from storybook.moving.measure import MakeClips
from storybook.moving.words import said
from storybook.sheets import pictures, sheet
from storybook.world import State

SHOWN = (0, 2, 4, 6, 8, 10, 12, 14, 16)


def world(path: Path) -> None:
    """Each row a clip: a pan in the rain, snow and sails, a balloon, a boat, night and a move, fog; then lessons."""
    forest, city, sea, mountains = (State(place=place) for place in ("forest", "city", "sea", "mountains"))
    balloon, mill = State(place="desert", landmark="balloon"), city.but(weather="snow", landmark="windmill")
    chance = random.Random(5)
    clips = [
        Clip(forest.but(weather="rain"), forest.but(weather="rain", pan=2)), Clip(mill, mill),
        Clip(balloon, balloon, rises=True), Clip(sea.but(landmark="tower"), sea.but(landmark="tower"), boat=True),
        Clip(mountains, mountains.but(light="night", zoom=1)), Clip(mountains, mountains.but(weather="fog", tilt=1)),
        camera_clip(chance), world_clip(chance), joining_clip(chance),
    ]  # fmt: skip
    sheet([_drawn(clip) for clip in clips], path)


def samples(make: MakeClips, path: Path) -> None:
    """Held-out worlds and wordings, each made above drawn: moves, what happens, and ways to a given last picture."""
    chance = random.Random(7)
    alone = [camera_clip(chance, held_out=True) for _ in range(5)]
    alone += [world_clip(chance, held_out=True) for _ in range(3)]
    joined = [joining_clip(chance, held_out=True) for _ in range(2)]
    rows: list[Sequence[Image.Image]] = []
    for clips, has_last in ((alone, False), (joined, True)):
        made = make([said(clip, chance, held_out=True) for clip in clips], clips, has_last=has_last)
        for clip, frames in zip(clips, made, strict=True):
            rows += [pictures(frames[list(SHOWN)]), _drawn(clip)]
    sheet(rows, path)


def _drawn(clip: Clip) -> list[Image.Image]:
    return [draw_frame(clip, number) for number in SHOWN]

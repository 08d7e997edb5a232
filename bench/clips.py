"""How well clips follow what was asked, frame by frame: every engine that can work here, beside what needs no model.

The stills are of the drawn world, where every frame of the truth is known. Where the camera moves: the still held, the
film's own camera move on it, the engines. Where two scenes are joined: a cross-fade, the morph, the engines. And how
much memory a run of four clips takes, and one of 64. Writes a page with its tables, and every value.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bench import figures, fresh, work
from nextscene import NextSceneError
from nextscene.clip import Frames
from nextscene.film import find_between, find_crop, find_morph
from nextscene.hub import CLIP_MODELS, HOSTED, find_engines
from nextscene.motion import choose_clips
from nextscene.production import Production
from nextscene.request import Request
from nextscene.settings import FilmSettings, StorySettings
from nextscene.story import from_data, plan
from storybook.moving.clips import FRAMES, MOVES, RATE, Clip, frames, moved
from storybook.moving.measure import KEYS, decibels, draw_all, way_of
from storybook.moving.words import said
from storybook.world import HEIGHT, WIDTH, random_state

FILM_MOVES = {("pan", 1): "pan_right", ("pan", -1): "pan_left", ("tilt", 1): "tilt_up", ("tilt", -1): "tilt_down",
              ("zoom", 1): "push_in", ("zoom", -1): "pull_out"}  # fmt: skip
SEED = 2509
LOOKED_AT = (3, 8, 13)  # frames that are held against what lies halfway between their neighbours
PARTS = ("moves", "joins", "memory")
LENGTHS = (4, 64)  # clips of the runs whose memory is measured
Way = Callable[[Clip], np.ndarray]  # a clip's frames from its first and, at a join, its last
Values = Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench clips")
    parser.add_argument("--count", type=int, default=24, help="clips of each kind")
    parser.add_argument("--engines", nargs="*", default=["storybook"], help="their names; what they need is fetched")
    parser.add_argument("--parts", nargs="*", default=PARTS, choices=PARTS, help="what is measured (default: all)")
    parser.add_argument("--out", type=Path, default=Path("outputs/bench"))
    options = parser.parse_args()
    page, values = measure(options.count, options.engines, options.parts)
    figures.write_whole(options.out / "clips.md", page.encode())
    figures.write_whole(options.out / "clips.json", json.dumps(values, indent=1).encode())
    print(page)


def measure(count: int, engines: Sequence[str], parts: Sequence[str]) -> tuple[str, Mapping[str, Mapping[str, Values]]]:
    chance = random.Random("bench")
    stills = [random_state(chance, held_out=True) for _ in range(count)]
    moves = [Clip(still, still.but(**{axis: by})) for still, (axis, by) in zip(stills, MOVES * count, strict=False)]
    joins = [Clip(still, moved(still, chance)) for still in stills]
    values: dict[str, dict[str, Values]] = {part: {} for part in parts}
    if "moves" in parts:
        values["moves"] |= {name: compare(way, moves, named=True) for name, way in ALONE.items()}
        for name in engines:
            with engine(name, moves) as way:
                values["moves"][name] = compare(way, moves, named=True)
    if "joins" in parts:
        values["joins"] |= {name: compare(way, joins, named=False) for name, way in JOINED.items()}
        for name in engines:
            if CLIP_MODELS[name].facts.joins:
                with engine(name, joins, join=True) as way:
                    values["joins"][name] = compare(way, joins, named=False)
    if "memory" in parts:
        values["memory"] = {f"a run of {clips} clips": {"peak, MB": peak_of(clips) / 1e6} for clips in LENGTHS}
    return render(values, count, [*not_here(engines)]), values


def not_here(engines: Sequence[str]) -> Iterator[str]:
    """What is said of each engine that was not measured."""
    for name in CLIP_MODELS:
        if name in engines or name == HOSTED:
            continue
        try:
            find_engines([name])
            yield f"{name}: not asked for (--engines)."
        except NextSceneError as error:
            yield str(error)


def compare(way: Way, clips: list[Clip], named: bool) -> Values:
    """One way to make clips, beside the drawn truth."""
    started = time.process_time()
    films = [way(clip) for clip in clips]
    seconds = (time.process_time() - started) / len(clips)
    made = torch.stack([torch.from_numpy(film).permute(0, 3, 1, 2) / 255 for film in films])
    drawn = draw_all(clips)
    light, truth = (each[:, -1].mean((1, 2, 3)) * 255 for each in (made, drawn))
    found = {"dB to the truth": decibels(made[:, 1:], drawn[:, 1:])}
    found |= {f"dB at frame {at}": decibels(made[:, at : at + 1], drawn[:, at : at + 1]) for at in KEYS}
    if named:
        went = torch.tensor([way_of(each, clip) for each, clip in zip(made, clips, strict=True)])
        found["goes the named way"] = float((went[:, -1] > 0.25).float().mean())
        found["off, of the way"] = float((went - torch.tensor(KEYS) / (FRAMES - 1)).abs().mean())
    return found | {
        "flicker after warping, of 255": float(np.median([flicker(film) for film in films])),
        "step of luminance at the end, of 255": float((light - truth).abs().median()),
        "CPU-seconds a clip": seconds,
    }


def flicker(film: np.ndarray) -> float:
    """How far frames are from halfway between their neighbours, by their motion or, where none is seen, mixed."""
    off = []
    for at in LOOKED_AT:
        before, after = film[at - 1], film[at + 1]
        way = find_between(before, after)
        between = way(0.5) if way else (before.astype(int) + after) / 2
        off.append(float(np.abs(film[at] - between.astype(float)).mean()))
    return float(np.mean(off))


def hold(clip: Clip) -> np.ndarray:
    return np.repeat(frames(clip, range(1)), FRAMES, axis=0)


def move_still(clip: Clip) -> np.ndarray:
    """As the film moves over a still: it sees a part of it, so it begins closer."""
    still = Image.fromarray(frames(clip, range(1))[0])
    axis, by = next((axis, by) for axis, by in clip.step.items() if by)
    move = FILM_MOVES[axis, 1 if by > 0 else -1]
    crops = [find_crop(move, still.size, FRAMES / RATE, at / (FRAMES - 1)) for at in range(FRAMES)]  # type: ignore[arg-type]
    return np.stack([np.asarray(still.resize(still.size, Image.Resampling.LANCZOS, crop)) for crop in crops])


def cross_fade(clip: Clip) -> np.ndarray:
    first, last = (Image.fromarray(each) for each in _ends(clip))
    return np.stack([np.asarray(Image.blend(first, last, at / (FRAMES - 1))) for at in range(FRAMES)])


def morph(clip: Clip) -> np.ndarray:
    """Where the two have too little in common for one, the film cross-fades."""
    way = find_morph(*_ends(clip))
    return np.stack([way(at / (FRAMES - 1)) for at in range(FRAMES)]) if way else cross_fade(clip)


def _ends(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    first, last = frames(clip, range(0, FRAMES, FRAMES - 1))
    return first, last


@contextmanager
def engine(name: str, clips: Sequence[Clip], join: bool = False) -> Iterator[Way]:
    """What an engine makes of these clips, told in words that training never saw."""
    scenes = [{"prompt": said(clip, random.Random(repr(clip)), held_out=True)} for clip in clips]
    story = from_data({"clips": "each", "clip_engine": name, "scenes": scenes}).complete(StorySettings(), SEED, None)
    engines, plans = choose_clips(story, plan(story, StorySettings(), SEED, (WIDTH, HEIGHT)))
    with engines.open(plans[0].engine, plans) as opened:

        def make(clip: Clip) -> np.ndarray:
            first, last = (Image.fromarray(each) for each in _ends(clip))
            asked = replace(plans[clips.index(clip)], last="the next scene" if join else None)
            return as_drawn(opened.make(asked, first, last if join else None).frames)

        yield make


def as_drawn(made: Frames) -> np.ndarray:
    """As many frames as the truth has, in its size."""
    picked = [made[round(at / (FRAMES - 1) * (len(made) - 1))] for at in range(FRAMES)]
    return np.stack([np.asarray(Image.fromarray(each).resize((WIDTH, HEIGHT))) for each in picked])


def peak_of(clips: int) -> int:
    """The most memory of a fresh process that draws so many scenes, moves each, and cuts the film."""
    command = [sys.executable, "-c", f"from bench.clips import run_of; print(run_of({clips}))"]
    done = subprocess.run(
        command, cwd=fresh.ROOT, env={**os.environ, **fresh.TRIMMED}, stdout=subprocess.PIPE, check=True
    )
    return int(done.stdout)


def run_of(clips: int) -> int:
    """Makes a run as quickly as it can be made; the most memory that this took, in bytes."""
    story = from_data({"clips": "each", "clip": {"steps": 1}, "scenes": work.a_story(clips)})
    settings = StorySettings(steps=2, seed=SEED, width=64, height=64)
    studio, weights = work.load()
    with tempfile.TemporaryDirectory() as name:
        request = Request(
            story=story,
            folder=Path(name),
            settings=settings,
            film_settings=FilmSettings(video_fps=RATE),
            film=Path(name, "film.mp4"),
        )
        deque(Production(request, weights).run(lambda: studio), maxlen=0)
    return fresh.peak_memory()


def render(values: Mapping[str, Mapping[str, Values]], count: int, missing: Sequence[str] = ()) -> str:
    """A table for each kind, with a column for each way."""
    parts = [f"# Clips, frame by frame\n\n{count} clips of each kind, of worlds that no training saw.\n"]
    for kind, ways in values.items():
        rows = [
            f"| {each} | {' | '.join(f'{found[each]:.2f}' for found in ways.values())} |"
            for each in next(iter(ways.values()))
        ]
        parts.append("\n".join([f"| {kind} | {' | '.join(ways)} |", "|---" * (len(ways) + 1) + "|", *rows]) + "\n")
    if missing:
        parts.append("Not measured here:\n\n" + "\n".join(f"- {each}" for each in missing) + "\n")
    return "\n".join([*parts, figures.about(f"{WIDTH}x{HEIGHT}, {FRAMES} frames"), ""])


ALONE: Mapping[str, Way] = {"the still, held": hold, "the film's camera move on it": move_still}
JOINED: Mapping[str, Way] = {"a cross-fade": cross_fade, "the morph": morph}


if __name__ == "__main__":
    main()

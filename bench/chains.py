"""Chains of scenes, drawn and looked at by several processes; what is finished is not done again.

Stories by their numbers and ways to draw them go in, what is to be seen in each scene comes out. In a work folder each
chain leaves its pictures, side by side, and what they show; both are named after all that made them: the weights, the
words, the way.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from multiprocessing.pool import Pool
from pathlib import Path

import torch
from PIL import Image

from bench import figures, sight, work
from bench.sight import Sight
from bench.stories import SCENES, Told, tell
from bench.ways import STEPS, Way, chain, opening, planned
from nextscene import hub, pictures
from nextscene.model import SEEING, Model
from storybook import oracle
from storybook.world import HEIGHT, WIDTH, State

SIZE = (WIDTH, HEIGHT)
Tell = Callable[[int, int], Told]  # a number and how many scenes, to a story


@dataclass(frozen=True)
class Options:
    """How much is measured, by how many processes, and where the chains and the report go."""

    stories: int
    scenes: int
    processes: int
    work: Path
    out: Path


def options(question: str, stories: int) -> Options:
    """What the user of `script/bench QUESTION` wants."""
    parser = argparse.ArgumentParser(prog=f"script/bench {question}")
    parser.add_argument("--stories", type=int, default=stories)
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--work", type=Path, default=Path("outputs/bench/chains"))
    parser.add_argument("--out", type=Path, default=Path("outputs/bench"))
    given = Options(**vars(parser.parse_args()))
    if min(given.stories, given.scenes) < 2:
        parser.error("give at least 2 stories and 2 scenes: fewer cannot be compared")
    return given


@dataclass(frozen=True)
class Task:
    """One chain: a story, a way, and its files in the work folder, by their common stem."""

    told: Told
    way: Way
    stem: Path

    @property
    def sights(self) -> Path:
        return self.stem.with_suffix(".json")

    @property
    def pictures(self) -> Path:
        return self.stem.with_suffix(".png")


def looked_at(ways: Sequence[Way], options: Options, tell: Tell = tell) -> dict[str, list[list[Sight]]]:
    """What each way's chains show, story by story and scene by scene; draws those that are not in the folder yet."""
    tasks = [task_of(number, way, options, tell) for number in range(1, options.stories + 1) for way in ways]
    if missing := [task for task in tasks if not task.sights.is_file()]:
        _do(missing, options.processes)
    return {way.name: [_read(task.sights) for task in tasks if task.way == way] for way in ways}


def strip(number: int, way: Way, options: Options) -> Image.Image:
    """The pictures of a chain that was drawn, side by side."""
    return pictures.read(task_of(number, way, options).pictures)


def drawn(number: int, way: Way, options: Options, tell: Tell = tell) -> list[Image.Image]:
    """The pictures of a chain that was drawn, one by one."""
    return _apart(pictures.read(task_of(number, way, options, tell).pictures))


def side_by_side(drawn: Sequence[Image.Image]) -> Image.Image:
    whole = Image.new("RGB", (WIDTH * len(drawn), HEIGHT))
    for at, picture in enumerate(drawn):
        whole.paste(picture, (WIDTH * at, 0))
    return whole


def task_of(number: int, way: Way, options: Options, tell: Tell = tell) -> Task:
    told = tell(number, options.scenes)
    made_by = repr((_weights(), planned(told, way, SIZE), way))
    digest = hashlib.sha256(made_by.encode()).hexdigest()[:8]
    name = re.sub(r"\W+", "-", way.name)
    return Task(told, way, options.work / f"{told.number:02d}-{name}-{digest}")


def about() -> str:
    """When, on what and with what was measured."""
    return figures.about(f"{hub.choose().name} (weights {_weights()[:8]}), {WIDTH}x{HEIGHT}, {STEPS} steps")


def _weights() -> str:
    """What tells the model from any other: a hash of all its weights that a chain is drawn with."""
    return _digest(hub.choose().folder)


@cache
def _digest(folder: Path) -> str:
    files = [file for file in sorted(folder.rglob("*.safetensors")) if file.name not in (hub.OWN_FAST_LORA, SEEING)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _do(tasks: Sequence[Task], processes: int) -> None:
    """Draws and looks at chains, several at once, and says how long the rest will take."""
    started = time.monotonic()
    with ExitStack() as stack:
        draw = map if processes == 1 else stack.enter_context(_pool(processes)).imap_unordered
        for done, task in enumerate(draw(_draw_and_look, tasks), 1):
            gone = (time.monotonic() - started) / 60
            left = gone / done * (len(tasks) - done)
            rest = f"{done} of {len(tasks)}, {gone:.1f} min gone, about {left:.1f} min left"
            print(
                f"Story {task.told.number}, {task.way.name}: drawn and looked at ({rest}).", file=sys.stderr, flush=True
            )


def _pool(processes: int) -> Pool:
    return multiprocessing.get_context("spawn").Pool(processes, torch.set_num_threads, (1,))


@cache
def _model() -> Model:
    return work.load()[0].model


@lru_cache(maxsize=1)
def _opening(told: Told) -> Image.Image:
    return opening(_model(), told, SIZE)


def _draw_and_look(task: Task) -> Task:
    if (parent := multiprocessing.parent_process()) and not parent.is_alive():
        sys.exit()  # killed: its other tasks are the next run's
    told = task.told
    if not task.pictures.is_file():
        drawn = chain(_model(), told, task.way, _opening(told))
        pictures.write(side_by_side(drawn), task.pictures, {"words": told.words, "way": task.way.name})
    drawn = _apart(pictures.read(task.pictures))
    told = told.in_layout(oracle.layout(drawn[0], told.truth[0]))
    sights = [asdict(each) for each in sight.look(drawn, told.truth)]
    figures.write_whole(task.sights, json.dumps(sights).encode())
    return task


def _read(path: Path) -> list[Sight]:
    return [
        Sight(**{**each, "truth": State(**each["truth"]), "shown": State(**each["shown"])})
        for each in json.loads(path.read_text())
    ]


def _apart(whole: Image.Image) -> list[Image.Image]:
    return [whole.crop((left, 0, left + WIDTH, HEIGHT)) for left in range(0, whole.width, WIDTH)]

"""How fast scenes are drawn: ours beside the stock pipeline, and both beside what the machine can do at most.

Writes a page and every value, anew after each part, so that a run that is cut off keeps what it measured.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from unittest.mock import patch

import psutil
import torch

from bench import figures, fresh, full_size, speed_page, stopwatch, work
from bench.speed_page import ALLOCATED, LOOKING, RESERVED, RESIDENT, Capped, Drawn, Figures, page
from bench.stage import Stage, Way, stock_twin
from nextscene import NextSceneError
from nextscene.model import PLANS, Plan, warm_up
from nextscene.settings import MIN_SIDE, Look
from nextscene.story import FAST_STEPS, Size

FEW = 2  # steps, where their number does not matter
PART = 10  # steps, where a part of a scene is enough
SOME = 4  # guided steps under a memory cap

STOCK = Way(speed_page.STOCK, rounds=2, stock=True)
OURS = Way(speed_page.OURS, rounds=3)
FAST = Way(speed_page.FAST, {"go_fast": True, "steps": FAST_STEPS}, rounds=5)
CACHED = Way("ours, first_block_cache 0.1", {"first_block_cache": 0.1})
MORE = [Way(name, {"steps": PART}, many, rounds=2) for many, name in enumerate(LOOKING, 1)]
# Drawn in turn, group by group: what changes the model's own layers is not mixed with what does not.
GROUPS = (
    (
        STOCK,
        OURS,
        Way("ours, guidance_until 0.5", {"guidance_until": 0.5}),
        Way("ours, strength 0.6, as a chain goes on", {"strength": 0.6}),
    ),
    (FAST, Way("ours, go_fast, 8 steps", {"go_fast": True, "steps": 8}, rounds=5)),
    MORE,
    (CACHED,),
)
CAPS = ((10, "stream"), (16, "stream"), (24, "4bit"), (48, "fp8"))  # GB, and the plan for a card with as much


@dataclass(frozen=True)
class Effort:
    """How much is measured: so many scenes each way (None: as its way says), steps at most, fresh processes."""

    rounds: int | None
    steps: int
    processes: int
    ceiling: tuple[int, int]  # the side of a matrix, and how often
    until: float = float("inf")  # seconds from the start after which no way is drawn another time, and no more begun
    last: float = float("inf")  # and after which no memory cap is tried any more


QUICK = Effort(rounds=1, steps=FEW, processes=0, ceiling=(256, 1))
ON_CPU = Effort(rounds=5, steps=Look().steps, processes=3, ceiling=(2048, 1))
FULL_SIZE = Effort(rounds=None, steps=Look().steps, processes=0, ceiling=(8192, 50), until=380, last=540)


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench speed")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full-size", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("outputs/bench"))
    options = parser.parse_args()
    if options.full_size and not torch.cuda.is_available():
        sys.exit("error: --full-size needs a GPU, and none is here: leave it out, and the built-in model is measured.")
    effort = QUICK if options.quick else FULL_SIZE if options.full_size else ON_CPU
    with tempfile.TemporaryDirectory() as folder:
        try:
            for found in measure_full_size(effort, Path(folder)) if options.full_size else measure(effort):
                figures.write_whole(options.out / "speed.md", page(found).encode())
                figures.write_whole(options.out / "speed.json", json.dumps(asdict(found), indent=1).encode())
        except NextSceneError as error:
            sys.exit(f"error: {error}")
    print(page(found))
    if any(cap.failed for cap in found.caps):
        sys.exit("error: not every memory cap was kept: see the page.")


def measure(effort: Effort) -> Iterator[Figures]:
    """The model that the user would get."""
    studio, weights = work.load()
    size = (MIN_SIDE, MIN_SIDE) if effort is QUICK else weights.card.size
    stage = Stage(studio.model, size, weights.fast_lora, stock_twin(studio.model.pipe))
    found = begun(studio.model.name, stage.model.plan, size, effort)
    found.notes = warm_up(studio.model, size, lasting=True)
    yield from drawn(found, stage, effort)
    if effort.processes and not torch.cuda.is_available():
        for way in (STOCK, OURS, MORE[-1], FAST):
            say(f"The memory of a fresh process: {way.name}")
            with patch.dict(os.environ, fresh.TRIMMED):
                found.ways[way.name].memory = {RESIDENT: stopwatch.alone(resident, way, size)}
        yield found
    starts = []
    for _ in range(effort.processes):
        say("A cold start in a fresh process")
        starts.append(fresh.measure(1, effort.steps))
    if starts:
        found.setup = {what: [each[name] for each in starts] for name, what in fresh.SECONDS.items()}
        found.setup["From process start to the first scene"] = [each["ready"] + each["first_scene"] for each in starts]
        yield found


def measure_full_size(
    effort: Effort, folder: Path, scale: full_size.Scale = full_size.FULL, size: Size = full_size.SIZE
) -> Iterator[Figures]:
    """The full model with random weights, on a GPU: all on it in bf16, and then under caps of its memory."""
    found = begun(full_size.NAME, PLANS["bf16"], size, effort)
    done = parts_of_setup(found)
    done("Python started, libraries imported")
    loras = full_size.write_loras(folder, scale)
    done("random LoRAs written, which only this does")
    model = full_size.load(loras[0], PLANS["bf16"], scale, on_part=done)
    stage = Stage(model, size, lambda _: loras[1], stock_twin(model.pipe))
    found.notes = warm_up(model, size, lasting=True)
    done("warmed up")
    yield from drawn(found, stage, effort)
    del model, stage
    for gigabytes, fitting in CAPS:
        stopwatch.tidy()
        say(f"A card of {gigabytes} GB: plan {fitting}")
        try:
            if gone() > effort.last:
                raise NextSceneError("there was no time left for it")
            found.caps.append(stopwatch.alone(under_cap, gigabytes, fitting, loras, scale, size))
        except Exception as error:  # noqa: BLE001 - whatever it was: it is told, and the others are still measured
            found.caps.append(Capped(gigabytes, fitting, failed=f"{type(error).__name__}: {error}"))
        yield found


def parts_of_setup(found: Figures) -> Callable[[str], None]:
    """What keeps how long each part took: called with its name as soon as it is done, from process start on."""
    last = 0.0

    def done(part: str) -> None:
        nonlocal last
        stopwatch.finish()
        since, last = last, gone()
        found.setup[part] = [last - since]
        say(f"{part} ({last:.0f} s gone)")

    return done


def drawn(found: Figures, stage: Stage, effort: Effort) -> Iterator[Figures]:
    """Scenes drawn in all ways, group by group."""
    left = Left(stage, effort)
    for group in GROUPS:
        if gone() > effort.until:
            break
        for way in group:
            first, _ = stage.scene(way, FEW)  # it also warms up
            found.ways[way.name] = Drawn(stage.shot(way, effort.steps).look.steps, first)
        for turn in range(max(effort.rounds or way.rounds for way in group)):
            for way in group:
                if turn < (effort.rounds or way.rounds) and (turn == 0 or gone() < effort.until):
                    seconds, watch = stage.scene(way, effort.steps)
                    found.ways[way.name].add(seconds, watch, stage.operations if way != CACHED else None)
                    left.say(way, f"{way.name}: {seconds:.2f} s")
        if torch.cuda.is_available():
            for way in group:
                stopwatch.tidy()
                stage.scene(way, FEW)
                peaks = {ALLOCATED: torch.cuda.max_memory_allocated(), RESERVED: torch.cuda.max_memory_reserved()}
                found.ways[way.name].memory = peaks
        yield found


class Left:
    """Says how long the scenes that are still to be drawn will take, by the transformer's calls."""

    def __init__(self, stage: Stage, effort: Effort) -> None:
        self._calls = {way: stage.calls(way, effort.steps) for way in chain.from_iterable(GROUPS)}
        self._all = sum(calls * (effort.rounds or way.rounds) for way, calls in self._calls.items())
        self._done, self._started = 0, time.monotonic()

    def say(self, way: Way, line: str) -> None:
        self._done += self._calls[way]
        left = (time.monotonic() - self._started) / self._done * (self._all - self._done)
        say(f"{line} ({gone():.0f} s gone, about {left:.0f} s left for all scenes)")


def under_cap(gigabytes: int, name: str, loras: Sequence[Path], scale: full_size.Scale, size: Size) -> Capped:
    """In a process of its own: what the full model's scenes take with no more of the GPU's memory than this."""
    torch.cuda.set_per_process_memory_fraction(gigabytes * 1e9 / torch.cuda.mem_get_info()[1])
    return under_plan(gigabytes, name, loras, scale, size)


def under_plan(gigabytes: int, name: str, loras: Sequence[Path], scale: full_size.Scale, size: Size) -> Capped:
    started = time.perf_counter()
    model = full_size.load(loras[0], PLANS[name], scale)
    warm_up(model, size, lasting=False)
    stage = Stage(model, size, lambda _: loras[1])
    stopwatch.finish()
    loaded = time.perf_counter() - started
    seconds = {}
    for what, way, steps in ((f"{SOME} guided steps", OURS, SOME), (f"go_fast, {FAST_STEPS} steps", FAST, FAST_STEPS)):
        stage.scene(way, FEW)  # warms up
        seconds[what], _ = stage.scene(way, steps)
    peaks = {}
    if torch.cuda.is_available():
        peaks = {ALLOCATED: torch.cuda.max_memory_allocated(), RESERVED: torch.cuda.max_memory_reserved()}
    return Capped(gigabytes, name, loaded, seconds, peaks)


def resident(way: Way, size: Size) -> int:
    """In a process of its own: the most memory that it holds until a scene is drawn."""
    studio, weights = work.load()
    twin = stock_twin(studio.model.pipe) if way.stock else None
    Stage(studio.model, size, weights.fast_lora, twin).scene(way, FEW)
    return fresh.peak_memory()


def begun(model: str, kept: Plan, size: Size, effort: Effort) -> Figures:
    """Figures of what is to be measured, and of what is known already."""
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    threads = f", {torch.get_num_threads()} thread(s)" * (not card)
    about = figures.about(f"{model}, {size[0]}x{size[1]}, plan {kept.name}{threads}")
    counted = {} if effort is QUICK else full_size.counted()
    return Figures(about, model, card, effort is QUICK, stopwatch.ceiling(*effort.ceiling), counted)


def gone() -> float:
    """Seconds since this process started."""
    return time.time() - float(psutil.Process().create_time())


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""What our chain costs over the bare pipeline calls that it makes, and what stands around it: HTTP, setup, memory.

Everything is compared within one run, one way and the other in turn, because machines differ and are busy.
"""

import argparse
import sys
import tempfile
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import door, fresh, work
from bench.figures import Report, difference, in_turn, percent_over, timed
from nextscene import NextSceneError
from nextscene.hub import Weights
from nextscene.settings import Look
from nextscene.shooting import Studio
from nextscene.story import Size

FEW = 2  # steps, where their number does not matter


@dataclass(frozen=True)
class Effort:
    """How much is measured: a story of so many scenes and steps, so many times each way."""

    scenes: int
    steps: int
    rounds: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench chain")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    effort = Effort(scenes=2, steps=FEW, rounds=2) if options.quick else Effort(4, Look().steps, rounds=8)
    try:
        studio, weights = work.load()
        size = weights.card.size
        report = Report(f"{studio.model.name}, {size[0]}x{size[1]}")
        overhead(report, studio, weights, size, effort)
        if not options.quick:
            http(report, studio, weights, size, effort)
            processes(report, lengths=(4, 16, 64))
    except NextSceneError as error:
        sys.exit(f"error: {error}")
    print(report)
    if options.json:
        report.write(options.json)


def overhead(report: Report, studio: Studio, weights: Weights, size: Size, effort: Effort) -> None:
    """The chain, with and without the film, over its bare pipeline calls: stories told scene by scene, in turn."""
    prompts = work.a_story(effort.scenes)
    seconds: dict[str, list[float]] = {"bare": [], "chain": [], "film": []}
    with tempfile.TemporaryDirectory() as name:
        shots = work.production(weights, prompts, effort.steps, size, Path(name)).shots
        chain = partial(work.chain, studio, weights, prompts, size=size)
        folder = Path(name)
        exhaust(chain(FEW, folder=folder))  # warms up
        for _ in range(effort.rounds):
            stories = {
                "bare": work.bare(studio.model.pipe, shots),
                "chain": chain(effort.steps, folder=folder / "chain"),
                "film": chain(effort.steps, folder=folder / "film", film=folder / "sequence.mp4"),
            }
            each = {way: timed(partial(next, story, None)) for way, story in stories.items()}
            for way, spent in in_turn(effort.scenes + 2, **each).items():  # two more for the film and the end
                seconds[way].append(sum(spent))
    bare, how = seconds["bare"], f"{effort.scenes} scenes of {effort.steps} steps, {effort.rounds} pairs"
    report.add("Bare pipeline calls", bare, "{:.2f} s", how)
    report.add("The whole chain over them, PNG files", percent_over(seconds["chain"], bare), "{:+.1f} %", how)
    report.add("The same and the film", percent_over(seconds["film"], bare), "{:+.1f} %", how)


def http(report: Report, studio: Studio, weights: Weights, size: Size, effort: Effort) -> None:
    """Cog's server against the same work in this process: a request for one scene, and a story's first scene."""
    prompts = work.a_story(effort.scenes)
    one, many = ({"prompts": told, "num_inference_steps": FEW, "seed": work.SEED} for told in (prompts[:1], prompts))
    with tempfile.TemporaryDirectory() as name, door.opened() as server:
        chain = partial(work.chain, studio, weights, steps=FEW, size=size, folder=Path(name))
        door.request(server, many)  # warms up
        whole = in_turn(
            3 * effort.rounds,
            http=lambda: door.request(server, one),
            here=timed(lambda: exhaust(chain(prompts[:1]))),
        )
        first = in_turn(
            effort.rounds,
            http=lambda: door.first_scene(server, many),
            here=timed(lambda: next(chain(prompts))),
        )
    how = f"1 scene of {FEW} steps, {3 * effort.rounds} pairs"
    report.add("A request over HTTP, more than in process", difference(whole["http"], whole["here"]), "{:+.0f} ms", how)
    how = f"{effort.scenes} scenes of {FEW} steps, {effort.rounds} pairs"
    report.add("The first scene over HTTP, streamed", first["http"], "{:.2f} s", how)
    report.add("The first scene in process", first["here"], "{:.2f} s", how)


def processes(report: Report, lengths: Iterable[int]) -> None:
    """Fresh processes, each drawing a story of another length: setup time, and peak memory."""
    figures = {scenes: fresh.measure(scenes, FEW) for scenes in lengths}
    how = f"{len(figures)} fresh processes"
    for name, what in fresh.SECONDS.items():
        report.add(what, [each[name] for each in figures.values()], "{:.2f} s", how)
    peaks = {scenes: each["peak_memory"] / 1e6 for scenes, each in figures.items()}
    for scenes, peak in peaks.items():
        report.add(f"Peak memory, {scenes} scenes", [peak], "{:.0f} MB", f"{FEW} steps, with the film")
    (fewest, low), *_, (most, high) = peaks.items()
    report.add("Growth for each scene more", [(high - low) / (most - fewest)], "{:+.2f} MB", f"from {fewest} to {most}")


exhaust = partial(deque[object], maxlen=0)


if __name__ == "__main__":
    main()

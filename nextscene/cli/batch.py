"""`script/batch`: its flags, and what it shows."""

import argparse
import sys
import time
from collections.abc import Callable

from tqdm import tqdm

from nextscene import NextSceneError
from nextscene.batch import (
    KINDS,
    Address,
    Batch,
    Estimate,
    Folder,
    Job,
    Task,
    Wanted,
    Workers,
    describe_hours,
    open_place,
    production,
    read_jobs,
    workers_on,
)
from nextscene.files import short
from nextscene.hub import choose, count_gpus
from nextscene.progress import say

EXAMPLES = """\
examples:
  script/batch stories/ --output-dir outputs/batch --seed 7
  script/batch stories/*.json --film .mp4 --transition crossfade
  script/batch stories.jsonl --dry-run
  script/batch prompts.csv --steps 30
  script/batch stories.jsonl --on ray:10.0.0.1:6379 --output-dir s3://bucket/stories
  script/batch stories/ --on replicate:me/next-scene

Stories are .json and .txt files, folders of them, lines of a .jsonl (a story on each, `name` names it), or rows of a
.csv (its scenes in the column `prompts`, parted by |; `name`, `seed`, `strength`, ... in columns of their own).
Pictures and music that a story names lie beside it. Each story has its own folder, which script/sequence, script/film
and script/explain know; batch.json says how each one ended. The same command again goes on where it stopped.
"""


def add_flags(command: argparse.ArgumentParser) -> None:
    about = "files of stories, folders of them, a .jsonl or a .csv; here, or at an address: s3://, gs://"
    command.add_argument("stories", nargs="+", metavar="STORIES", help=about)
    about = "folder for a folder of each story, and batch.json, or an address: s3://, gs:// (default: outputs/batch)"
    command.add_argument("--output-dir", default="outputs/batch", metavar="PATH", help=about)
    about = f"who makes the stories: {KINDS} (default: local)"
    command.add_argument("--on", default="local", metavar="WHERE", help=about)
    about = "also make each story's film, of this kind: .mp4, .webm or .gif (default: none)"
    command.add_argument("--film", choices=[".mp4", ".webm", ".gif"], default="", metavar="KIND", help=about)
    about = "how many stories are made at once, each with a model of its own (default: one for each GPU, or one)"
    command.add_argument("--workers", type=int, metavar="NUMBER", help=about)
    about = "how often a story is tried again that failed for no reason of its own (default: 1)"
    command.add_argument("--retries", type=int, default=1, metavar="NUMBER", help=about)
    about = "what an hour of a worker costs, for the dry run"
    command.add_argument("--price", type=float, metavar="NUMBER", help=about)
    about = "also batch.parquet, the manifest as a table with a row for each scene (wants pyarrow)"
    command.add_argument("--parquet", action="store_true", help=about)
    about = "show what would be drawn, how long it takes and what it costs; load no model"
    command.add_argument("--dry-run", action="store_true", help=about)


def make_batch(options: argparse.Namespace, wanted: Wanted) -> None:
    """Makes the stories, and says how each one ended. A story that failed fails the command, when all are done."""
    _refuse_beyond("--workers", options.workers, 1, 64)
    _refuse_beyond("--retries", options.retries, 0, 100)
    if options.price is not None and not 0 <= options.price < 1e9:
        raise NextSceneError(f"--price: give what an hour of a worker costs, not {options.price:g}.")
    jobs = read_jobs(options.stories)
    place = open_place(options.output_dir, "--output-dir")
    if options.dry_run:
        _show(jobs, place, wanted, options.workers or max(count_gpus(), 1), options.price)
        return
    batch = Batch(jobs, place, wanted, options.retries, options.parquet)
    _run(batch, workers_on(options.on, place, wanted, options.workers))
    failed = [outcome.name for outcome in batch.outcomes.values() if outcome.state == "failed"]
    if failed:
        raise NextSceneError(
            f"{len(failed)} of {len(jobs)} stories failed ({', '.join(failed[:5])}{', ...' * (len(failed) > 5)}): "
            f"{place}/batch.json says why, and the same command tries them again."
        )


def _run(batch: Batch, begin: Callable[[], Workers]) -> None:
    """A line for each story; in a terminal, also a bar of all scenes."""
    started, drawn, failed, scenes = time.monotonic(), 0, 0, sum(job.scenes for job in batch.jobs)
    look = "scenes: {l_bar}{bar}| {n_fmt} of {total_fmt}, {postfix}"
    with tqdm(total=scenes, bar_format=look, disable=not sys.stderr.isatty()) as bar:
        for progress in batch.run(begin):
            drawn, failed = progress.drawn, progress.failed
            bar.n = scenes - progress.scenes_left
            bar.set_postfix_str(progress.summary)
            if progress.outcome:
                say(progress)
    took = describe_hours((time.monotonic() - started) / 3600)
    say(f"{len(batch.jobs) - failed} of {len(batch.jobs)} stories made, {drawn} scenes drawn now, in {took}.")


def _refuse_beyond(flag: str, number: int | None, least: int, most: int) -> None:
    if number is not None and not least <= number <= most:
        raise NextSceneError(f"{flag}: give {least} to {most}, not {short(number)}.")


def _show(jobs: list[Job], place: Folder | Address, wanted: Wanted, workers: int, price: float | None) -> None:
    weights, estimate = choose(), Estimate()
    for job in jobs:
        try:
            story = production(Task(job), place.at(job.name), wanted, weights)
        except NextSceneError as error:
            say(f"{job.name}: cannot be made: {error}")
            continue
        todo, shots = estimate.add(story), story.shots
        there = f", {len(shots) - len(todo)} of them drawn already" if len(todo) < len(shots) else ""
        first = shots[0]
        say(f"{job.name}: {len(shots)} scene(s){there}, {first.width}x{first.height}, {first.look.steps} steps")
    say(f"{estimate.stories} of {len(jobs)} stories can be made, {sum(job.scenes for job in jobs)} scenes in all.")
    for line in estimate.describe(workers, price):
        say(line)

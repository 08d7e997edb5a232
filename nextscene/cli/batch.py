"""`script/batch`: its flags, and what it shows."""

import argparse
from pathlib import Path

from nextscene import NextSceneError
from nextscene.batch import Batch, Job, Wanted, production, read_jobs
from nextscene.files import short, typed_path
from nextscene.hub import choose, count_gpus
from nextscene.progress import say

EXAMPLES = """\
examples:
  script/batch stories/ --output-dir outputs/batch --seed 7
  script/batch stories/*.json --film .mp4 --transition crossfade
  script/batch stories.jsonl --dry-run
  script/batch prompts.csv --steps 30

Stories are .json and .txt files, folders of them, lines of a .jsonl (a story on each, `name` names it), or rows of a
.csv (its scenes in the column `prompts`, parted by |; `name`, `seed`, `strength`, ... in columns of their own).
Pictures and music that a story names lie beside it. Each story has its own folder, which script/sequence, script/film
and script/explain know; batch.json says how each one ended. The same command again goes on where it stopped.
"""


def add_flags(command: argparse.ArgumentParser) -> None:
    about = "files of stories, folders of them, a .jsonl or a .csv"
    command.add_argument("stories", nargs="+", type=Path, metavar="STORIES", help=about)
    about = "folder for a folder of each story, and batch.json (default: outputs/batch)"
    command.add_argument("--output-dir", type=Path, default=Path("outputs/batch"), metavar="PATH", help=about)
    about = "also make each story's film, of this kind: .mp4, .webm or .gif (default: none)"
    command.add_argument("--film", choices=[".mp4", ".webm", ".gif"], default="", metavar="KIND", help=about)
    about = "how many stories are made at once, each with a model of its own (default: one for each GPU, or one)"
    command.add_argument("--workers", type=int, metavar="NUMBER", help=about)
    about = "how often a story is tried again that failed for no reason of its own (default: 1)"
    command.add_argument("--retries", type=int, default=1, metavar="NUMBER", help=about)
    command.add_argument("--dry-run", action="store_true", help="show what would be drawn; load no model")


def make_batch(options: argparse.Namespace, wanted: Wanted) -> None:
    """Makes the stories, and says how each one ended. A story that failed fails the command, when all are done."""
    _refuse_beyond("--workers", options.workers, 1, 64)
    _refuse_beyond("--retries", options.retries, 0, 100)
    jobs = read_jobs(typed_path(source, "STORIES") for source in options.stories)
    out = typed_path(options.output_dir, "--output-dir")
    if options.dry_run:
        _show(jobs, out, wanted)
        return
    gpus = count_gpus()
    workers = max(gpus, 1) if options.workers is None else options.workers
    batch = Batch(jobs, out, wanted, workers, gpus, options.retries)
    for progress in batch.run():
        say(progress)
    failed = [outcome.name for outcome in batch.outcomes.values() if outcome.state == "failed"]
    if failed:
        raise NextSceneError(
            f"{len(failed)} of {len(jobs)} stories failed ({', '.join(failed[:5])}{', ...' * (len(failed) > 5)}): "
            f"{out / 'batch.json'} says why, and the same command tries them again."
        )


def _refuse_beyond(flag: str, number: int | None, least: int, most: int) -> None:
    if number is not None and not least <= number <= most:
        raise NextSceneError(f"{flag}: give {least} to {most}, not {short(number)}.")


def _show(jobs: list[Job], out: Path, wanted: Wanted) -> None:
    weights, right = choose(), 0
    for job in jobs:
        try:
            shots = production(job, out, wanted, weights).shots
            right += 1
            say(f"{job.name}: {len(shots)} scene(s), {shots[0].width}x{shots[0].height}, {shots[0].look.steps} steps")
        except NextSceneError as error:
            say(f"{job.name}: cannot be made: {error}")
    say(f"{right} of {len(jobs)} stories can be made, {sum(job.scenes for job in jobs)} scenes in all.")

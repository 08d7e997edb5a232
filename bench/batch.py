"""What a batch costs over its stories made one after the other, and whether it outlives a worker and a node.

The same stories are made in a process that does nothing else, by two workers of this machine, and on a Ray cluster of
two nodes. Of both batches a worker is killed in the middle, of the cluster also a node; then every picture is compared.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.figures import about
from bench.stories import tell
from nextscene import NextSceneError
from nextscene.api import load
from nextscene.batch import Batch, Folder, Task, Wanted, production, read_jobs, workers_on
from nextscene.hub import choose
from nextscene.settings import StorySettings

WANTED = Wanted(StorySettings(steps=2, width=64, height=64, seed=2509))
RAY = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000, "worker_niceness": 0}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench batch")
    parser.add_argument("--stories", type=int, default=200)
    parser.add_argument("--scenes", type=int, default=5)
    parser.add_argument("--work", type=Path, help="keep all that is made here")
    parser.add_argument("--part", choices=["alone", "start", "local", "ray"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.work)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        _write_stories(work / "stories.jsonl", options.stories, options.scenes)
        found = {part: _in_a_process(part, work) for part in PARTS}
        print(_table(work, found, options.stories, options.scenes))


def _write_stories(file: Path, stories: int, scenes: int) -> None:
    told = [tell(number, scenes) for number in range(1, stories + 1)]
    lines = (json.dumps({"name": f"story_{each.number:04d}", "scenes": each.words}) for each in told)
    file.write_text("\n".join(lines))


def _in_a_process(part: str, work: Path) -> dict[str, float]:
    """What a part found, with the CPU time of all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "bench.batch", "--part", part, "--work", str(work)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise NextSceneError(f"The part {part} ended badly: see above.")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found | {"cpu": cpu}


def _alone(work: Path, most: int | None = None) -> dict[str, float]:
    """The stories one after the other, by one model."""
    weights, studio = choose(), load(choose())
    for job in read_jobs([work / "stories.jsonl"])[:most]:
        for _ in production(Task(job), work / ("alone" if most is None else "start") / job.name, WANTED, weights).run(
            lambda: studio
        ):
            pass
    return {}


def _local(work: Path) -> dict[str, float]:
    place = Folder(work / "local")
    return _batch(work, place, "local", 2, {0.5: lambda: _kill(psutil.Process().children())})


def _ray(work: Path) -> dict[str, float]:
    """A head that makes nothing, and two nodes of a core; one is lost for good, and another comes."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, "_system_config": RAY}
    )
    for _ in range(2):
        cluster.add_node(num_cpus=1)

    def lose_a_node() -> None:
        cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
        cluster.add_node(num_cpus=1)

    place = Folder(work / "ray")
    kills = {1 / 3: lambda: _kill(list(_actors())), 2 / 3: lose_a_node}
    try:
        return _batch(work, place, f"ray:{cluster.address}", None, kills)
    finally:
        cluster.shutdown()


def _actors() -> Iterator[psutil.Process]:
    for process in psutil.Process().children(recursive=True):
        if process.name().startswith("ray::_Actor"):
            yield process


def _kill(workers: Sequence[psutil.Process]) -> None:
    """The one that has worked the most: it is a worker for sure."""
    os.kill(max(workers, key=lambda each: sum(each.cpu_times()[:2])).pid, signal.SIGKILL)


def _batch(
    work: Path, place: Folder, on: str, workers: int | None, kills: dict[float, Callable[[], None]]
) -> dict[str, float]:
    """Makes the batch; kills at these shares of its scenes."""
    jobs = read_jobs([work / "stories.jsonl"])
    scenes, due = sum(job.scenes for job in jobs), sorted(kills)
    started, batch, drawn = time.monotonic(), Batch(jobs, place, WANTED, retries=3), 0
    for progress in batch.run(workers_on(on, place, WANTED, workers)):
        drawn = progress.drawn
        if due and progress.outcome is None and drawn >= due[0] * scenes:
            kills[due.pop(0)]()
    failed = sum(outcome.state == "failed" for outcome in batch.outcomes.values())
    return {"drawn": drawn, "failed": failed, "kills": len(kills), "seconds": time.monotonic() - started}


PARTS: dict[str, Callable[[Path], Any]] = {
    "start": lambda work: _alone(work, 1),
    "alone": _alone,
    "local": _local,
    "ray": _ray,
}


@dataclass
class _Compared:
    lost: int = 0
    unlike: int = 0
    twice: int = 0


def _compare(one: Path, other: Path) -> _Compared:
    """A batch's folder with that of the stories made alone."""
    found = _Compared()
    for file in sorted(one.glob("*/scene_*.png")):
        there = other / file.relative_to(one)
        found.lost += not there.exists()
        found.unlike += there.exists() and there.read_bytes() != file.read_bytes()
    for record in other.glob("*/run.json"):
        found.twice += sum(len(scene["takes"]) > 1 for scene in json.loads(record.read_text())["scenes"])
    return found


def _table(work: Path, found: dict[str, dict[str, float]], stories: int, scenes: int) -> str:
    start, alone = found["start"]["cpu"], found["alone"]["cpu"]
    lines = [
        f"| | two workers, one killed | Ray, two nodes; a worker and a node killed |\n|---|---:|---:|\n"
        f"| stories of {scenes} scenes | {stories} | {stories} |"
    ]
    columns = []
    for part in ("local", "ray"):
        told, compared = found[part], _compare(work / "alone", work / part)
        starts = 1 + told["kills"] + (part == "ray")  # beyond the one that a process alone has too
        over = 100 * ((told["cpu"] - starts * start) / alone - 1)
        columns.append(
            {
                "stories failed": f"{told['failed']:.0f}",
                "pictures lost": f"{compared.lost}",
                "pictures unlike those of a run alone": f"{compared.unlike}",
                "scenes with a second take": f"{compared.twice}",
                "scenes drawn again, because they were under way": f"{told['drawn'] - stories * scenes:.0f}",
                "CPU time over the stories alone, without what each worker's start costs": f"{over:+.1f} %",
            }
        )
    lines += [f"| {what} | {columns[0][what]} | {columns[1][what]} |" for what in columns[0]]
    return "\n".join(
        [*lines, "", f"Alone: {alone:.0f} s of CPU, of which {start:.1f} s for the start.", about("64x64, 2 steps")]
    )


if __name__ == "__main__":
    main()

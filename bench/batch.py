"""What a batch costs over its stories made one after the other, and whether it outlives a worker and a node.

The same stories are made by a process that does nothing else, by two workers of this machine, and on a Ray cluster of
two nodes: all three at once, so that what disturbs the machine disturbs all alike, and only CPU time is compared. Of
both batches a worker is killed in the middle, of the cluster also a node; then every picture is compared.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

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
LOOK = 2.0  # seconds between two looks at what the processes have used

Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench batch")
    parser.add_argument("--stories", type=int, default=200)
    parser.add_argument("--scenes", type=int, default=5)
    parser.add_argument("--work", type=Path, help="keep all that is made here")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.work)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        told = [tell(number, options.scenes) for number in range(1, options.stories + 1)]
        lines = [json.dumps({"name": f"story_{each.number:04d}", "scenes": each.words}) for each in told]
        (work / "stories.jsonl").write_text("\n".join(lines))
        print(_table(work, _all_parts(work), options.stories, options.scenes))


def _all_parts(work: Path) -> dict[str, Figures]:
    """What each part found, in a process of its own."""
    command = [sys.executable, "-m", "bench.batch", "--work", str(work), "--part"]
    parts = {part: subprocess.Popen([*command, part], stdout=subprocess.PIPE, text=True) for part in PARTS}
    said = {part: process.communicate()[0] for part, process in parts.items()}
    if failed := [part for part, process in parts.items() if process.returncode]:
        raise NextSceneError(f"{failed[0]} ended badly: see above.")
    return {part: json.loads(text.splitlines()[-1]) for part, text in said.items()}


def _alone(work: Path) -> Figures:
    """The stories one after the other, by one model. start: what it takes to have that model."""
    weights, studio = choose(), load(choose())
    start = time.process_time()
    for job in read_jobs([work / "stories.jsonl"]):
        for _ in production(Task(job), work / "alone" / job.name, WANTED, weights).run(lambda: studio):
            pass
    return {"cpu": time.process_time() - start, "start": start}


def _local(work: Path) -> Figures:
    return _batch(work, "local", "local", 2, {1 / 2: lambda: _kill(psutil.Process().children())})


def _ray(work: Path) -> Figures:
    """A head that makes nothing, and two nodes of a core; one is lost for good, and another comes."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": RAY}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        cluster.add_node(num_cpus=1)

    def lose_a_node() -> None:
        cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
        cluster.add_node(num_cpus=1)

    kills = {1 / 3: lambda: _kill(filter(_is_actor, psutil.Process().children(recursive=True))), 2 / 3: lose_a_node}
    try:
        return _batch(work, "ray", f"ray:{cluster.address}", None, kills)
    finally:
        cluster.shutdown()


def _batch(work: Path, name: str, on: str, workers: int | None, kills: dict[float, Callable[[], None]]) -> Figures:
    """Makes the batch; kills at these shares of its scenes."""
    jobs, place = read_jobs([work / "stories.jsonl"]), Folder(work / name)
    scenes, due, drawn = sum(job.scenes for job in jobs), sorted(kills), 0
    batch = Batch(jobs, place, WANTED, retries=3)
    with _watched() as used:
        for progress in batch.run(workers_on(on, place, WANTED, workers)):
            drawn = progress.drawn
            if due and progress.outcome is None and drawn >= due[0] * scenes:
                kills[due.pop(0)]()
                print(f"{name}: {drawn} of {scenes} scenes drawn, and then one was killed", file=sys.stderr)
    failed = sum(outcome.state == "failed" for outcome in batch.outcomes.values())
    return {"drawn": drawn, "failed": failed, "kills": len(kills), **used}


@contextmanager
def _watched() -> Iterator[Figures]:
    """The CPU time of this process and of its workers, and of all else that it has started (Ray's own processes)."""
    cpu: dict[int, tuple[bool, float]] = {}
    used, done = Figures(), Event()

    def look() -> None:
        for process in psutil.Process().children(recursive=True):
            try:
                known = cpu.get(process.pid, (False, 0.0))[0]  # one that was killed does not say what it was
                is_ours = known or _is_actor(process) or "multiprocessing" in " ".join(process.cmdline())
                cpu[process.pid] = is_ours, sum(process.cpu_times()[:2])
            except psutil.Error:  # it has just ended
                continue

    def watch() -> None:
        while not done.wait(LOOK):
            look()

    thread = Thread(target=watch, daemon=True)
    thread.start()
    yield used
    done.set()
    thread.join()
    used["cpu"] = time.process_time() + sum(seconds for is_ours, seconds in cpu.values() if is_ours)
    used["rays"] = sum(seconds for is_ours, seconds in cpu.values() if not is_ours)


def _is_actor(process: psutil.Process) -> bool:
    return bool(process.name().startswith("ray::_Actor"))


def _kill(workers: Iterable[psutil.Process]) -> None:
    """The one that has worked the most: it is a worker for sure."""
    os.kill(max(workers, key=lambda each: sum(each.cpu_times()[:2])).pid, signal.SIGKILL)


PARTS: dict[str, Callable[[Path], Figures]] = {"alone": _alone, "local": _local, "ray": _ray}


def compare(work: Path, part: str, found: dict[str, Figures], scenes: int) -> dict[str, str]:
    """What is told of a batch, beside the stories made alone."""
    told, alone, folder = found[part], found["alone"], work / part
    pictures = sorted((work / "alone").glob("*/scene_*.png"))
    there = [file for file in pictures if (folder / file.relative_to(work / "alone")).exists()]
    unlike = [file for file in there if (folder / file.relative_to(work / "alone")).read_bytes() != file.read_bytes()]
    records = [json.loads(record.read_text()) for record in folder.glob("*/run.json")]
    twice = sum(len(scene["takes"]) > 1 for record in records for scene in record["scenes"])
    starts = 2 + told["kills"]
    over = (told["cpu"] - starts * alone["start"]) / alone["cpu"] - 1
    return {
        "stories that failed": f"{told['failed']:.0f}",
        "pictures lost": f"{len(pictures) - len(there)}",
        "pictures unlike those of the stories alone": f"{len(unlike)}",
        "scenes with a second take, because a whole one was drawn again": f"{twice}",
        "scenes drawn again that were under way when something was killed": f"{told['drawn'] - scenes:.0f}",
        "CPU time over the stories alone, without the starts": f"{100 * over:+.1f} %",
        "starts of a worker, with its model": f"{starts:.0f}, {alone['start']:.1f} s each",
        "CPU time of Ray's own processes": f"{told['rays']:.0f} s",
    }


def _table(work: Path, found: dict[str, Figures], stories: int, scenes: int) -> str:
    here, ray = (compare(work, part, found, stories * scenes) for part in ("local", "ray"))
    lines = [f"| {stories} stories of {scenes} scenes | Two workers, one killed | Ray, a worker and a node killed |"]
    lines += ["|---|---:|---:|", *(f"| {what} | {here[what]} | {ray[what]} |" for what in here)]
    alone = f"Alone: {found['alone']['cpu']:.0f} s of CPU time."
    return "\n".join([*lines, "", alone, about(f"{choose().name}, 64x64, 2 steps")])


if __name__ == "__main__":
    main()

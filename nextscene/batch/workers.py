"""Who makes the stories: this process, or several that hold a model each.

Workers are given jobs and asked for outcomes. One that dies gives an outcome too, and another takes its place.
"""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nextscene.api import load
from nextscene.batch.jobs import Job, Outcome, Wanted, do
from nextscene.hub import Weights, choose

if TYPE_CHECKING:
    from nextscene.shooting import Studio


class Workers(Protocol):
    """Whoever makes stories."""

    @property
    def free(self) -> bool:
        """Whether another job may be given."""

    def give(self, job: Job) -> None: ...

    def take(self) -> Outcome:
        """Waits until a story is done."""

    def close(self) -> None: ...


@dataclass
class Maker:
    """Makes one story after another, and loads the model when the first of them needs it."""

    out: Path
    wanted: Wanted

    @cached_property
    def weights(self) -> Weights:
        return choose()

    @cached_property
    def studio(self) -> "Studio":
        return load(self.weights)

    def __call__(self, job: Job) -> Outcome:
        return do(job, self.out, self.wanted, self.weights, lambda: self.studio)


class Here:
    """This very process."""

    def __init__(self, make: Callable[[Job], Outcome]) -> None:
        self._make = make
        self._job: Job | None = None

    @property
    def free(self) -> bool:
        return self._job is None

    def give(self, job: Job) -> None:
        self._job = job

    def take(self) -> Outcome:
        assert self._job
        job, self._job = self._job, None
        return self._make(job)

    def close(self) -> None:
        pass


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    settings: dict[str, str]
    job: Job | None = None


class Processes:
    """Processes of this machine, each with settings of its own: which GPU it sees, how many threads it may use."""

    def __init__(self, make: Callable[[Job], Outcome], settings: Sequence[dict[str, str]]) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._make = make
        self._workers = [self._started(each) for each in settings]

    @property
    def free(self) -> bool:
        return any(worker.job is None for worker in self._workers)

    def give(self, job: Job) -> None:
        worker = next(worker for worker in self._workers if worker.job is None)
        worker.job = job
        with suppress(OSError):  # it has died meanwhile, which `take` finds
            worker.connection.send(job)

    def take(self) -> Outcome:
        busy = {worker.connection: worker for worker in self._workers if worker.job}
        worker = busy[wait(list(busy))[0]]  # type: ignore[index]  # only connections were waited for
        job, worker.job = worker.job, None
        assert job
        try:
            outcome: Outcome = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            reason = f"its worker ended with {worker.process.exitcode}"
            self._workers[self._workers.index(worker)] = self._started(worker.settings)
            return Outcome(job.name, "failed", 0, reason, again=True)
        return outcome

    def close(self) -> None:
        for worker in self._workers:
            worker.process.terminate()
            worker.process.join()

    def _started(self, settings: dict[str, str]) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, settings, self._make), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours, settings)


def _work(jobs: Connection, settings: dict[str, str], make: Callable[[Job], Outcome]) -> None:
    os.environ.update(settings)  # before torch is imported, which reads them then
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            jobs.send(make(jobs.recv()))


def settings_of(workers: int, gpus: int) -> list[dict[str, str]]:
    """What each of several workers on this machine is to have for itself."""
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // workers))}
    if not gpus:
        return [threads] * workers
    visible = (os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(gpus)))).split(",")
    return [threads | {"CUDA_VISIBLE_DEVICES": visible[number % len(visible)]} for number in range(workers)]

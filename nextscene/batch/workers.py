"""Who makes the stories: this process, or several that hold a model each.

Workers are given tasks and asked what becomes of them. One that dies gives an outcome too, and another takes its
place.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nextscene.api import load
from nextscene.batch.jobs import Drawn, Outcome, Task, Wanted, do
from nextscene.hub import Weights, choose

if TYPE_CHECKING:
    from nextscene.shooting import Studio


Event = Drawn | Outcome
Make = Callable[[Task], Iterator[Event]]


class Workers(Protocol):
    """Whoever makes stories. size: how many do. divides: whether some can draw a branch for others."""

    size: int
    divides: bool

    @property
    def free(self) -> bool:
        """Whether another job may be given."""

    def give(self, task: Task) -> None: ...

    def take(self) -> Event | None:
        """Waits until a scene is drawn, or a task is done; None: until somebody is free."""

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

    def __call__(self, task: Task) -> Iterator[Event]:
        for event in do(task, self.out / task.job.name, self.wanted, self.weights, lambda: self.studio):
            if not isinstance(event, Path):
                yield event


class Here:
    """This very process."""

    size, divides = 1, False

    def __init__(self, make: Make) -> None:
        self._make = make
        self._events: Iterator[Event] | None = None

    @property
    def free(self) -> bool:
        return self._events is None

    def give(self, task: Task) -> None:
        self._events = self._make(task)

    def take(self) -> Event:
        assert self._events
        event = next(self._events)
        if isinstance(event, Outcome):
            self._events = None
        return event

    def close(self) -> None:
        pass


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    settings: dict[str, str]
    task: Task | None = None


class Processes:
    """Processes of this machine, each with settings of its own: which GPU it sees, how many threads it may use."""

    divides = True

    def __init__(self, make: Make, settings: Sequence[dict[str, str]]) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._make = make
        self._workers = [self._started(each) for each in settings]
        self.size = len(self._workers)

    @property
    def free(self) -> bool:
        return any(worker.task is None for worker in self._workers)

    def give(self, task: Task) -> None:
        worker = next(worker for worker in self._workers if worker.task is None)
        worker.task = task
        with suppress(OSError):  # it has died meanwhile, which `take` finds
            worker.connection.send(task)

    def take(self) -> Event:
        busy = {worker.connection: worker for worker in self._workers if worker.task}
        worker = busy[wait(list(busy))[0]]  # type: ignore[index]  # only connections were waited for
        task = worker.task
        assert task
        try:
            event: Event = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            reason = f"its worker ended with {worker.process.exitcode}"
            self._workers[self._workers.index(worker)] = self._started(worker.settings)
            return Outcome(task.job.name, "failed", 0, reason, again=True, branch=task.branch)
        if isinstance(event, Outcome):
            worker.task = None
        return event

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


def _work(tasks: Connection, settings: dict[str, str], make: Make) -> None:
    os.environ.update(settings)  # before torch is imported, which reads them then
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            for event in make(tasks.recv()):
                tasks.send(event)


def settings_of(workers: int, gpus: int) -> list[dict[str, str]]:
    """What each of several workers on this machine is to have for itself."""
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // workers))}
    if not gpus:
        return [threads] * workers
    visible = (os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(gpus)))).split(",")
    return [threads | {"CUDA_VISIBLE_DEVICES": visible[number % len(visible)]} for number in range(workers)]

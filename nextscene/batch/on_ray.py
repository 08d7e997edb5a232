"""Workers on a Ray cluster: actors that hold a model each, on a GPU each where the cluster has some.

A story's files travel by Ray's object store: what is kept of it to the actor, and back what is new as soon as it is
whole, so that nothing is lost with a worker or with its node. Where the batch is kept at an address, actors write there
themselves.
"""

import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from nextscene import NextSceneError
from nextscene.batch.away import Away, Stored, files_beside
from nextscene.batch.jobs import Outcome, Task, Wanted
from nextscene.batch.place import Address, Changes, Files, Folder
from nextscene.batch.workers import Event

OURS = "NEXT_SCENE_"  # variables that actors have as we have them
ROOT = Path(__file__).resolve().parents[2]  # where our package is, on nodes that have it in the same place
MOST_FAILURES = 5  # in a row, of actors that start, before nothing more is expected


class _Actor:
    """What runs on a node."""

    def __init__(self, place: Address | None, wanted: Wanted) -> None:
        self._make = Stored(place, wanted) if place else None
        self._away = Away(wanted)

    def ready(self) -> None: ...

    def make(self, task: Task, there: Files, beside: Files) -> Iterator[Event | Changes]:
        yield from self._make(task, beside) if self._make else self._away(task, there, beside)


@dataclass
class _Worker:
    """An actor. waits_for: what it was asked last."""

    actor: Any
    waits_for: Any
    ready: bool = False
    task: Task | None = None


class OnRay:
    """The actors of a batch. Which nodes there are, and how many, is Ray's affair."""

    divides = True

    def __init__(self, address: str, place: Folder | Address, wanted: Wanted, workers: int | None = None) -> None:
        self._ray, self._place, self._failures = _ray(), place, 0
        self._connect(address)
        gpus = int(self._ray.cluster_resources().get("GPU", 0))
        nodes = [node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
        self.size = workers or gpus or max(len(nodes), 1)
        wants: dict[str, Any] = {"num_gpus": 1} if gpus else {"num_cpus": 1}
        own = {name: value for name, value in os.environ.items() if name.startswith(OURS)}
        own["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        wants |= {"scheduling_strategy": "SPREAD", "runtime_env": {"env_vars": own}}
        self._kind = self._ray.remote(_Actor).options(**wants)
        self._told = (place if isinstance(place, Address) else None, wanted)
        self._workers = [self._started() for _ in range(self.size)]

    def _connect(self, address: str) -> None:
        self._connected = not self._ray.is_initialized()
        if not self._connected:
            return
        _refuse_silence(address)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            self._ray.init(address=address or None, log_to_driver=False, logging_level="ERROR", include_dashboard=None)
        except (ConnectionError, RuntimeError, ValueError, self._ray.exceptions.RayError) as error:
            raise NextSceneError(f"--on ray: no cluster answers at {address or 'this machine'} ({error}).") from None

    @property
    def free(self) -> bool:
        return any(worker.ready and not worker.task for worker in self._workers)

    def give(self, task: Task) -> None:
        worker = next(worker for worker in self._workers if worker.ready and not worker.task)
        there = self._place.read(task.job.name) if isinstance(self._place, Folder) else {}
        worker.task = task
        worker.waits_for = worker.actor.make.options(num_returns="streaming").remote(
            task, there, files_beside(task.job)
        )

    def take(self) -> Event | None:
        while True:
            waiting = [worker for worker in self._workers if worker.task or not worker.ready]
            done, _ = self._ray.wait([worker.waits_for for worker in waiting], num_returns=1)
            worker = next(worker for worker in waiting if worker.waits_for is done[0])
            try:
                event = self._hear(worker)
            except self._ray.exceptions.RayError as error:
                return self._replace(worker, error)
            if isinstance(event, Changes):
                assert worker.task
                self._place.write(worker.task.job.name, event)
                continue
            if isinstance(event, Outcome):
                worker.task = None
            return event

    def _hear(self, worker: _Worker) -> Event | Changes | None:
        """What a worker says next; None: it is ready."""
        if worker.ready:
            said: Event | Changes = self._ray.get(next(worker.waits_for))
            return said
        self._ray.get(worker.waits_for)
        worker.ready, self._failures = True, 0
        return None

    def _replace(self, worker: _Worker, error: Exception) -> Outcome | None:
        """Another actor in the place of one that is gone, wherever Ray has room for it."""
        reason = str(error).strip().splitlines()[-1]
        self._ray.kill(worker.actor)
        self._workers[self._workers.index(worker)] = self._started()
        if not worker.ready:
            self._failures += 1
            print(f"A worker of the cluster did not start: {reason}", file=sys.stderr)
            if self._failures > MOST_FAILURES:
                raise NextSceneError(f"No worker starts on the cluster ({reason}): is Next Scene on its nodes?")
        if not (task := worker.task):
            return None
        return Outcome(task.job.name, "failed", 0, f"its worker ended ({reason})", again=True, branch=task.branch)

    def _started(self) -> _Worker:
        actor = self._kind.remote(*self._told)
        return _Worker(actor, actor.ready.remote())

    def close(self) -> None:
        for worker in self._workers:
            self._ray.kill(worker.actor)
        if self._connected:
            self._ray.shutdown()


def _refuse_silence(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or "/" in host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise NextSceneError(f"--on ray: no cluster answers at {address} ({error}).") from None


def _ray() -> ModuleType:
    try:
        import ray
    except ImportError:
        raise NextSceneError(
            "--on ray needs the package ray, which is not here: install what requirements-fleet.txt lists."
        ) from None
    return ray  # type: ignore[no-any-return]

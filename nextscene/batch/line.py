"""Whose turn it is: stories in their order, and branches of one when there are fewer stories left than workers."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from nextscene.batch.branches import Branch
from nextscene.batch.jobs import Job, Outcome, Task

Divide = Callable[[Job], tuple[list[Branch], int | None]]  # its branches, and the seed for all of them


@dataclass
class _Divided:
    """A story whose branches are drawn ahead."""

    job: Job
    seed: int | None
    waiting: list[Branch]
    under_way: int = 0
    drawn: set[str] = field(default_factory=set)

    def next(self) -> Task | None:
        """A branch whose needs are there; the story itself, when no branch is left."""
        ready = next((branch for branch in self.waiting if branch.needs <= self.drawn), None)
        if ready:
            self.waiting.remove(ready)
            self.under_way += 1
            return Task(self.job, ready, self.seed)
        return None if self.waiting or self.under_way else Task(self.job, seed=self.seed)


class Line:
    """What is still to be given to workers."""

    def __init__(self, jobs: Iterable[Job], workers: int, divide: Divide, retries: int) -> None:
        self._waiting, self._workers, self._divide, self._retries = deque(jobs), workers, divide, retries
        self._divided: dict[str, _Divided] = {}
        self._given: dict[str, Job] = {}
        self._tries = Counter[str]()

    def __bool__(self) -> bool:
        return bool(self._waiting or self._divided)

    def next(self) -> Task | None:
        """What a free worker is to do; None: what is left waits for others."""
        for name, divided in self._divided.items():
            if task := divided.next():
                if not task.branch:
                    del self._divided[name]
                return task
        if not self._waiting:
            return None
        job = self._waiting.popleft()
        self._given[job.name] = job
        if len(self._waiting) + 1 < self._workers and not self._tries[job.name]:
            found, seed = self._divide(job)
            if found:
                self._divided[job.name] = _Divided(job, seed, [*found])
                return self.next()
        return Task(job)

    def end(self, outcome: Outcome) -> bool:
        """Whether this was a story's end. What of a branch could not be drawn ahead, the story draws itself."""
        if outcome.branch:
            divided = self._divided[outcome.name]
            divided.under_way -= 1
            divided.drawn |= {*outcome.branch.scenes}
            return False
        self._tries[outcome.name] += 1
        if outcome.again and self._tries[outcome.name] <= self._retries:
            self._waiting.append(self._given[outcome.name])
            return False
        del self._given[outcome.name]
        return True

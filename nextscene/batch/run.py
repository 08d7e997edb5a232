"""A batch: jobs given to workers until all are done, each failure tried again where that may help."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from nextscene.batch.jobs import Job, Outcome, Wanted
from nextscene.batch.manifest import Manifest
from nextscene.batch.workers import Here, Maker, Processes, Workers, settings_of

EVERY = 5  # seconds from one manifest to the next


@dataclass(frozen=True)
class Progress:
    """How far a batch is, after a story."""

    outcome: Outcome
    done: int
    failed: int
    of: int
    seconds_left: float

    def __str__(self) -> str:
        outcome, made = self.outcome, len(self.outcome.scenes)
        new = sum(scene.new for scene in outcome.scenes)
        how = f"{made} scene(s), {new} drawn now" if outcome.state == "made" else f"failed: {outcome.reason}"
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{outcome.name}: {how} ({self.done} of {self.of}{failed}, about {_time(self.seconds_left)} left)."


@dataclass
class Batch:
    """Many stories on their way. retries: how often one is tried again that failed for no reason of its own."""

    jobs: Sequence[Job]
    out: Path
    wanted: Wanted
    workers: int = 1
    gpus: int = 0
    retries: int = 1
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def run(self, begin: Callable[[], Workers] | None = None) -> Iterator[Progress]:
        """Makes all stories; yields after each. begin: brings other workers than this machine's."""
        manifest = Manifest(self.out, self.jobs)
        waiting, tries, started = deque(self.jobs), Counter[str](), time.monotonic()
        by_name = {job.name: job for job in self.jobs}
        with closing((begin or self._begin)()) as workers:
            under_way = 0
            while waiting or under_way:
                while waiting and workers.free:
                    workers.give(waiting.popleft())
                    under_way += 1
                outcome = workers.take()
                under_way -= 1
                tries[outcome.name] += 1
                if outcome.again and tries[outcome.name] <= self.retries:
                    waiting.append(by_name[outcome.name])
                    continue
                self.outcomes[outcome.name] = outcome
                manifest.write(self.outcomes, every=EVERY if waiting or under_way else 0)
                yield self._progress(outcome, time.monotonic() - started)

    def _begin(self) -> Workers:
        make = Maker(self.out, self.wanted)
        return Here(make) if self.workers == 1 else Processes(make, settings_of(self.workers, self.gpus))

    def _progress(self, outcome: Outcome, gone: float) -> Progress:
        """The time left goes by the scenes that were drawn now: what was whole before took none."""
        drawn = sum(scene.new for each in self.outcomes.values() for scene in each.scenes)
        left = sum(job.scenes for job in self.jobs if job.name not in self.outcomes)
        failed = sum(each.state == "failed" for each in self.outcomes.values())
        return Progress(
            outcome, len(self.outcomes), failed, len(self.jobs), gone / max(drawn, 1) * left if drawn else 0
        )


def _time(seconds: float) -> str:
    unit, of = next((each for each in ((3600, "h"), (60, "min")) if seconds >= 1.5 * each[0]), (1, "s"))
    return f"{seconds / unit:.0f} {of}"

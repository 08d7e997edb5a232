"""A batch: jobs given to workers until all are done, each failure tried again where that may help."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from nextscene import NextSceneError
from nextscene.batch.branches import Branch, branches
from nextscene.batch.estimate import describe_hours
from nextscene.batch.jobs import Drawn, Job, Outcome, Task, Wanted, production
from nextscene.batch.line import Line
from nextscene.batch.manifest import Manifest
from nextscene.batch.place import Address, Folder
from nextscene.batch.workers import Workers
from nextscene.hub import choose

EVERY = 5  # seconds from one manifest to the next


@dataclass(frozen=True)
class Progress:
    """How far a batch is, after a scene or a story. drawn: scenes, in this run."""

    outcome: Outcome | None
    done: int
    failed: int
    of: int
    drawn: int
    scenes_left: int
    seconds_left: float

    @property
    def summary(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done} of {self.of}{failed}, about {describe_hours(self.seconds_left / 3600)} left"

    def __str__(self) -> str:
        if not (outcome := self.outcome):
            return f"{self.summary}."
        made, new = len(outcome.scenes), sum(scene.new for scene in outcome.scenes)
        how = f"{made} scene(s), {new} drawn now" if outcome.state == "made" else f"failed: {outcome.reason}"
        return f"{outcome.name}: {how} ({self.summary})."


@dataclass
class Batch:
    """Many stories on their way. retries: how often one is tried again that failed for no reason of its own."""

    jobs: Sequence[Job]
    place: Folder | Address
    wanted: Wanted
    retries: int = 1
    parquet: bool = False
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def run(self, begin: Callable[[], Workers]) -> Iterator[Progress]:
        """Makes all stories; yields after each scene and each story. begin: brings the workers."""
        manifest = Manifest(self.place, self.jobs, parquet=self.parquet)
        self._started, self._drawn, self._failed = time.monotonic(), 0, 0
        self._left = sum(job.scenes for job in self.jobs)
        with closing(begin()) as workers:
            line = Line(self.jobs, workers.size if workers.divides else 1, self._divide, self.retries)
            try:
                yield from self._work(line, workers, manifest)
            finally:
                manifest.write(self.outcomes)

    def _work(self, line: Line, workers: Workers, manifest: Manifest) -> Iterator[Progress]:
        under_way = 0
        while line or under_way:
            while workers.free and (task := line.next()):
                workers.give(task)
                under_way += 1
            event = workers.take()
            if isinstance(event, Drawn):
                self._drawn, self._left = self._drawn + 1, self._left - 1
                yield self._progress()
            elif event:
                under_way -= 1
                if line.end(event):
                    self._ended(event)
                    manifest.write(self.outcomes, every=EVERY)
                    yield self._progress(event)

    def _divide(self, job: Job) -> tuple[list[Branch], int | None]:
        """What of a story can be drawn side by side, with the seed that it then has in all its parts."""
        try:
            story = production(Task(job), self.place.at(job.name), self.wanted, choose())
        except NextSceneError:  # which whoever makes it will say
            return [], None
        return branches(story.still_to_draw()), story.seed

    def _ended(self, outcome: Outcome) -> None:
        self.outcomes[outcome.name] = outcome
        self._failed += outcome.state == "failed"
        self._left -= sum(not scene.new for scene in outcome.scenes)  # the others were counted as they were drawn

    def _progress(self, outcome: Outcome | None = None) -> Progress:
        """The time left goes by the scenes that were drawn now: what was whole before took none."""
        pace = (time.monotonic() - self._started) / self._drawn if self._drawn else 0
        left = max(self._left, 0) if len(self.outcomes) < len(self.jobs) else 0
        counts = (len(self.outcomes), self._failed, len(self.jobs), self._drawn, left)
        return Progress(outcome, *counts, pace * left)

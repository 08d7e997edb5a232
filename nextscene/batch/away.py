"""Stories made where the batch's own folder is not: in a scratch folder, from files that are brought and sent back."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from nextscene.batch.jobs import Job, Outcome, Task, Wanted, do, files_named
from nextscene.batch.place import Changes, Files, Mirror, Place
from nextscene.batch.workers import Event, Maker
from nextscene.files import lies_within


class Away:
    """Makes one story after another, each in the same scratch folder, which is gone when this is."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    @cached_property
    def _scratch(self) -> "tempfile.TemporaryDirectory[str]":
        return tempfile.TemporaryDirectory(prefix="next-scene-batch-")

    @cached_property
    def _maker(self) -> Maker:
        return Maker(Path(self._scratch.name), self._wanted)

    def __call__(self, task: Task, there: Files, beside: Files | None = None) -> Iterator[Event | Changes]:
        """there: what is kept of the story. beside: the files that came with it; None: they are on this machine.

        What has changed comes before each event, so what is told is kept already.
        """
        job, folder = task.job, Path(self._scratch.name, "story")
        if beside is not None:
            came = Path(self._scratch.name, "beside")
            Mirror(came, beside)
            task = replace(task, job=replace(job, folder=came))
        mirror = Mirror(folder, there)
        for event in do(task, folder, self._wanted, self._maker.weights, lambda: self._maker.studio):
            if (changes := mirror.changes()) != Changes({}):
                yield changes
            if not isinstance(event, Path):
                yield event


class Stored:
    """Makes stories into storage elsewhere."""

    def __init__(self, place: Place, wanted: Wanted) -> None:
        self._place, self._away = place, Away(wanted)

    def __call__(self, task: Task, beside: Files | None = None) -> Iterator[Event]:
        name = task.job.name
        try:
            for event in self._away(task, self._place.read(name), beside):
                if isinstance(event, Changes):
                    self._place.write(name, event)
                else:
                    yield event
        except Exception as error:  # noqa: BLE001  # storage has errors of its own kinds
            reason = f"{self._place} does not keep it ({type(error).__name__}: {error})"
            yield Outcome(name, "failed", 0, reason, again=True, branch=task.branch)


def files_beside(job: Job) -> Files:
    """The files that a story names, those that are there."""
    files = {name: job.folder / name for name in files_named(job)}
    return {name: file.read_bytes() for name, file in files.items() if lies_within(job.folder, file) and file.is_file()}

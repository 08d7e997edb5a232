"""A job: one story and where it lies; and how a worker does it, or a part of it."""

import contextlib
import time
import traceback
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from nextscene import NextSceneError
from nextscene.batch.branches import Branch
from nextscene.batch.drawn import DrawnAhead, draw_ahead, has_drawn, remove_drawn
from nextscene.files import lies_within
from nextscene.hub import Weights
from nextscene.output import Record, numbered
from nextscene.production import Production
from nextscene.progress import watched
from nextscene.request import Request
from nextscene.settings import FilmSettings, OutputSettings, StorySettings
from nextscene.story import Story

if TYPE_CHECKING:
    from nextscene.shooting import Studio

LOG = "log.txt"


@dataclass(frozen=True)
class Job:
    """A story of a batch.

    name: also its folder's. folder: where its file lies, with its pictures and its music.
    problem: what is wrong with it, if it cannot be read.
    """

    name: str
    folder: Path
    story: Story | None
    problem: str = ""

    @property
    def scenes(self) -> int:
        return len(self.story.filmed) if self.story else 0


@dataclass(frozen=True)
class Wanted:
    """What holds for all stories of a batch. film: how the file of each one's film ends (".mp4"), if one is wanted."""

    settings: StorySettings = StorySettings()
    film_settings: FilmSettings = FilmSettings()
    output: OutputSettings = OutputSettings()
    film: str = ""


@dataclass(frozen=True)
class SceneMade:
    """A scene of a story that was made. new: whether it was drawn now, not by an earlier run."""

    scene: str
    prompt: str
    file: str
    sha256: str
    seed: int
    seconds: float
    noticed: tuple[str, ...]
    new: bool


@dataclass(frozen=True)
class Task:
    """What a worker is given: a story, or only some of its scenes, for others to go on from.

    seed: the story's, where it was chosen for its branches.
    """

    job: Job
    branch: Branch | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Drawn:
    """A scene of a story was drawn."""

    name: str


@dataclass(frozen=True)
class Outcome:
    """How a story ended, or a branch of it. again: whether another try may help."""

    name: str
    state: Literal["made", "failed"]
    seconds: float
    reason: str = ""
    again: bool = False
    scenes: tuple[SceneMade, ...] = ()
    branch: Branch | None = None


def production(task: Task, folder: Path, wanted: Wanted, weights: Weights) -> Production:
    """The story's run in its folder, planned: nothing is drawn yet."""
    job = task.job
    if not job.story:
        raise NextSceneError(job.problem)
    story, settings = job.story, wanted.settings
    request = Request(
        story=story,
        folder=folder,
        settings=settings if task.seed is None else settings.overlaid(StorySettings(seed=task.seed)),
        film_settings=wanted.film_settings,
        output=wanted.output,
        story_folder=job.folder,
        image=beside(job, story.image) if story.image else None,
        references=tuple(beside(job, name) for name in story.cast),
        film=folder / f"film{wanted.film}" if wanted.film else None,
        sheet=folder / "contact_sheet.png",
        keep_takes=True,
        at_home=True,
    )
    return Production(request, weights)


def do(
    task: Task, folder: Path, wanted: Wanted, weights: Weights, load: Callable[[], "Studio"]
) -> Iterator[Drawn | Path | Outcome]:
    """Makes a story, or a branch: gives each scene that is drawn, each file that is whole, at last how it ended.

    What it says goes into its folder's log; one that fails has an outcome like any other.
    """
    started, name, made = time.monotonic(), task.job.name, list[SceneMade]()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOG).open("a", encoding="utf-8") as log:
            yield from _watched(_make(task, folder, wanted, weights, load, made), name, log)
    except Exception as error:  # noqa: BLE001  # whatever befalls one story, the others go on
        ours = isinstance(error, NextSceneError)  # another try would end like this one
        reason = str(error) if ours else f"{type(error).__name__}: {error}"
        yield Outcome(name, "failed", time.monotonic() - started, reason, again=not ours, branch=task.branch)
    else:
        yield Outcome(name, "made", time.monotonic() - started, scenes=tuple(made), branch=task.branch)


def _watched(files: Iterator[Path], name: str, log: TextIO) -> Iterator[Drawn | Path]:
    """The files, after the scenes that were drawn for them; what is said meanwhile is in the log."""
    drawn = 0

    def on_step(_scene: object, done: int, of: int) -> None:
        nonlocal drawn
        drawn += done == of

    while True:
        try:
            with contextlib.redirect_stderr(log), watched(on_step, lambda *_: None):
                file = next(files, None)
        except Exception:
            traceback.print_exc(file=log)
            raise
        yield from [Drawn(name)] * drawn
        if file is None:
            return
        yield file
        drawn = 0


def _make(
    task: Task, folder: Path, wanted: Wanted, weights: Weights, load: Callable[[], "Studio"], made: list[SceneMade]
) -> Iterator[Path]:
    story = production(task, folder, wanted, weights)
    if task.branch:
        yield from draw_ahead(story, task.branch.scenes, load)
        return
    takes = [take for scene in (story.record.run.scenes if story.record.run else ()) for take in scene.takes]
    before = {take.sha256 for take in takes if take.file and (folder / take.file).is_file()}
    yield from story.run((lambda: DrawnAhead(story, load)) if has_drawn(folder) else load)
    remove_drawn(folder)
    made += scenes_of(story.record, story.request.output.output_format, before)


def scenes_of(record: Record, output_format: str, before: Collection[str] = ()) -> Iterator[SceneMade]:
    """The scenes of a record, as a manifest has them. before: the sha256 of those that were there."""
    file = numbered(record.folder, output_format)
    for scene in record.run.scenes if record.run else ():
        if scene.shot.filmed and (take := scene.chosen_take):
            yield SceneMade(
                scene.id,
                take.prompt,
                file(scene.shot).name,
                take.sha256,
                scene.shot.seed,
                take.seconds,
                take.noticed,
                new=take.sha256 not in before,
            )


def files_named(job: Job) -> list[str]:
    """The files that a story names, which lie beside it."""
    story = job.story
    named = [story.image, *story.cast, story.film.music, story.film.lut, story.look] if story else []
    return [name for name in named if name]


def beside(job: Job, name: str) -> Path:
    """A picture that came with the story, in the story's folder."""
    file = job.folder / name
    if not lies_within(job.folder, file):
        raise NextSceneError(f"This story names the picture {name!r}, which is not in its folder: put it there.")
    return file

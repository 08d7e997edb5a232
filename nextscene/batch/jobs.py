"""A job: one story and where it lies; and how a worker does it."""

import contextlib
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nextscene import NextSceneError
from nextscene.files import lies_within
from nextscene.hub import Weights
from nextscene.output import numbered
from nextscene.production import Production
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
class Outcome:
    """How a story ended. again: whether another try may help."""

    name: str
    state: Literal["made", "failed"]
    seconds: float
    reason: str = ""
    again: bool = False
    scenes: tuple[SceneMade, ...] = ()


def production(job: Job, out: Path, wanted: Wanted, weights: Weights) -> Production:
    """The story's run, planned: nothing is drawn yet."""
    if not job.story:
        raise NextSceneError(job.problem)
    folder, story = out / job.name, job.story
    request = Request(
        story=story,
        folder=folder,
        settings=wanted.settings,
        film_settings=wanted.film_settings,
        output=wanted.output,
        story_folder=job.folder,
        image=_beside(job, story.image) if story.image else None,
        references=tuple(_beside(job, name) for name in story.cast),
        film=folder / f"film{wanted.film}" if wanted.film else None,
        sheet=folder / "contact_sheet.png",
        keep_takes=True,
        at_home=True,
    )
    return Production(request, weights)


def do(job: Job, out: Path, wanted: Wanted, weights: Weights, load: Callable[[], "Studio"]) -> Outcome:
    """Makes a story. What it says goes into its folder's log; a story that fails is an outcome like any other."""
    started, folder = time.monotonic(), out / job.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOG).open("a", encoding="utf-8") as log, contextlib.redirect_stderr(log):
            try:
                scenes = _make(production(job, out, wanted, weights), load)
            except Exception:
                traceback.print_exc()
                raise
    except Exception as error:  # noqa: BLE001  # whatever befalls one story, the others go on
        ours = isinstance(error, NextSceneError)  # another try would end like this one
        reason = str(error) if ours else f"{type(error).__name__}: {error}"
        return Outcome(job.name, "failed", time.monotonic() - started, reason, again=not ours)
    return Outcome(job.name, "made", time.monotonic() - started, scenes=scenes)


def _make(story: Production, load: Callable[[], "Studio"]) -> tuple[SceneMade, ...]:
    before = {take.sha256 for scene in (story.record.run.scenes if story.record.run else ()) for take in scene.takes}
    for _ in story.run(load):
        pass
    run = story.record.run
    assert run
    file = numbered(story.request.folder, story.request.output.output_format)
    return tuple(
        SceneMade(
            scene.id,
            take.prompt,
            file(scene.shot).name,
            take.sha256,
            scene.shot.seed,
            take.seconds,
            take.noticed,
            new=take.sha256 not in before,
        )
        for scene in run.scenes
        if scene.shot.filmed and (take := scene.chosen_take)
    )


def _beside(job: Job, name: str) -> Path:
    """A picture that came with the story, in the story's folder."""
    file = job.folder / name
    if not lies_within(job.folder, file):
        raise NextSceneError(f"This story names the picture {name!r}, which is not in its folder: put it there.")
    return file

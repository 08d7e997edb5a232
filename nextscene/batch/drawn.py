"""Scenes that were drawn for a story ahead of its run, each in a file of its own below parts/ in the story's folder.

A run takes them up, and draws what is not there. Of another plan, with one word changed in it, they are in another
folder, and so never taken for what they are not.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from PIL import Image

from nextscene import pictures
from nextscene.output import file_name
from nextscene.production import Load, Production
from nextscene.progress import OnStep
from nextscene.provenance import Provenance
from nextscene.shooting import Adapters, Artist, Checker
from nextscene.story import Reference, Shot, Story, retaken, scenes_needed_after
from nextscene.take import Pictures, Take

FOLDER = "parts"
SECONDS = "seconds"  # among a picture's facts, how long it took


def draw_ahead(story: Production, scenes: Sequence[str], load: Load) -> Iterator[Path]:
    """Draws some scenes of a story, each into its file."""
    for take in story.draw(scenes, lambda shot: _read(_folder(story), shot), load):
        file = _file(_folder(story), take.shot)
        pictures.write(take.picture, file, take.provenance.to_json() | {SECONDS: take.seconds})
        yield file


def has_drawn(folder: Path) -> bool:
    """Whether any scene was drawn ahead for the story of this folder."""
    return (folder / FOLDER).is_dir()


def remove_drawn(folder: Path) -> None:
    """Removes what is in a run now."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


class DrawnAhead:
    """Takes scenes that were drawn ahead and draws the others; it loads the model when there are any."""

    def __init__(self, story: Production, load: Load) -> None:
        self._story, self._load = story, load

    @cached_property
    def _studio(self) -> Artist:
        studio = self._load()
        studio.use(self._adapters)
        return studio

    def use(self, adapters: Adapters) -> None:
        self._adapters = adapters

    def shoot(
        self,
        shots: Sequence[Shot],
        given: Pictures,
        on_step: OnStep | None = None,
        story: Story | None = None,
        *,
        auto_retake: int = 0,
        self_check: int = 0,
        checker: Checker | None = None,
    ) -> Iterator[Take]:
        folder, drawn = _folder(self._story), dict[Reference, Image.Image]()
        takes: dict[str, int] = {}
        for shot in shots:
            take = _read(folder, shot)
            if not take:
                seen = {each: drawn.get(each) or given[each] for each in shot.references}
                told = story.with_takes(takes) if story else None
                retakes = {"auto_retake": auto_retake, "self_check": self_check}
                (take,) = self._studio.shoot([shot], seen, on_step, told, **retakes, checker=checker)
            yield take
            takes[shot.id], drawn[Reference("scene", shot.id)] = take.shot.take, take.picture
            needed = scenes_needed_after(shots, shot)
            drawn = {reference: kept for reference, kept in drawn.items() if reference.name in needed}

    def put_away(self) -> None:
        if "_studio" in self.__dict__:
            self._studio.put_away()


def _folder(story: Production) -> Path:
    """Where scenes are that were drawn for this very plan."""
    assert story.record.run
    plan = [(scene.id, scene.words, scene.shot.take) for scene in story.record.run.scenes]
    return story.request.folder / FOLDER / hashlib.sha256(json.dumps(plan).encode()).hexdigest()[:16]


def _file(folder: Path, shot: Shot) -> Path:
    return folder / f"{file_name(shot.id)}.png"


def _read(folder: Path, shot: Shot) -> Take | None:
    file = _file(folder, shot)
    if not pictures.made_here(file):
        return None
    facts = pictures.facts(file) or {}
    made = Provenance.from_json(facts, file.name)
    return Take(retaken(shot, made.shot.take), pictures.read(file), float(str(facts[SECONDS])), made)

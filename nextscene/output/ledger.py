"""What the folder of a run holds: its scenes with their takes, and what each stage made of them.

    Ledger(folder).run                          # all that run.json says
    ledger.is_done("film", made_of)             # whether a stage can be skipped
    ledger.finish("film", made_of, files, 2.5)

It chooses nothing and draws nothing: that is what a `Record` does with it.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from nextscene import NextSceneError, pictures
from nextscene.files import lies_within, sha256
from nextscene.film import is_own_clip
from nextscene.output.choosing import fingerprint, is_stale
from nextscene.output.earlier import TAKES
from nextscene.output.entries import RecordedClip, RecordedScene, RecordedTake, Run, Stage
from nextscene.output.runfile import RunFile
from nextscene.provenance import Provenance
from nextscene.shooting import card
from nextscene.story import Reference, Story

FILE = "run.json"

Scene = tuple[Image.Image, Provenance | None, Path | None]  # its picture, what made it, and its file


class Ledger:
    """The record of a folder, as it was read or written last. run: all that it says; None: nothing was begun."""

    def __init__(self, folder: Path, name: str = FILE) -> None:
        self.folder, self.file = folder, folder / name
        self.run: Run | None = None
        self._run_file = RunFile(self.file)

    @property
    def story(self) -> Story | None:
        """The story of the run, complete with the seed and all that the user set."""
        return self.run.story if self.run else None

    @property
    def stale(self) -> list[str]:
        """The scenes that grew from another take than the one that is now chosen."""
        scenes = {scene.id: scene for scene in self._begun.scenes}
        return [name for name, scene in scenes.items() if is_stale(scene, scenes)]

    @property
    def can_be_written(self) -> bool:
        return os.access(self.folder, os.W_OK)

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other processes from this record; refuses if one is at it, or has changed it since it was opened."""
        return self._run_file.locked()

    def takes_of(self, name: str) -> list[int]:
        """The numbers of a scene's takes."""
        scene = self.run.scene(name) if self.run else None
        return sorted(take.number for take in scene.takes) if scene else []

    def given_pictures(self) -> dict[Reference, Image.Image]:
        """The pictures that came with the story of the run."""
        story = self.story
        names = [*(["image"] if story and story.image else []), *(story.cast if story else ())]
        files = self.run.given if self.run else {}
        return {Reference("picture", name): pictures.read(self.folder / files[name]) for name in names if name in files}

    def take_file(self, name: str) -> Path | None:
        """The file of a scene's chosen take, if it is drawn and not withheld."""
        scene = self._begun.scene(name)
        return self._file(scene.chosen_take) if scene and scene.chosen_take else None

    def scenes(self) -> Iterator[Scene]:
        """The chosen take of each scene of the film: its picture, what made it, and its file if it is not withheld."""
        scenes = [(scene, scene.chosen_take) for scene in self._begun.scenes if scene.shot.filmed]
        if waiting := ", ".join(scene.id for scene, take in scenes if not take):
            raise NextSceneError(f"In {self.folder}, {waiting} is still to be drawn: script/sequence goes on with it.")
        return (self._show(scene, take) for scene, take in scenes if take)

    def clip(self, name: str) -> RecordedClip | None:
        """The clip of a scene that is shown: the last one chosen, if it was made from the pictures that are chosen now.

        None: there is none, it is withheld, or its story does not move.
        """
        clip = self.latest_clip(name) if self._begun.story.clips != "none" else None
        return clip if clip and clip.file and clip.stills == self.stills_of(clip.stills) else None

    def clip_file(self, name: str) -> Path | None:
        """The file of that clip, if it is there as it was made."""
        if not (clip := self.clip(name)) or not clip.file:
            return None
        file = self.folder / clip.file
        if file.is_file() and sha256(file) == clip.sha256:
            return file
        print(f"{file} is gone, or was changed since it was made: the scene's picture stands.", file=sys.stderr)
        return None

    @property
    def known_ids(self) -> list[str]:
        """Of all scenes that are in the story, or were."""
        return [scene.id for scene in (*self._begun.scenes, *self._begun.former_scenes)]

    def clips_of(self, name: str) -> tuple[RecordedClip, ...]:
        """All clips of a scene, the chosen one last."""
        scene = self._begun.scene(name)
        return scene.clips if scene else ()

    def latest_clip(self, name: str) -> RecordedClip | None:
        """The clip of a scene that was chosen last."""
        return next(reversed(self.clips_of(name)), None)

    def note_story(self, story: Story) -> None:
        """Notes down what was said of a story since."""
        self._write(replace(self._begun, story=story))

    def keep_clip(self, name: str, clip: RecordedClip) -> None:
        """Notes down a clip whose file is written, as its scene's chosen one."""
        scene = self._begun.scene(name)
        assert scene
        if scene.clips[-1:] != (clip,):
            self._write(self._begun.with_scene(scene.with_clip(clip)))

    def stills_of(self, names: Iterable[str]) -> dict[str, str]:
        """The sha256 of the chosen pictures of these scenes; those that are withheld, or not drawn, are left out."""
        scenes = {name: self._begun.scene(name) for name in names}
        takes = {name: scene.chosen_take for name, scene in scenes.items() if scene}
        return {name: take.sha256 for name, take in takes.items() if take and take.withheld is None}

    def made_of(self, *more: object) -> str:
        """The fingerprint of what is made of the chosen pictures, and of what more there is, as JSON's own types."""
        clips = [clip.sha256 for scene in self._begun.scenes if (clip := self.clip(scene.id))]
        more = (*more, clips) if clips else more
        return fingerprint([take.sha256 for scene in self._begun.scenes if (take := scene.chosen_take)], *more)

    def is_done(self, stage: str, made_of: str) -> bool:
        """Whether a stage need not be run: it was made of the same, and all its files are there as it left them."""
        entry = self._begun.stages.get(stage)
        if not entry or entry.made_of != made_of or not entry.files:
            return False
        files = {self.folder / name: content for name, content in entry.files.items()}
        return all(
            lies_within(self.folder, file) and file.is_file() and sha256(file) == content
            for file, content in files.items()
        )

    def files_of(self, stage: str) -> list[Path]:
        """The files that a stage left in the folder."""
        entry = self.run.stages.get(stage) if self.run else None
        return [self.folder / name for name in entry.files] if entry else []

    def finish(
        self, stage: str, made_of: str, files: Iterable[Path], seconds: float, about: Mapping[str, object] | None = None
    ) -> None:
        """Notes down what a stage made, of what, and how. Of files that lie elsewhere only `about` can tell."""
        here = self.folder.resolve()
        inside = [file for file in files if lies_within(here, file)]
        contents = {str(file.resolve().relative_to(here)): sha256(file) for file in inside}
        entry = Stage(made_of, contents, round(seconds, 3), now(), about or {})
        self._write(replace(self._begun, stages={**self._begun.stages, stage: entry}))

    def unused_files(self) -> list[Path]:
        """What the story does not use: takes that are not chosen, and what killed runs left in parts."""
        takes = [take for scene in (*self._begun.scenes, *self._begun.former_scenes) for take in scene.takes]
        used = {self._file(take) for scene in self._begun.scenes if (take := scene.chosen_take)}
        used |= {self.folder / file for file in self._begun.given.values()}
        used |= {self._file(take) for take in takes if not self._is_as_drawn(take)}  # a person's own work by now
        used |= {self.folder / clip.file for name in self._begun.story.ids if (clip := self.clip(name)) and clip.file}
        folder = self.folder / TAKES
        made = [file for file in folder.glob("*.png") if pictures.made_here(file)]
        made += [file for file in folder.glob("*.mp4") if is_own_clip(file)]
        unused = (file for file in made if file not in used)
        parts = (file for each in (self.folder, folder) for file in each.glob(".*.part") if file.is_file())
        return sorted([*unused, *parts])

    def clean(self) -> list[Path]:
        """Removes what the story does not use. Gives what was removed."""
        unused = self.unused_files()
        for file in unused:
            file.unlink()
        self._write(self._begun.without([str(file.relative_to(self.folder)) for file in unused]))
        return unused

    @property
    def _begun(self) -> Run:
        if not self.run:
            raise NextSceneError(f"There is no run in {self.folder}: name a folder in which script/sequence made one.")
        return self.run

    def _file(self, take: RecordedTake) -> Path | None:
        return self.folder / take.file if take.file else None

    def _is_as_drawn(self, take: RecordedTake) -> bool:
        """Whether the file of a take holds what was drawn."""
        file = self._file(take)
        try:
            return file is not None and file.is_file() and sha256(file) == take.sha256
        except OSError:
            return False

    def _is_copy_of_a_take(self, file: Path) -> bool:
        """Whether a picture is what one of the takes is that are kept, by what made it."""
        made = _provenance(file)
        scene = self.run.scene(made.shot.id) if self.run and made else None
        takes = [self._file(take) for take in scene.takes] if scene else []
        return any(take and take.is_file() and _provenance(take) == made for take in takes)

    def _show(self, scene: RecordedScene, take: RecordedTake) -> tuple[Image.Image, Provenance | None, Path | None]:
        file, shot = self._file(take), scene.shot
        if not file:
            return card(shot.number, (shot.width, shot.height)), take.facts, None
        picture = pictures.read(file)
        if not self._is_as_drawn(take):
            print(f"{file} was changed since it was drawn: it is shown as it is now.", file=sys.stderr)
        return picture, _provenance(file), file

    def _write(self, run: Run) -> None:
        scenes = {scene.id: scene for scene in run.scenes}
        now_stale = tuple(replace(scene, stale=is_stale(scene, scenes)) for scene in run.scenes)
        noise = {scene.id: take.noise if (take := scene.chosen_take) else scene.shot.take for scene in run.scenes}
        self.run = replace(run, scenes=now_stale, story=run.story.with_takes(noise))
        self._run_file.write(self.run)


def _provenance(file: Path) -> Provenance | None:
    """What a picture says of itself, where it was not taken out."""
    try:
        return Provenance.from_json(pictures.facts(file), file.name)
    except NextSceneError:
        return None


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

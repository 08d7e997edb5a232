"""The record of a run: what was made and how, what is still to do, and every take that was ever drawn.

    run.json    the story, every shot, every take; written whole after each scene, so that a run can go on after a crash
    takes/      every take's picture, lossless; the scenes beside run.json are the chosen ones, as the user wants them
    earlier/    the runs of other stories that were in the folder before

A story's shots and a folder go in; what is still to be drawn comes out, and each take that is drawn is kept: none is
ever overwritten, and what is drawn anew has a new number. Where no run is ever to go on, there are no takes/: the
record only speaks of the pictures beside it. Of a take that is withheld it says so, and there is no picture of it
anywhere. It knows pictures, not models.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from PIL import Image

from nextscene import NextSceneError, pictures
from nextscene.files import lies_within, sha256, write_whole
from nextscene.output import folder as disk
from nextscene.output.choosing import choose_takes, words_of
from nextscene.output.earlier import TAKES, set_aside, set_aside_run
from nextscene.output.entries import RecordedScene, RecordedTake, Run
from nextscene.output.ledger import FILE, Ledger, now
from nextscene.shooting import Checker
from nextscene.story import Reference, Shot, Story, with_prefix
from nextscene.take import Take, Withheld

GivenPictures = Mapping[Reference, Image.Image]
Shoot = Callable[[Sequence[Shot]], Iterator[Take]]


class Record(Ledger):
    """What one folder holds, and how a run goes on with it.

    Pictures of earlier scenes are found in it by their references.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = FILE,
        keeps_takes: bool = True,
        fresh: bool = False,
        checker: Checker | None = None,
    ) -> None:
        """Opens the record of a folder. Nothing is written before a run begins.

        keeps_takes: whether the run can go on, and scenes be taken again; else the record is made anew each time.
        fresh: whether what the folder holds is set aside when the run begins, instead of going on with it.
        checker: judges what was made before too; without one, what was withheld is to be drawn again.
        """
        super().__init__(folder, name)
        self._keeps_takes, self._sets_aside, self._checker = keeps_takes, fresh, checker
        self._given: GivenPictures = {}
        self._use: dict[str, int] = {}
        self._earlier: Run | None = None
        self._files: Sequence[Path] = ()
        self._inputs: Sequence[Path] = ()
        if keeps_takes and not fresh:
            self.run = self._run_file.read()
        elif keeps_takes:
            with suppress(NextSceneError):  # a damaged one is set aside as well
                self._earlier = self._run_file.read()

    def turn_to(self, story: Story) -> None:
        """Forgets the run that is here if this is another story; that run is set aside when the new one begins.

        A story goes on with a run whose title it has, or if one of its scenes has the words that it had there.
        """
        if not self.run or (story.title and story.title == self.run.story.title):
            return
        scenes = [*self.run.scenes, *self.run.former_scenes]
        there = {(scene.id, prompt) for scene in scenes for prompt in scene.prompts}
        if there.isdisjoint(zip(story.ids, _prompts(story), strict=True)):
            self._earlier, self.run, self._sets_aside = self.run, None, True

    def wanted_takes(self, story: Story, retake: Iterable[str] = (), use: Iterable[str] = ()) -> dict[str, int]:
        """Which take of each scene is wanted (`Shot.take`): the one that the story says, or the last of its words.

        retake: scenes, by number or id, of which a new take is wanted.
        use: "SCENE:NUMBER", takes that there are.
        """
        scenes = {scene.id: scene for scene in (*self.run.scenes, *self.run.former_scenes)} if self.run else {}
        wanted = {
            name: scenes[name].last_noise(prompt)
            for name, prompt, scene in zip(story.ids, _prompts(story), story.scenes, strict=True)
            if name in scenes and "take" not in scene.model_fields_set
        }
        for named in retake:
            name = scene_named(named, story)
            wanted[name] = 1 + max((take.noise for take in scenes[name].takes), default=0) if name in scenes else 1
        self._use = {}
        for choice in use:
            named, _, number = choice.rpartition(":")
            name = scene_named(named, story)
            takes = scenes[name].takes if name in scenes else ()
            take = next((take for take in takes if str(take.number) == number), None)
            if not take:
                there = ", ".join(map(str, self.takes_of(name))) or "none"
                raise NextSceneError(
                    f"Scene {named!r} has no take {number!r} (there: {there}): write --use SCENE:TAKE."
                )
            self._use[name], wanted[name] = take.number, take.noise
        return wanted

    def reserve(self, files: Sequence[Path], inputs: Sequence[Path] = (), clips: Sequence[Path] = ()) -> None:
        """Refuses to write files where something lies that was not made here.

        inputs: files that came with the story: they stay where they are, whatever is set aside or removed.
        """
        self._files, self._inputs = files, inputs
        disk.refuse_what_is_in_the_way([*files, *clips])
        if self._keeps_takes and not lies_within(self.folder, self.folder / TAKES):
            raise NextSceneError(f"{self.folder / TAKES} leads out of its folder: remove that link.")

    def begin(
        self,
        story: Story,
        shots: Sequence[Shot],
        made_with: Mapping[str, str],
        given: GivenPictures,
        *,
        cascade: bool = False,
    ) -> list[Shot]:
        """Takes up a story. Gives the shots that are still to be drawn: new and changed ones, and what grew from those.

        made_with: the model and its LoRA; with others, every scene is another one.
        given: the pictures that came with the story.
        cascade: also draw again what is stale.
        """
        before = {scene.id: scene for scene in (*self.run.scenes, *self.run.former_scenes)} if self.run else {}
        contents = {reference: hashlib.sha256(each.tobytes()).hexdigest() for reference, each in given.items()}
        words = {
            shot.id: words_of(shot, made_with, [contents[each] for each in shot.references if each in contents])
            for shot in shots
        }
        scenes = choose_takes(shots, words, before, self._is_usable, cascade=cascade, use=self._use)
        self._given = given
        self.run = Run(
            story=story,
            made_with=dict(made_with),
            scenes=tuple(scenes.values()),
            former_scenes=tuple(replace(each, chosen=None) for name, each in before.items() if name not in scenes),
            given={
                reference.name: f"{TAKES}/{disk.file_name(reference.name)}-{content[:8]}.png"
                for reference, content in contents.items()
            },
            stages=self.run.stages if self.run else {},
        )
        return [shot for shot in shots if scenes[shot.id].chosen is None]

    def takes(self, shots: Sequence[Shot], shoot: Shoot | None) -> Iterator[Take]:
        """Every shot's take in order: drawn and kept where it is to do, and as it was made before where it is not.

        shoot: draws what is to do, which is noted down before; None: nothing is.
        """
        self._set_aside()
        for reference, picture in self._given.items():
            pictures.write(picture, self.folder / self._begun.given[reference.name], {})
        self._write(self._begun)
        todo = [shot for shot in shots if self._scene(shot).chosen is None]
        drawn = shoot(todo) if shoot else iter(())
        for shot in shots:
            if shot not in todo:
                yield self._made_before(shot)
                continue
            take = next(drawn)
            self._keep_take(take)
            yield take

    def keep(self, take: Take, file: Path | None) -> None:
        """Notes down a take that is written already, or withheld: what the record says is there, is there."""
        self._note(take, self._scene(take.shot), self._scene(take.shot).last_number + 1, file)

    def finish_shooting(self, delivered: Sequence[Path]) -> None:
        """Notes down what was delivered; removes the scenes of a longer run beside it: copies of takes, no others."""
        kept = {path.resolve() for path in (*delivered, *self._inputs)}
        for file in disk.scene_files(self.folder):
            if file.resolve() not in kept and self._is_copy_of_a_take(file):
                file.unlink()
        seconds = sum(take.seconds for scene in self._begun.scenes if (take := scene.chosen_take))
        self.finish("shoot", self.made_of(), delivered, seconds)

    def __getitem__(self, reference: Reference) -> Image.Image:
        if reference in self._given:
            return self._given[reference]
        scene = self._begun.scene(reference.name)
        file = self._file(scene.chosen_take) if scene and scene.chosen_take else None
        assert file
        return pictures.read(file)

    def _scene(self, shot: Shot) -> RecordedScene:
        scene = self._begun.scene(shot.id)
        assert scene
        return scene

    def _is_usable(self, take: RecordedTake) -> bool:
        """Whether a take need not be drawn: its picture is whole and may be shown, or it would be withheld again."""
        file = self._file(take)
        if not file:
            return self._checker is not None and self._checker.flags(take.withheld or 0)
        if not file.is_file():
            return False
        if not self._is_as_drawn(take):
            print(f"{file} was changed since it was drawn: it is left as it is, and not used.", file=sys.stderr)
            return False
        return not (self._checker and self._checker(pictures.read(file)).flagged)

    def _set_aside(self) -> None:
        """Moves away what was made here before and is kept nowhere else: another story's run, and its scenes."""
        if self._sets_aside and (to := set_aside_run(self.file, self._earlier, now(), self._inputs)):
            print(f"The run that was in {self.folder} is kept in {to}.", file=sys.stderr)
        self._sets_aside = False
        scenes = [file for file in disk.scene_files(self.folder) if file in self._files]
        unknown = [file for file in scenes if not self._is_copy_of_a_take(file)]
        if to := set_aside(unknown, self.folder, now(), self._inputs):
            print(f"{', '.join(file.name for file in unknown)} of another run: kept in {to}.", file=sys.stderr)

    def _keep_take(self, take: Take) -> None:
        """Writes a take's picture under a number that no other picture of its scene has, and notes it down."""
        scene = self._scene(take.shot)
        made = (scene.words, take.shot.take, self._grew_from(take.shot))
        same = [old for old in scene.takes if (old.words, old.noise, old.grew_from) == made]
        if take.withheld:  # which an unchecked run may have kept
            self._remove(same)
        again = [old for old in same if not ((file := self._file(old)) and file.exists())]
        scene = replace(scene, takes=tuple(old for old in scene.takes if old not in again))
        first = again[0].number if again else scene.last_number + 1
        if take.withheld:
            self._note(take, scene, first, None)
            return
        data = pictures.encoded(take.picture, Path("take.png"), take.provenance.to_json())
        name = f"{TAKES}/{disk.file_name(take.shot.id)}"
        files = ((number, self.folder / f"{name}.{number}.png") for number in count(first))
        number, file = next(each for each in files if not os.path.lexists(each[1]) or pictures.holds(each[1], data))
        if not file.exists():
            write_whole(file, data)
        self._note(take, scene, number, file)

    def _remove(self, takes: Iterable[RecordedTake]) -> None:
        for file in filter(None, map(self._file, takes)):
            if pictures.made_here(file):
                file.unlink()

    def _note(self, take: Take, scene: RecordedScene, number: int, file: Path | None) -> None:
        withheld, made = take.withheld, take.provenance
        assert file or withheld
        noted = RecordedTake(
            number=number,
            words=scene.words,
            prompt=take.shot.prompt,
            noise=take.shot.take,
            sha256=withheld.sha256 if withheld else sha256(file) if file else "",
            grew_from=self._grew_from(take.shot),
            noticed=made.noticed,
            memory=made.memory,
            device=made.device,
            versions=made.versions,
            seconds=round(take.seconds, 3),
            made_at=now(),
            file=file.relative_to(self.folder).as_posix() if file else None,
            withheld=withheld.score if withheld else None,
            facts=made if withheld else None,
        )
        self._write(self._begun.with_scene(replace(scene.choosing(noted), shot=take.shot)))

    def _grew_from(self, shot: Shot) -> dict[str, str]:
        names = [reference.name for reference in shot.references if reference.kind == "scene"]
        scenes = {name: self._begun.scene(name) for name in names}
        return {name: take.sha256 for name, scene in scenes.items() if scene and (take := scene.chosen_take)}

    def _made_before(self, shot: Shot) -> Take:
        scene = self._scene(shot)
        take = scene.chosen_take
        assert take
        picture, made, file = self._show(scene, take)
        if not made:
            raise NextSceneError(f"{file} does not say how it was made: draw it again with --retake {shot.number}.")
        withheld = Withheld(take.withheld, take.sha256) if take.withheld is not None else None
        return Take(shot, picture, take.seconds, made, withheld)


def scene_named(name: str, story: Story) -> str:
    """The id of a scene that is named by its id, or by its number among those that are filmed."""
    if name in story.ids:
        return name
    ids = [each for each, _ in story.filmed]
    if name.isdecimal() and len(name) <= 3 and 1 <= int(name) <= len(ids):
        return ids[int(name) - 1]
    raise NextSceneError(f"There is no scene {name!r} in this story of {len(ids)}: name it by its number or its id.")


def _prompts(story: Story) -> list[str]:
    return [with_prefix(scene.prompt) for scene in story.scenes]

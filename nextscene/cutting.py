"""The film of a run that is there: made by its record alone, and not made again where nothing has changed."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from nextscene import NextSceneError, __version__
from nextscene.files import exists, sha256
from nextscene.film import CuttingRoom, cast_voices
from nextscene.output import Papers, Record, clip_times
from nextscene.progress import filming
from nextscene.request import beside
from nextscene.settings import FilmSettings, StorySettings
from nextscene.story import Story


@dataclass(frozen=True)
class Cut:
    """A film of a run, as it is wanted.

    given: the files that it is made of besides the scenes. besides: those that are to be made with it.
    """

    record: Record
    story: Story
    film: Path
    given: tuple[Path | None, ...]
    besides: tuple[Path | None, ...] = (None,)

    def files_made(self) -> list[Path]:
        """Its files, if they are there already, made of the very same; else none."""
        files = self.record.files_of("film")
        if self.film not in files or not self.record.is_done("film", self._made_of()):
            return []
        if not all(exists(file) for file in self.besides if file):
            return []
        print(f"{self.film} is made already.", file=sys.stderr)
        return files

    def note(self, room: CuttingRoom) -> None:
        """Notes down that it was made."""
        self.record.finish("film", self._made_of(), room.files, room.seconds, asdict(room.facts()))

    def _made_of(self) -> str:
        given = [sha256(file) if file and exists(file) else None for file in self.given]
        names = [str(file) if file else None for file in (self.film, *self.besides)]
        voices = dict(cast_voices(self.story))
        return self.record.made_of(self.story.as_data(), __version__, given, names, voices)


def cut_film(
    folder: Path,
    film: Path | None = None,
    wanted: FilmSettings = FilmSettings(),
    pace: StorySettings = StorySettings(),
    otio: Path | None = None,
    edits: tuple[Path, ...] = (),
    papers: Papers = Papers(),
) -> Iterator[Path]:
    """The film of an earlier run, without the model, and papers, if they are wanted.

    film: the file to make; None: sequence.mp4 in the folder.
    """
    record = Record(folder)
    if not record.story:
        raise NextSceneError(f"There is no run in {folder}: name a folder in which script/sequence wrote a run.json.")
    story = record.story.with_film(wanted).overlaid(pace)
    music, lut = (
        Path(named) if named and name in wanted.given else beside(folder, named, f"--{name}")
        for name, named in (("music", story.film.music), ("lut", story.film.lut))
    )
    noted = record.can_be_written
    with record.locked() if noted else nullcontext():
        scenes = record.scenes()
        with filming() as on_progress:
            path = film or folder / "sequence.mp4"
            clips = {name: file for name, _ in story.filmed if (file := record.clip_file(name))}
            times = clip_times(record, clips)
            cut = Cut(record, story, path, (music, lut), (otio, *edits))
            if papers == Papers() and (made := cut.files_made()):
                yield from made
                return
            files = (path, folder / "narration", music, otio, edits)
            room = CuttingRoom(story, *files, on_progress, times, lut, at_home=True)
            desk = papers.begin(story)
            with room:
                for (name, _), (picture, made_by, file) in zip(story.filmed, scenes, strict=True):
                    room.add(picture, made_by, file, clips.get(name))
                    desk.add(picture, made_by, file)
        if noted:
            cut.note(room)
        else:
            print(f"Nothing may be written in {folder}: its record does not name this film.", file=sys.stderr)
    yield from room.files
    yield from desk.write(room.timeline)

"""What a person asks for, and the files that come with it: read and checked, or refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from nextscene import NextSceneError, pictures
from nextscene.files import lies_within
from nextscene.output import Papers
from nextscene.script import Breakdown
from nextscene.settings import FilmSettings, OutputSettings, StorySettings
from nextscene.story import IMAGE, Reference, Story, read_look

GivenPictures = dict[Reference, Image.Image]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks for, from whatever door. What they did not say is absent.

    story: what to tell; None: to go on with the story of the folder.
    folder: where the run's record and, where nothing else is named, its files go.
    story_folder: where the story's file lies, if it has one; files that it names may lie there too.
    image, references, music: files that come with the story.
    film, sheet, papers, picture: the files to make, where they are wanted; `picture` is a single scene's own.
    otio: the editor's file, where it is not to lie beside the film. edits: the edit for other programs, with a film.
    keep_takes: whether every take is kept without loss, so that the run can go on and scenes be taken again.
    at_home: whether the person sits at this machine: its files, its network and its keys are theirs.
    retake: scenes to take again; use: "SCENE:TAKE", takes to choose; cascade: also draw again what is stale.
    fresh: start anew, whatever the folder holds.
    breakdown: of the script that the story is of, if it is; it lies in the folder.
    """

    story: Story | None
    folder: Path
    settings: StorySettings = StorySettings()
    film_settings: FilmSettings = FilmSettings()
    output: OutputSettings = OutputSettings()
    story_folder: Path | None = None
    image: Path | None = None
    references: tuple[Path, ...] = ()
    music: Path | None = None
    film: Path | None = None
    otio: Path | None = None
    edits: tuple[Path, ...] = ()
    sheet: Path | None = None
    papers: Papers = Papers()
    picture: Path | None = None
    keep_takes: bool = False
    deliver_record: bool = False
    check_safety: bool = False
    at_home: bool = False
    retake: tuple[str, ...] = ()
    use: tuple[str, ...] = ()
    cascade: bool = False
    fresh: bool = False
    breakdown: Breakdown | None = None

    def named(self, story: Story) -> Story:
        """A story with a name for each picture that came with it."""
        return story.with_cast(len(self.references))

    def read_pictures(self, story: Story) -> GivenPictures:
        """The pictures that came with a story, whose cast has their names."""
        files = {Reference("picture", name): path for name, path in zip(story.cast, self.references, strict=True)}
        return _read_pictures(files | ({IMAGE: self.image} if self.image else {}))

    def with_look(self, story: Story) -> Story:
        """A story in the look that the user or the story names."""
        typed, named = self.settings.look, self.settings.look or story.look
        if not named:
            return story
        if not self.at_home:
            raise NextSceneError(f"This story names the look {named!r}, which cannot come with it: write what it says.")
        file = Path(typed) if typed else self._beside(named, "--look")
        return read_look(file).under(story) if file else story

    def music_for(self, story: Story) -> Path | None:
        """The file of the film's music: the one that the person gave, or one that came in the story's own folder."""
        named = story.film.music
        if self.music or not named:
            return self.music
        if not self.at_home:
            raise NextSceneError(f"This story plays {named!r}: give it along as video_music.")
        return self._for_film("music", named)

    def lut_for(self, story: Story) -> Path | None:
        """The file of the film's table of colours, as the music's: but none can be given along."""
        named = story.film.lut
        if named and not self.at_home:
            raise NextSceneError(
                f"This story's film names the file {named!r}, which cannot come with it: name a grade."
            )
        return self._for_film("lut", named) if named else None

    def _for_film(self, setting: str, named: str) -> Path | None:
        if setting in self.film_settings.given:
            return Path(named)
        return self._beside(named, f"--{setting}") if self.film else None

    def _beside(self, named: str, flag: str) -> Path | None:
        return beside(self.story_folder or self.folder, named, flag)


def beside(folder: Path, named: str | None, flag: str) -> Path | None:
    """A file that a story names, if it lies in the story's folder: a stranger's story opens no other file."""
    if named and not lies_within(folder, folder / named):
        raise NextSceneError(f"This story names the file {named!r}, which is not in its folder: give it with {flag}.")
    return folder / named if named else None


def _read_pictures(files: Mapping[Reference, Path]) -> GivenPictures:
    """What was given with the story. How large it is, is known before it is decoded: 100 kB may hold 100 megapixels."""
    pixels = sum(map(pictures.pixels, files.values()))
    if pixels > pictures.MOST_MEGAPIXELS * 1_000_000:
        raise NextSceneError(
            f"The first picture and the references have {pixels / 1_000_000:.0f} megapixels together, "
            f"and {pictures.MOST_MEGAPIXELS} at most are read: make them smaller first."
        )
    return {reference: pictures.read(path) for reference, path in files.items()}

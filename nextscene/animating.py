"""Clips for a run that was made before: its stills move, and none of them is drawn again.

    for file in animate(folder, StorySettings(clips="join")): ...

The picture model is not needed. What the run's story says of clips holds, unless it is said otherwise.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from nextscene import NextSceneError
from nextscene.clip import Engine, OpenEngine
from nextscene.cutting import Cut
from nextscene.film import ClipTime, CuttingRoom
from nextscene.motion import Engines, choose_clips
from nextscene.output import Moving, Papers, Record, numbered_clips, refuse_what_is_in_the_way
from nextscene.progress import OnProgress, filming
from nextscene.request import beside
from nextscene.settings import StorySettings
from nextscene.shooting import Checker

Share = Callable[[Engines, str], AbstractContextManager[Engine]]


class Animation:
    """The clips of a run that is there. story: with all that is said of clips. clips: their plans."""

    def __init__(self, folder: Path, wanted: StorySettings = StorySettings(), checker: Checker | None = None) -> None:
        """Reads the run and decides everything; nothing is made or fetched yet."""
        self.record, self._folder, self._checker = Record(folder, checker=checker), folder, checker
        if not self.record.story or not self.record.run:
            raise NextSceneError(
                f"There is no run in {folder}: name a folder in which script/sequence wrote a run.json."
            )
        story = self.record.story.overlaid(wanted)
        self.story = story if story.clips != "none" else story.overlaid(StorySettings(clips="each"))
        shots = [scene.shot for scene in self.record.run.scenes]
        self.record.scenes()  # refuses a run of which a scene is still to be drawn
        self.engines, self.clips = choose_clips(self.story, shots)

    def run(self, film: Path | None = None, shared: Share | None = None) -> Iterator[Path]:
        """Yields each clip as soon as it is done, then the contact sheet, and the film where it is wanted.

        shared: gives engines that other runs use as well; None: they are this run's own.
        """
        open_engine: OpenEngine = self.engines.open
        if shared:
            open_engine = lambda name, _: shared(self.engines, name)  # noqa: E731
        file_for = numbered_clips(self._folder)
        refuse_what_is_in_the_way(map(file_for, self.clips))
        with self.record.locked(), filming(hidden={"film"}) as on_progress:
            self.record.note_story(self.story)
            known = self.engines.identities
            with Moving(self.record, self.clips, known, open_engine, file_for, self._checker) as moving:
                yield from moving.make()
                room = partial(self._cutting_room, film, on_progress) if film else None
                yield from moving.show(self.story, self._folder / "contact_sheet.png", Papers(), room)
                if film and moving.film:
                    Cut(self.record, self.story, film, self._given).note(moving.film)

    @property
    def _given(self) -> tuple[Path | None, Path | None]:
        """Where the film's music and its table of colours are, if it has them."""
        music, lut = self.story.film.music, self.story.film.lut
        return beside(self._folder, music, "--music"), beside(self._folder, lut, "--lut")

    def _cutting_room(self, film: Path, on_progress: OnProgress, clips: Mapping[str, ClipTime]) -> CuttingRoom:
        (music, lut), spoken = self._given, self._folder / "narration"
        return CuttingRoom(self.story, film, spoken, music, None, (), on_progress, clips, lut, at_home=True)


def animate(
    folder: Path, wanted: StorySettings = StorySettings(), film: Path | None = None, checker: Checker | None = None
) -> Iterator[Path]:
    """The clips of the run in a folder; then its contact sheet, and its film, if that is wanted."""
    yield from Animation(folder, wanted, checker).run(film)

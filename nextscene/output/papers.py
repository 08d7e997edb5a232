"""Papers: what film people are given beside the pictures, where it is wanted: a storyboard and a shot list.

papers = Papers(storyboard=Path("storyboard.pdf"))      # refused here, if a name asks for what is not made
desk = papers.begin(story)
desk.add(take.picture, take.provenance, file)
files = desk.write(timeline)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from nextscene import NextSceneError
from nextscene.film import Timeline, lay_out
from nextscene.output.panels import make_panels
from nextscene.output.shot_list import ShotList
from nextscene.provenance import Provenance
from nextscene.story import Story

if TYPE_CHECKING:
    from nextscene.output.storyboard import Storyboard


@dataclass(frozen=True)
class Papers:
    """Which papers are wanted, and where."""

    storyboard: Path | None = None
    shot_list: Path | None = None

    def __post_init__(self) -> None:
        for path, suffix in ((self.storyboard, ".pdf"), (self.shot_list, ".csv")):
            if path and path.suffix.lower() != suffix:
                what = {".pdf": "storyboard", ".csv": "shot list"}[suffix]
                raise NextSceneError(f"{path.name} is no name for a {what}: name it {suffix}.")

    @property
    def files(self) -> list[Path]:
        return [path for path in (self.storyboard, self.shot_list) if path]

    def begin(self, story: Story) -> "Desk":
        return Desk(self, story)


class Desk:
    """Where papers grow, scene by scene."""

    def __init__(self, papers: Papers, story: Story) -> None:
        self._papers, self._story = papers, story
        self._storyboard = _storyboard(papers.storyboard, story.title or "") if papers.storyboard else None
        self._shot_list = ShotList(papers.shot_list) if papers.shot_list else None

    def add(self, picture: Image.Image, made: Provenance | None, file: Path | None) -> None:
        """The next scene: its picture, what made it, its file, if it has one."""
        if self._storyboard:
            self._storyboard.add(picture)
        if self._shot_list:
            self._shot_list.add(made, file)

    def write(self, timeline: Timeline | None) -> list[Path]:
        """Writes what is wanted, with the film's times, or those that it would have without speech; gives the files."""
        panels = make_panels(self._story, timeline or lay_out(self._story))
        for each in (self._storyboard, self._shot_list):
            if each:
                each.write(panels)
        return self._papers.files


def _storyboard(path: Path, title: str) -> "Storyboard":
    from nextscene.output.storyboard import Storyboard  # half a second, for those who want one

    return Storyboard(path, title)

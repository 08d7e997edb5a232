"""What the page asks for: read and checked, and made into a request."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from nextscene.adaptation import adapt
from nextscene.output import Papers, Record
from nextscene.request import Request
from nextscene.script import break_down, read_script
from nextscene.settings import Group, ScriptSettings, StorySettings
from nextscene.story import Story, from_data, from_text

MOST_SCENES = 300
FILM, SHEET, STORYBOARD, SHOTS = "sequence.mp4", "contact_sheet.png", "storyboard.pdf", "shots.csv"
EDITS = (".edl", ".xml", ".fcpxml")

Names = Annotated[tuple[str, ...], Field(max_length=MOST_SCENES)]


class Order(Group):
    """What a person asks for at the page.

    text: a story as it was typed or dropped; script: whether that is a script. story: one that was edited in the
        table. Neither: the folder's own.
    retake, use, cascade: as in a terminal. film: whether the film is cut as well. papers: whether a storyboard, a shot
        list and the film's edits for other programs are made.
    """

    text: str | None = None
    script: bool = False
    story: Any = None
    retake: Names = ()
    use: Names = ()
    cascade: bool = False
    film: bool = True
    papers: bool = False

    def read_story(self) -> Story | None:
        """The story, each of its scenes with its id, so that it is the same scene wherever it is moved to."""
        if self.text is None and self.story is None:
            return None
        if self.text is None:
            story = from_data(self.story)
        elif self.script:
            story = adapt(break_down(read_script(self.text.encode())), ScriptSettings(), None).story
        else:
            story = from_text(self.text)
        scenes = [
            scene if scene.id else scene.model_copy(update={"id": name})
            for name, scene in zip(story.ids, story.scenes, strict=True)
        ]
        return story.model_copy(update={"scenes": tuple(scenes)})

    def request(self, folder: Path) -> Request:
        """The request of a production."""
        film = folder / FILM
        request = Request(
            story=self.read_story(),
            folder=folder,
            film=film if self.film else None,
            edits=tuple(map(film.with_suffix, EDITS)) if self.film and self.papers else (),
            sheet=folder / SHEET,
            papers=Papers(folder / STORYBOARD, folder / SHOTS) if self.papers else Papers(),
            keep_takes=True,
            at_home=True,
            retake=self.retake,
            use=self.use,
            cascade=self.cascade,
        )
        return _with_what_came_along(request)


def _with_what_came_along(request: Request) -> Request:
    """An edited story of the folder still has the pictures, the LoRA and the embeddings that came with it."""
    run, story = Record(request.folder).run, request.story
    if not run or not story:
        return request
    files = {name: request.folder / file for name, file in run.given.items()}
    now, before = story.given, run.story.given
    kept = {name: now[name] for name in ("lora_weights", "embeddings") if name in now and now[name] == before.get(name)}
    return replace(
        request,
        image=files.get("image") if story.image else None,
        references=tuple(files[name] for name in story.cast if name in files),
        settings=StorySettings(**kept),
    )

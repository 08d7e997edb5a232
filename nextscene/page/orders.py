"""What the page asks for: read and checked, and made into a request."""

import base64
import binascii
import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

from pydantic import Field

from nextscene import NextSceneError
from nextscene.adaptation import Adaptation, adapt_sent
from nextscene.files import write_whole
from nextscene.output import Papers, Record
from nextscene.request import Request
from nextscene.settings import Group, ScriptSettings, StorySettings
from nextscene.story import Story, from_data, from_text
from nextscene.writing import SERVICES

MOST_SCENES = 300
FILM, SHEET, STORYBOARD, SHOTS = "sequence.mp4", "contact_sheet.png", "storyboard.pdf", "shots.csv"
EDITS = (".edl", ".xml", ".fcpxml")

Names = Annotated[tuple[str, ...], Field(max_length=MOST_SCENES)]


class Order(Group):
    """What a person asks for at the page.

    text: a story as it was typed or dropped; script: whether that is a script, or the breakdown of one, and writer:
        who breaks it down. story: one that was edited in the table. Neither: the folder's own.
    image: the first picture, as a data URI; None: the folder's own, where its story has one.
    retake, use, cascade: as in a terminal. film: whether the film is cut as well. papers: whether a storyboard, a shot
        list and the film's edits for other programs are made.
    """

    text: str | None = None
    script: bool = False
    writer: str = "rules"
    story: Any = None
    image: str | None = None
    retake: Names = ()
    use: Names = ()
    cascade: bool = False
    film: bool = True
    papers: bool = False

    def adapt(self) -> Adaptation | None:
        """The script, adapted; None: none was typed."""
        if self.text is None or not self.script:
            return None
        if self.writer not in ("rules", *SERVICES):
            raise NextSceneError(f"There is no writer {self.writer!r} here: name one in a terminal.")
        wanted = ScriptSettings.checked(writer=self.writer)
        return adapt_sent(self.text.encode(), wanted, _no_model, opened=self.image is not None, at_home=True)

    def read_story(self, adaptation: Adaptation | None) -> Story | None:
        """The story, each of its scenes with its id, so that it is the same scene wherever it is moved to."""
        if self.text is None and self.story is None:
            return None
        typed = adaptation.story if adaptation else from_text(self.text) if self.text is not None else None
        story = typed or from_data(self.story)
        scenes = [
            scene if scene.id else scene.model_copy(update={"id": name})
            for name, scene in zip(story.ids, story.scenes, strict=True)
        ]
        return story.model_copy(update={"scenes": tuple(scenes)})

    def request(self, folder: Path, sent: Path) -> Request:
        """The request of a production. sent: a folder for the picture that came with it."""
        film, adaptation = folder / FILM, self.adapt()
        request = Request(
            story=self.read_story(adaptation),
            folder=folder,
            image=_write_picture(self.image, sent) if self.image else None,
            breakdown=adaptation.breakdown if adaptation else None,
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


def _no_model() -> NoReturn:
    raise NextSceneError("The writer local is the terminal's: the page's model is there to draw.")


def _write_picture(uri: str, folder: Path) -> Path:
    """A picture that was sent, as a file."""
    kind = re.match(r"data:image/(\w+)[^,]*;base64,", uri)
    try:
        data = base64.b64decode(uri[kind.end() :] if kind else "", validate=True)
    except binascii.Error:
        data = b""
    if not kind or not data:
        raise NextSceneError("The first picture is no picture: drop a PNG, JPEG or WebP file.")
    file = folder / f"first_{hashlib.sha256(data).hexdigest()[:8]}.{kind[1]}"
    write_whole(file, data)
    return file


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
        image=request.image or (files.get("image") if story.image else None),
        references=tuple(files[name] for name in story.cast if name in files),
        settings=StorySettings(**kept),
    )

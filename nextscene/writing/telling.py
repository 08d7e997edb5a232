"""A small story by a writer: asked for a screenplay's scenes, and put into Fountain here, so that it can be read."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from nextscene.script import in_fountain
from nextscene.settings import describe_errors
from nextscene.writing.asking import Answers, Part, Short, Task, Writer, bare

SYSTEM = (
    "You write very short screenplays for an illustrator: a beginning, a turn, an end. Describe only what can be seen; "
    "a narrator tells the rest in a sentence or two."
)
Light = Literal["DAWN", "DAY", "DUSK", "NIGHT"]


class Moment(Part):
    """A picture, and what is told over it; empty: nothing."""

    seen: Short
    told: Short


class Told(Part):
    """A scene."""

    place: Short
    inside: bool
    light: Light
    pictures: list[Moment]


class Tale(Part):
    """A story."""

    title: Short
    scenes: list[Told]


def tell(writer: Writer, answers: Answers, seed: int, about: str, max_scenes: int, max_places: int) -> str:
    """A screenplay of at most so many scenes and places; a `WriterError`, where the writer gives none."""

    def check(answer: object) -> Tale:
        try:
            tale = TypeAdapter(Tale).validate_python(answer)
        except ValidationError as error:
            raise ValueError(describe_errors(error)) from None
        if not 1 <= len(tale.scenes) <= max_scenes:
            raise ValueError(f"it has {len(tale.scenes)} scenes, where 1 to {max_scenes} are wanted")
        if (places := len({scene.place.upper() for scene in tale.scenes})) > max_places:
            raise ValueError(f"it has {places} places, where {max_places} at most are wanted")
        if not all(scene.place and any(each.seen for each in scene.pictures) for scene in tale.scenes):
            raise ValueError("each scene needs a place, and a picture in which something is seen")
        return tale

    return "".join(_in_fountain(answers.ask(writer, _task(seed, about, max_scenes, max_places), check)))


def _in_fountain(tale: Tale) -> list[str]:
    lines = [f"Title: {tale.title or 'A story'}\n"]
    for scene in tale.scenes:
        where = f"{'INT' if scene.inside else 'EXT'}. {scene.place.upper()} - {scene.light}"
        lines.append(in_fountain("heading", where))
        for each in scene.pictures:
            lines += [in_fountain("action", each.seen)] if each.seen else []
            lines += (
                [in_fountain("character", "NARRATOR (V.O.)"), in_fountain("dialogue", each.told)] if each.told else []
            )
    return lines


def _task(seed: int, about: str, max_scenes: int, max_places: int) -> Task:
    words = (
        f"Write a story in {max_scenes} scenes at most, at {max_places} places at most, with two or three pictures in "
        f"each scene. It is about: {about or 'whatever you like'}. It is story number {seed}: no two are alike."
    )
    text: Mapping[str, Any] = {"type": "string"}
    moments = {"type": "array", "items": bare(seen=text, told=text)}
    light = {"type": "string", "enum": ["DAWN", "DAY", "DUSK", "NIGHT"]}
    scene = bare(place=text, inside={"type": "boolean"}, light=light, pictures=moments)
    return Task(SYSTEM, words, bare(title=text, scenes={"type": "array", "items": scene}))

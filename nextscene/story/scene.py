"""A scene: what the user wrote of one picture of a story, checked; and the words that every prompt begins with.

It knows nothing of the story that it stands in.
"""

import re
from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from nextscene.settings import ClipLook, Group, Light, Look, Move, Name, Text, Transition, Weather, setting
from nextscene.story.camera import CameraMove, CameraPlace

MAX_LINES, MAX_SOUNDS, MAX_AMBIENCE = 100, 20, 4

Prompt = Annotated[Text, StringConstraints(min_length=1)]

PREFIX = "Next Scene: "
_PREFIXES = re.compile(r"^(?:\s*next[\s_-]*scene\s*:)+\s*", re.IGNORECASE)


class Shows(Group):
    """What a scene shows, where its words do not say it plainly enough for the rules."""

    light: Light | None = setting("The time of day", blank="as its words say")
    weather: Weather | None = setting("The weather", blank="as its words say")
    place: Name | None = setting("Where it is", blank="as its words say")
    subject: Name | None = setting("Who or what it is about", blank="as its words say")
    colour: Name | None = setting("The colour of that", blank="as its words say")
    camera: CameraPlace | None = setting("Where the camera is: pan, tilt, zoom, in steps", blank="as its words say")


class Line(Group):
    """What somebody says."""

    who: Name = Field(description="Who says it, by a name; the same name is the same voice")
    text: Prompt = Field(description="The words, as they are spoken and read")


class Sound(Group):
    """What is heard at one moment of a scene."""

    what: Name = Field(description="What it is: bell, knock, thunder, ...; what is not known stays silent, with a note")
    at: float = setting("When it begins, as a share of the scene's time: 0.5 is its middle", 0.0, ge=0, le=1)


class Scene(Look):
    """One scene: its words, and what it wants otherwise than the rest of its story."""

    prompt: Prompt = Field(description="What the scene shows. Camera first, then what changes, then the light")
    id: Name | None = setting("A name of its own, for `after`, `anchor` and --retake", blank="scene_001 and so on")
    seed: int | None = setting("A seed of its own", ge=0, le=2**31 - 1, blank="the story's")
    after: Name | None = setting(
        "The id of the earlier scene that it grows from; null: a fresh start from its words", blank="the scene before"
    )
    anchor: Name | None = setting(
        "An earlier scene, or a picture of the cast, that it looks at as well; null: none", blank="the story's"
    )
    control_of: Name | None = setting(
        "The earlier scene, or the picture of the cast, that `control` follows", blank="what it would grow from"
    )
    cast: tuple[Name, ...] | None = setting("Which pictures of the cast it looks at", blank="all of them")
    camera: CameraMove | None = setting(
        "What the camera does: rotate (degrees to the right), forward, tilt (steps), lens (wide, close)",
        blank="as its words say",
    )
    shows: Shows | None = setting(
        "What it shows, for the plan: light, weather, place, subject, colour, camera", blank="as its words say"
    )
    filmed: bool = setting(
        "Whether it is in the film; false: it is drawn for other scenes to look at, and kept among the takes", True
    )
    take: int = setting("Which take of it is wanted; each has noise of its own", 1, ge=1, le=1_000_000)
    duration: float | None = setting("Seconds that it stands in the film", ge=0.04, le=600, blank="1 / fps")
    transition: Transition | None = setting("How the film comes into it", blank="the film's")
    move: Move | None = setting("What the camera does on its still", blank="the film's")
    motion: Text | None = setting("What happens in its clip", blank="what its prompt says, or that to which it leads")
    moves: Text | None = setting(
        "What moves in its clip and how, as planned motion, no model for clips: 'a red ball bounces twice'",
        blank="nothing is planned",
    )
    clip: ClipLook | None = setting("How its clip is made: engine, frames, seed, steps, ...", blank="as the story says")
    caption: Text | None = setting("What is read on it; empty: nothing", blank="its prompt")
    narration: Text | None = setting("What a voice speaks on it", blank="nothing, or its prompt: see the film's")
    lines: tuple[Line, ...] = setting(
        "What is said in it after that, one after another: who and text; it stands as long as that takes",
        (),
        max_length=MAX_LINES,
    )
    ambience: tuple[Name, ...] | None = setting(
        "What its place sounds like: sea, wind, ...", blank="the story's", max_length=MAX_AMBIENCE
    )
    sounds: tuple[Sound, ...] = setting(
        "What is heard at its moment: what, and at which share of the scene's time (0 to 1)", (), max_length=MAX_SOUNDS
    )
    name: Name | None = setting("What it is called on a storyboard, such as 4A", blank="its number")
    notes: Text | None = setting("What is written beside it on a storyboard; it is neither drawn nor spoken")

    @classmethod
    def _null_says(cls) -> frozenset[str]:
        return frozenset({"after", "anchor"})

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """In a story file a text alone is a scene too."""
        return {"anyOf": [{"type": "string", "description": "The scene's prompt"}, handler(core)]}

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, value: Any) -> Any:
        return {"prompt": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _says_something(self) -> "Scene":
        if not _PREFIXES.sub("", self.prompt):
            raise ValueError("there is nothing after 'Next Scene:' in its prompt")
        return self


def with_prefix(prompt: str) -> str:
    """The prompt with "Next Scene: " before it exactly once, as the LoRA was trained."""
    return PREFIX + without_prefix(prompt)


def in_style(prompt: str, style: str) -> str:
    """The prompt with the words of a style before its own, unless it has them."""
    return with_prefix(f"{style}, {without_prefix(prompt)}") if style and style not in prompt else prompt


def without_prefix(prompt: str) -> str:
    """The prompt without any "Next Scene:" before it."""
    return _PREFIXES.sub("", prompt).strip()

"""A story: what the user wrote, checked.

In goes a prompt list, one text with several prompts, a JSON file or its content; out comes a `Story`, or a
`NextSceneError` that names the scene and the field. It knows nothing of models, pictures or files to write.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from nextscene import NextSceneError

MAX_SCENES = 300
MAX_PROMPT = 4000  # characters: about the 1,024 tokens that the model reads
MIN_SIDE, MAX_SIDE = 64, 2048  # pixels
MAX_FACT = 30_000  # characters: a JPEG's metadata holds about twice as many

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_PROMPT)]
Prompt = Annotated[Text, StringConstraints(min_length=1)]
Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\r\n]+$")]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE)]
Seconds = Annotated[float, Field(ge=0.04, le=600)]
Transition = Literal["cut", "crossfade", "fade", "morph"]
Move = Literal["none", "auto", "push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"]

PREFIX = "Next Scene: "
_PREFIXES = re.compile(r"^(?:\s*next[\s_-]*scene\s*:)+\s*", re.IGNORECASE)
# A comma within a sentence has one space after it; any other comma parts two scenes.
_BETWEEN_SCENES = re.compile(r"\n|\||,(?! \S)")


class _FromJson(BaseModel):
    """Strict in all but this: JSON's lists are tuples, which nobody can change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _lists_as_tuples(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: tuple(field) if isinstance(field, list) else field for name, field in value.items()}


class Values(_FromJson):
    """What a scene, a story or a request may say about how a picture is made; None: nothing said."""

    negative_prompt: Text | None = None
    strength: Annotated[float, Field(ge=0.1, le=1)] | None = None
    lora_scale: Annotated[float, Field(ge=0, le=2)] | None = None
    lora_weights_scale: Annotated[float, Field(ge=0, le=2)] | None = None
    steps: Annotated[int, Field(ge=2, le=100)] | None = None  # the noise schedule has no meaning for one step
    guidance: Annotated[float, Field(ge=1, le=20)] | None = None
    guidance_until: Annotated[float, Field(ge=0, le=1)] | None = None
    first_block_cache: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Seed | None = None


class FilmSettings(_FromJson):
    """How the film is made of the scenes. What is not set is as in the plain slideshow.

    transition, move: from one scene to the next, and on each still; a scene may have its own.
    captions: the scenes' own captions, or else their prompts; soft: in the film for the player to show, and beside it.
    narration: which words are spoken: the scenes' own narration, or else their prompts too.
    voice, music: who speaks, and the file that is played.
    upscale: how much larger than its pictures the film is.
    otio: whether an OpenTimelineIO file is made as well, for an editor.
    """

    video_fps: Annotated[int, Field(ge=1, le=60)] = 24
    transition: Transition = "cut"
    transition_seconds: Annotated[float, Field(ge=0, le=10)] = 0.5
    move: Move = "none"
    captions: Literal["none", "soft", "burned"] = "none"
    narration: Literal["none", "own", "prompts"] = "own"
    voice: Id | None = None
    music: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    upscale: Literal[1, 2] = 1
    otio: bool = False

    def overlaid(self, wanted: "FilmSettings") -> "FilmSettings":
        """The same settings, where the others do not set theirs."""
        return self.model_copy(update=wanted.model_dump(exclude_unset=True))


class Scene(Values):
    """One scene: its words, and what it wants otherwise than the rest of its story.

    after: the scene that it grows from; an explicit None: from none, a fresh start; not given: the scene before.
    anchor: another scene, or a picture of the cast, that it looks at as well; not given: the story's.
    cast: which pictures of the story's cast it looks at; not given: all of them.
    take: which take of it is wanted; each has noise of its own.
    transition, move: how the film comes into it, and what the camera does on it; not given: the film's.
    caption: what is read; not given: its prompt; empty: nothing. narration: what is heard.
    """

    prompt: Prompt
    id: Id | None = None
    after: Id | None = None
    anchor: Id | None = None
    cast: tuple[Id, ...] | None = None
    take: Annotated[int, Field(ge=1)] = 1
    duration: Seconds | None = None
    transition: Transition | None = None
    move: Move | None = None
    caption: Text | None = None
    narration: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, value: Any) -> Any:
        return {"prompt": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _says_something(self) -> "Scene":
        if not _PREFIXES.sub("", self.prompt):
            raise ValueError("there is nothing after 'Next Scene:' in its prompt")
        return self


class Settings(Values):
    """What holds for all scenes: a story's own values, or what the user set for this run.

    lora_weights: a LoRA of the user's own, beside Next-Scene.
    go_fast: a draft: a few steps, with the LoRA that makes them enough.
    """

    lora_weights: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)] | None = None

    go_fast: bool | None = None
    width: Side | None = None
    height: Side | None = None
    fps: Annotated[float, Field(ge=0.1, le=24)] | None = None


class Story(Settings):
    """Scenes in order, each with an id of its own, and values that hold for all of them.

    image: the name of the picture that it opens with, which has to be given along.
    cast: the names of further pictures (characters, places), which have to be given along in this order.
    anchor: a scene, or a picture of the cast, that all later scenes look at as well.
    film: how the film is made of its scenes.
    """

    film: FilmSettings = FilmSettings()
    cast: tuple[Id, ...] = ()
    anchor: Id | None = None
    image: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None = None
    scenes: Annotated[tuple[Scene, ...], Field(min_length=1, max_length=MAX_SCENES)]

    @model_validator(mode="after")
    def _ids_fit_together(self) -> "Story":
        seen: dict[str, int] = {}
        for number, (name, scene) in enumerate(zip(self.ids, self.scenes, strict=True), 1):
            if name in seen:
                raise ValueError(f"scene {number}, id: {name!r} is already the id of scene {seen[name]}")
            if scene.after is not None and scene.after not in seen:
                raise ValueError(f"scene {number}, after: there is no earlier scene {scene.after!r}")
            if scene.anchor is not None and scene.anchor not in {*seen, *self.cast}:
                raise ValueError(f"scene {number}, anchor: there is no earlier scene and no cast {scene.anchor!r}")
            if strangers := set(scene.cast or ()) - set(self.cast):
                raise ValueError(f"scene {number}, cast: {strangers.pop()!r} is not in the story's cast")
            seen[name] = number
        for number, name in enumerate(self.cast):
            if name in {"image", *seen, *self.cast[:number]}:
                raise ValueError(f"cast: {name!r} is already the name of something else")
        if self.anchor is not None and self.anchor not in {*seen, *self.cast}:
            raise ValueError(f"anchor: there is no scene and no cast {self.anchor!r}")
        return self

    @property
    def ids(self) -> list[str]:
        return [scene.id or f"scene_{number:03d}" for number, scene in enumerate(self.scenes, 1)]

    def with_takes(self, takes: Mapping[str, int]) -> "Story":
        """The same story, with these takes of its scenes."""
        scenes = [
            scene.model_copy(update={"take": takes[name]}) if takes.get(name, scene.take) != scene.take else scene
            for name, scene in zip(self.ids, self.scenes, strict=True)
        ]
        return self.model_copy(update={"scenes": tuple(scenes)})

    def as_data(self) -> dict[str, Any]:
        """The story as JSON's own types, as a story file would say it."""
        return self.model_dump(mode="json", exclude_unset=True)

    def as_fact(self) -> dict[str, Any]:
        """The story for a picture's own metadata; nothing, if it is too long to be carried there."""
        data = self.as_data()
        if self.film.music:  # a picture goes farther than its folder, where the path means something
            data["film"]["music"] = Path(self.film.music).name
        return {"story": data} if len(json.dumps(data)) <= MAX_FACT else {}

    def with_cast(self, pictures: int) -> "Story":
        """The same story, with a name for each picture that was given along with it."""
        names = self.cast or tuple(f"reference_{number}" for number in range(1, pictures + 1))
        if len(names) != pictures:
            raise NextSceneError(
                f"This story has a cast of {len(names)} ({', '.join(names)}) and {pictures} picture(s) were given: "
                "give one reference for each, in this order."
            )
        return self.model_copy(update={"cast": names}) if names else self

    def filmed(self, wanted: FilmSettings) -> "Story":
        """The same story, with its film as the user wants it for this run."""
        return self.model_copy(update={"film": self.film.overlaid(wanted)}) if wanted.model_fields_set else self

    def complete(self, wanted: Settings, seed: int, image: str | None) -> "Story":
        """The same story with all that the user set for a run: alone, it makes the same pictures again."""
        values = wanted.model_dump(exclude_none=True) | {"seed": seed} | ({"image": image} if image else {})
        return self.model_copy(update=values)


def from_prompts(prompts: Sequence[str]) -> Story:
    """A story of these prompts, one scene each."""
    return from_data({"scenes": list(prompts)})


def from_text(text: str) -> Story:
    """A story from one text: prompts parted by newlines, `|`, or commas that no single space follows."""
    return from_prompts(split(text))


def split(text: str) -> list[str]:
    """The prompts in one text; empty ones are left out."""
    return [prompt for part in _BETWEEN_SCENES.split(text.strip()) if (prompt := part.strip())]


def from_file(path: Path) -> Story:
    """A story from a JSON file, or from a text file of prompts."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NextSceneError(f"There is no story file {str(path)!r}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise NextSceneError(f"The story file {path.name!r} cannot be read as text ({error}).") from None
    if path.suffix.lower() == ".txt":
        return from_text(text)
    try:
        return from_data(json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once_each))
    except json.JSONDecodeError as error:
        raise NextSceneError(
            f"The story file {path.name!r} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise NextSceneError(f"The story file {path.name!r} is nested too deeply.") from None
    except NextSceneError as error:
        raise NextSceneError(f"The story file {path.name!r} is not right: {error}") from None


def from_data(data: Any) -> Story:
    """A story from JSON's own types: an object with `scenes`, or just the list of them, or the record of a run."""
    if isinstance(data, list):
        data = {"scenes": data}
    if isinstance(data, dict) and "made_by" in data:
        data = data.get("story")
    if not isinstance(data, dict):
        raise NextSceneError('A story is an object {"scenes": [...]} or a list of scenes.')
    if isinstance(scenes := data.get("scenes"), list) and not 1 <= len(scenes) <= MAX_SCENES:
        raise NextSceneError(f"A story has 1 to {MAX_SCENES} scenes; this one has {len(scenes)}.")
    try:
        return Story.model_validate(data)
    except ValidationError as error:
        raise NextSceneError(_sentences(error)) from None


def settings(**values: Any) -> Settings:
    """What the user set for this run, checked; None: not set."""
    try:
        return Settings(**values)
    except ValidationError as error:
        raise NextSceneError(_sentences(error)) from None


def film_settings(**values: Any) -> FilmSettings:
    """How the user wants the film for this run, checked; None: not set."""
    try:
        return FilmSettings(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise NextSceneError(_sentences(error)) from None


def with_prefix(prompt: str) -> str:
    """The prompt with "Next Scene: " before it exactly once, as the LoRA was trained."""
    return PREFIX + without_prefix(prompt)


def without_prefix(prompt: str) -> str:
    """The prompt without any "Next Scene:" before it."""
    return _PREFIXES.sub("", prompt).strip()


def _sentences(error: ValidationError) -> str:
    # A scene that is not right counts as absent for pydantic: that finding says nothing to the user.
    found = [each for each in error.errors() if (each["type"], each["loc"]) != ("too_short", ("scenes",))]
    return "; ".join(map(_sentence, found[:3])) + "."


_PLAIN_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field",
    "string_too_short": "is empty",
    "string_too_long": "is longer than {max_length} characters",
    "tuple_type": "must be a list",
    "model_type": "must be a text or an object with a prompt",
}


def _sentence(error: Any) -> str:
    """One of pydantic's findings in plain words: "scene 3, strength: input should be ..."."""
    where, message = list(error["loc"]), error["msg"].removeprefix("Value error, ")
    if where[:1] == ["scenes"] and len(where) > 1:
        where[:2] = [f"scene {where[1] + 1}"]
    if error["type"] in _PLAIN_WORDS:
        message = _PLAIN_WORDS[error["type"]].format(**error.get("ctx", {}))
    elif isinstance(error["input"], str | int | float):
        message = f"{message[0].lower()}{message[1:]}, not {error['input']!r}"
    return ": ".join([", ".join(map(str, where)), message]) if where else message


def _refuse_constant(name: str) -> NoReturn:
    raise NextSceneError(f"{name} is not a number that a story can use")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise NextSceneError(f"the field {twice!r} is given twice")
    return fields

"""A story: what the user wrote, checked.

In goes a prompt list, one text with several prompts, a JSON file or its content; out comes a `Story`, or a
`NextSceneError` that names the scene and the field. It knows nothing of models, pictures or files to write.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import Field, StringConstraints, ValidationError, model_validator

from nextscene import NextSceneError
from nextscene.settings import ClipLook, FileName, FilmSettings, Name, StorySettings, describe_errors, setting
from nextscene.story.scene import MAX_AMBIENCE, Scene

Read = TypeVar("Read")

MAX_SCENES = 300
MAX_CAST = 24  # pictures; each scene looks at a few of them
MAX_STORY = 10_000_000  # bytes of a story file
MAX_FACT = 30_000  # characters: a JPEG's metadata holds about twice as many

# A comma within a sentence has one space after it; any other comma parts two scenes.
_BETWEEN_SCENES = re.compile(r"\n|\||,(?! \S)")


class Story(StorySettings):
    """Scenes in order, each with an id of its own, and settings that hold for all of them."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None = setting(
        "The film's title, also on the contact sheet"
    )
    scenes: Annotated[tuple[Scene, ...], Field(min_length=1, max_length=MAX_SCENES)] = Field(
        description="The scenes in order; each is a text, or an object with a prompt"
    )
    film: FilmSettings = Field(FilmSettings(), description="How the film is made of the scenes")
    image: FileName | None = setting("The name of the picture that it opens with, which is given with the story")
    cast: tuple[Name, ...] = setting(
        "Names for the pictures of characters and places that are given with the story, in their order",
        (),
        max_length=MAX_CAST,
    )
    anchor: Name | None = setting("A scene, or a picture of the cast, that all later scenes look at as well")
    voices: Mapping[Name, Name] = setting(
        "Whose voice is whose: names of speakers with names of voices", {}, blank="a voice of their own for each"
    )
    ambience: tuple[Name, ...] = setting(
        "What all its places sound like, where a scene says nothing else", (), max_length=MAX_AMBIENCE
    )
    clip: ClipLook | None = setting("How all clips are made, where a scene says nothing else")

    @model_validator(mode="after")
    def _ids_fit_together(self) -> "Story":
        earlier: dict[str, int] = {}
        for number, (name, scene) in enumerate(zip(self.ids, self.scenes, strict=True), 1):
            if name in earlier:
                raise ValueError(f"scene {number}, id: {name!r} is already the id of scene {earlier[name]}")
            if scene.after is not None and scene.after not in earlier:
                raise ValueError(f"scene {number}, after: there is no earlier scene {scene.after!r}")
            if scene.anchor is not None and scene.anchor not in {*earlier, *self.cast}:
                raise ValueError(f"scene {number}, anchor: there is no earlier scene and no cast {scene.anchor!r}")
            if scene.control_of is not None and scene.control_of not in {*earlier, *self.cast}:
                raise ValueError(
                    f"scene {number}, control_of: there is no earlier scene and no cast {scene.control_of!r}"
                )
            if strangers := set(scene.cast or ()) - set(self.cast):
                raise ValueError(f"scene {number}, cast: {strangers.pop()!r} is not in the story's cast")
            earlier[name] = number
        for number, name in enumerate(self.cast):
            if name in {"image", *earlier, *self.cast[:number]}:
                raise ValueError(f"cast: {name!r} is already the name of something else")
        if not self.filmed:
            raise ValueError("scenes: none of them is filmed, so there is nothing to deliver")
        if self.anchor is not None and self.anchor not in {*earlier, *self.cast}:
            raise ValueError(f"anchor: there is no scene and no cast {self.anchor!r}")
        return self

    @property
    def ids(self) -> list[str]:
        return [scene.id or f"scene_{number:03d}" for number, scene in enumerate(self.scenes, 1)]

    @property
    def filmed(self) -> list[tuple[str, Scene]]:
        """The scenes that are delivered and filmed, by their ids; their numbers are counted among these."""
        return [(name, scene) for name, scene in zip(self.ids, self.scenes, strict=True) if scene.filmed]

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
        if pictures > MAX_CAST:
            raise NextSceneError(f"{pictures} references are too many: give at most {MAX_CAST}.")
        names = self.cast or tuple(f"reference_{number}" for number in range(1, pictures + 1))
        if len(names) != pictures:
            raise NextSceneError(
                f"This story has a cast of {len(names)} ({', '.join(names)}) and {pictures} picture(s) were given: "
                "give one reference for each, in this order."
            )
        return self.model_copy(update={"cast": names}) if names else self

    def with_film(self, wanted: FilmSettings) -> "Story":
        """The same story, with its film as the user wants it for this run."""
        return self.model_copy(update={"film": self.film.overlaid(wanted)}) if wanted.given else self

    def complete(self, wanted: StorySettings, seed: int, image: str | None) -> "Story":
        """The same story with all that the user set for a run: alone, it makes the same pictures again."""
        story = self.overlaid(wanted)
        return story.model_copy(
            update={"seed": seed, "continuity": story.continuity} | ({"image": image} if image else {})
        )


def from_prompts(prompts: Sequence[str]) -> Story:
    """A story of these prompts, one scene each."""
    return from_data({"scenes": list(prompts)})


def from_text(text: str) -> Story:
    """A story from one text: JSON, or prompts parted by newlines, `|`, or commas that no single space follows."""
    return from_json(text, "the text") if text.lstrip()[:1] in ("{", "[") else from_prompts(split(text))


def as_it_was_made(story: Any) -> Any:
    """The story in a record: one of before `continuity` was written down was a chain."""
    return {"continuity": "chain"} | story if isinstance(story, dict) else story


def split(text: str) -> list[str]:
    """The prompts in one text; empty ones are left out."""
    return [prompt for part in _BETWEEN_SCENES.split(text.strip()) if (prompt := part.strip())]


def from_file(path: Path) -> Story:
    """A story from a JSON file, or from a text file of prompts."""
    text = read_text(path, "story")
    return from_text(text) if path.suffix.lower() == ".txt" else from_json(text, f"the story file {path.name!r}")


def read_text(path: Path, kind: str) -> str:
    """The text of a file of this kind: a story, a look."""
    name = f"The {kind} file {path.name!r}"
    try:
        if path.stat().st_size > MAX_STORY:
            raise NextSceneError(f"{name} is larger than {MAX_STORY // 10**6} MB: no {kind} is.")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NextSceneError(f"There is no {kind} file {str(path)!r}.") from None
    except UnicodeDecodeError as error:
        raise NextSceneError(f"{name} is no UTF-8 text ({error.reason}): save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NextSceneError(f"{name} cannot be read ({reason}).") from None


def from_data(data: Any) -> Story:
    """A story from JSON's own types: an object with `scenes`, or just the list of them, or the record of a run."""
    if isinstance(data, list):
        data = {"scenes": data}
    if isinstance(data, dict) and "made_by" in data:
        data = as_it_was_made(data.get("story"))
    if not isinstance(data, dict):
        raise NextSceneError('A story is an object {"scenes": [...]} or a list of scenes.')
    data = {name: value for name, value in data.items() if name != "$schema"}  # which is for editors
    if isinstance(scenes := data.get("scenes"), list):
        if not 1 <= len(scenes) <= MAX_SCENES:
            raise NextSceneError(f"A story has 1 to {MAX_SCENES} scenes; this one has {len(scenes)}.")
        if isinstance(scenes[0], dict) and "scene_desc" in scenes[0]:
            raise NextSceneError(
                "This is a batch of clips (scene_desc, motion_desc), each for itself and no story: "
                "script/animate FILE.json makes them."
            )
    try:
        return Story.model_validate(data)
    except ValidationError as error:
        raise NextSceneError(describe_errors(error)) from None


def from_json(text: str, name: str) -> Story:
    """A story from JSON. name: what the text is, for what is wrong with it."""
    return read_json(text, name, from_data)


def read_json(text: str, name: str, read: Callable[[Any], Read]) -> Read:
    """What `read` makes of JSON's own types."""
    try:
        return read(json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_doubles))
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise NextSceneError(f"{_capitalised(name)} is not JSON: {where}.") from None
    except RecursionError:
        raise NextSceneError(f"{_capitalised(name)} is nested too deeply.") from None
    except NextSceneError as error:
        raise NextSceneError(f"{_capitalised(name)} is not right: {error}") from None
    except ValueError:  # what else json.loads refuses: an integer of thousands of digits
        raise NextSceneError(f"{_capitalised(name)} has a number of too many digits.") from None


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _refuse_constant(name: str) -> NoReturn:
    raise NextSceneError(f"{name} is not a number that a story can use")


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise NextSceneError(f"the field {twice!r} is given twice")
    return fields

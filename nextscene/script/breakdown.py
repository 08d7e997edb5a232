"""A breakdown: a script's scenes, places, people and shots, as a person can read and change them.

Words of the script stand in it only by their places: `from` and `to`. Its JSON is breakdown.json, which carries the
script's text at its end, so that it can be given back in place of the script.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from nextscene import NextSceneError
from nextscene.script.script import Format
from nextscene.script.vocabulary import Camera, Size
from nextscene.settings import FileName, Light, Name, Transition, Weather, describe_errors

MAX_WORDS = 1000  # characters of one thing that a writer says of a shot, a place or a person

Id = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[\w-]+$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_WORDS, pattern=r"^[^\r\n]*$")]
At = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_by_name=True, validate_by_alias=True
    )

    @model_validator(mode="before")
    @classmethod
    def _read_json(cls, value: Any) -> Any:
        """JSON's lists are tuples here, which nobody can change."""
        if not isinstance(value, dict):
            return value
        return {name: tuple(field) if isinstance(field, list) else field for name, field in value.items()}


class Span(_Part):
    """A piece of the script: from where to where its words stand."""

    start: At = Field(validation_alias="from", serialization_alias="from")
    end: At = Field(validation_alias="to", serialization_alias="to")


class Place(_Part):
    """Where scenes are. look: what it looks like, in the same words in every prompt; picture: a file that shows it."""

    id: Id
    names: tuple[Name, ...]
    inside: bool = False
    look: Words = ""
    sounds: tuple[Name, ...] = ()
    picture: FileName | None = None


class Person(_Part):
    """Who is in it. seen: whether anyone sees them; a voice alone is only heard."""

    id: Id
    names: tuple[Name, ...]
    look: Words = ""
    voice: Name | None = None
    seen: bool = True
    picture: FileName | None = None


class Says(Span):
    """Words that are spoken, by the id of who speaks; None: by a narrator whom nobody sees."""

    who: Id | None


class Sound(_Part):
    """What is heard in a shot, and at which share of its time."""

    what: Name
    at: Share = 0.0


class _Named(Span):
    id: Id


class ScriptShot(_Named):
    """One picture of the script, or one clip.

    people: who is seen in it, by their ids, the chief one first.
    picture: what is to be seen, in a writer's words; None: in those of the script.
    light, weather: None: as in the shot before it.
    ends: what is to be seen at its end, if that is another picture.
    seconds: how long it stands; None: as long as its words take to read, or to speak.
    """

    size: Size | None = None
    camera: Camera = "still"
    light: Light | None = None
    weather: Weather | None = None
    people: tuple[Id, ...] = ()
    picture: Words | None = None
    ends: Words | None = None
    says: tuple[Says, ...] = ()
    sounds: tuple[Sound, ...] = ()
    seconds: Annotated[float, Field(ge=0.2, le=600)] | None = None


class ScriptScene(_Named):
    """What happens in one place without a break. place: by its id; None: the script names none."""

    heading: Words = ""
    place: Id | None = None
    light: Light | None = None
    weather: Weather | None = None
    transition: Transition | None = None
    shots: Annotated[tuple[ScriptShot, ...], Field(min_length=1)]


class Source(_Part):
    """What was broken down, and by whom."""

    sha256: str
    format: Format
    writer: Name = "rules"


class Breakdown(_Part):
    """A whole script, broken down. notes: what was done that its reader should know."""

    script: Source
    title: Words = ""
    style: Words = ""
    places: tuple[Place, ...] = ()
    people: tuple[Person, ...] = ()
    scenes: Annotated[tuple[ScriptScene, ...], Field(min_length=1)]
    notes: tuple[Words, ...] = ()
    text: str

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if hashlib.sha256(self.text.encode()).hexdigest() != self.script.sha256:
            raise ValueError("text: the script was changed in it: change the script's own file, and break that down")
        for kind, parts in (("places", self.places), ("people", self.people), ("shots", self.shots)):
            _refuse_twice(kind, [part.id for part in parts])
        _refuse_twice("scenes", [scene.id for scene in self.scenes])
        self._refuse_strangers()
        self._refuse_disorder()
        return self

    def _refuse_strangers(self) -> None:
        places, people = {each.id for each in self.places}, {each.id for each in self.people}
        for scene in self.scenes:
            if scene.place is not None and scene.place not in places:
                raise ValueError(f"scene {scene.id}, place: there is no place {scene.place!r}")
            for shot in scene.shots:
                speakers = [each.who for each in shot.says if each.who is not None]
                if strangers := [name for name in (*shot.people, *speakers) if name not in people]:
                    raise ValueError(f"shot {shot.id}: there is no person {strangers[0]!r}")

    def _refuse_disorder(self) -> None:
        length = len(self.text)
        every: dict[str, Sequence[_Named]] = {"scene": self.scenes, "shot": self.shots}
        for kind, spans in every.items():
            for span in spans:
                if not span.start <= span.end <= length:
                    raise ValueError(f"{kind} {span.id}: {span.start} to {span.end} is not a piece of the script")
            for before, after in pairwise(spans):
                if after.start < before.end:
                    raise ValueError(f"{kind} {after.id} begins at {after.start}, within {kind} {before.id}")
        for scene in self.scenes:
            for shot in scene.shots:
                if not scene.start <= shot.start <= shot.end <= scene.end:
                    raise ValueError(f"shot {shot.id}: it is not within its scene {scene.id}")
                for said in shot.says:
                    if not shot.start <= said.start < said.end <= shot.end:
                        raise ValueError(f"shot {shot.id}, says: {said.start} to {said.end} is not within the shot")

    @property
    def shots(self) -> tuple[ScriptShot, ...]:
        return tuple(shot for scene in self.scenes for shot in scene.shots)

    def slices(self) -> Iterator[str]:
        """The script's text, piece by piece: what stands before a scene's shots, then each shot."""
        at = 0
        for shot in self.shots:
            yield from (self.text[at : shot.start], self.text[shot.start : shot.end])
            at = shot.end
        yield self.text[at:]

    def to_json(self) -> str:
        """As breakdown.json has it, the text of the script last."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_data(cls, data: object) -> Self:
        """What `to_json` wrote and a person may have changed; a sentence for what is wrong in it."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise NextSceneError(f"This breakdown is not right: {describe_errors(error)}") from None


def _refuse_twice(kind: str, ids: Sequence[str]) -> None:
    for at, name in enumerate(ids):
        if name in ids[:at]:
            raise ValueError(f"{kind}: the id {name!r} is given twice")

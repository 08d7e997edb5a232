"""Settings that belong together, what was said of them, and what is wrong with what was said."""

from collections.abc import Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nextscene import NextSceneError
from nextscene.files import short


def setting(help: str, default: Any = None, *, recommended: str = "", blank: str = "", **limits: Any) -> Any:
    """One setting of the table.

    help: what it does, in a few words.
    recommended: which values are good, in a sentence's rest.
    blank: what is taken when nobody says it, where that is more than the default.
    """
    return Field(default, description=help, json_schema_extra={"recommended": recommended, "blank": blank}, **limits)


class Group(BaseModel):
    """Settings that belong together. Frozen; `given` tells what was said from what has its default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _read_json(cls, value: Any) -> Any:
        """JSON's lists are tuples, which nobody can change; a null says nothing."""
        if not isinstance(value, dict):
            return value
        return {
            name: tuple(field) if isinstance(field, list) else field
            for name, field in value.items()
            if field is not None or name in cls._null_says()
        }

    @classmethod
    def _null_says(cls) -> frozenset[str]:
        """The fields in which a null says something."""
        return frozenset()

    @property
    def given(self) -> dict[str, Any]:
        """What was said, by name."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}

    def overlaid(self, over: "Group | None") -> Self:
        """The same settings, but for those that `over` says."""
        said = over.given if over else {}
        return type(self)(**self.given | {name: said[name] for name in type(self).model_fields if name in said})

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Settings from a door's values, with a sentence for what is wrong; None: not said."""
        try:
            return cls(**{name: value for name, value in values.items() if value is not None})
        except ValidationError as error:
            raise NextSceneError(describe_errors(error)) from None


def describe_errors(error: ValidationError) -> str:
    """What pydantic found, in plain words, with the scene and the field named; three findings at most."""
    # A scene that is not right counts as absent for pydantic: that finding says nothing to the user.
    found = [each for each in error.errors() if (each["type"], each["loc"]) != ("too_short", ("scenes",))]
    return "; ".join(map(_sentence, found[:3])) + "."


_PLAIN_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field",
    "string_too_short": "is empty",
    "string_too_long": "is longer than {max_length} characters",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}


def _sentence(error: Any) -> str:
    """One of pydantic's findings in plain words: "scene 3, strength: input should be ..."."""
    where, message = _place(error["loc"]), error["msg"].removeprefix("Value error, ")
    if error["type"] == "model_type" and error["loc"][:-1] == ("scenes",):
        message = "must be a text or an object with a prompt"
    elif error["type"] in _PLAIN_WORDS:
        message = _PLAIN_WORDS[error["type"]].format(**error.get("ctx", {}))
    elif isinstance(error["input"], str | int | float):
        message = f"{message[0].lower()}{message[1:]}, not {short(error['input'])}"
    return ": ".join([", ".join(where), message]) if where else message


def _place(where: Sequence[str | int]) -> list[str]:
    """Where it is, for people: "scene 2", "lines 1", "who"; they count from one."""
    place: list[str] = []
    for each in where:
        if isinstance(each, int):
            place[-1] = f"{'scene' if place == ['scenes'] else place[-1]} {each + 1}"
        elif each != "[key]":  # pydantic's word for a wrong name of a field, which stands before it
            place.append(each or "a name")
    return place

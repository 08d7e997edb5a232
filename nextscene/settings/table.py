"""The table of settings, row by row, as the doors and the docs show it."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from nextscene.settings.group import Group


@dataclass(frozen=True)
class Setting:
    """One row of the table, as the doors and the docs show it."""

    name: str
    kind: type  # bool, int, float or str
    default: bool | int | float | str | None
    choices: tuple[str | int, ...]
    least: float | None
    most: float | None
    help: str
    recommended: str
    blank: str
    many: bool = False  # whether there may be several

    @property
    def range(self) -> str:
        """Its range in words, if it has one."""
        return f"{self.least:g} to {self.most:.10g}" if self.least is not None and self.most is not None else ""


def rows(group: type[Group]) -> Iterator[Setting]:
    """A group's settings, in order."""
    for name, field in group.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and "recommended" in extra:
            kind, choices = _kind(field.annotation)
            least, most = (_limit(field, bound) for bound in ("ge", "le"))
            about = str(field.description), str(extra["recommended"]), str(extra["blank"])
            default = field.default if isinstance(field.default, int | float | str) else None
            many = get_origin(field.annotation) is tuple
            yield Setting(name, kind, default, choices, least, most, *about, many)


def row(group: type[Group], name: str) -> Setting:
    """The setting of this name."""
    return next(each for each in rows(group) if each.name == name)


def _kind(annotation: Any) -> tuple[type, tuple[str | int, ...]]:
    """What a value is, and which ones there are where they can be counted."""
    if get_origin(annotation) is Literal:
        values = get_args(annotation)
        return type(values[0]), values
    if isinstance(annotation, type):
        return annotation, ()
    inner = next(each for each in get_args(annotation) if each is not NoneType)
    return _kind(inner)


def _limit(field: FieldInfo, bound: str) -> float | None:
    return next((getattr(each, bound) for each in field.metadata if hasattr(each, bound)), None)

"""What is to be compared: read from a file, or made of flags.

    {"prompts": ["a red house by the sea"], "looks": {"base": {}, "noir": {"lora_weights": "noir.safetensors"}},
     "seeds": [7, 8], "settings": {"steps": 20}, "like": "stills/"}

A look says whatever a look's file says; the first one is what the others are measured by. The files that it names are
this machine's: whoever runs a comparison stands for it, as for a command.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open

from nextscene import NextSceneError
from nextscene.files import typed_path
from nextscene.hub import tensor_names
from nextscene.settings import FileName, Group, Name, StorySettings, Text, describe_errors
from nextscene.story import SavedLook, read_json, read_look, read_text

MOST_ROWS, MOST_COLUMNS, MOST_SEEDS = 40, 20, 20
BASE = "base"
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Comparison(Group):
    """prompts: a row for each; looks: a column for each; seeds: a page for each.

    settings: what holds for every cell. like: a folder of pictures that all are measured by.
    cells: what came of it, as an earlier run wrote it down; it is not read again.
    """

    prompts: Annotated[tuple[Text, ...], Field(min_length=1, max_length=MOST_ROWS)]
    looks: Annotated[Mapping[Name, SavedLook], Field(min_length=1, max_length=MOST_COLUMNS)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MOST_SEEDS)] = (1,)
    settings: StorySettings = StorySettings()
    like: FileName | None = None
    cells: tuple[dict[str, Any], ...] = ()

    def settings_of(self, column: str, seed: int) -> StorySettings:
        """All that is said of the cells of one look and one seed."""
        look = {name: value for name, value in self.looks[column].given.items() if name != "film"}
        return self.settings.overlaid(StorySettings(**look, seed=seed))


def read_comparison(file: Path) -> Comparison:
    return read_json(read_text(file, "comparison"), f"the comparison {file.name!r}", _from_data)


def comparison_of_flags(
    prompts: Sequence[str],
    *,
    lora_weights: Sequence[str] = (),
    embeddings: Sequence[str] = (),
    looks: Sequence[str] = (),
    grades: Sequence[str] = (),
    seeds: Sequence[int] = (),
    settings: StorySettings = StorySettings(),
    like: str | None = None,
) -> Comparison:
    """The base, and a column for each file and each grade; a file that says how it is called is called so."""
    said: dict[str, dict[str, Any]] = {BASE: {}}
    for name in lora_weights:
        said[_free(said, name)] = {"lora_weights": name} | _style(_facts(name).get("trigger", ""))
    for name in embeddings:
        said[_free(said, name)] = {"embeddings": [name]} | _style(" ".join(_words(name)))
    for name in looks:
        said[_free(said, name)] = read_look(typed_path(name, "--look")).as_data()
    for grade in grades:
        said[_free(said, grade)] = {"film": {"grade": grade}}
    data = {"prompts": list(prompts), "looks": said, "seeds": list(seeds) or [1], "like": like}
    return _from_data(data | {"settings": settings.model_dump(mode="json", exclude_unset=True)})


def _from_data(data: Any) -> Comparison:
    try:
        return Comparison.model_validate(data)
    except ValidationError as error:
        raise NextSceneError(describe_errors(error)) from None


def _style(words: str) -> dict[str, str]:
    return {"style": words} if words else {}


def _free(said: Mapping[str, object], name: str) -> str:
    """What to call a column: the file's name, or its folder's where that says more; no two alike."""
    path = Path(name)
    plain = path.parent.name if path.stem in ("lora", "embedding", "look") and path.parent.name else path.stem
    names = [plain[:60] or "look", *(f"{plain[:60]} {number}" for number in range(2, MOST_COLUMNS + 2))]
    return next(each for each in names if each not in said)


def _facts(name: str) -> Mapping[str, str]:
    """What a file on this machine says of itself; nothing, where it is somewhere else."""
    file = Path(name).expanduser()
    if "://" in name or not file.is_file():
        return {}
    try:
        with safe_open(file, "numpy") as opened:
            return opened.metadata() or {}
    except (SafetensorError, OSError):
        return {}  # which is said when it is loaded


def _words(name: str) -> list[str]:
    file = Path(name).expanduser()
    if "://" in name or not file.is_file():
        raise NextSceneError(
            f"What the word of {name!r} is cannot be seen from here: name it in a looks.json, as embeddings and style."
        )
    return tensor_names(file)


def as_text(comparison: Comparison, cells: Sequence[Mapping[str, object]]) -> str:
    """A comparison as a file that runs again, with what came of it."""
    data = comparison.model_dump(mode="json", exclude_unset=True, exclude={"cells"})
    return json.dumps({**data, "cells": list(cells)}, indent=2, ensure_ascii=False) + "\n"

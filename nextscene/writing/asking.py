"""What a writer is asked, and how: a task goes in, JSON of its schema comes out. It knows no scripts."""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from nextscene.files import write_whole

TRIES = 3
VERSION = 1  # of what is asked; with another, all is asked anew

Found = TypeVar("Found")


Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300, pattern=r"^[^\r\n]*$")]


class Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class WriterError(Exception):
    """A writer gave no answer that can be used; its text says why, in a sentence's rest."""


class TooLongError(WriterError):
    """The answer was cut off at its greatest length."""


@dataclass(frozen=True)
class Task:
    """One thing to ask for. words: what it is about; complaint: what was wrong with the answer before."""

    system: str
    words: str
    schema: Mapping[str, Any]
    complaint: str = ""


def bare(**fields: Mapping[str, Any]) -> dict[str, Any]:
    """An object's schema, bare: everything is required, nothing else is allowed, and limits are checked by us."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


class Writer(Protocol):
    """Who answers. name: with the model, as the cache and the breakdown know it."""

    @property
    def name(self) -> str: ...

    def answer(self, task: Task) -> str:
        """JSON, as the task's schema has it; a `WriterError`, where there is none."""
        ...


class Answers:
    """The answers that are kept, by all that they depend on: nobody is asked, and paid, twice for the same.

    rewrite: whether all is asked anew.
    """

    def __init__(self, folder: Path, rewrite: bool = False) -> None:
        self._folder, self._rewrite = folder, rewrite

    def ask(self, writer: Writer, task: Task, check: Callable[[Any], Found]) -> Found:
        """What `check` makes of the answer; it refuses with a ValueError, whose text the writer is then told."""
        file = self._file(writer, task)
        if file.is_file() and not self._rewrite:
            return check(json.loads(file.read_text()))
        failure = WriterError("it was not asked")
        for number in range(1, TRIES + 1):
            try:
                answer = json.loads(writer.answer(task))
                found = check(answer)
            except TooLongError:
                raise
            except WriterError as error:
                failure = error
            except ValueError as error:  # no JSON, or not what was asked for
                reason = str(error).split("\n")[0]
                failure = WriterError(f"its answer was not right: {reason}")
                task = replace(task, complaint=reason)
            else:
                write_whole(file, json.dumps(answer))
                return found
            print(f"The writer {writer.name}: {failure} (try {number} of {TRIES}).", file=sys.stderr)
        raise failure

    def _file(self, writer: Writer, task: Task) -> Path:
        asked = json.dumps([VERSION, writer.name, task.system, task.words, task.schema], sort_keys=True)
        return self._folder / f"{hashlib.sha256(asked.encode()).hexdigest()}.json"

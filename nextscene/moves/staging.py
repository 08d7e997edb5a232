"""Stages of a run: each is made of something, and makes files; one that is made already is not made again.

    stages = Stages(folder)
    with stages.making("keyframes", made_of) as files: files.append(...)

What each was made of, and its files' sha256, stand in stages.json. A stage that is to be taken as it stands is refused
where it was made of something else than what is there now.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nextscene import NextSceneError
from nextscene.files import sha256, write_whole

STAGES = ("trajectory", "keyframes", "frames", "film")


class Stages:
    """What is known of the stages in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._file = folder, folder / "stages.json"
        self._known: dict[str, Any] = {}
        if self._file.is_file():
            try:
                self._known = json.loads(self._file.read_text())
                assert isinstance(self._known, dict)
            except (OSError, ValueError, AssertionError):
                raise NextSceneError(
                    f"{self._file} cannot be read: remove it, and every stage is made again."
                ) from None

    def is_made(self, name: str, made_of: Mapping[str, object]) -> bool:
        """Whether it is there, made of the very same, and as it was made."""
        return self._made_of(name) == dict(made_of) and all(
            (self.folder / file).is_file() and sha256(self.folder / file) == known
            for file, known in self._known[name]["files"].items()
        )

    def is_made_of(self, name: str, made_of: Mapping[str, object]) -> bool:
        return self._made_of(name) == dict(made_of)

    def is_edited(self, name: str, file: str) -> bool:
        """Whether a file of a stage was changed since it was made."""
        known, there = self._known.get(name, {}).get("files", {}).get(file), self.folder / file
        return bool(known) and there.is_file() and sha256(there) != known

    def refuse_stale(self, name: str, made_of: Mapping[str, object]) -> None:
        """Refuses a stage that is to be taken as it stands, where that is not there or no longer fits."""
        if name not in self._known:
            raise NextSceneError(
                f"There is no {name} in {self.folder} that could be taken as it stands: make that stage too."
            )
        before = self._made_of(name) or {}
        if other := [each for each in made_of if before.get(each) != made_of[each]]:
            raise NextSceneError(
                f"The {name} in {self.folder} were made of another {', '.join(other)}: leave {name} out of "
                "--skip-steps, and they are made again."
            )
        if missing := [file for file in self._known[name]["files"] if not (self.folder / file).is_file()]:
            raise NextSceneError(f"The {name} in {self.folder} lack {missing[0]}: leave {name} out of --skip-steps.")

    @contextmanager
    def making(self, name: str, made_of: Mapping[str, object]) -> Iterator[list[Path]]:
        """Notes down a stage and its files once they are all made; removes those that are no longer its."""
        began, files = time.monotonic(), list[Path]()
        before = set(self._known.get(name, {}).get("files", {}))
        yield files
        named = {str(file.relative_to(self.folder)): sha256(file) for file in files}
        for old in before - set(named):
            (self.folder / old).unlink(missing_ok=True)
        seconds = round(time.monotonic() - began, 3)
        self._known[name] = {"made_of": dict(made_of), "seconds": seconds, "files": named}
        self._write()

    def files(self, name: str) -> Sequence[Path]:
        return [self.folder / file for file in self._known.get(name, {}).get("files", {})]

    def seconds(self, name: str) -> float:
        return float(self._known.get(name, {}).get("seconds", 0))

    def _made_of(self, name: str) -> dict[str, object] | None:
        found = self._known.get(name, {}).get("made_of")
        return found if isinstance(found, dict) else None

    def _write(self) -> None:
        write_whole(self._file, json.dumps(self._known, indent=1))

"""Where a batch is kept: a folder, or an address that fsspec knows (s3://, gs://, memory://, ...).

A story's files go in and out as names and bytes. Each is written whole, and one at an address is read back and compared
by its hash. The record of a run comes after the files that it names, so what it says is there, is there.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nextscene import NextSceneError
from nextscene.files import typed_path, write_whole

Files = Mapping[str, bytes]  # by their paths below a folder
RECORD = "run.json"
WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "az", "memory"}  # nobody ever sees half of what is put there


@dataclass(frozen=True)
class Changes:
    """What is new in a story's folder, and what is gone."""

    new: Files
    gone: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """The files in the order in which they are to be written."""
        return iter(sorted(self.new.items(), key=lambda file: file[0] == RECORD))


class Place(Protocol):
    """Story by story; the story "" is the batch's own files."""

    def read(self, story: str) -> Files:
        """All that is kept of a story."""

    def write(self, story: str, changes: Changes) -> None: ...

    def fetch(self, name: str) -> bytes | None:
        """One of the batch's own files, if it is there."""

    def at(self, story: str) -> Path:
        """Where a story lies on this machine. There is nothing, where it is kept elsewhere."""


def is_address(text: str) -> bool:
    return "://" in text


def open_place(text: str, flag: str) -> "Folder | Address":
    """What was typed for `flag`. A file:// address is a folder."""
    if is_address(text) and not text.startswith(("file://", "local://")):
        return Address(text, flag)
    return Folder(typed_path(text.partition("://")[2] or text if is_address(text) else text, flag))


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, story: str) -> Files:
        folder = self.path / story
        return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files_in(folder)}

    def write(self, story: str, changes: Changes) -> None:
        for name, data in changes:
            write_whole(self.path / story / name, data)
        for name in changes.gone:
            (self.path / story / name).unlink(missing_ok=True)

    def fetch(self, name: str) -> bytes | None:
        file = self.path / name
        return file.read_bytes() if file.exists() else None

    def at(self, story: str) -> Path:
        return self.path / story

    def __str__(self) -> str:
        return str(self.path)


class Address:
    """Storage elsewhere. Only its address is carried to other processes, which open it anew."""

    def __init__(self, address: str, flag: str) -> None:
        self._address, self._flag = address if address.endswith("://") else address.rstrip("/"), flag
        self._open()

    def _open(self) -> None:
        from fsspec.core import url_to_fs

        try:
            self._storage, self._root = url_to_fs(self._address)
        except (ImportError, ValueError) as error:
            raise NextSceneError(f"{self._flag}: {self._address} cannot be opened here ({error}).") from None

    def __getstate__(self) -> dict[str, Any]:
        return {"_address": self._address, "_flag": self._flag}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def names(self, below: str = "") -> list[str]:
        """The files there, by their paths below the address."""
        root = self._path(below)
        try:
            found = self._storage.find(root)
        except FileNotFoundError:
            return []
        return [each.removeprefix(self._root).lstrip("/") for each in found]

    def fetch(self, name: str) -> bytes | None:
        try:
            return bytes(self._storage.cat_file(self._path(name)))
        except FileNotFoundError:
            return None

    def at(self, story: str) -> Path:
        return Path(tempfile.gettempdir(), "next-scene-nowhere", story)

    def read(self, story: str) -> Files:
        files = {name.removeprefix(f"{story}/"): self.fetch(name) for name in self.names(story)}
        return {name: data for name, data in files.items() if data is not None}

    def write(self, story: str, changes: Changes) -> None:
        for name, data in changes:
            self._put(self._path(f"{story}/{name}" if story else name), data)
        for name in changes.gone:
            if self._storage.exists(path := self._path(f"{story}/{name}")):
                self._storage.rm_file(path)

    def _put(self, path: str, data: bytes) -> None:
        whole = {self._storage.protocol} if isinstance(self._storage.protocol, str) else {*self._storage.protocol}
        there = path if whole & WHOLE else f"{path}.part"
        self._storage.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._storage.pipe_file(there, data)
        kept = hashlib.sha256(self._storage.cat_file(there)).digest()
        if kept != hashlib.sha256(data).digest():
            raise OSError(f"{path} was not kept as it was written")
        if there != path:
            self._storage.mv(there, path)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def __str__(self) -> str:
        return self._address


class Mirror:
    """A folder as it was seen last."""

    def __init__(self, folder: Path, files: Files) -> None:
        """Fills the folder with these files."""
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        Folder(folder).write("", Changes(files))
        folder.mkdir(parents=True, exist_ok=True)
        self._seen = self._look()

    def changes(self) -> Changes:
        """What has changed since it was seen last."""
        before, self._seen = self._seen, self._look()
        new = {
            name: (self._folder / name).read_bytes() for name, mark in self._seen.items() if before.get(name) != mark
        }
        return Changes(new, frozenset(before.keys() - self._seen.keys()))

    def _look(self) -> dict[str, tuple[int, int]]:
        marks = {file: file.stat() for file in files_in(self._folder)}
        return {file.relative_to(self._folder).as_posix(): (at.st_mtime_ns, at.st_size) for file, at in marks.items()}


def files_in(folder: Path) -> Iterator[Path]:
    """Its files, and those below it; not what is hidden: locks, and files in the making."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            yield file

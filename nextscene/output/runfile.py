"""The file of a record: read if it is safe to, written whole, and used by one process at a time.

Who gives a folder away gives its record, too: what that says is checked before it is believed, so that nothing outside
of the folder is read or written.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nextscene import NextSceneError
from nextscene.files import lies_within, write_whole
from nextscene.output.entries import Run
from nextscene.output.folder import locked

LARGEST = 64_000_000  # bytes: 300 scenes with a hundred takes each have half as many


class RunFile:
    """A record's file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: bytes | None = None  # what it held when it was read or written last
        self._is_known = False

    def read(self) -> Run | None:
        """What the file says; None: there is none."""
        self._known, self._is_known = self._content(), True
        if self._known is None:
            return None
        run, folder = Run.from_json(self._known, str(self.path)), self.path.parent
        for file in run.files():
            if not lies_within(folder, folder / file):
                raise NextSceneError(f"{self.path} names {file[:100]!r}, which is not in its folder: it is not opened.")
        return run

    def write(self, run: Run) -> None:
        text = run.to_json().encode()
        write_whole(self.path, text)
        self._known, self._is_known = text, True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from the record, and refuses if one has changed it since it was read."""
        with locked(self.path):
            if self._is_known and self._content() != self._known:
                raise NextSceneError(f"Another run has just changed {self.path}: give the same command again.")
            yield

    def _content(self) -> bytes | None:
        if not os.path.lexists(self.path):
            return None
        try:
            if not self.path.is_file():
                raise IsADirectoryError(0, "it is no file")
            if not lies_within(self.path.parent, self.path):
                raise PermissionError(0, "it is a link to elsewhere")
            if self.path.stat().st_size > LARGEST:
                raise OSError(0, "it is larger than any record")
            return self.path.read_bytes()
        except OSError as error:
            raise NextSceneError(
                f"{self.path} cannot be read ({error.strerror}): move it, or choose another folder."
            ) from None

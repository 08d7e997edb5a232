"""What is answered: JSON, a file of the run's folder or a part of it, all its pictures as one.

It knows a folder and what was asked for; no connections.
"""

import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nextscene.page.view import KINDS, find_file

PIECE = 1 << 18  # bytes that are read at once
PICTURES = {".png", ".webp", ".jpg"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes | Iterator[bytes]


class RefusedError(Exception):
    """What is not done, with the status that HTTP has for the reason."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def answer_json(value: object, status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(value).encode())


def answer_file(folder: Path, name: str, wanted: str) -> Answer:
    """A file of the folder, or the part of it that is wanted: browsers ask for a film bit by bit.

    wanted: the header Range, or nothing.
    """
    if not (file := _found(folder, name)):
        raise RefusedError(404, "There is no such file in this run's folder.")
    stream = file.open("rb")
    size = stream.seek(0, 2)
    headers = {"Content-Type": KINDS[file.suffix.lower()], "Accept-Ranges": "bytes"}
    if not (part := _part(wanted, size)):
        return Answer(200, headers | {"Content-Length": str(size)}, _read(stream, 0, size))
    begin, end = part
    if begin >= end:
        stream.close()
        return Answer(416, headers | {"Content-Range": f"bytes */{size}"}, b"")
    about = {"Content-Range": f"bytes {begin}-{end - 1}/{size}", "Content-Length": str(end - begin)}
    return Answer(206, headers | about, _read(stream, begin, end))


def answer_pictures(folder: Path) -> Answer:
    """The scenes as they are now, in one zip."""
    headers = {"Content-Type": "application/zip", "Content-Disposition": 'attachment; filename="scenes.zip"'}
    return Answer(200, headers, _packed(folder))


def _packed(folder: Path) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as stream:
        with zipfile.ZipFile(stream, "w") as pack:
            for path in sorted(folder.glob("scene_*")):
                if (file := _found(folder, path.name)) and file.suffix in PICTURES:
                    pack.write(file, path.name)
        yield from _read(stream, 0, stream.tell())


def _found(folder: Path, name: str) -> Path | None:
    try:
        return find_file(folder, name)
    except (OSError, ValueError):  # a name too long, or with a zero byte: there is no such file
        return None


def _part(wanted: str, size: int) -> tuple[int, int] | None:
    """From where to where, the end not included; None: all of it, also where several parts are wanted at once."""
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", wanted.strip())
    if not found or not any(found.groups()):
        return None
    begin, end = found.groups()
    if not begin:  # the last so many bytes
        return max(size - int(end), 0), size
    return int(begin), min(int(end) + 1, size) if end else size


def _read(stream: IO[bytes], begin: int, end: int) -> Iterator[bytes]:
    with stream:
        stream.seek(begin)
        while begin < end and (piece := stream.read(min(PIECE, end - begin))):
            yield piece
            begin += len(piece)

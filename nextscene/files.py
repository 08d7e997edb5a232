"""Files, whole or not at all: written beside their place, synced to the disk, then renamed into it.

    write_whole(path, data)

    with whole_file(path) as part:      # for a writer that wants a name: ffmpeg, wave
        subprocess.run(["ffmpeg", ..., part])

Also: a file's sha256, and whether a path that somebody else wrote down lies within a folder. It knows no formats.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EISDIR
from pathlib import Path

from nextscene import NextSceneError


def write_whole(path: Path, data: bytes | str) -> None:
    """Writes a file so that nobody ever sees half of it, and a power cut leaves the old one or the new one."""
    with whole_file(path) as part, part.open("wb") as out:
        out.write(data.encode() if isinstance(data, str) else data)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """An empty file beside `path`, to be filled; it takes the place of `path` when the block ends well."""
    part = path.with_name(f".{path.name}.part")
    try:
        if path.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)  # of a killed writer; a link is removed, not followed
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o666))
        yield part
        _sync(part)
        part.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):  # what went wrong is said already
            part.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> NextSceneError:
    """What to tell the user when a file cannot be written."""
    reason = error.strerror or str(error)
    return NextSceneError(f"{path} cannot be written ({reason}): make room or choose another folder.")


def sha256(path: Path) -> str:
    """A file's sha256, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def lies_within(folder: Path, path: Path) -> bool:
    """Whether a path, all links followed, is in this folder or below it."""
    return path.resolve().is_relative_to(folder.resolve())


def exists(path: Path) -> bool:
    """Whether there is something of this name; no name is too long or too odd to be asked for."""
    with suppress(OSError, ValueError):
        return path.exists()
    return False


def _sync(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())

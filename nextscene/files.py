"""Files, whole or not at all: written beside their place, synced to the disk, then renamed into it.

    write_whole(path, data)

    with whole_file(path) as part:      # for a writer that wants a name: ffmpeg, wave
        subprocess.run(["ffmpeg", ..., part])

Also: a file's sha256, whether a path that somebody else wrote down lies within a folder, the path that a person typed,
and a process's own temporary folder. It knows no formats.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EISDIR
from pathlib import Path

from nextscene import NextSceneError

_own_folders: dict[str, Path] = {}


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
        sync(part)
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
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle, a name too long, a zero byte: it leads nowhere
        return False


def exists(path: Path) -> bool:
    """Whether there is something of this name; no name is too long or too odd to be asked for."""
    with suppress(OSError, ValueError):
        return path.exists()
    return False


def own_folder(name: str) -> Path:
    """This process's temporary folder `name`, emptied; what processes that are gone left behind is removed.

    A folder is in use as long as its process holds a lock on it: process numbers are not the same in all containers.
    """
    if name not in _own_folders:
        for left in Path(tempfile.gettempdir()).glob(f"{name}-*"):
            if (lock := _lock(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)
        _own_folders[name] = _new_folder(name)
    folder = _own_folders[name]
    for each in folder.iterdir():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
    return folder


def _new_folder(name: str) -> Path:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        if _lock(folder) is not None and folder.exists():  # else another process took it for one that is left behind
            return folder


def _lock(folder: Path) -> int | None:
    """Locks a folder of ours for as long as this process lives; None when it is not ours, or in use."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # a link, a file, or closed to us
        return None
    with suppress(BlockingIOError):
        if os.fstat(opened).st_uid == os.geteuid():
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return opened
    os.close(opened)
    return None


def sync(path: Path) -> None:
    """Waits until the disk holds what was written to a file."""
    with path.open("rb") as written:
        os.fsync(written.fileno())


def typed_path(text: str | Path, name: str) -> Path:
    """The path that a person typed, its `~` followed, whether or not anything is there.

    name: the input that it was typed for, for the sentence that refuses what can be no path on this machine.
    """
    try:
        path = Path(text).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError):
            path.stat()
        return path
    except RuntimeError:
        reason = "there is no such user"
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError as error:
        reason = str(error)
    raise NextSceneError(f"{name} is {short(text)}, which cannot be opened here ({reason}): give another path.")


def short(value: object) -> str:
    """A value that a person typed, as a sentence shows it, however long it is."""
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of more than 60 digits"
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= 100 else f"{text[:60]}... ({len(text):,} characters)"

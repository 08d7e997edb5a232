"""A run's folder on the disk: who may write in it, what in it may be overwritten, what its files are called.

Nothing that a person put there is ever touched. It knows names of files, and pictures; no stories.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nextscene import NextSceneError, pictures
from nextscene.files import unwritable
from nextscene.film import is_own_clip

_LONGEST_NAME = 160  # bytes; a file's name may have 255, and the names of its takes and parts are longer
SCENE = re.compile(r"scene_\d{3,}\.(png|webp|jpg)")


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keeps other processes from a record, as long as the block lasts or the process lives."""
    lock = file.with_name(f".{file.name}.lock")
    try:
        opened = _lock(lock, file)
    except OSError as error:
        raise unwritable(file, error) from error
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(opened)


def _lock(lock: Path, file: Path) -> int:
    lock.parent.mkdir(parents=True, exist_ok=True)
    while True:
        opened = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(lock, opened):
                with suppress(OSError):  # a full disk: whom it belongs to is all that is not known then
                    os.ftruncate(opened, 0)
                    os.write(opened, str(os.getpid()).encode())
                return opened
        except BlockingIOError:
            pid = os.read(opened, 20).decode(errors="replace") or "unknown"
            os.close(opened)
            raise NextSceneError(
                f"{file.parent} is in use by another run (process {pid}): wait for it, or choose another folder."
            ) from None
        except OSError:
            os.close(opened)
            raise
        os.close(opened)  # who held it has just removed it: there is a new one to take


def _is_at(path: Path, opened: int) -> bool:
    try:
        return os.path.samestat(os.fstat(opened), path.lstat())
    except FileNotFoundError:
        return False


def refuse_what_is_in_the_way(files: Iterable[Path]) -> None:
    """Refuses to write where something lies that was not made here."""
    for file in files:
        made_here = is_own_clip if file.suffix == ".mp4" else pictures.made_here
        if os.path.lexists(file) and not made_here(file):
            raise NextSceneError(
                f"{file} is in the way, and it was not made here: move it, or choose another folder. Nothing was drawn."
            )


def file_name(name: str) -> str:
    """The name of a scene or a given picture as a file's; names that would look the same there are told apart."""
    plain = re.sub(r"[^\w-]", "_", name)
    if plain == name and len(name.encode()) <= _LONGEST_NAME:
        return name
    return f"{plain[: _LONGEST_NAME // 4]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def scene_files(folder: Path) -> list[Path]:
    """The scenes that were delivered into a folder, of whatever run."""
    files = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(file for file in files if SCENE.fullmatch(file.name) and pictures.made_here(file))

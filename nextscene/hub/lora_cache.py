"""LoRA files of users' own, kept on this machine: one copy of each content, and only so many bytes of them.

    loras/SHA256.safetensors     a content
    loras/names/KEY              which content it is that was fetched under a name

When room is short, the least recently used go first. It does not know where they come from.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from nextscene.files import sync, unwritable, write_whole
from nextscene.hub import cache

MOST_BYTES = 40 * 10**9  # of all of them together
MOST_NAMES = 10_000
LEAST_FREE = 2 * 10**9  # bytes of the disk that no LoRA takes: pictures and films need them


def get(name: str, download: Callable[[Path], Path]) -> Path:
    """The file that was fetched under this name before, or else the one that `download` puts into an empty folder."""
    pointer = _folder() / "names" / hashlib.sha256(name.encode()).hexdigest()
    if pointer.is_file() and (known := find(pointer.read_text())):
        _mark_as_used(pointer, known)
        return known
    with _empty_folder() as empty:
        new = download(empty)
        digest = cache.sha256(new)
        kept = _file(digest)
        if new != kept:
            sync(new)
            new.replace(kept)
        write_whole(pointer, digest)
    _mark_as_used(kept)
    return kept


def find(digest: str | None) -> Path | None:
    """The file with this sha256, if it is kept; one that has been damaged since is removed."""
    file = _file(digest) if digest else None
    if not file or not file.is_file():
        return None
    if not is_whole(file):
        file.unlink(missing_ok=True)
        return None
    return file


def is_whole(file: Path) -> bool:
    """Whether it is a safetensors file, from its header to its last byte."""
    try:
        with safe_open(file, "numpy"):
            return True
    except SafetensorError:
        return False


def make_room(name: str, size: int) -> None:
    """Removes the least recently used files until one of this size fits; says so if it never does."""
    kept = _list_by_use(_folder(), "*.safetensors")
    total = sum(each.size for each in kept)
    free = shutil.disk_usage(_folder()).free if _folder().is_dir() else size + LEAST_FREE
    for each in kept:
        if total + size <= MOST_BYTES and free - size >= LEAST_FREE:
            break
        each.path.unlink(missing_ok=True)
        total, free = total - each.size, free + each.size
    _remove_stale_names()
    cache.refuse_if_full(name, size, _folder(), LEAST_FREE)


class _Kept(NamedTuple):
    used: float
    size: int
    path: Path


def _folder() -> Path:
    return cache.folder() / "loras"


def _file(digest: str) -> Path:
    return _folder() / f"{digest}.safetensors"


@contextmanager
def _empty_folder() -> Iterator[Path]:
    """In the cache, so that what is downloaded into it only has to be renamed."""
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        cache.remove_orphans(folder, ".fetching-*")
        empty = Path(mkdtemp(prefix=".fetching-", dir=folder))
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield empty
    finally:
        shutil.rmtree(empty, ignore_errors=True)  # what is left of it is an orphan, which the next one removes


def _list_by_use(folder: Path, pattern: str) -> list[_Kept]:
    """The least recently used first."""
    kept = []
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):  # another process made room
            about = path.stat()
            kept.append(_Kept(about.st_mtime, about.st_size, path))
    return sorted(kept)


def _mark_as_used(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):  # of a cache that can only be read, nothing is removed either
            os.utime(path)


def _remove_stale_names() -> None:
    """Those whose content is gone, and the least recently used of too many."""
    names = _list_by_use(_folder() / "names", "*")
    for number, each in enumerate(reversed(names), 1):
        with suppress(FileNotFoundError):
            if number > MOST_NAMES or not _file(each.path.read_text()).is_file():
                each.path.unlink()

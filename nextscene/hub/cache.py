"""Where weights lie on this machine: the folder of downloads, the room in it, what is built in, and sha256 of both."""

import hashlib
import os
import re
import shutil
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nextscene import NextSceneError, files

ORPHAN_AGE = 3600.0  # seconds; a part file this old is a killed process's, and nobody takes it up again
_NAMED_AFTER_CONTENT = re.compile(r"([0-9a-f]{64})(?:\.safetensors)?")


def folder() -> Path:
    """NEXT_SCENE_CACHE, or huggingface_hub's own cache, which other programs share."""
    if named := os.environ.get("NEXT_SCENE_CACHE"):
        return files.typed_path(named, "NEXT_SCENE_CACHE")
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser()


def refuse_if_full(name: str, missing: int, place: Path, keep_free: int = 0) -> None:
    """Refuses a download that the disk cannot hold and keep so many bytes free."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise NextSceneError(
            f"{name} could not be fetched: {folder()} cannot be written ({error.strerror}): free space, or set "
            "NEXT_SCENE_CACHE elsewhere."
        ) from error
    if missing + keep_free > free:
        kept = f", of which {amount(keep_free)} are kept free" if keep_free else ""
        raise NextSceneError(
            f"{name} needs {amount(missing)} more in {folder()}, where {amount(free)} are free{kept}: "
            "free some space there, or set NEXT_SCENE_CACHE to a folder on a larger disk."
        )


def refuse_larger(name: str, size: int, most: int) -> None:
    """Refuses a LoRA of more bytes than any has."""
    if size > most:
        raise NextSceneError(f"{name} is larger than {amount(most)}: no LoRA for this model is.")


def announce(name: str, size: int) -> None:
    about = f" ({amount(size)} to download)" if size else ""
    print(f"Fetching {name}{about} into {folder()}", file=sys.stderr)


def remove_orphans(place: Path, pattern: str) -> None:
    """Removes what killed processes left in a folder."""
    for orphan in place.glob(pattern):
        if time.time() - orphan.lstat().st_mtime > ORPHAN_AGE:
            shutil.rmtree(orphan) if orphan.is_dir() and not orphan.is_symlink() else orphan.unlink(missing_ok=True)


def sha256(file: Path) -> str:
    """Of a file. What lies in the cache is named by its checksum, which was verified when it came."""
    where = file.resolve()
    if (named := _NAMED_AFTER_CONTENT.fullmatch(where.name)) and files.lies_within(folder(), where):
        return named[1]
    return files.sha256(where)


def sha256_of_all(folder: Path, patterns: Iterable[str]) -> str:
    """Of all files of a folder that match, as `sha256sum FILES | sha256sum` would have it, sorted by name."""
    names = sorted(str(file.relative_to(folder)) for pattern in patterns for file in folder.glob(pattern))
    with ThreadPoolExecutor() as pool:
        sums = pool.map(sha256, (folder / name for name in names))
    listed = "".join(f"{each}  {name}\n" for each, name in zip(sums, names, strict=True))
    return hashlib.sha256(listed.encode()).hexdigest()


def built_in(installed: str, checkout: str) -> Path:
    """The folder of a built-in model: in an installed package, or in a checkout."""
    here = Path(__file__).resolve()
    folder = here.with_name(installed)
    return folder if folder.is_dir() else here.parents[2] / checkout


def amount(size: int) -> str:
    from tqdm import tqdm

    return f"{tqdm.format_sizeof(size)}B"

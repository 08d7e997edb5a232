"""Downloads: files of a repository on the hub, each verified, in this machine's cache.

In goes a `Source`; out come the folder to read it from, which is named after the commit in it, and its files. They go
into huggingface_hub's cache (NEXT_SCENE_CACHE moves it), one after another, and each is verified once. A connection
that breaks is taken up where it broke; a fetch that failed leaves every finished file to the next one. What was
verified is remembered and needs no network from then on.

It does not know what the files are for.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from httpx2 import HTTPError
from huggingface_hub import HfApi, constants, errors
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.hf_api import RepoSibling
from tqdm import tqdm

from nextscene import NextSceneError

PATIENCE = 10.0  # seconds for the hub's first answer; huggingface_hub by itself waits for ever
ORPHAN_AGE = 3600.0  # seconds; a part file this old is a killed process's, and huggingface_hub never takes it up again


@dataclass(frozen=True, kw_only=True)
class Source:
    """Files of one repository."""

    name: str  # as the user knows it
    repo: str
    files: tuple[str, ...]  # patterns, each of which must match
    revision: str = "main"
    public: bool = False  # only what everyone may see, even if HF_TOKEN is set


class Fetched(NamedTuple):
    """What lies on this machine, complete and verified."""

    folder: Path
    files: list[str]


Check = Callable[[Sequence[RepoSibling]], None]


def fetch(source: Source, check: Check = lambda files: None) -> Fetched:
    """The files of a source; downloads only what is missing. `check` may refuse them before that."""
    return _fetched_before(source) or _download(source, check)


def cache() -> Path:
    """Where downloads lie."""
    return Path(os.environ.get("NEXT_SCENE_CACHE") or constants.HF_HUB_CACHE).expanduser()


def make_room(name: str, missing: int, folder: Path) -> None:
    """Refuses a download that the disk cannot hold; announces any other."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise NextSceneError(
            f"{name} needs {amount(missing)} more in {cache()}, where {amount(free)} are free: "
            "free some space there, or set NEXT_SCENE_CACHE to a folder on a larger disk."
        )
    print(f"Fetching {name} ({amount(missing)} to download) into {cache()}", file=sys.stderr)


def sha256(file: Path) -> str:
    """Of a file. What the hub's cache holds is named by its checksum, which was verified when it came."""
    if re.fullmatch(r"[0-9a-f]{64}", name := file.resolve().name):
        return name
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def amount(size: int) -> str:
    return f"{tqdm.format_sizeof(size)}B"


def _store(source: Source) -> Path:
    return cache() / repo_folder_name(repo_id=source.repo, repo_type="model")


def _marker(source: Source) -> Path:
    """Says what was verified. It lies beside huggingface_hub's own files, and moves with them."""
    name = re.sub(r"[^\w-]", "-", source.name)
    return _store(source) / f"verified-{name}{'-public' if source.public else ''}.json"


def _fetched_before(source: Source) -> Fetched | None:
    """What an earlier fetch verified, if it was asked for the same and all of it is still there."""
    if not _marker(source).is_file():
        return None
    verified = json.loads(_marker(source).read_text())
    folder = _store(source) / "snapshots" / verified["commit"]
    there = {file: (folder / file).stat().st_size for file in verified["files"] if (folder / file).is_file()}
    whole = verified["asked"] == [source.revision, *source.files] and verified["files"] == there
    return Fetched(folder, list(there)) if whole else None


def _download(source: Source, check: Check) -> Fetched:
    """Whatever goes wrong with the hub, the network or the disk ends here, in one sentence."""
    hub = HfApi(library_name="next-scene", token=False if source.public else None)
    try:
        info = hub.model_info(source.repo, revision=source.revision, files_metadata=True, timeout=PATIENCE)
        files = _wanted(source, info.siblings or [])
        check(files)
        _prepare(source, files)
        for number, file in enumerate(files, 1):
            print(f"{number} of {len(files)}: {file.rfilename}, {amount(file.size or 0)}", file=sys.stderr)
            path = hub.hf_hub_download(source.repo, file.rfilename, revision=info.sha, cache_dir=cache())
            _verify(Path(path), file)
        sizes = {file.rfilename: file.size for file in files}
        beside = _marker(source).with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps({"commit": info.sha, "asked": [source.revision, *source.files], "files": sizes}))
        beside.replace(_marker(source))
    except (OSError, HTTPError, RuntimeError, ValueError) as error:
        raise NextSceneError(f"{source.name} could not be fetched: {_reason(error, source, hub.endpoint)}.") from error
    return Fetched(_store(source) / "snapshots" / str(info.sha), list(sizes))


def _wanted(source: Source, files: list[RepoSibling]) -> list[RepoSibling]:
    matching = {pattern: [file for file in files if fnmatchcase(file.rfilename, pattern)] for pattern in source.files}
    if gone := [pattern for pattern in source.files if not matching[pattern]]:
        raise NextSceneError(
            f"{source.name} could not be fetched: {source.repo} holds no {gone[0]}: check its name there, or take a "
            "newer Next Scene, which may know a newer one."
        )
    return [file for found in matching.values() for file in found]


def _prepare(source: Source, files: list[RepoSibling]) -> None:
    """Removes what killed fetches left behind, and sees that there is room for what is missing."""
    blobs = _store(source) / "blobs"
    for orphan in blobs.glob("*.incomplete"):
        if time.time() - orphan.stat().st_mtime > ORPHAN_AGE:
            orphan.unlink()
    make_room(source.name, sum(file.size or 0 for file in files if not (blobs / _checksum(file)).exists()), blobs)


def _checksum(file: RepoSibling) -> str:
    """What the hub says that a file hashes to: sha256 for a large one, git's own sha1 for a small one."""
    return file.lfs.sha256 if file.lfs else file.blob_id or ""


def _verify(path: Path, file: RepoSibling) -> None:
    """Reads a file once, whole; one with the wrong checksum is removed, so that the next fetch downloads it anew."""
    size = path.stat().st_size
    digest = hashlib.sha256() if file.lfs else hashlib.sha1(b"blob %d\0" % size)
    bar = tqdm(desc=f"Verifying {path.name}", total=size, unit="B", unit_scale=True, disable=None, delay=1)
    with bar, path.open("rb") as stream:
        while chunk := stream.read(1 << 24):
            digest.update(chunk)
            bar.update(len(chunk))
    if digest.hexdigest() != _checksum(file):
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise OSError(f"{file.rfilename} came with a wrong checksum and was removed")


def _reason(error: Exception, source: Source, endpoint: str) -> str:
    """What went wrong, in a user's words, and what to do about it."""
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    match error:
        case errors.GatedRepoError():
            return f"accept the terms on {endpoint}/{source.repo}, and set HF_TOKEN to your token"
        case errors.RepositoryNotFoundError():
            private = "it may be private" if source.public else "set HF_TOKEN if it is private"
            return f"{endpoint} shows no {source.repo}: check its name and HF_ENDPOINT, or {private}"
        case errors.OfflineModeIsEnabled():
            return f"it is not complete in {cache()}, and HF_HUB_OFFLINE is set: unset that for the first fetch"
        case errors.HfHubHTTPError() if error.response.status_code in (401, 403):
            return f"{endpoint} refuses the token: set HF_TOKEN to one that may read {source.repo}"
        case errors.HfHubHTTPError():
            return f"{endpoint} answered {error.response.status_code} {error.response.reason_phrase}: try again later"
        case HTTPError():
            return f"{endpoint} cannot be reached or broke off ({error}): check the network and fetch again"
        case OSError(errno=int()):
            return f"{cache()} cannot be written ({error.strerror}): free space, or set NEXT_SCENE_CACHE elsewhere"
        case ValueError():
            return f"{endpoint} does not answer as a hub does: check HF_ENDPOINT, and if the network wants a log-in"
    return f"{(str(error) or repr(error)).splitlines()[0].rstrip('.')}: fetch again"

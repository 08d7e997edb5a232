"""Downloads: files of a repository on the hub, each verified, in this machine's cache.

In goes a `Source`; out come the folder to read it from, which is named after the commit in it, and its files. They go
into huggingface_hub's cache (NEXT_SCENE_CACHE moves it), one after another, and each is verified once. A connection
that breaks is taken up where it broke; a fetch that failed leaves every finished file to the next one. What was
verified is remembered and needs no network from then on.

It does not know what the files are for. It brings huggingface_hub, so it is imported where something is fetched.
"""

import fcntl
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from httpx2 import HTTPError
from huggingface_hub import HfApi, errors
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.hf_api import RepoSibling
from tqdm import tqdm

from nextscene import NextSceneError
from nextscene.files import write_whole
from nextscene.hub import cache
from nextscene.hub.models import Source

PATIENCE = 10.0  # seconds for the hub's first answer; huggingface_hub by itself waits for ever


class Fetched(NamedTuple):
    """What lies on this machine, complete and verified."""

    folder: Path
    files: list[str]


class HubFile(NamedTuple):
    """A file as the hub lists it. Large ones have a sha256, small ones git's own sha1."""

    name: str
    size: int
    sha256: str | None
    sha1: str


class Listing(NamedTuple):
    """The files of a source that are wanted, at one commit."""

    commit: str
    files: list[HubFile]


def fetch(source: Source) -> Fetched:
    """The files of a source; downloads only what is missing."""
    if fetched := fetched_before(source):
        return fetched
    with _locked(source):
        return fetched_before(source) or _fetch(source)


def list_files(source: Source) -> Listing:
    """What the hub offers of a source; refuses one of whose files there is none."""
    with _in_one_sentence(source) as hub:
        info = hub.model_info(source.repo, revision=source.revision, files_metadata=True, timeout=PATIENCE)
        return Listing(str(info.sha), _wanted(source, info.siblings or []))


def download_file(source: Source, commit: str, file: HubFile, folder: Path) -> Path:
    """One file, verified, in a cache of the hub's layout in this folder; from there, if it lies there already."""
    with _in_one_sentence(source) as hub:
        path = Path(hub.hf_hub_download(source.repo, file.name, revision=commit, cache_dir=folder))
        _verify(path, file)
        return path


def _fetch(source: Source) -> Fetched:
    listing = list_files(source)
    blobs = _store(source) / "blobs"
    cache.remove_orphans(blobs, "*.incomplete")  # of killed fetches
    missing = sum(file.size for file in listing.files if not (blobs / (file.sha256 or file.sha1)).exists())
    cache.refuse_if_full(source.name, missing, blobs)
    cache.announce(source.name, missing)
    for number, file in enumerate(listing.files, 1):
        print(f"{number} of {len(listing.files)}: {file.name}, {cache.amount(file.size)}", file=sys.stderr)
        download_file(source, listing.commit, file, cache.folder())
    sizes = {file.name: file.size for file in listing.files}
    write_whole(
        _marker(source),
        json.dumps({"commit": listing.commit, "asked": [source.revision, *source.files], "files": sizes}),
    )
    return Fetched(_store(source) / "snapshots" / listing.commit, list(sizes))


def _store(source: Source) -> Path:
    return cache.folder() / repo_folder_name(repo_id=source.repo, repo_type="model")


def _marker(source: Source) -> Path:
    """Says what was verified. It lies beside huggingface_hub's own files, and moves with them."""
    name = re.sub(r"[^\w-]", "-", source.name)
    return _store(source) / f"verified-{name}.json"


def fetched_before(source: Source) -> Fetched | None:
    """What an earlier fetch verified, if it was asked for the same and all of it is still there."""
    try:
        verified = json.loads(_marker(source).read_text())
        folder = _store(source) / "snapshots" / verified["commit"]
        there = {file: (folder / file).stat().st_size for file in verified["files"] if (folder / file).is_file()}
        whole = verified["asked"] == [source.revision, *source.files] and verified["files"] == there
    except (OSError, ValueError, KeyError, TypeError):  # no marker, or a damaged one: all is verified anew
        return None
    return Fetched(folder, list(there)) if whole else None


@contextmanager
def _locked(source: Source) -> Iterator[None]:
    """Waits while another process fetches from the same repository."""
    with _in_one_sentence(source):
        _store(source).mkdir(parents=True, exist_ok=True)
        opened = os.open(_store(source), os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


@contextmanager
def _in_one_sentence(source: Source) -> Iterator[HfApi]:
    """Whatever goes wrong with the hub, the network or the disk ends here."""
    hub = HfApi(library_name="next-scene", token=False if source.public else None)
    try:
        yield hub
    except (OSError, HTTPError, RuntimeError, ValueError) as error:
        raise NextSceneError(f"{source.name} could not be fetched: {_reason(error, source, hub.endpoint)}.") from error


def _wanted(source: Source, files: list[RepoSibling]) -> list[HubFile]:
    matching = {pattern: [file for file in files if fnmatchcase(file.rfilename, pattern)] for pattern in source.files}
    if gone := [pattern for pattern in source.files if not matching[pattern]]:
        raise NextSceneError(
            f"{source.name} could not be fetched: {source.repo} holds no {gone[0]}: check its name there, or take a "
            "newer Next Scene, which may know a newer one."
        )
    return [
        HubFile(file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else None, file.blob_id or "")
        for found in matching.values()
        for file in found
    ]


def _verify(path: Path, file: HubFile) -> None:
    """Reads a file once, whole; one with the wrong checksum is removed, so that the next fetch downloads it anew."""
    size = path.stat().st_size
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % size)
    bar = tqdm(desc=f"Verifying {path.name}", total=size, unit="B", unit_scale=True, disable=None, delay=1)
    with bar, path.open("rb") as stream:
        while chunk := stream.read(1 << 24):
            digest.update(chunk)
            bar.update(len(chunk))
    if digest.hexdigest() != (file.sha256 or file.sha1):
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise OSError(f"{file.name} came with a wrong checksum and was removed")


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
            return f"it is not complete in {cache.folder()}, and HF_HUB_OFFLINE is set: unset that for the first fetch"
        case errors.HfHubHTTPError() if error.response.status_code in (401, 403):
            return f"{endpoint} refuses the token: set HF_TOKEN to one that may read {source.repo}"
        case errors.HfHubHTTPError():
            return f"{endpoint} answered {error.response.status_code} {error.response.reason_phrase}: try again later"
        case HTTPError():
            return f"{endpoint} cannot be reached or broke off ({error}): check the network and fetch again"
        case OSError(errno=int()):
            place = cache.folder()
            return f"{place} cannot be written ({error.strerror}): free space, or set NEXT_SCENE_CACHE elsewhere"
        case ValueError():
            return f"{endpoint} does not answer as a hub does: check HF_ENDPOINT, and if the network wants a log-in"
    return f"{(str(error) or repr(error)).splitlines()[0].rstrip('.')}: fetch again"

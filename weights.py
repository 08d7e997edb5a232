"""The cellar: which weights there are, where they come from, and a verified copy of them on this machine.

In goes a model's name, or a local folder that holds a model; out comes the folder to load it from. Downloads go into
huggingface_hub's cache (NEXT_SCENE_CACHE moves it), one file after another, and each is verified once. A connection
that breaks is taken up where it broke; a fetch that failed leaves every finished file to the next one. What was
verified is remembered and needs no network from then on. A folder from the hub is named after the commit in it.

This file does not know how a model is loaded, and imports torch only to ask for a GPU.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import HfApi, constants, errors
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.hf_api import RepoSibling
from tqdm import tqdm

from nextscene import NextSceneError


@dataclass(frozen=True)
class Model:
    """Where a model's files come from, and what the user should know about it."""

    name: str
    repo: str  # on the hub; empty for the built-in model
    files: tuple[str, ...]  # patterns, each of which must match
    licence: str
    size: int  # bytes, about; the hub says exactly
    note: str
    revision: str = "main"


_PARTS = ("processor", "scheduler", "text_encoder", "tokenizer", "transformer", "vae")
_TABLE = (
    Model(
        name="qwen-image-edit-2509",
        repo="Qwen/Qwen-Image-Edit-2509",
        files=("model_index.json", *(f"{part}/*" for part in _PARTS)),
        licence="Apache-2.0",
        size=58_000_000_000,
        note="The Qwen-Image-Edit-2509 model, for a GPU that holds its 58 GB.",
    ),
    Model(
        name="next-scene",
        repo="lovis93/next-scene-qwen-image-lora-2509",
        files=("next-scene_lora-v2-3000.safetensors",),
        licence="MIT",
        size=295_000_000,
        note="The LoRA that teaches the 2509 model to go on to the next scene.",
    ),
    Model(
        name="storybook",
        repo="",
        files=(),
        licence="MIT",
        size=0,
        note="The built-in storybook model: quick on any machine, and far simpler than the 2509 model.",
    ),
)
MODELS = {model.name: model for model in _TABLE}

BUILT_IN = Path(__file__).resolve().parent / "storybook" / "model"
OWN_LORA = "next-scene.safetensors"  # the LoRA that a model's folder brings along

GPU_BYTES = 62 * 10**9  # the 2509 model in bf16: 58 GB of weights, and room to draw
PATIENCE = 10.0  # seconds for the hub's first answer; huggingface_hub by itself waits for ever
ORPHAN_AGE = 3600.0  # seconds; a part file this old is a killed process's, and huggingface_hub never takes it up again


def choose() -> tuple[str, str]:
    """The model to use, as `fetch` takes it, and the sentence to show the user about that choice."""
    named = os.environ.get("NEXT_SCENE_MODEL")
    if named == "next-scene":
        raise NextSceneError(f"NEXT_SCENE_MODEL is {named}, which is a LoRA: name a model, or a folder that holds one.")
    if named:
        return named, MODELS[named].note if named in MODELS else f"The model in the folder {named}."
    if _gpu_bytes() >= GPU_BYTES:
        return "qwen-image-edit-2509", MODELS["qwen-image-edit-2509"].note
    return "storybook", (
        f"No GPU with {GPU_BYTES // 10**9} GB of memory is here, so the built-in storybook model draws, far simpler "
        "than the 2509 model: set NEXT_SCENE_MODEL to choose another."
    )


def fetch(name_or_folder: str) -> Path:
    """The folder of a model, or of a LoRA, complete and verified; downloads only what is missing."""
    model = MODELS.get(name_or_folder)
    if model and model.repo:
        return _fetched_before(model) or _download(model)
    folder = BUILT_IN if model else Path(name_or_folder).expanduser()
    if not (folder / "model_index.json").is_file():
        raise NextSceneError(
            f"There is no model in {folder}, which would have a model_index.json: "
            f"name another folder, or one of {', '.join(MODELS)}."
        )
    return folder


def lora(name_or_folder: str) -> Path:
    """The LoRA's file for a model: the one in its own folder, or else the published one."""
    own = fetch(name_or_folder) / OWN_LORA
    return own if own.is_file() else fetch("next-scene") / MODELS["next-scene"].files[0]


def identity(name_or_folder: str) -> dict[str, str]:
    """What a picture's record says of the weights that made it."""
    with lora(name_or_folder).open("rb") as file:
        lora_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    revision = fetch(name_or_folder).name if MODELS.get(name_or_folder, MODELS["storybook"]).repo else ""
    return {
        "model": name_or_folder,
        "revision": revision,
        "lora": lora(name_or_folder).name,
        "lora_sha256": lora_sha256,
    }


def own_size(name_or_folder: str) -> tuple[int, int]:
    """The width and height that a model draws best; nothing is fetched to know them."""
    model = MODELS.get(name_or_folder)
    card = (BUILT_IN if model else Path(name_or_folder).expanduser()) / "next_scene.json"
    if (model and model.repo) or not card.is_file():
        return 1024, 768
    width, height = json.loads(card.read_text())["size"]
    return width, height


def _gpu_bytes() -> int:
    import torch

    return torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else 0


def _cache() -> Path:
    return Path(os.environ.get("NEXT_SCENE_CACHE") or constants.HF_HUB_CACHE).expanduser()


def _store(model: Model) -> Path:
    return _cache() / repo_folder_name(repo_id=model.repo, repo_type="model")


def _marker(model: Model) -> Path:
    """Says what was verified. It lies beside huggingface_hub's own files, and moves with them."""
    return _store(model) / f"verified-{model.name}.json"


def _fetched_before(model: Model) -> Path | None:
    """The folder that an earlier fetch verified, if it was asked for the same and all of it is still there."""
    if not _marker(model).is_file():
        return None
    verified = json.loads(_marker(model).read_text())
    folder = _store(model) / "snapshots" / verified["commit"]
    there = {file: (folder / file).stat().st_size for file in verified["files"] if (folder / file).is_file()}
    return folder if verified["asked"] == [model.revision, *model.files] and verified["files"] == there else None


def _download(model: Model) -> Path:
    """Whatever goes wrong with the hub, the network or the disk ends here, in one sentence."""
    hub = HfApi(library_name="next-scene")
    try:
        info = hub.model_info(model.repo, revision=model.revision, files_metadata=True, timeout=PATIENCE)
        files = _wanted(model, info.siblings or [])
        _make_room(model, files)
        for number, file in enumerate(files, 1):
            print(f"{number} of {len(files)}: {file.rfilename}, {_amount(file.size or 0)}", file=sys.stderr)
            path = hub.hf_hub_download(model.repo, file.rfilename, revision=info.sha, cache_dir=_cache())
            _verify(Path(path), file)
        sizes = {file.rfilename: file.size for file in files}
        beside = _marker(model).with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps({"commit": info.sha, "asked": [model.revision, *model.files], "files": sizes}))
        beside.replace(_marker(model))
    except (OSError, HTTPError, RuntimeError, ValueError) as error:
        raise NextSceneError(f"{model.name} could not be fetched: {_reason(error, model, hub.endpoint)}.") from error
    return _store(model) / "snapshots" / str(info.sha)


def _wanted(model: Model, files: list[RepoSibling]) -> list[RepoSibling]:
    matching = {pattern: [file for file in files if fnmatchcase(file.rfilename, pattern)] for pattern in model.files}
    if gone := [pattern for pattern in model.files if not matching[pattern]]:
        raise NextSceneError(
            f"{model.name} could not be fetched: {model.repo} holds no {gone[0]} any more, so take a newer Next Scene."
        )
    return [file for found in matching.values() for file in found]


def _make_room(model: Model, files: list[RepoSibling]) -> None:
    """Removes what killed fetches left behind, and refuses a download that the disk cannot hold."""
    blobs = _store(model) / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    for orphan in blobs.glob("*.incomplete"):
        if time.time() - orphan.stat().st_mtime > ORPHAN_AGE:
            orphan.unlink()
    missing = sum(file.size or 0 for file in files if not (blobs / _checksum(file)).exists())
    free = shutil.disk_usage(blobs).free
    if missing > free:
        raise NextSceneError(
            f"{model.name} needs {_amount(missing)} more in {_cache()}, where {_amount(free)} are free: "
            "free some space there, or set NEXT_SCENE_CACHE to a folder on a larger disk."
        )
    print(f"Fetching {model.name} ({_amount(missing)} to download) into {_cache()}", file=sys.stderr)


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


def _reason(error: Exception, model: Model, endpoint: str) -> str:
    """What went wrong, in a user's words, and what to do about it."""
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    match error:
        case errors.GatedRepoError():
            return f"accept the terms on {endpoint}/{model.repo}, and set HF_TOKEN to your token"
        case errors.RepositoryNotFoundError():
            return f"{endpoint} shows no {model.repo}: check HF_ENDPOINT, or set HF_TOKEN if it is private"
        case errors.OfflineModeIsEnabled():
            return f"it is not complete in {_cache()}, and HF_HUB_OFFLINE is set: unset that for the first fetch"
        case errors.HfHubHTTPError() if error.response.status_code in (401, 403):
            return f"{endpoint} refuses the token: set HF_TOKEN to one that may read {model.repo}"
        case errors.HfHubHTTPError():
            return f"{endpoint} answered {error.response.status_code} {error.response.reason_phrase}: try again later"
        case HTTPError():
            return f"{endpoint} cannot be reached or broke off ({error}): check the network and fetch again"
        case OSError(errno=int()):
            return f"{_cache()} cannot be written ({error.strerror}): free space, or set NEXT_SCENE_CACHE elsewhere"
        case ValueError():
            return f"{endpoint} does not answer as a hub does: check HF_ENDPOINT, and if the network wants a log-in"
    return f"{(str(error) or repr(error)).splitlines()[0].rstrip('.')}: fetch again"


def _amount(size: int) -> str:
    return f"{tqdm.format_sizeof(size)}B"


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/weights", description="The weights that Next Scene draws with.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show the table of models")
    commands.add_parser("fetch", help="download and verify").add_argument("names", nargs="+", metavar="NAME")
    given = parser.parse_args()
    if given.command == "list":
        for model in MODELS.values():
            size, origin = (_amount(model.size), model.repo) if model.repo else ("", "built in")
            print(f"{model.name:22}{size:>8}  {model.licence:12}{origin}\n    {model.note}")
        return
    try:
        for name in given.names:
            print(fetch(name))
    except NextSceneError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

"""The cellar: which weights there are, where they come from, and a verified copy of them on this machine.

In goes a model's name, or a local folder that holds a model; out comes the folder to load it from, and what a record
says of it. It does not know how files are downloaded (`download.py`) nor how a model is loaded, and imports torch only
to ask for a GPU.
"""

import argparse
import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from nextscene import NextSceneError
from nextscene.hub import download


@dataclass(frozen=True, kw_only=True)
class Model(download.Source):
    """Where a model's files come from, and what the user should know about it. The built-in one has no repository."""

    licence: str
    size: int  # bytes, about; the hub says exactly
    note: str

    @property
    def is_lora(self) -> bool:
        return len(self.files) == 1


_PARTS = ("processor", "scheduler", "text_encoder", "tokenizer", "transformer", "vae")
_FILES = ("model_index.json", *(f"{part}/*" for part in _PARTS))
_TABLE = (
    Model(
        name="qwen-image-edit-2509",
        repo="Qwen/Qwen-Image-Edit-2509",
        files=_FILES,
        licence="Apache-2.0",
        size=58_000_000_000,
        note="The Qwen-Image-Edit-2509 model, for a GPU of 10 GB or more.",
    ),
    Model(
        name="next-scene",
        repo="lovis93/next-scene-qwen-image-lora-2509",
        files=("next-scene_lora-v2-3000.safetensors",),
        licence="MIT",
        size=295_000_000,
        note="The LoRA that teaches the 2509 model to go on to the next scene.",
    ),
    *(
        Model(
            name=f"lightning-{steps}-steps",
            repo="lightx2v/Qwen-Image-Lightning",
            files=(f"Qwen-Image-Edit-2509/Qwen-Image-Edit-2509-Lightning-{steps}steps-V1.0-bf16.safetensors",),
            licence="Apache-2.0",
            size=850_000_000,
            note=f"The LoRA that lets the 2509 model draw in {steps} steps: go_fast.",
        )
        for steps in (4, 8)
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

BUILT_IN = Path(__file__).resolve().parents[2] / "storybook" / "model"
OWN_LORA = "next-scene.safetensors"  # the LoRA that a model's folder brings along
OWN_FAST_LORA = "fast.safetensors"  # and the one for go_fast

GPU_BYTES = 9.5e9  # a "10 GB" card, onto which the 2509 model is streamed block by block
TRAINING_BYTES = 62e9  # the 2509 model in bf16, and room to learn


def choose(gpu_bytes: float = GPU_BYTES) -> tuple[str, str]:
    """The model to use, as `fetch` takes it, and the sentence to show the user about that choice.

    gpu_bytes: how large a GPU has to be for the 2509 model, where nobody names one.
    """
    named = os.environ.get("NEXT_SCENE_MODEL")
    if named in MODELS and MODELS[named].is_lora:
        raise NextSceneError(f"NEXT_SCENE_MODEL is {named}, which is a LoRA: name a model, or a folder that holds one.")
    if named:
        return named, MODELS[named].note if named in MODELS else f"The model in the folder {named}."
    if _gpu_bytes() >= gpu_bytes:
        return "qwen-image-edit-2509", MODELS["qwen-image-edit-2509"].note
    return "storybook", (
        f"No GPU with {gpu_bytes / 1e9:.0f} GB of memory is here, so the built-in storybook model draws, far simpler "
        "than the 2509 model: set NEXT_SCENE_MODEL to choose another."
    )


def fetch(name_or_folder: str) -> Path:
    """The folder of a model, or of a LoRA, complete and verified; downloads only what is missing."""
    model = MODELS.get(name_or_folder)
    if model and model.repo:
        return download.fetch(model).folder
    folder = BUILT_IN if model else Path(name_or_folder).expanduser()
    if not (folder / "model_index.json").is_file():
        raise NextSceneError(
            f"There is no model in {folder}, which would have a model_index.json: "
            f"name another folder, or one of {', '.join(each for each in MODELS if not MODELS[each].is_lora)}."
        )
    return folder


def lora(name_or_folder: str) -> Path:
    """The LoRA's file for a model: the one in its own folder, or else the published one."""
    own = fetch(name_or_folder) / OWN_LORA
    return own if own.is_file() else fetch("next-scene") / MODELS["next-scene"].files[0]


def fast_lora(name_or_folder: str, steps: int) -> Path:
    """The file of the LoRA that lets a model draw in a few steps: the one in its folder, or the one for so many."""
    own = fetch(name_or_folder) / OWN_FAST_LORA
    if own.is_file():
        return own
    if own.with_name(OWN_LORA).is_file():
        raise NextSceneError(f"The model {name_or_folder} has no LoRA to draw fast with: leave go_fast out.")
    published = f"lightning-{4 if steps < 6 else 8}-steps"
    return fetch(published) / MODELS[published].files[0]


def identity(name_or_folder: str) -> dict[str, str]:
    """What a picture's record says of the weights that made it. A folder of one's own is read whole for that."""
    folder = fetch(name_or_folder)
    return {
        "model": name_or_folder,
        "revision": folder.name if MODELS.get(name_or_folder, MODELS["storybook"]).repo else "",
        "model_sha256": _model_sha256(folder),
        "lora": lora(name_or_folder).name,
        "lora_sha256": download.sha256(lora(name_or_folder)),
    }


def fast_identity(file: Path | None) -> dict[str, str]:
    """What it says besides, if they were made fast; nothing, if not."""
    return {"fast_lora_sha256": download.sha256(file)} if file else {}


def own_size(name_or_folder: str) -> tuple[int, int]:
    """The width and height that a model draws best; nothing is fetched to know them."""
    model = MODELS.get(name_or_folder)
    card = (BUILT_IN if model else Path(name_or_folder).expanduser()) / "next_scene.json"
    if (model and model.repo) or not card.is_file():
        return 1024, 768
    width, height = json.loads(card.read_text())["size"]
    return width, height


def _model_sha256(folder: Path) -> str:
    """Of all of a model's files, as `sha256sum FILES | sha256sum` would have it, the files sorted by name."""
    names = sorted(str(file.relative_to(folder)) for pattern in _FILES for file in folder.glob(pattern))
    with ThreadPoolExecutor() as pool:
        sums = pool.map(download.sha256, (folder / name for name in names))
    listed = "".join(f"{each}  {name}\n" for each, name in zip(sums, names, strict=True))
    return hashlib.sha256(listed.encode()).hexdigest()


def _gpu_bytes() -> int:
    import torch

    return torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/weights", description="The weights that Next Scene draws with.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show the table of models")
    commands.add_parser("fetch", help="download and verify").add_argument("names", nargs="+", metavar="NAME")
    given = parser.parse_args()
    if given.command == "list":
        for model in MODELS.values():
            size, origin = (download.amount(model.size), model.repo) if model.repo else ("", "built in")
            print(f"{model.name:22}{size:>8}  {model.licence:12}{origin}\n    {model.note}")
        return
    try:
        for name in given.names:
            print(fetch(name))
    except NextSceneError as error:
        sys.exit(str(error))

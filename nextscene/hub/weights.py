"""The weights of a model: its name or its folder resolved once, and whatever is asked for of it fetched and known.

In goes a model's name, or a local folder that holds a model; out comes a `Weights`. It does not know how files are
downloaded (`download.py`) nor how a model is loaded.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from nextscene import NextSceneError
from nextscene.card import Card, read_card
from nextscene.files import typed_path
from nextscene.hub import cache, gpu
from nextscene.hub.clip_models import FETCHED_CLIP_MODELS
from nextscene.hub.clip_weights import fetch_clip_model
from nextscene.hub.models import (
    BUILT_IN,
    DEPTH,
    FULL_MODEL,
    LORAS,
    MODEL_FILES,
    MODELS,
    SEGMENTERS,
    VOICES,
    Lora,
    Model,
    Source,
    Voice,
)
from nextscene.story import Phrases

OWN_LORA = "next-scene.safetensors"  # the LoRA that a model's folder brings along
OWN_FAST_LORA = "fast.safetensors"  # and the one for go_fast
OWN_CAMERA_LORA = "camera.safetensors"  # and the one for camera angles, in the phrases of the published one

GPU_BYTES = 9.5e9  # a "10 GB" card, onto which the 2509 model is streamed block by block
TRAINING_BYTES = 62e9  # the 2509 model in bf16, and room to learn


@dataclass(frozen=True)
class Identity:
    """What a record says of the weights that drew."""

    model: str
    revision: str
    model_sha256: str
    lora: str
    lora_sha256: str
    fast_lora_sha256: str = ""  # empty: none was used
    lora_weights_sha256: str = ""
    camera_lora_sha256: str = ""
    embeddings_sha256: str = ""

    def to_json(self) -> dict[str, str]:
        optional = ("fast_lora_sha256", "lora_weights_sha256", "camera_lora_sha256", "embeddings_sha256")
        return {name: value for name, value in asdict(self).items() if value or name not in optional}


@dataclass(frozen=True)
class Weights:
    """A model that was named. What has to be downloaded is downloaded when it is first asked for, and verified."""

    name: str  # as the user gave it: a name in the table, or a folder
    notice: str  # what to tell the user about the choice
    row: Model | None  # of the table; None: a folder of one's own
    local: Path | None  # the folder, where there is nothing to download
    card: Card  # what it draws best, and what it knows

    @property
    def own_size(self) -> tuple[int, int]:
        """The width and height that it draws best."""
        return self.card.size

    @cached_property
    def folder(self) -> Path:
        """Where the model lies, in diffusers' layout."""
        if self.local:
            return self.local
        assert self.row
        return _download(self.row)

    @cached_property
    def lora(self) -> Path:
        """The file of the Next-Scene LoRA: the one in the model's own folder, or else the published one."""
        own = self.folder / OWN_LORA
        if own.is_file():
            return own
        published = LORAS[(self.row or MODELS[FULL_MODEL]).lora]
        return _download(published) / published.file

    def fast_lora(self, steps: int) -> Path:
        """The file of the LoRA for go_fast: the one in the model's own folder, or the published one nearest to so many
        steps."""
        own = self.folder / OWN_FAST_LORA
        if own.is_file():
            return own
        if own.with_name(OWN_LORA).is_file():
            raise NextSceneError(f"The model {self.name} has no LoRA to draw fast with: leave go_fast out.")
        published = (self.row or MODELS[FULL_MODEL]).fast_loras
        _, name = min(published, key=lambda each: (abs(each[0] - steps), -each[0]))
        return _download(LORAS[name]) / LORAS[name].file

    @property
    def phrases(self) -> Phrases | None:
        """In which a scene's `camera` is said to the LoRA for camera angles; None: it has none."""
        return self._camera_lora.phrases if self._camera_lora else None

    @property
    def camera_lora(self) -> Path:
        """The file of the LoRA for camera angles: the one in the model's own folder, or the published one."""
        own = self.folder / OWN_CAMERA_LORA
        assert self._camera_lora
        return own if own.is_file() else _download(self._camera_lora) / self._camera_lora.file

    @cached_property
    def _camera_lora(self) -> Lora | None:
        """The row of its LoRA for camera angles, or of the one whose phrases its own LoRA knows."""
        row = self.row or MODELS[FULL_MODEL]
        if self.local and (self.local / OWN_CAMERA_LORA).is_file():
            row = MODELS[FULL_MODEL]
        elif self.local and (self.local / OWN_LORA).is_file():
            return None
        return LORAS.get(row.camera_lora)

    @cached_property
    def identity(self) -> Identity:
        """What tells it from any other. A folder of one's own is read whole for that."""
        revision = "" if self.local else self.folder.name
        model_sha256 = cache.sha256_of_all(self.folder, MODEL_FILES)
        return Identity(self.name, revision, model_sha256, self.lora.name, cache.sha256(self.lora))

    def identity_with(
        self,
        fast_lora: Path | None = None,
        own_lora: Path | None = None,
        camera_lora: Path | None = None,
        embeddings: Sequence[Path] = (),
    ) -> Identity:
        """The same, together with the LoRAs and the embeddings that were used besides."""
        return replace(
            self.identity,
            fast_lora_sha256=cache.sha256(fast_lora) if fast_lora else "",
            lora_weights_sha256=cache.sha256(own_lora) if own_lora else "",
            camera_lora_sha256=cache.sha256(camera_lora) if camera_lora else "",
            embeddings_sha256=" ".join(map(cache.sha256, embeddings)),
        )


def choose(gpu_bytes: float = GPU_BYTES) -> Weights:
    """The model to use: the one that NEXT_SCENE_MODEL names, or the one that fits this machine.

    gpu_bytes: how large a GPU has to be for the 2509 model, where nobody names one.
    """
    if named := os.environ.get("NEXT_SCENE_MODEL"):
        return find(named, "NEXT_SCENE_MODEL")
    if (gpu.total_memory() or 0) >= gpu_bytes:
        return find(FULL_MODEL)
    return find(
        BUILT_IN,
        notice=f"No GPU with {gpu_bytes / 1e9:.0f} GB of memory is here, so the built-in storybook model draws, far "
        "simpler than the 2509 model: set NEXT_SCENE_MODEL to choose another.",
    )


def find(name_or_folder: str, input_name: str = "The model", notice: str = "") -> Weights:
    """The model of this name, or in this folder; nothing is downloaded yet.

    input_name: where the name was typed, for the sentence that refuses it.
    """
    if name_or_folder in LORAS:
        raise NextSceneError(f"{input_name} is {name_or_folder}, which is a LoRA: name a model, or a folder with one.")
    row = MODELS.get(name_or_folder)
    if row and row.repo:
        return Weights(name_or_folder, notice or row.note, row, None, Card())
    folder = cache.built_in("storybook", "storybook/model") if row else typed_path(name_or_folder, input_name)
    if not (folder / "model_index.json").is_file():
        raise NextSceneError(
            f"There is no model in {folder}, which would have a model_index.json: "
            f"name another folder, or one of {', '.join(MODELS)}."
        )
    notice = notice or (row.note if row else f"The model in the folder {name_or_folder}.")
    return Weights(name_or_folder, notice, row, folder, read_card(folder))


def fetch(name_or_folder: str) -> Path:
    """Where a model, a LoRA, a voice or a segmenter lies, complete and verified; downloads only what is missing."""
    if lora := LORAS.get(name_or_folder):
        return _download(lora)
    if name_or_folder == DEPTH.name:
        return _download(DEPTH)
    if name_or_folder in FETCHED_CLIP_MODELS:
        return fetch_clip_model(name_or_folder)
    if name_or_folder in VOICES:
        return fetch_voice(name_or_folder)
    if segmenter := SEGMENTERS.get(name_or_folder):
        return _download(segmenter)
    return find(name_or_folder).folder


def fetch_voice(name: str) -> Path:
    """The file of a voice in the table, verified against the sha256 that its package knows."""
    row = VOICES[name]
    return _verified(row, _download(row))


def voice_here(name: str) -> Path | None:
    """The file of a voice in the table, if it was fetched before; asks no network."""
    from nextscene.hub import download

    fetched = download.fetched_before(VOICES[name])
    return _verified(VOICES[name], fetched.folder) if fetched else None


def _verified(row: Voice, folder: Path) -> Path:
    if cache.sha256(folder / row.file) != row.sha256:
        raise NextSceneError(f"The voice {row.name} is not the one that its package knows: choose another.")
    return folder / row.file


def describe_models() -> str:
    """The table of models, for people."""
    lines = []
    tables = (MODELS, LORAS, FETCHED_CLIP_MODELS, VOICES, SEGMENTERS, {DEPTH.name: DEPTH})
    for row in (row for table in tables for row in table.values()):
        size, origin = (cache.amount(row.size), row.repo) if row.repo else ("", "built in")
        lines.append(f"{row.name:26}{size:>8}  {row.licence:12}{origin}\n    {row.note}")
    return "\n".join(lines)


def _download(source: Source) -> Path:
    from nextscene.hub import download  # brings huggingface_hub, which nothing else needs

    return download.fetch(source).folder

"""The engine that a story names: found, refused with figures where it cannot work here, and fetched when it is needed.

In goes an engine's name; out comes a `ClipWeights`. What is not there yet is judged by the table's numbers, before
anything of it is fetched; what is there is measured from its files.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nextscene import NextSceneError
from nextscene.files import typed_path
from nextscene.hub import cache, gpu
from nextscene.hub.clip_models import (
    BUILT_IN,
    CLIP_LORAS,
    CLIP_MODELS,
    FAMILIES,
    FETCHED_CLIP_MODELS,
    FILM_MODELS,
    ClipModel,
)
from nextscene.story import EngineFacts

VARIABLE = "NEXT_SCENE_CLIP_MODEL"  # a folder with the weights of an engine, in place of those of the table
FILM_VARIABLE = "NEXT_SCENE_VACE_MODEL"  # the same for the engine that restyles films
ACCEPTED = "NEXT_SCENE_ACCEPT_LICENCE"  # names of engines whose own licence the user has read and accepts
SMALLEST, BEST = 10e9, 40e9  # bytes of a GPU on which wan-light and wan run, weights in 8 bits
# By memory plan: bytes on the GPU for each number of a stage, and beside them. Streamed, two blocks lie there.
PLANS = (("bf16", 2.0, 1e9), ("in 8 bits", 1.01, 1e9), ("streamed", 0.1, 3e9))
KINDS = tuple(CLIP_MODELS[name] for name in (BUILT_IN, "svd", "ltx"))  # what is known of a folder's class


@dataclass(frozen=True)
class ClipWeights:
    """An engine that was chosen. What has to be downloaded is downloaded when it is first asked for, and verified.

    local: the folder of its weights, where there is nothing to download.
    """

    row: ClipModel
    facts: EngineFacts
    local: Path | None = None

    @cached_property
    def folder(self) -> Path:
        return self.local or _download(self.row.name)

    @cached_property
    def fast_loras(self) -> tuple[Path, ...]:
        """The LoRAs that make a few steps enough, for each expert in turn."""
        return tuple(_download(name) / CLIP_LORAS[name].file for name in self.row.fast_loras)

    @cached_property
    def identity(self) -> dict[str, str]:
        """What tells it from any other."""
        if self.facts.family == "hosted":
            return {"engine": self.facts.name}
        known = cache.sha256_of_all(self.folder, ("**/*.json", "**/*.safetensors")) if self.local else self.folder.name
        return {"engine": self.facts.name, "weights": known}


def find_engines(names: Iterable[str]) -> dict[str, ClipWeights]:
    """The engines of these names, and those that join for them; refuses one that cannot work here, before anything is
    drawn or fetched."""
    found = {name: _find(name) for name in dict.fromkeys(names)}
    return found | {each.facts.joiner: _find(each.facts.joiner) for each in found.values() if each.facts.joiner}


def find_film_engine(name: str) -> ClipWeights:
    """The engine of this name that restyles films; refuses one that cannot work here, before anything is fetched."""
    row = FILM_MODELS[name]
    if row.facts.family == "hosted":
        _refuse_without_token()
        return ClipWeights(row, row.facts)
    if not (named := os.environ.get(FILM_VARIABLE)):
        _refuse_too_large(row)
        return ClipWeights(row, row.facts)
    folder = typed_path(named, FILM_VARIABLE)
    try:
        kind = json.loads((folder / "model_index.json").read_text()).get("_class_name")
        card = json.loads((folder / "next_scene.json").read_text()) if (folder / "next_scene.json").is_file() else {}
    except (OSError, ValueError, AttributeError):
        kind = None
    if kind != "WanVACEPipeline":
        raise NextSceneError(f"There is no WanVACEPipeline in {folder}: name a folder with one in {FILM_VARIABLE}.")
    return ClipWeights(row, replace(row.facts, **_known(card)), folder)


def _find(name: str) -> ClipWeights:
    row = CLIP_MODELS[_choose() if name == "auto" else name]
    if row.facts.family == "hosted":
        _refuse_without_token()
        return ClipWeights(row, row.facts)
    if named := os.environ.get(VARIABLE):
        return _in_folder(typed_path(named, VARIABLE), row if name != "auto" else None)
    if row.name == BUILT_IN:
        folder = cache.built_in("clips", "storybook/clips")
        if not (folder / "model_index.json").is_file():
            raise NextSceneError(
                "There is no built-in model for clips in this installation: leave clips out, set clip_engine to "
                f"replicate, or name a folder with a model in {VARIABLE}."
            )
        return _in_folder(folder, row)
    _refuse_too_large(row)
    _refuse_licence(row)
    return ClipWeights(row, row.facts)


def _choose() -> str:
    """The best engine that this machine's memory holds."""
    if os.environ.get(VARIABLE):
        return BUILT_IN  # whose place the folder takes
    memory = gpu.total_memory() or 0
    return "wan" if memory >= BEST else "wan-light" if memory >= SMALLEST else BUILT_IN


def _in_folder(folder: Path, row: ClipModel | None) -> ClipWeights:
    """The engine in a folder, by what it says of itself."""
    try:
        index = dict(json.loads((folder / "model_index.json").read_text()))
        card = json.loads((folder / "next_scene.json").read_text()) if (folder / "next_scene.json").is_file() else {}
    except OSError as error:
        raise _no_model(folder, f"{error.filename}: {error.strerror}") from None
    except (ValueError, TypeError) as error:
        raise _no_model(folder, f"its JSON cannot be read: {error}") from None
    if (kind := FAMILIES.get(str(index.get("_class_name")))) is None:
        raise _no_model(folder, f"it is a {index.get('_class_name')}")
    row = row if row and row.facts.family == kind else next(row for row in KINDS if row.facts.family == kind)
    facts = replace(row.facts, joins=row.facts.joins or kind != "svd", joiner="", **_known(card))
    if index.get("expand_timesteps"):  # a last picture would be left aside, and nothing would say so
        facts = replace(facts, joins=False, shifts_colours=True)
    return ClipWeights(row, facts, folder)


def _no_model(folder: Path, why: str) -> NextSceneError:
    return NextSceneError(
        f"There is no model for clips in {folder} ({why}): name a folder with one of {', '.join(FAMILIES)} in "
        f"{VARIABLE}."
    )


def _known(card: Mapping[str, Any]) -> dict[str, Any]:
    """What the card in a folder says of its clips."""
    names = {"frames": int, "most": int, "fps": float, "steps": int, "guidance": float}
    said: dict[str, Any] = {name: kind(card[name]) for name, kind in names.items() if name in card}
    if isinstance(size := card.get("size"), list):
        said["size"] = (int(size[0]), int(size[1]))
    return said


def _refuse_without_token() -> None:
    if not os.environ.get("REPLICATE_API_TOKEN"):
        raise NextSceneError(
            "The clip engine replicate needs REPLICATE_API_TOKEN in the environment: set it to a token of your account."
        )


def _refuse_licence(row: ClipModel) -> None:
    if row.asks and row.name not in os.environ.get(ACCEPTED, "").replace(",", " ").split():
        raise NextSceneError(
            f"{row.name} has a licence of its own ({row.asks}): read it, and set {ACCEPTED}={row.name} to accept it."
        )


def _refuse_too_large(row: ClipModel) -> None:
    """Refuses an engine for which there is no GPU, or too small a one, with figures."""
    least = needed(row)
    memory = gpu.total_memory() or 0
    if memory < least:
        here = f"its GPU has {memory / 1e9:.0f} GB" if memory else "it has no GPU"
        raise NextSceneError(
            f"The clip engine {row.name} needs a GPU of at least {least / 1e9:.0f} GB, and this machine cannot run it "
            f"({here}): choose the engine storybook or replicate, or leave clips out."
        )


def memory_needs(row: ClipModel) -> list[tuple[str, float]]:
    """Bytes that an engine's largest stage takes on the GPU, by the memory plan; a tenth more for the clip itself."""
    most = max(row.numbers)
    return [(name, 1.1 * each * most + room) for name, each, room in PLANS]


def needed(row: ClipModel) -> float:
    """Bytes of the smallest GPU on which an engine runs."""
    return min(need for _, need in memory_needs(row))


def fetch_clip_model(name: str) -> Path:
    """The folder of an engine's weights, or of a LoRA for it, complete and verified; downloads only what is missing."""
    if row := CLIP_MODELS.get(name):
        _refuse_licence(row)
    return _download(name)


def _download(name: str) -> Path:
    from nextscene.hub import download  # brings huggingface_hub, which nothing else needs

    return download.fetch(FETCHED_CLIP_MODELS[name]).folder

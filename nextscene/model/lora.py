"""LoRAs beside a model's own weights: added from any of the known formats, or refused by the file's name; taken off."""

import re
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import diffusers
import torch
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError, safe_open

from nextscene import NextSceneError

if TYPE_CHECKING:
    from nextscene.model.pipeline import NextScenePipeline

_PART = re.compile(r"(?P<layer>.+)\.(?:lora_(?P<half>A|B|down|up)\.(?:default\.)?weight|lora_B\.bias|alpha)")


@dataclass(frozen=True)
class Lora:
    """A LoRA that acts beside the model's own weights."""

    file: Path
    sha256: str


def add(pipe: "NextScenePipeline", file: Path, name: str, known_as: str = "") -> None:
    """Adds a LoRA to the transformer, unfused, or says why the file is no LoRA for this model, and leaves none behind.

    diffusers loads a LoRA whose names fit nothing as nothing, without an error: the layers are counted.

    known_as: what the user calls it, for that sentence; empty: its file's name.
    """
    try:
        first, second = _halves(file)
        with silence():
            pipe.load_lora_weights(file.parent, weight_name=file.name, adapter_name=name, use_safetensors=True)
        matched = sum(isinstance(m, LoraLayer) and name in m.lora_A for m in pipe.transformer.modules())
        halves = [each for key, each in pipe.transformer.named_parameters() if f".{name}." in key]
        if not all(each.isfinite().all() for each in halves):
            raise ValueError("some of its numbers are NaN or infinite, so it is damaged, or was not trained well")
        if not first or first != second or matched != len(first):
            whole = min(matched, len(first & second))
            raise ValueError(f"{whole} of its {len(first | second)} layers are whole and have a place in it")
    except torch.OutOfMemoryError:
        raise
    except (ValueError, KeyError, RuntimeError, AttributeError, IndexError, TypeError) as error:
        remove(pipe, name)
        why = "its layers have other sizes" if "size mismatch" in str(error) else in_one_line(error).rstrip(".")
        raise NextSceneError(f"The LoRA file {known_as or file.name!r} is not for this model: {why}.") from None


def remove(pipe: "NextScenePipeline", name: str) -> None:
    """Takes off a LoRA that is not fused; when none is left, so are the layers that carried it."""
    added = getattr(pipe.transformer, "peft_config", {})
    if name in added:
        with silence():
            pipe.delete_adapters(name)
    if not getattr(pipe.transformer, "peft_config", {}):
        pipe.unload_lora_weights()


def in_one_line(error: Exception) -> str:
    """A library's error, shortened to be part of a sentence."""
    return textwrap.shorten(str(error), 200, placeholder=" ...")


def _halves(file: Path) -> tuple[set[str], set[str]]:
    """The layers of which a LoRA file has the first half, and those of which it has the second."""
    if not file.is_file():
        raise NextSceneError(f"There is no LoRA file {str(file)!r}.")
    try:
        with safe_open(file, "pt") as opened:
            names = opened.keys()
    except (SafetensorError, OSError) as error:
        raise NextSceneError(f"The LoRA file {file.name!r} is not a safetensors file ({error}).") from None
    halves: dict[str, set[str]] = {"A": set(), "down": set(), "B": set(), "up": set()}
    for name in names:
        if not (part := _PART.fullmatch(name)):
            raise ValueError(f"it holds {name!r}, which is no part of a LoRA that can be loaded here")
        if part["half"]:
            halves[part["half"]].add(part["layer"])
    return halves["A"] | halves["down"], halves["B"] | halves["up"]


@contextmanager
def silence() -> Iterator[None]:
    """Keeps the libraries from saying at length what is said here in a sentence."""
    loudness = diffusers.utils.logging.get_verbosity()
    diffusers.utils.logging.set_verbosity(diffusers.utils.logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            yield
    finally:
        diffusers.utils.logging.set_verbosity(loudness)

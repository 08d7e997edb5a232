"""A pipeline from weights: LoRA fused, text positions right, placed on its device.

A folder of weights and a LoRA file go in, a `Model` comes out, ready for the studio. It knows nothing of where the
weights came from, and nothing of stories.
"""

import hashlib
import json
import math
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import diffusers
import torch
import transformers
from diffusers.hooks import FirstBlockCacheConfig
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError, safe_open
from transformers import Qwen2Tokenizer, Qwen2VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.processing_utils import ProcessorMixin

from nextscene import NextSceneError
from nextscene.model import memory
from nextscene.model.pipeline import NextScenePipeline
from nextscene.settings import Look
from nextscene.story.plan import Shot

NEXT_SCENE, OWN, FAST = "next_scene", "own", "fast"  # the LoRAs that there may be
_PART = re.compile(r"(?P<layer>.+)\.(?:lora_(?P<half>A|B|down|up)\.(?:default\.)?weight|lora_B\.bias|alpha)")


class Rider(NamedTuple):
    """A LoRA that rides beside the fused weights."""

    file: Path
    sha256: str


@dataclass
class Model:
    """A loaded pipeline with the Next-Scene LoRA fused at the default scale.

    What else is wanted rides beside the fused weights, unfused: another scale's difference to the default, a LoRA of
    the user's own, and the one that makes a few steps enough. The fused weights are never touched again, so nothing
    builds up, and when nothing rides they are all there is.
    """

    pipe: NextScenePipeline
    name: str
    note: str  # what its pictures must say about themselves; empty for the full model
    lora: Path
    lora_sha256: str
    fused_scale: float
    plan: memory.Plan
    riders: dict[str, Rider] = field(default_factory=dict)  # by OWN and FAST

    def __post_init__(self) -> None:
        config = self.pipe.scheduler.config
        hurried = {"base_shift": math.log(3), "max_shift": math.log(3), "shift_terminal": None}
        self._schedulers = {
            False: self.pipe.scheduler,
            True: type(self.pipe.scheduler).from_config(config, **hurried),  # what Lightning was distilled with
        }

    def use_lora_weights(self, file: Path | None) -> None:
        """From now on, this LoRA of the user's own acts too; None, or one that is not for this model: none does."""
        self._take_on(OWN, file)

    def use_fast_lora(self, file: Path | None) -> None:
        """From now on, fast scenes are drawn with this LoRA; None: there are none."""
        self._take_on(FAST, file)

    def set_up(self, shot: Shot) -> None:
        """From now on, pictures are as this shot wants them: as if its LoRAs had been fused at its scales."""
        self.use_scales(shot.look.lora_scale, shot.look.lora_weights_scale, fast=shot.go_fast)
        self.pipe.scheduler = self._schedulers[shot.go_fast]
        if self.pipe.transformer.is_cache_enabled:
            self.pipe.transformer.disable_cache()
        if shot.look.first_block_cache:
            self.pipe.transformer.enable_cache(FirstBlockCacheConfig(threshold=shot.look.first_block_cache))

    def use_scales(self, lora_scale: float, lora_weights_scale: float = 1.0, fast: bool = False) -> None:
        """From now on, pictures are as if the LoRAs had been fused at these scales."""
        riders = {
            NEXT_SCENE: lora_scale - self.fused_scale,
            OWN: lora_weights_scale if OWN in self.riders else 0.0,
            FAST: 1.0 if fast else 0.0,
        }
        riders = {name: scale for name, scale in riders.items() if scale}
        attached = getattr(self.pipe.transformer, "peft_config", {})
        if NEXT_SCENE in riders and NEXT_SCENE not in attached:
            _attach(self.pipe, self.lora, NEXT_SCENE)
        if riders:
            self.pipe.enable_lora()
            self.pipe.set_adapters(list(riders), list(riders.values()))
        elif attached:
            self.pipe.disable_lora()

    def _take_on(self, name: str, file: Path | None) -> None:
        before = self.riders.get(name)
        if (before and before.file) == file:
            return
        if self.riders.pop(name, None):
            _detach(self.pipe, name)
        if file:
            _attach(self.pipe, file, name)
            self.riders[name] = Rider(file, _sha256(file))


def load(
    folder: Path,
    lora: Path,
    name: str = "",
    lora_scale: float = Look().lora_scale,
    plan: memory.Plan | None = None,
    on_part: Callable[[str], object] = lambda part: None,
) -> Model:
    """Loads a model in diffusers' folder layout and fuses a LoRA file into it.

    plan: how its weights are kept; None: as this machine's memory allows.
    on_part: called with its name after each part of the work.
    """
    plan = plan or memory.choose(folder)
    pipe = base(folder, plan.dtype)
    on_part("weights opened")
    _attach(pipe, lora, NEXT_SCENE)
    pipe.set_adapters(NEXT_SCENE, lora_scale)
    on_part("LoRA read")
    memory.place(pipe, plan)
    on_part("LoRA fused and weights put in their place")
    return Model(pipe, name or folder.name, _note(folder), lora, _sha256(lora), lora_scale, plan)


def base(folder: Path, dtype: torch.dtype, kind: type[Any] = NextScenePipeline, **parts: Any) -> Any:
    """The pipeline in a folder, on the CPU, with no LoRA in it. `parts` take the place of the folder's own."""
    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()  # progress is shown by the doors
    try:
        parts = {"processor": _processor(folder / "processor"), **parts}
        pipe = kind.from_pretrained(folder, dtype=dtype, local_files_only=True, **parts)
    except (OSError, ValueError, KeyError) as error:
        raise NextSceneError(f"The model in {str(folder)!r} cannot be loaded: {_briefly(error)}") from error
    pipe.text_encoder.register_forward_pre_hook(_as_trained, with_kwargs=True)
    visual = pipe.text_encoder.model.visual
    visual.forward = _once(visual.forward)
    return pipe


def _note(folder: Path) -> str:
    card = folder / "next_scene.json"
    return str(json.loads(card.read_text())["note"]) if card.is_file() else ""


def _processor(folder: Path) -> ProcessorMixin:
    """What turns words and pictures into the text encoder's input."""
    tokenizer = Qwen2Tokenizer.from_pretrained(folder)
    return PictureProcessor(Qwen2VLImageProcessorPil.from_pretrained(folder), tokenizer, tokenizer.chat_template)


class PictureProcessor(Qwen2VLProcessor):
    """Qwen2-VL's processor without its video part, which alone would need torchvision."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None) -> None:
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


def _as_trained(encoder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Before each forward of the text encoder: 3-D positions for pictures, and no logits that nobody reads.

    transformers 5 falls back to 1-D positions, silently, when it is not told which tokens are a picture's, and
    diffusers 0.42 does not tell it.
    """
    kwargs.setdefault("logits_to_keep", 1)
    if kwargs.get("image_grid_thw") is not None and kwargs.get("past_key_values") is None:
        kwargs.setdefault("use_cache", False)
        kwargs.setdefault("mm_token_type_ids", (kwargs["input_ids"] == encoder.config.image_token_id).int())
    return args, kwargs


def _once(see: Callable[..., Any]) -> Callable[..., Any]:
    """Looks at the same pictures only once: what to show and what to avoid are read together with the same ones."""
    last: list[Any] = []

    def seen(pixels: torch.Tensor, grid_thw: torch.Tensor, **how: Any) -> Any:
        known = last and last[0].shape == pixels.shape and torch.equal(last[0], pixels)
        if not (known and torch.equal(last[1], grid_thw)):
            last[:] = [pixels, grid_thw, see(pixels, grid_thw=grid_thw, **how)]
        return copy(last[2])  # transformers writes into what it gets

    return seen


def _attach(pipe: NextScenePipeline, file: Path, name: str) -> None:
    """Adds a LoRA to the transformer, unfused, or says why the file is no LoRA for this model, and leaves none behind.

    diffusers loads a LoRA whose names fit nothing as nothing, without an error: the layers are counted.
    """
    try:
        first, second = _halves(file)
        with _silence():
            pipe.load_lora_weights(file.parent, weight_name=file.name, adapter_name=name, use_safetensors=True)
        matched = sum(isinstance(m, LoraLayer) and name in m.lora_A for m in pipe.transformer.modules())
        if not first or first != second or matched != len(first):
            whole = min(matched, len(first & second))
            raise ValueError(f"{whole} of its {len(first | second)} layers are whole and have a place in it")
    except torch.OutOfMemoryError:
        raise
    except (ValueError, KeyError, RuntimeError, AttributeError, IndexError, TypeError) as error:
        _detach(pipe, name)
        why = "its layers have other sizes" if "size mismatch" in str(error) else _briefly(error).rstrip(".")
        raise NextSceneError(f"The LoRA file {file.name!r} is not for this model: {why}.") from None


def _detach(pipe: NextScenePipeline, name: str) -> None:
    """Takes a LoRA off that rides unfused; when none is left, so are the layers that carried it."""
    attached = getattr(pipe.transformer, "peft_config", {})
    if name in attached:
        with _silence():
            pipe.delete_adapters(name)
    if not getattr(pipe.transformer, "peft_config", {}):
        pipe.unload_lora_weights()


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
def _silence() -> Iterator[None]:
    """Keeps the libraries from saying at length what is said here in a sentence."""
    loudness = diffusers.utils.logging.get_verbosity()
    diffusers.utils.logging.set_verbosity(diffusers.utils.logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            yield
    finally:
        diffusers.utils.logging.set_verbosity(loudness)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _briefly(error: Exception) -> str:
    """A library's error in one line."""
    return textwrap.shorten(str(error), 200, placeholder=" ...")

"""A pipeline from weights: LoRA fused, text positions right, placed on its device.

A folder of weights and a LoRA file go in, a `Model` comes out, ready for the studio. It knows nothing of where the
weights came from, and nothing of stories.
"""

import hashlib
import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import Qwen2Tokenizer, Qwen2VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.processing_utils import ProcessorMixin

from nextscene import NextSceneError
from nextscene.pipeline import NextScenePipeline
from nextscene.plan import DEFAULTS

_RIDER = "next_scene"


@dataclass
class Model:
    """A loaded pipeline with its LoRA fused at the default scale.

    Another scale's difference to the default rides beside the fused weights, unfused: the fused weights are never
    touched again, so nothing builds up, and at the default scale nothing rides.
    """

    pipe: NextScenePipeline
    name: str
    note: str  # what its pictures must say about themselves; empty for the full model
    lora: Path
    lora_sha256: str
    fused_scale: float
    _state: Mapping[str, torch.Tensor] = field(repr=False)

    def use_lora_scale(self, scale: float) -> None:
        """From now on, pictures are as if the LoRA had been fused at this scale."""
        rides = _RIDER in getattr(self.pipe.transformer, "peft_config", {})
        if scale != self.fused_scale:
            if not rides:
                _attach(self.pipe, self._state, self.lora)
            self.pipe.enable_lora()
            self.pipe.set_adapters(_RIDER, scale - self.fused_scale)
        elif rides:
            self.pipe.disable_lora()


def load(folder: Path, lora: Path, name: str = "", lora_scale: float = DEFAULTS["lora_scale"]) -> Model:
    """Loads a model in diffusers' folder layout and fuses a LoRA file into it."""
    state = _read_lora(lora)
    device, dtype = ("cuda", torch.bfloat16) if torch.cuda.is_available() else ("cpu", torch.float32)
    pipe = base(folder, dtype).to(device)
    _attach(pipe, state, lora)
    pipe.fuse_lora(lora_scale=lora_scale, safe_fusing=True)
    pipe.unload_lora_weights()  # leaves plain layers, with the LoRA in their weights
    digest = hashlib.sha256(lora.read_bytes()).hexdigest()
    return Model(pipe, name or folder.name, _note(folder), lora, digest, lora_scale, state)


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


def _read_lora(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise NextSceneError(f"There is no LoRA file {str(path)!r}.")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise NextSceneError(f"The LoRA file {path.name!r} is not a safetensors file ({error}).") from None


def _attach(pipe: NextScenePipeline, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Adds a LoRA to the transformer, unfused, or says why the file is no LoRA for this model.

    diffusers loads a LoRA whose names fit nothing as nothing, without an error: the pairs are counted.
    """
    try:
        pipe.load_lora_weights(dict(state), adapter_name=_RIDER)
    except (ValueError, KeyError, RuntimeError) as error:
        raise NextSceneError(f"The LoRA file {path.name!r} is not for this model: {_briefly(error)}") from None
    ends = (".lora_A.weight", ".lora_A.default.weight", ".lora_down.weight")
    pairs = sum(name.endswith(ends) for name in state)
    matched = sum(isinstance(m, LoraLayer) and _RIDER in m.lora_A for m in pipe.transformer.modules())
    if not pairs or matched != pairs:
        raise NextSceneError(
            f"The LoRA file {path.name!r} is not for this model: {matched} of its {pairs} layers have a place in it."
        )


def _briefly(error: Exception) -> str:
    """A library's error in one line."""
    return textwrap.shorten(str(error), 200, placeholder=" ...")

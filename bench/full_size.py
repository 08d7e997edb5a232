"""The full model in its true size with random weights: what it costs can be measured, and nothing is downloaded.

Time and memory do not depend on the values, so all weights are windows onto one pool of random numbers, until the plan
puts each in a place of its own. The tokenizer is the built-in model's. Its pictures mean nothing.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from bench.stopwatch import Call, Operations
from nextscene import hub, model
from nextscene.model import Model, NextScenePipeline, PictureProcessor, Plan
from storybook.random_model import SPECIAL, lora, scheduler

NAME = "Qwen-Image-Edit-2509 with random weights"
SIZE = (1024, 768)
LORA_RANK, FAST_RANK = 16, 64  # of the published Next-Scene and Lightning LoRAs
PERIOD = 1_048_573  # of the pool's numbers; a prime, so that no two rows of a matrix are the same
DEVIATION = 0.02
WORDS, SEEN = 40, 176  # tokens: of a prompt, about, and of a picture of 4 to 3 as the text encoder sees it


@dataclass(frozen=True)
class Scale:
    """How large the parts are; what is not said is as the classes have it, which is as the full model has it."""

    transformer: Mapping[str, Any]
    text: Mapping[str, Any]
    vision: Mapping[str, Any]
    vae: Mapping[str, Any]


FULL = Scale(
    transformer={},
    text={
        "vocab_size": 152064,
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
    },
    vision={
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 3584,
        "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
    vae={},
)
TINY = Scale(  # to try the way of the full one
    transformer={
        "num_layers": 2,
        "attention_head_dim": 32,
        "num_attention_heads": 2,
        "joint_attention_dim": 64,
        "axes_dims_rope": (8, 12, 12),
    },
    text={
        "vocab_size": 1024,
        "hidden_size": 64,
        "intermediate_size": 192,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
    },
    vision={
        "depth": 2,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 2,
        "out_hidden_size": 64,
        "fullatt_block_indexes": [1],
    },
    vae={"base_dim": 16, "num_res_blocks": 1},
)


def load(
    lora_file: Path, plan: Plan, scale: Scale = FULL, on_part: Callable[[str], object] = lambda part: None
) -> Model:
    """What `model.load` makes of files, by that very function; only the reading of them is left out."""

    def instead(_: Path, dtype: torch.dtype, processor: PictureProcessor, **__: Any) -> NextScenePipeline:
        return pipeline(processor, dtype, scale)

    with patch.object(NextScenePipeline, "from_pretrained", instead):
        return model.load(hub.find("storybook").folder, lora_file, NAME, plan=plan, on_part=on_part)


def pipeline(processor: PictureProcessor, dtype: torch.dtype, scale: Scale) -> NextScenePipeline:
    """All parts on the CPU, taking hardly any memory there."""
    processor.image_processor = Qwen2VLImageProcessorPil(min_pixels=56 * 56, max_pixels=28 * 28 * 16384)  # Qwen's own
    parts = empty(scale, processor)
    largest = max(weight.numel() for part in parts.values() for weight in part.parameters())
    once = torch.randn(PERIOD, generator=torch.Generator().manual_seed(0)) * DEVIATION
    pool = once.to(dtype).repeat(largest // PERIOD + 2)
    chance = random.Random(0)
    for part in parts.values():
        for module in part.modules():
            for name, weight in module.named_parameters(recurse=False):
                setattr(module, name, nn.Parameter(_drawn(name, weight.shape, pool, chance), requires_grad=False))
    return NextScenePipeline(scheduler=scheduler(), tokenizer=processor.tokenizer, processor=processor, **parts)


def empty(scale: Scale, processor: PictureProcessor) -> dict[str, nn.Module]:
    """The parts by their names in the pipeline, with weights that have shapes and nothing else."""
    image, video, start, end = map(processor.tokenizer.convert_tokens_to_ids, (*SPECIAL[4:], *SPECIAL[2:4]))
    config = Qwen2_5_VLConfig(
        text_config={**scale.text, "bos_token_id": 0, "eos_token_id": 0},
        vision_config=dict(scale.vision),
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
    )
    with init_empty_weights(include_buffers=False):
        return {
            "transformer": QwenImageTransformer2DModel(**scale.transformer).eval(),
            "text_encoder": Qwen2_5_VLForConditionalGeneration(config).eval(),
            "vae": AutoencoderKLQwenImage(**scale.vae).eval(),
        }


def counted() -> dict[str, float]:
    """The TFLOP of one call of the full transformer for a scene of 1024x768, which its sizes alone decide.

    Its blocks are alike: one, and what a second adds, say what all of them take.
    """
    scene, stock_sized = (1, SIZE[1] // 16, SIZE[0] // 16), (1, 896 // 16, 1184 // 16)
    with torch.device("meta"):
        whole = QwenImageTransformer2DModel(**FULL.transformer)
        one, two = (Operations(QwenImageTransformer2DModel.from_config(whole.config, num_layers=n)) for n in (1, 2))
    looking = {
        "ours, one reference": [scene],
        "ours, two references": [scene] * 2,
        "ours, three references": [scene] * 3,
    }
    found = {}
    for what, references in {"stock, one reference": [stock_sized], **looking}.items():
        pictures = (scene, *references)
        call = Call(sum(map(math.prod, pictures)), WORDS + SEEN * len(references), pictures)
        first, both = (operations.of(Counter([call])) for operations in (one, two))
        found[what] = (first + (whole.config.num_layers - 1) * (both - first)) / 1e12
    return found


def write_loras(folder: Path, scale: Scale = FULL) -> tuple[Path, Path]:
    """Random LoRAs as large as the published ones: Next-Scene on every linear of the blocks, Lightning on most."""
    with init_empty_weights(include_buffers=False):
        transformer = QwenImageTransformer2DModel(**scale.transformer)
    next_scene = lora(transformer, LORA_RANK, size=1e-4)
    fast = {name: half for name, half in lora(transformer, FAST_RANK, size=1e-4).items() if "_mod." not in name}
    return _written(folder / "next-scene.safetensors", next_scene), _written(folder / "fast.safetensors", fast)


def _drawn(name: str, shape: torch.Size, pool: Tensor, chance: random.Random) -> Tensor:
    """Values at which nothing grows or vanishes."""
    if name == "bias":
        return torch.zeros(shape, dtype=pool.dtype)
    if name == "gamma" or len(shape) == 1:  # a norm's
        return torch.ones(shape, dtype=pool.dtype)
    at = chance.randrange(PERIOD)
    return pool[at : at + shape.numel()].view(shape)


def _written(file: Path, halves: Mapping[str, Tensor]) -> Path:
    save_file({name: half.to(torch.bfloat16) for name, half in halves.items()}, file)
    return file

"""A model of the full model's very classes, small and with random weights.

It draws nothing that means anything; it shows that the machinery runs. `python -m storybook.random_model FOLDER`
makes it: diffusers' folder layout plus `next-scene.safetensors`, a random LoRA in the real one's key format.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImageEditPlusPipeline,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
)
from safetensors.torch import save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from nextscene.model import PictureProcessor

SPECIAL = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
TEMPLATES: dict[Any, int] = {QwenImageEditPlusPipeline: 6, QwenImagePipeline: 5}  # and how many parts each is made of


def build(folder: Path, size: tuple[int, int] = (256, 192), seed: int = 0) -> None:
    """Makes the model in a folder; the same seed makes the same weights."""
    torch.manual_seed(seed)
    words = tokenizer()
    pipe = QwenImageEditPlusPipeline(
        scheduler=scheduler(),
        vae=AutoencoderKLQwenImage(base_dim=8, dim_mult=[1, 2, 2, 2], num_res_blocks=1),
        text_encoder=text_encoder(words),
        tokenizer=words,
        processor=PictureProcessor(Qwen2VLImageProcessorPil(max_pixels=10_000), words),
        transformer=QwenImageTransformer2DModel(
            num_layers=2,
            attention_head_dim=32,
            num_attention_heads=2,
            joint_attention_dim=64,
            axes_dims_rope=(8, 12, 12),
        ),
    )
    note = "random weights: its pictures show that the machinery runs, and mean nothing"
    save(pipe, lora(pipe.transformer), folder, {"size": size, "note": note})
    _save_lora(lora(pipe.transformer), folder / "fast.safetensors")


def save(pipe: QwenImageEditPlusPipeline, lora: dict[str, torch.Tensor], folder: Path, card: Mapping[str, Any]) -> None:
    """A model and its LoRA in a folder, as the full model's lies in its own."""
    pipe.to(torch.bfloat16).save_pretrained(folder)
    _save_lora(lora, folder / "next-scene.safetensors")
    forget_origins(folder)
    index = json.loads((folder / "model_index.json").read_text())
    index["processor"] = ["transformers", "Qwen2VLProcessor"]  # as the full model's index says
    write_json(folder / "model_index.json", index)
    write_json(folder / "next_scene.json", card)


def forget_origins(folder: Path) -> None:
    """Where the parts of a model were made is nobody's concern."""
    for config in folder.glob("*/config.json"):
        facts = json.loads(config.read_text())
        facts.pop("_name_or_path", None)
        write_json(config, facts)


def tokenizer(texts: Iterable[str] = ()) -> Qwen2Tokenizer:
    """Qwen's tokenizer, trained on the prompt templates and these texts.

    Every word of the templates becomes one token, as it is for the full model; so their first parts have the 64 and
    34 tokens that the pipelines cut off.
    """
    templates = [kind(*[None] * parts).prompt_template_encode for kind, parts in TEMPLATES.items()]
    plain = Qwen2Tokenizer(vocab={"<|endoftext|>": 0})
    return plain.train_new_from_iterator([*templates * 2, *texts], 4096, new_special_tokens=SPECIAL)


def scheduler() -> FlowMatchEulerDiscreteScheduler:
    """The full model's own noise schedule."""
    return FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True,
        base_shift=0.5,
        max_shift=0.9,
        max_image_seq_len=8192,
        shift_terminal=0.02,
    )


def text_encoder(words: Qwen2Tokenizer, hidden: int = 64, layers: int = 2) -> Qwen2_5_VLForConditionalGeneration:
    """Qwen2.5-VL with the full model's structure."""
    image, video, start, end = map(words.convert_tokens_to_ids, (*SPECIAL[4:], *SPECIAL[2:4]))
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(words),
            "hidden_size": hidden,
            "intermediate_size": hidden * 3,
            "num_hidden_layers": layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e4,
                "mrope_section": [part * hidden // 64 for part in (2, 3, 3)],
            },
            "tie_word_embeddings": True,
            "bos_token_id": words.pad_token_id,
            "eos_token_id": words.pad_token_id,
        },
        vision_config={
            "depth": 2,
            "hidden_size": hidden // 2,
            "intermediate_size": hidden,
            "num_heads": 2,
            "out_hidden_size": hidden,
            "fullatt_block_indexes": [1],
        },
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
        tie_word_embeddings=True,
    )
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def lora(transformer: QwenImageTransformer2DModel, rank: int = 4, size: float = 0.02) -> dict[str, torch.Tensor]:
    """A random LoRA on every linear layer of the blocks, under the real one's names."""
    layers = {
        name: module
        for name, module in transformer.transformer_blocks.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    state = {}
    for name, layer in layers.items():
        state[f"diffusion_model.transformer_blocks.{name}.lora_A.weight"] = (
            torch.randn(rank, layer.in_features) * size**0.5
        )
        state[f"diffusion_model.transformer_blocks.{name}.lora_B.weight"] = (
            torch.randn(layer.out_features, rank) * size**0.5
        )
    return state


def _save_lora(state: dict[str, torch.Tensor], file: Path) -> None:
    save_file({name: tensor.to(torch.bfloat16) for name, tensor in state.items()}, file)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    build(Path(sys.argv[1]))

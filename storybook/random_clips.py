"""Models for clips of the real ones' very classes, small and with random weights.

    python -m storybook.random_clips FOLDER wan      # one of KINDS

They move nothing that means anything; they show that the machinery runs.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    AutoencoderKLTemporalDecoder,
    AutoencoderKLWan,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    LTXConditionPipeline,
    LTXVideoTransformer3DModel,
    StableVideoDiffusionPipeline,
    UNetSpatioTemporalConditionModel,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanTransformer3DModel,
    WanVACEPipeline,
    WanVACETransformer3DModel,
)
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    CLIPVisionModelWithProjection,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

SENTENCE = "the camera pans left right a tower house by sea snow falls and moves closer"
WORDS = ("<pad>", "</s>", "<unk>", *SENTENCE.split())
CARD = {"frames": 9, "most": 33, "fps": 8, "steps": 2, "guidance": 2.0}
SEER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
MOVER = {"num_attention_heads": 2, "attention_head_dim": 12}
SIZES = {"svd": [128, 64], "ltx": [64, 64]}


def build(folder: Path, kind: str = "wan", seed: int = 0) -> Path:
    """Makes the model in a folder; the same seed makes the same weights."""
    torch.manual_seed(seed)
    pipe = KINDS[kind]()
    pipe.save_pretrained(folder)
    (folder / "next_scene.json").write_text(json.dumps(CARD | {"size": SIZES.get(kind, [64, 48])}))
    return folder


def tokenizer() -> PreTrainedTokenizerFast:
    """One token for each of a few words."""
    words = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def _text_encoder(kind: type[Any] = UMT5EncoderModel, config: type[Any] = UMT5Config) -> Any:
    size = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": len(WORDS)}
    return kind(config(**size)).eval()


def _wan_vae(channels: int = 4) -> AutoencoderKLWan:
    ones = [1.0] * channels
    return AutoencoderKLWan(
        base_dim=8,
        z_dim=channels,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0] * channels,
        latents_std=ones,
    )


def _expert(channels: int, in_channels: int, image_dim: int | None = None) -> WanTransformer3DModel:
    return WanTransformer3DModel(
        patch_size=(1, 2, 2),
        **MOVER,
        in_channels=in_channels,
        out_channels=channels,
        text_dim=32,
        freq_dim=16,
        ffn_dim=48,
        num_layers=2,
        rope_max_seq_len=64,
        image_dim=image_dim,
    )


def wan(experts: int = 2, expands: bool = False, sees: bool = False) -> WanImageToVideoPipeline:
    """I2V-A14B with its two experts; TI2V-5B, which writes the picture into its latents; or Fun-InP, which sees it."""
    inputs = 4 if expands else 2 * 4 + 4  # noise, picture and mask, where they stand beside each other
    seer = CLIPVisionModel(CLIPVisionConfig(**SEER, image_size=224, patch_size=56)) if sees else None
    return WanImageToVideoPipeline(
        tokenizer=tokenizer(),
        text_encoder=_text_encoder(),
        vae=_wan_vae(),
        scheduler=UniPCMultistepScheduler(
            use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=5.0, num_train_timesteps=1000
        ),
        image_encoder=seer,
        image_processor=CLIPImageProcessorPil(crop_size=224, size=224) if sees else None,
        transformer=_expert(4, inputs, SEER["hidden_size"] if sees else None),
        transformer_2=_expert(4, inputs) if experts == 2 else None,
        boundary_ratio=0.9 if experts == 2 else None,
        expand_timesteps=expands,
    )


def vace() -> WanVACEPipeline:
    """What restyles films: led by latents of what is kept and of what leads, and by the mask's own pixels."""
    return WanVACEPipeline(
        tokenizer=tokenizer(),
        text_encoder=_text_encoder(),
        vae=_wan_vae(),
        scheduler=UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=5.0),
        transformer=WanVACETransformer3DModel(
            patch_size=(1, 2, 2),
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=4,
            out_channels=4,
            text_dim=32,
            freq_dim=16,
            ffn_dim=48,
            num_layers=2,
            vace_layers=[0],
            vace_in_channels=2 * 4 + 64,
            rope_max_seq_len=64,
        ),
    )


def svd() -> StableVideoDiffusionPipeline:
    return StableVideoDiffusionPipeline(
        vae=AutoencoderKLTemporalDecoder(
            down_block_types=["DownEncoderBlock2D"] * 4, block_out_channels=[32] * 4, layers_per_block=1
        ),
        image_encoder=CLIPVisionModelWithProjection(
            CLIPVisionConfig(**SEER, image_size=224, patch_size=56, projection_dim=16)
        ),
        unet=UNetSpatioTemporalConditionModel(
            block_out_channels=(32, 32),
            layers_per_block=1,
            in_channels=8,
            out_channels=4,
            down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
            up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
            cross_attention_dim=16,
            num_attention_heads=(2, 4),
            projection_class_embeddings_input_dim=24,
            addition_time_embed_dim=8,
        ),
        scheduler=EulerDiscreteScheduler(
            timestep_type="continuous", prediction_type="v_prediction", use_karras_sigmas=True, sigma_max=700.0
        ),
        feature_extractor=CLIPImageProcessorPil(crop_size=224, size=224),
    )


def ltx() -> LTXConditionPipeline:
    return LTXConditionPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
            spatio_temporal_scaling=(True, True, True, False),
            decoder_spatio_temporal_scaling=(True, True, True, False),
            patch_size=4,
        ),
        text_encoder=_text_encoder(T5EncoderModel, T5Config),
        tokenizer=tokenizer(),
        transformer=LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            **MOVER,
            cross_attention_dim=24,
            num_layers=1,
            caption_channels=32,
        ),
    )


def lora(expert: WanTransformer3DModel, file: Path, more: Mapping[str, torch.Tensor] | None = None) -> Path:
    """A random LoRA on every matrix of an expert's first block. more: what else its file holds."""
    state, rank, size = dict(more or {}), 2, 0.3
    for name, layer in expert.blocks[0].named_modules():
        if isinstance(layer, torch.nn.Linear):
            state[f"transformer.blocks.0.{name}.lora_A.weight"] = torch.randn(rank, layer.in_features) * size
            state[f"transformer.blocks.0.{name}.lora_B.weight"] = torch.randn(layer.out_features, rank) * size
    save_file(state, file)
    return file


KINDS: dict[str, Callable[[], Any]] = {
    "wan": wan,
    "one expert": lambda: wan(experts=1),
    "wan-light": lambda: wan(experts=1, expands=True),
    "wan-light-join": lambda: wan(experts=1, sees=True),
    "svd": svd,
    "ltx": ltx,
    "vace": vace,
}


if __name__ == "__main__":
    build(Path(sys.argv[1]), sys.argv[2])

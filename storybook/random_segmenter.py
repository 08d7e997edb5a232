"""A SAM 2 of the real one's very class, small and with random weights. `python -m storybook.random_segmenter FOLDER`.

What it cuts out means nothing; it shows that the machinery runs.
"""

import sys
from pathlib import Path

import torch
from transformers import (
    Sam2Config,
    Sam2HieraDetConfig,
    Sam2MaskDecoderConfig,
    Sam2Model,
    Sam2PromptEncoderConfig,
    Sam2VisionConfig,
)

SIDE = 128  # pixels of the picture that it reads


def build(folder: Path, seed: int = 0) -> Path:
    """Makes it in a folder; the same seed makes the same weights."""
    torch.manual_seed(seed)
    widths = [8, 16, 32, 64]
    backbone = Sam2HieraDetConfig(
        hidden_size=8, image_size=[SIDE, SIDE], blocks_per_stage=[1, 2, 2, 1], embed_dim_per_stage=widths,
        num_attention_heads_per_stage=[1, 1, 2, 2], window_size_per_stage=[8, 4, 4, 2], global_attention_blocks=[4],
    )  # fmt: skip
    sizes = [[SIDE // part] * 2 for part in (4, 8, 16)]
    vision = Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=widths[::-1], backbone_feature_sizes=sizes, fpn_hidden_size=32
    )
    config = Sam2Config(
        vision_config=vision,
        prompt_encoder_config=Sam2PromptEncoderConfig(hidden_size=32, image_size=SIDE),
        mask_decoder_config=Sam2MaskDecoderConfig(
            hidden_size=32, mlp_dim=32, num_attention_heads=2, iou_head_hidden_dim=16
        ),
    )
    Sam2Model(config).eval().save_pretrained(folder)
    return folder


if __name__ == "__main__":
    build(Path(sys.argv[1]))

"""Depths of a picture, near is light, as a Depth-Anything model sees them.

    see = Depth(folder)
    map = see(picture)

A folder with the model in transformers' layout goes in. It is kept in fp32 where scenes are drawn, a hundred MB.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional
from transformers import DepthAnythingForDepthEstimation

from nextscene import NextSceneError

SIDE, PATCH = 518, 14  # pixels: of the shorter side as it is looked at, and of what the sides are multiples of
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the pictures that it was taught


class Depth:
    def __init__(self, folder: Path, device: torch.device) -> None:
        try:
            model = DepthAnythingForDepthEstimation.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        except (OSError, ValueError, KeyError) as error:
            raise NextSceneError(
                f"The depth model in {str(folder)!r} cannot be loaded ({error}): fetch it again."
            ) from None
        self._model, self._device = model.to(device).eval(), device

    @torch.no_grad()
    def __call__(self, picture: Image.Image) -> Image.Image:
        depths = self._model(pixel_values=self._pixels(picture)).predicted_depth[None]
        full = functional.interpolate(depths, (picture.height, picture.width), mode="bicubic", align_corners=False)[
            0, 0
        ]
        near, far = full.max(), full.min()
        levels = (full - far) / (near - far).clamp(min=1e-6) * 255
        return Image.fromarray(levels.round().clamp(0, 255).to(torch.uint8).cpu().numpy()).convert("RGB")

    def _pixels(self, picture: Image.Image) -> torch.Tensor:
        scale = SIDE / min(picture.size)
        size = tuple(max(round(side * scale / PATCH), 1) * PATCH for side in picture.size)
        shown = (
            np.asarray(picture.convert("RGB").resize((size[0], size[1]), Image.Resampling.BICUBIC), np.float32) / 255
        )
        return torch.from_numpy((shown - MEAN) / SPREAD).permute(2, 0, 1)[None].float().to(self._device)

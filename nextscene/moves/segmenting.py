"""A thing cut out of a picture by its box, by SAM 2.

    segmenter = Sam2(hub.fetch("sam2-tiny"))
    mask = segmenter.cut(picture, (40, 20, 80, 60))

A mask is a grey picture of the picture's size, white where the thing is, grey along its border.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import Sam2Model

from nextscene import NextSceneError
from nextscene.model import device

# What its pictures were brought to, in the mean and in spread (ImageNet's). Its own processor wants torchvision.
MEAN, SPREAD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
FINER = 2  # a mask's border is found on a picture so many times larger, and is grey where it runs through a pixel
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels


class Sam2:
    """Holds a SAM 2 model."""

    def __init__(self, folder: Path) -> None:
        try:
            found = Sam2Model.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise NextSceneError(f"The segmenter in {str(folder)!r} cannot be loaded: fetch it again.") from error
        self._model = found.eval().to(device())
        self._height, self._width = map(int, found.config.vision_config.backbone_config.image_size)

    @torch.no_grad()
    def cut(self, picture: Image.Image, box: Box) -> Image.Image:
        """The mask of what fills a box."""
        scales = (self._width / picture.width, self._height / picture.height) * 2
        corners = torch.tensor([[[at * scale for at, scale in zip(box, scales, strict=True)]]])
        found = self._model(
            pixel_values=self._pixels(picture).to(self._model.device),
            input_boxes=corners.to(self._model.device),
            multimask_output=False,  # a box says which thing is meant; a point would leave it open
        )
        mask = _to_mask(found.pred_masks[0, 0].float(), picture.size)
        if mask.getbbox() is None:
            said = ",".join(f"{at:g}" for at in box)
            raise NextSceneError(f"The segmenter found nothing in the box {said}: give another box, or a mask file.")
        return mask

    def _pixels(self, picture: Image.Image) -> torch.Tensor:
        """The picture as the model reads it: stretched to its square."""
        small = picture.convert("RGB").resize((self._width, self._height), Image.Resampling.BILINEAR)
        values = (np.asarray(small) / 255 - MEAN) / SPREAD
        return torch.from_numpy(values).permute(2, 0, 1)[None].float()


def _to_mask(scores: torch.Tensor, size: tuple[int, int]) -> Image.Image:
    """White where a score is above nought. scores: one sheet of any size."""
    large = torch.nn.functional.interpolate(scores[None], (size[1] * FINER, size[0] * FINER), mode="bilinear")
    shares = torch.nn.functional.avg_pool2d((large > 0).float(), FINER)[0, 0]
    return Image.fromarray((shares * 255).round().to(torch.uint8).cpu().numpy())

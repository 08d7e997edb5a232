"""Stable Video Diffusion: motion from one picture, without words."""

from collections.abc import Mapping
from typing import Any

from diffusers import StableVideoDiffusionPipeline
from PIL import Image

from nextscene.motion.diffusing import Diffusing
from nextscene.story import ClipPlan


class Svd(Diffusing):
    kind = StableVideoDiffusionPipeline
    reads_words = False

    def _asked(self, plan: ClipPlan, first: Image.Image, last: Image.Image | None) -> Mapping[str, Any]:
        return {
            "image": first,
            "max_guidance_scale": plan.guidance,
            "fps": round(plan.fps),
            "motion_bucket_id": plan.motion_bucket_id,
            "noise_aug_strength": plan.noise_aug_strength,
            "decode_chunk_size": plan.decode_chunk_size,
        }

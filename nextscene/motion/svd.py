"""Stable Video Diffusion: motion from one picture, without words."""

from diffusers import StableVideoDiffusionPipeline
from PIL import Image

from nextscene.clip import Frame
from nextscene.motion.diffusing import Callback, Diffusing, noise, to_frames
from nextscene.story import ClipPlan


class Svd(Diffusing):
    kind = StableVideoDiffusionPipeline
    reads_words = False

    def _frames(self, plan: ClipPlan, first: Image.Image, last: Image.Image | None, on_step: Callback) -> list[Frame]:
        found = self._pipe(
            first,
            width=plan.width,
            height=plan.height,
            num_frames=plan.frames,
            num_inference_steps=plan.steps,
            max_guidance_scale=plan.guidance,
            fps=round(plan.fps),
            motion_bucket_id=plan.motion_bucket_id,
            noise_aug_strength=plan.noise_aug_strength,
            decode_chunk_size=plan.decode_chunk_size,
            generator=noise(plan),
            output_type="pt",
            callback_on_step_end=on_step,
        )
        return to_frames(found.frames[0])

"""Wan's VACE: a film's frames in, the same frames as words say out, as its picture in grey leads them.

What was made before of the same film may come first: those frames are kept, and what follows goes on from them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers import WanVACEPipeline
from PIL import Image, ImageOps

from nextscene.clip import Frame, OnClipStep
from nextscene.model import lora as loras
from nextscene.motion.diffusing import as_callback, noise, said_as_memory, to_frames
from nextscene.motion.wan import Wan
from nextscene.story import ClipPlan


class Vace(Wan):
    kind = WanVACEPipeline

    def restyle(
        self, plan: ClipPlan, source: Sequence[Frame], begun: Sequence[Frame], on_step: OnClipStep = lambda *_: None
    ) -> list[Frame]:
        """source: as many frames as the plan has. begun: how the first of them look already."""
        size = plan.width, plan.height
        kept = [Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS) for frame in begun]
        leads = [_grey(frame, size) for frame in source[len(kept) :]]
        masks = [Image.new("L", size, 255 * (number >= len(kept))) for number in range(plan.frames)]
        with loras.silence(), torch.inference_mode(), said_as_memory(plan):
            found = self._pipe(
                video=[*kept, *leads],
                mask=masks,
                **self._words_of(plan),
                guidance_scale=plan.guidance,
                width=plan.width,
                height=plan.height,
                num_frames=plan.frames,
                num_inference_steps=plan.steps,
                generator=noise(plan),
                output_type="pt",
                callback_on_step_end=as_callback(plan, on_step),
            )
        return [*map(np.asarray, kept), *to_frames(found.frames[0])[len(kept) :]]

    def _asked(self, plan: ClipPlan, first: Image.Image, last: Image.Image | None) -> Any:
        raise NotImplementedError("VACE restyles films; from a picture it makes none")


def _grey(frame: Frame, size: tuple[int, int]) -> Image.Image:
    picture = Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)
    return ImageOps.grayscale(picture).convert("RGB")

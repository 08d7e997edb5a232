"""LTX-Video: motion from a first picture, and to a last one."""

from typing import Any

from diffusers import LTXConditionPipeline
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from PIL import Image

from nextscene.clip import Frame
from nextscene.motion.diffusing import Callback, Diffusing, Words, noise, to_frames
from nextscene.story import ClipPlan

WORDS = ("prompt_embeds", "prompt_attention_mask", "negative_prompt_embeds", "negative_prompt_attention_mask")


class Ltx(Diffusing):
    kind = LTXConditionPipeline
    most_tokens = 256

    def _encode(self, pipe: Any, words: str, negative: str, guided: bool) -> Words:
        found = pipe.encode_prompt(
            words, negative, do_classifier_free_guidance=guided, max_sequence_length=self.most_tokens
        )
        return dict(zip(WORDS, found, strict=True))

    def _frames(self, plan: ClipPlan, first: Image.Image, last: Image.Image | None, on_step: Callback) -> list[Frame]:
        ends = [LTXVideoCondition(image=first, frame_index=0)]
        if last:
            ends.append(LTXVideoCondition(image=last, frame_index=plan.frames - 1))
        found = self._pipe(
            conditions=ends,
            **self._words_of(plan),
            width=plan.width,
            height=plan.height,
            num_frames=plan.frames,
            frame_rate=round(plan.fps),
            num_inference_steps=plan.steps,
            guidance_scale=plan.guidance,
            generator=noise(plan),
            output_type="pt",
            callback_on_step_end=on_step,
        )
        return to_frames(found.frames[0])

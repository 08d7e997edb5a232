"""LTX-Video: motion from a first picture, and to a last one."""

from collections.abc import Mapping
from typing import Any

from diffusers import LTXConditionPipeline
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from PIL import Image

from nextscene.motion.diffusing import Diffusing, Words
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

    def _asked(self, plan: ClipPlan, first: Image.Image, last: Image.Image | None) -> Mapping[str, Any]:
        ends = [LTXVideoCondition(image=first, frame_index=0)]
        if last:
            ends.append(LTXVideoCondition(image=last, frame_index=plan.frames - 1))
        words, rate = self._words_of(plan), round(plan.fps)
        return {"conditions": ends, **words, "frame_rate": rate, "guidance_scale": plan.guidance}

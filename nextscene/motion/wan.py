"""Wan's engines: two experts (A14B), one (5B), and the built-in model, which is of the same class."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanImageToVideoPipeline
from PIL import Image
from safetensors.torch import load_file

from nextscene import NextSceneError
from nextscene.clip import Clip, OnClipStep
from nextscene.motion.diffusing import Diffusing, Words
from nextscene.motion.leading import Lead
from nextscene.story import ClipPlan

SHIFT = 5.0  # of the noise schedule: Wan's own at 480p
# FlowMatchEuler's last step would be a leap from 0.72 to 0.02; with this one four steps are 1, 0.94, 0.83 and 0.63, and
# two of them are the high-noise expert's.
FEW_STEPS = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": SHIFT}
MODULATION = ".diff_m"  # of a LoRA file: what is added to a block's own table, which no LoRA layer can hold


class Pipeline(WanImageToVideoPipeline):
    """Where the model also looks at the pictures, and has no places for two, it looks at the first."""

    def encode_image(self, image: Any, device: torch.device | None = None) -> torch.Tensor:
        if isinstance(image, list) and self.transformer.condition_embedder.image_embedder.pos_embed is None:
            image = image[0]
        return super().encode_image(image, device)


class Wan(Diffusing):
    kind = Pipeline

    def follow(
        self, plan: ClipPlan, frames: Sequence[Image.Image], masks: Sequence[Image.Image],
        on_step: OnClipStep = lambda *_: None,
    ) -> Clip:  # fmt: skip
        """A clip that goes where these frames go, above all where their masks are white."""
        return self._make(plan, frames[0], None, Lead(self._pipe, plan, frames, masks, on_step))

    def _prepare(self) -> None:
        if any(plan.fast for plan in self._plans):
            if not all(plan.fast for plan in self._plans):
                raise NextSceneError("go_fast holds for all clips of a run, or for none.")
            for expert, file in zip(("transformer", "transformer_2"), self.weights.fast_loras, strict=True):
                add_lora(self._pipe, expert, file)
            self._pipe.scheduler = UniPCMultistepScheduler(**FEW_STEPS)

    def _encode(self, pipe: Any, words: str, negative: str, guided: bool) -> Words:
        shown, avoided = pipe.encode_prompt(
            words, negative, do_classifier_free_guidance=guided, max_sequence_length=self.most_tokens
        )
        return {"prompt_embeds": shown, "negative_prompt_embeds": avoided}

    def _asked(self, plan: ClipPlan, first: Image.Image, last: Image.Image | None) -> Mapping[str, Any]:
        return {"image": first, "last_image": last, **self._words_of(plan), "guidance_scale": plan.guidance}

    def _precise(self, without: Any) -> dict[str, Any]:
        if "vae" in without:
            return {}
        folder = self.weights.folder
        return {"vae": AutoencoderKLWan.from_pretrained(folder, subfolder="vae", dtype=torch.float32)}


def add_lora(pipe: Any, expert: str, file: Path) -> None:
    """Adds a LoRA to one of the experts; `memory.place` fuses it before it puts the weights in their place."""
    state = load_file(file)
    tables = {name: state.pop(name) for name in list(state) if name.endswith(MODULATION)}
    model = getattr(pipe, expert)
    try:
        pipe.load_lora_weights(
            state, adapter_name=expert, load_into_transformer_2=expert == "transformer_2", low_cpu_mem_usage=True
        )
        for name, difference in tables.items():
            _table(model, name).data += difference.to(model.dtype)
    except (ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise NextSceneError(f"The LoRA file {file.name!r} is not for {expert}: {error}") from None
    if expert not in getattr(model, "peft_config", {}):
        raise NextSceneError(f"The LoRA file {file.name!r} is not for {expert}: nothing of it has a place there.")


def _table(model: Any, name: str) -> torch.nn.Parameter:
    """Where a difference belongs: that of "diffusion_model.blocks.7.diff_m", or of "diffusion_model.head.diff_m"."""
    parts = name.split(".")
    owner = model.blocks[int(parts[parts.index("blocks") + 1])] if "blocks" in parts else model
    table: torch.nn.Parameter = owner.scale_shift_table
    return table

"""What leads an engine along a composed film: its latents with noise, in place of what the first steps gave."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from diffusers import UniPCMultistepScheduler
from PIL import Image
from torch import Tensor

from nextscene.clip import OnClipStep
from nextscene.pictures import fit
from nextscene.story import ClipPlan

# Time-to-Move's own, of 50 steps: where nothing moves the engine is on its own from the third on, elsewhere from the
# seventh.
AROUND, INSIDE = 3 / 50, 7 / 50


class Lead:
    """Called by the pipeline after each step of one clip."""

    def __init__(
        self,
        pipe: Any,
        plan: ClipPlan,
        frames: Sequence[Image.Image],
        masks: Sequence[Image.Image],
        on_step: OnClipStep,
    ) -> None:
        self._pipe, self._plan, self._frames, self._masks, self._on_step = pipe, plan, frames, masks, on_step
        self._around, self._inside = round(AROUND * plan.steps), max(round(INSIDE * plan.steps), 1)

    def __call__(self, _pipe: object, step: int, _time: object, kept: dict[str, Any]) -> dict[str, Any]:
        done, latents = step + 1, kept["latents"]
        if done <= max(self._around, self._inside):
            level = self._pipe.scheduler.sigmas[done].to(latents)
            film, inside = (each.to(latents) for each in (self._film, self._white))
            led = (1 - level) * film + level * self._noise.to(latents)
            kept["latents"] = led if done <= self._around else torch.where(inside > 0, led, latents)
            if isinstance(self._pipe.scheduler, UniPCMultistepScheduler):
                # It would go on from the sample that it remembers, not from the one that it is given.
                self._pipe.scheduler.last_sample, self._pipe.scheduler.lower_order_nums = None, 0
        self._on_step(self._plan, done, self._plan.steps)
        return kept

    @cached_property
    def _film(self) -> Tensor:
        """The film's latents."""
        vae = self._pipe.vae
        pictures = [
            fit(each.convert("RGB"), self._plan.width, self._plan.height) for each in _filled(self._frames, self._plan)
        ]
        pixels = torch.from_numpy(np.stack([np.asarray(each) for each in pictures])).permute(3, 0, 1, 2)[None]
        latents = vae.encode(
            (pixels.float() / 127.5 - 1).to(self._pipe._execution_device, vae.dtype)
        ).latent_dist.mode()
        mean, std = (
            torch.tensor(each).view(1, -1, 1, 1, 1).to(latents)
            for each in (vae.config.latents_mean, vae.config.latents_std)
        )
        found: Tensor = (latents - mean) / std
        return found

    @cached_property
    def _white(self) -> Tensor:
        """Which latents the masks cover: those of which they cover any pixel in any frame."""
        pictures = [
            fit(each.convert("L"), self._plan.width, self._plan.height) for each in _filled(self._masks, self._plan)
        ]
        seen = torch.from_numpy(np.stack([np.asarray(each) for each in pictures]) > 127).float()[None, None]
        cell, group = self._pipe.vae_scale_factor_spatial, self._pipe.vae_scale_factor_temporal
        # The first frame has latents of its own.
        padded = torch.cat([seen[:, :, :1].expand(-1, -1, group - 1, -1, -1), seen], dim=2)
        return torch.nn.functional.max_pool3d(padded, (group, cell, cell))

    @cached_property
    def _noise(self) -> Tensor:
        return torch.randn(self._film.shape, generator=torch.Generator().manual_seed(self._plan.seed))


def _filled(pictures: Sequence[Image.Image], plan: ClipPlan) -> list[Image.Image]:
    """As many as the plan has frames: the last one stays."""
    return [*pictures, *[pictures[-1]] * (plan.frames - len(pictures))]

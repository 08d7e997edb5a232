"""One scene, drawn in a way that is named, by our studio or by diffusers' own pipeline; timed and watched.

A loaded model goes in, seconds come out. It knows nothing of which ways there are, nor of pages.
"""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from diffusers import QwenImageEditPlusPipeline
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as stock
from PIL import Image, ImageChops

from bench import stopwatch, work
from nextscene import NextSceneError
from nextscene.model import PARTS, Model
from nextscene.settings import Look, StorySettings
from nextscene.shooting import Studio
from nextscene.story import IMAGE, MAX_REFERENCES, Reference, Shot, Size, from_data, plan
from nextscene.take import Pictures
from storybook.world import PLACES, State, draw


@dataclass(frozen=True, eq=False)
class Way:
    """How a scene is drawn; what is not said is as we do it, from one reference and all noise.

    rounds: how many scenes at full size, where ten minutes must do for all.
    """

    name: str
    story: Mapping[str, Any] = field(default_factory=dict)
    references: int = 1
    rounds: int = 1
    stock: bool = False

    @property
    def steps(self) -> int:
        return int(self.story.get("steps", Look().steps))


class Stage:
    """A loaded model, the stock pipeline on the very same weights (if it takes part), and pictures to look at.

    fast_lora: the file of the LoRA for so many steps.
    """

    def __init__(self, model: Model, size: Size, fast_lora: Callable[[int], Path], stock: Any = None) -> None:
        self.model, self.size, self.fast_lora, self.stock = model, size, fast_lora, stock
        self.operations = stopwatch.Operations(model.pipe.transformer)
        names = [IMAGE, *(Reference("picture", f"picture_{number}") for number in range(2, MAX_REFERENCES + 1))]
        self._pictures = {name: draw(State(place=place), *size) for name, place in zip(names, PLACES, strict=False)}
        self._scenes = 0

    def scene(self, way: Way, steps: int) -> tuple[float, stopwatch.Watch]:
        """Draws one; its seconds, all that a user waits for but the file, and what they went into.

        As in a chain, the picture that it grows from is a new one each time, and the others are known already.
        """
        shot = self.shot(way, steps)
        self.model.use_fast_lora(self.fast_lora(way.steps) if shot.go_fast else None)
        self._scenes += 1
        pictures = {**self._pictures, IMAGE: ImageChops.offset(self._pictures[IMAGE], self._scenes)}
        pipe, make = (self.stock, self.by_stock) if way.stock else (self.model.pipe, self.by_us)
        stopwatch.finish()
        with stopwatch.watched(pipe) as watch:
            started = time.perf_counter()
            picture = make(shot, pictures)
            seconds = time.perf_counter() - started
        if picture.getcolors(1):
            raise NextSceneError(f"A scene drawn as {way.name!r} shows nothing: its figures would not count.")
        return seconds, watch

    def shot(self, way: Way, steps: int) -> Shot:
        story = from_data({"scenes": [work.PROMPTS[1]], "strength": 1.0, **way.story, "steps": min(steps, way.steps)})
        (shot,) = plan(story, StorySettings(), work.SEED, self.size, image=self.size)
        return replace(shot, references=tuple(self._pictures)[: way.references])

    def calls(self, way: Way, steps: int) -> int:
        """Of the transformer, about."""
        look = self.shot(way, steps).look
        return round(look.steps * look.schedule_share * (1 + (look.guidance > 1) * look.guidance_until))

    def by_us(self, shot: Shot, pictures: Pictures) -> Image.Image:
        (take,) = Studio(self.model).shoot([shot], pictures)
        return take.picture

    def by_stock(self, shot: Shot, pictures: Pictures) -> Image.Image:
        """diffusers' own call: references at about a megapixel, for scenes below 1024x768 at as much less."""
        area = stock.VAE_IMAGE_SIZE * shot.width * shot.height // (1024 * 768)
        with patch.object(stock, "VAE_IMAGE_SIZE", area):
            (picture,) = self.stock(
                image=[pictures[reference] for reference in shot.references],
                prompt=shot.prompt,
                negative_prompt=" ",
                true_cfg_scale=shot.look.guidance,
                width=shot.width,
                height=shot.height,
                num_inference_steps=shot.look.steps,
                generator=torch.Generator().manual_seed(shot.seed),
            ).images
        assert isinstance(picture, Image.Image)
        return picture


def stock_twin(pipe: QwenImageEditPlusPipeline) -> QwenImageEditPlusPipeline:
    """diffusers' pipeline on the same weights in modules of its own: nothing done to ours is done to it."""
    parts = dict(pipe.components)
    for name in PARTS:
        kept = {id(tensor): tensor for tensor in chain(parts[name].parameters(), parts[name].buffers())}
        parts[name] = copy.deepcopy(parts[name], kept)
    # Ours sets the text encoder's positions right, and spares it work.
    parts["text_encoder"]._forward_pre_hooks.clear()
    for module in parts["text_encoder"].modules():
        vars(module).pop("forward", None)
    twin = QwenImageEditPlusPipeline(**parts)
    twin.set_progress_bar_config(disable=True)
    return twin

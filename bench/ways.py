"""Ways to draw a chain of scenes: our own, the plain one, and ours with one thing changed.

A planned story, its opening picture and a way go in; the pictures come out. All ways of a story have the words, the
opening and the steps in common, so that they differ by what is named and by nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from bench.stories import OTHERS, THINGS, Told
from nextscene import hub
from nextscene.model import Model, NextScenePipeline
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import GRID, Reference, Shot, Size, difference, from_data, plan, retaken, with_prefix
from storybook import oracle
from storybook.world import State

STEPS = 14  # what the built-in model was judged with while it was taught
JPEG_QUALITY = 95
SMOOTH = 1 / 16  # of a picture's width: the blur that leaves its low frequencies
MEMORY = 0.5  # the share of earlier scenes in a running mean

Statistics = NDArray[np.float64]  # of each colour: mean and deviation


class StockSized(NextScenePipeline):
    """Brings references to diffusers' own size for them, at the built-in model's scale.

    For a scene of 1024x768 that size is 1184x896 (a megapixel, on a grid of 32): here 144x112, on the model's grid.
    """

    def __call__(self, *words: Any, **named: Any) -> Image.Image:
        return super().__call__(*words, reference_grid="stock", **named)

    def _pixels(self, picture: Image.Image, grid: str) -> Tensor:
        if grid != "stock":
            return super()._pixels(picture, grid)
        wide, high = (round(side * picture.width / 1024 / GRID) * GRID for side in (1184, 896))
        pixels: Tensor = self.image_processor.preprocess(picture, high, wide)
        return pixels.unsqueeze(2)


class HandsLatentsOn(NextScenePipeline):
    """Looks at the latents of the last scene that it made, and not at those of that scene's pixels."""

    last: Tensor | None = None

    def prepare_latents(self, images: Any, **named: Any) -> tuple[Tensor, Tensor | None]:
        noise, seen = super().prepare_latents(images, **named)
        return noise, seen if self.last is None else self.last

    def _decode(self, latents: Tensor, width: int, height: int) -> Image.Image:
        self.last = latents
        return super()._decode(latents, width, height)


@dataclass(frozen=True)
class Way:
    """How a story is drawn: each scene grown from the one before, and what is not said as we do it.

    story: what its story says for all scenes.
    one_noise: every scene has the noise of the first.
    jpeg: a scene is handed on as a JPEG file.
    reworded: a scene is drawn by a tree's words for its difference from the one before.
    one_world: as the built-in model's stories are planned; otherwise as the full model's.
    self_check: how often a scene is drawn again that the model itself sees to show something else than planned.
    oracle: of so many takes of each scene, the one is kept that agrees most with the truth.
    hold: low frequencies keep the statistics of earlier scenes, until the light or the weather is to change.
    """

    name: str
    story: Mapping[str, Any] = field(default_factory=dict)
    pipe: type[NextScenePipeline] = NextScenePipeline
    one_noise: bool = False
    jpeg: bool = False
    reworded: bool = False
    hold: bool = False
    one_world: bool = True
    self_check: int = 0
    oracle: int = 1


OURS = Way("ours", {"continuity": StorySettings().continuity})
PLAIN = Way("plain", {"strength": 1.0, "guidance": 1.0}, StockSized, one_noise=True, jpeg=True)
CHAIN = Way("chain")
REWORDED = Way("chain, reworded", reworded=True)
TREE = Way("tree", {"continuity": "tree"})
AUTO = Way("same view first", {"continuity": "auto"}, one_world=False)
SELF_CHECK = Way("looks, at most 2 takes more", {"continuity": "tree"}, self_check=2)
BEST_OF_THREE = Way("best of 3 by the truth", {"continuity": "tree"}, oracle=3)
CHANGES = (  # of a chain
    Way("one noise for all scenes", one_noise=True),
    Way("references at diffusers' size", pipe=StockSized),
    Way("guidance 2", {"guidance": 2.0}),
    Way("guidance off", {"guidance": 1.0}),
    Way("handed on as JPEG", jpeg=True),
    Way("handed on as latents", pipe=HandsLatentsOn),
    Way("the opening as anchor", {"anchor": "scene_001"}),
    Way("low frequencies held", hold=True),
    Way("strength 0.4", {"strength": 0.4}),
    Way("strength 0.5", {"strength": 0.5}),
    Way("strength 1", {"strength": 1.0}),
    Way("LoRA at 1", {"lora_scale": 1.0}),
    Way("guidance for the first half", {"guidance_until": 0.5}),
    Way("first-block cache 0.1", {"first_block_cache": 0.1}),
    Way("go_fast, 4 steps", {"go_fast": True, "steps": 4}),
)


def planned(told: Told, way: Way, size: Size) -> list[Shot]:
    story = from_data({"scenes": list(told.words), "steps": STEPS, "continuity": "chain", **way.story})
    shots = plan(story, StorySettings(), told.number, size, one_world=way.one_world)
    return [_reworded(*pair) for pair in zip([shots[0], *shots], shots, strict=False)] if way.reworded else shots


def _reworded(before: Shot, shot: Shot) -> Shot:
    words = difference(before.shows, shot.shows)
    return replace(shot, words=with_prefix(words)) if words else shot


def opening(model: Model, told: Told, size: Size) -> Image.Image:
    """A story's first scene, from its words; all ways go on from it."""
    (take,) = Studio(model).shoot(planned(told, OURS, size)[:1], {})
    return take.picture


def chain(model: Model, told: Told, way: Way, first: Image.Image) -> list[Image.Image]:
    """All pictures of a story, from its opening picture on."""
    shots = planned(told, way, first.size)
    if shots[0].go_fast:
        model.use_fast_lora(hub.choose().fast_lora(shots[0].look.steps))
    studio = Studio(replace(model, pipe=way.pipe(**model.pipe.components)))
    pictures = {Reference("scene", shots[0].id): first}
    earlier = _statistics(first)
    for shot, (before, truth) in zip(shots[1:], pairwise(told.truth), strict=True):
        seen = {name: _through_jpeg(picture) for name, picture in pictures.items()} if way.jpeg else pictures
        noise_of = shots[0] if way.one_noise else shot  # a scene's noise goes by its id
        tries = [replace(retaken(shot, shot.take + again), id=noise_of.id) for again in range(way.oracle)]
        takes = [take for each in tries for take in studio.shoot([each], seen, self_check=way.self_check)]
        picture = _truest([take.picture for take in takes], truth)
        if any(getattr(before, kind) != getattr(truth, kind) for kind in OTHERS):
            earlier = _statistics(picture)
        elif way.hold:
            picture = _held(picture, earlier)
            earlier = MEMORY * earlier + (1 - MEMORY) * _statistics(picture)
        pictures[Reference("scene", shot.id)] = picture
    return list(pictures.values())


def _truest(pictures: Sequence[Image.Image], truth: State) -> Image.Image:
    """The picture that agrees most with the truth, the first one of equals."""

    def errors(picture: Image.Image) -> int:
        seen = oracle.shown(picture, [truth])
        return sum(getattr(seen, name) != getattr(truth, name) for name in THINGS if name != "layout")

    return min(pictures, key=errors) if len(pictures) > 1 else pictures[0]


def _through_jpeg(picture: Image.Image) -> Image.Image:
    file = BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return Image.open(file).convert("RGB")


def _low(picture: Image.Image) -> NDArray[np.float64]:
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(picture.width * SMOOTH)), np.float64)


def _statistics(picture: Image.Image) -> Statistics:
    low = _low(picture)
    return np.stack([low.mean((0, 1)), low.std((0, 1))])


def _held(picture: Image.Image, statistics: Statistics) -> Image.Image:
    """The picture with these statistics of its low frequencies, and its own details."""
    low, (mean, spread), (was, wide) = _low(picture), statistics, _statistics(picture)
    held = np.asarray(picture) - low + (low - was) / np.maximum(wide, 1) * spread + mean
    return Image.fromarray(held.clip(0, 255).round().astype(np.uint8))

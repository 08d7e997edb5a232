"""The work that is measured: one story, shot by our whole chain, or by the bare pipeline calls that the chain makes.

Both draw the same pictures, to the bit. It knows nothing of clocks.
"""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import torch
from PIL import Image

from nextscene import hub, model
from nextscene.hub import Weights
from nextscene.model import NextScenePipeline
from nextscene.production import Production
from nextscene.request import Request
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import Shot, Size, from_prompts

SEED = 2509
PROMPTS = (
    "Wide shot of a harbour at dawn, fog over still water",
    "Camera pans left, revealing a red boat, soft morning light",
    "Camera moves closer to the boat, a lantern glows on its deck",
    "Camera rises over the roofs, the fog lifts, golden light",
)


def a_story(scenes: int) -> list[str]:
    """The prompts of a story of this length."""
    return list(islice(cycle(PROMPTS), scenes))


def load() -> tuple[Studio, Weights]:
    """The model that the user would get."""
    weights = hub.choose()
    return Studio(model.load(weights.folder, weights.lora, weights.name)), weights


def production(
    weights: Weights, prompts: Sequence[str], steps: int, size: Size, folder: Path, film: Path | None = None
) -> Production:
    """What every door makes of such a request."""
    width, height = size
    settings = StorySettings(steps=steps, seed=SEED, width=width, height=height)
    return Production(Request(story=from_prompts(prompts), folder=folder, settings=settings, film=film), weights)


def chain(
    studio: Studio,
    weights: Weights,
    prompts: Sequence[str],
    steps: int,
    size: Size,
    folder: Path,
    film: Path | None = None,
) -> Iterator[Path]:
    """What the doors do with it: plan, shoot and deliver, with progress shown."""
    yield from production(weights, prompts, steps, size, folder, film).run(lambda: studio)


def bare(pipe: NextScenePipeline, shots: Sequence[Shot]) -> Iterator[Image.Image]:
    """The calls that the chain makes, each with the last one's picture, and nothing else."""
    drawn: list[Image.Image] = []
    for shot in shots:
        picture = pipe(
            shot.prompt,
            drawn,
            width=shot.width,
            height=shot.height,
            look=shot.look,
            generator=torch.Generator().manual_seed(shot.seed),
        )
        drawn = [picture]
        yield picture

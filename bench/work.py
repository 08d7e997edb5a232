"""The work that is measured: one story, shot by our whole chain, or by the bare pipeline calls that the chain makes.

Both draw the same pictures, to the bit. It knows nothing of clocks.
"""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import torch
from PIL import Image

from nextscene import hub, model
from nextscene.film import CuttingRoom
from nextscene.model import NextScenePipeline
from nextscene.output import deliver, numbered
from nextscene.progress import progress
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import Shot, Size, from_prompts, plan

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


def load() -> tuple[Studio, Size]:
    """The model that the user would get, and its own size."""
    weights = hub.choose()
    return Studio(model.load(weights.folder, weights.lora, weights.name)), weights.own_size


def planned(prompts: Sequence[str], steps: int, size: Size) -> list[Shot]:
    return plan(from_prompts(prompts), StorySettings(steps=steps), SEED, size)


def chain(
    studio: Studio, prompts: Sequence[str], steps: int, size: Size, folder: Path, film: Path | None = None
) -> Iterator[Path]:
    """What the doors do: plan, shoot and deliver, with progress shown."""
    shots = planned(prompts, steps, size)
    room = CuttingRoom(from_prompts(prompts), film) if film else None
    with progress(shots) as on_step:
        yield from deliver(studio.shoot(shots, {}, on_step), numbered(folder, "png"), film=room)


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

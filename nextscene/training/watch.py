"""The watch: a few examples that are drawn and measured now and then, so that a person sees how a training goes.

They are those of the data's `validation` folder, or else the first ones that are learned from. Their noise is always
the same, and no chance of the training's is used up by looking.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from nextscene import pictures
from nextscene.settings import Look
from nextscene.training import lessons
from nextscene.training.dataset import Example
from nextscene.training.pupil import Pupil
from nextscene.training.recipe import Recipe
from nextscene.training.report import Row, curve, strip

WATCHED = 3
DRAWS = 8  # of noise for each, to measure by
STEPS = 20  # to draw with


class Sample(NamedTuple):
    words: str
    lesson: Path
    truth: Image.Image
    references: list[Image.Image]


class Watch:
    """Looks, and keeps the losses that it saw, by step."""

    def __init__(
        self, pupil: Pupil, examples: Sequence[Example], files: Sequence[Path], recipe: Recipe, out: Path
    ) -> None:
        self.pupil, self.out, self.seed = pupil, out, recipe.seed
        self.unseen = any(example.watched for example in examples)
        of_interest = [pair for pair in zip(examples, files, strict=True) if pair[0].watched == self.unseen]
        self.samples = [_sample(example, file, recipe) for example, file in of_interest[:WATCHED]]
        self.losses: dict[int, float] = {}

    @torch.no_grad()
    def look(self, step: int) -> None:
        """Measures, and writes what the model draws now beside what it should draw."""
        self.losses[step] = self._loss()
        device = self.pupil.transformer.device
        self.pupil.encoders_to(device)
        rows = [Row(each.words, [*each.references, self._drawn(each), each.truth]) for each in self.samples]
        self.pupil.encoders_to("cpu")
        path = self.out / "samples" / f"step_{step:06d}.png"
        pictures.write(strip(rows, f"After {step} steps"), path, {})

    def draw_curve(self, losses: Sequence[float], title: str) -> None:
        watched = "examples never learned from" if self.unseen else "the first examples"
        pictures.write(curve(losses, self.losses, title, watched), self.out / "loss.png", {})

    def _loss(self) -> float:
        chance = torch.Generator().manual_seed(self.seed)
        read = [lessons.read(each.lesson) for each in self.samples]
        losses = [self.pupil.loss([lesson], chance) for lesson in read for _ in range(DRAWS)]
        return float(torch.stack(losses).mean())

    def _drawn(self, sample: Sample) -> Image.Image:
        return self.pupil(
            sample.words,
            sample.references,
            width=sample.truth.width,
            height=sample.truth.height,
            negative_prompt=Look().negative_prompt,
            guidance=Look().guidance,
            steps=STEPS,
            generator=torch.Generator().manual_seed(self.seed),
        )


def _sample(example: Example, lesson: Path, recipe: Recipe) -> Sample:
    words = recipe.words(example.caption, pair=example.reference is not None)
    truth, *references = [
        pictures.fit(pictures.read(path), *example.size) for path in (example.picture, example.reference) if path
    ]
    return Sample(words, lesson, truth, references)

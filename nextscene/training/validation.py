"""Validation: a few examples that are drawn and measured now and then, so that a person sees how a training goes.

They are those of the data's `validation` folder, or else the first ones that are trained on. Their noise is always the
same, and none of the training's own random numbers is used up by them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from nextscene import pictures
from nextscene.settings import Look
from nextscene.training.dataset import Example
from nextscene.training.encodings import words_of
from nextscene.training.pipeline import Encoded, TrainingPipeline
from nextscene.training.progress import progress
from nextscene.training.recipe import Recipe
from nextscene.training.report import Row, draw_curve, draw_samples

EXAMPLES = 3
DRAWS = 8  # of noise for each, to measure by
STEPS = 20  # to draw with


class Sample(NamedTuple):
    words: str
    example: Example
    encoded: Path
    truth: Image.Image
    before: Image.Image | None


class Validation:
    """Draws and measures, and keeps the losses, by step."""

    def __init__(
        self,
        pipeline: TrainingPipeline,
        examples: Sequence[Example],
        files: Sequence[Path],
        read: Callable[[Example, Path], Encoded],
        recipe: Recipe,
        out: Path,
    ) -> None:
        """read: an example, as what is taught reads it now."""
        self.pipeline, self.out, self.read, self.recipe = pipeline, out, read, recipe
        self.held_out = any(example.held_out for example in examples)
        chosen = [pair for pair in zip(examples, files, strict=True) if pair[0].held_out == self.held_out]
        self.samples = [_sample(example, file, recipe) for example, file in chosen[:EXAMPLES]]
        self.losses: dict[int, float] = {}

    @torch.no_grad()
    def run(self, step: int) -> None:
        """Measures, and writes what the model draws now beside what it should draw."""
        done = 0
        device = self.pipeline.transformer.device
        with progress("drawing samples", len(self.samples) * (DRAWS + STEPS)) as on_step:

            def step_done(*_: int) -> None:
                nonlocal done
                done += 1
                on_step(done)

            self.losses[step] = self._loss(step_done)
            self.pipeline.encoders_to(device)
            rows = [Row(each.words, each.before, self._draw(each, step_done), each.truth) for each in self.samples]
            if not self.recipe.trains_word:
                self.pipeline.encoders_to("cpu")
        path = self.out / "samples" / f"step_{step:06d}.png"
        pictures.write(draw_samples(rows, f"After {step} steps" if step else "Before training"), path, {})

    @torch.no_grad()
    def measure(self, step: int) -> None:
        self.losses[step] = self._loss(lambda: None)

    @property
    def best_step(self) -> int | None:
        """That of the smallest loss so far, the first of equals."""
        return min(self.losses, key=lambda step: self.losses[step], default=None)

    def draw_curve(self, losses: Sequence[float], title: str) -> None:
        what = "examples never trained on" if self.held_out else "the first examples"
        pictures.write(draw_curve(losses, self.losses, title, what), self.out / "loss.png", {})

    def _loss(self, on_step: Callable[[], None]) -> float:
        random = torch.Generator().manual_seed(self.recipe.seed)
        losses = []
        for encoded in [self.read(each.example, each.encoded) for each in self.samples]:
            for _ in range(DRAWS):
                losses.append(self.pipeline.loss([encoded], random))
                on_step()
        return float(torch.stack(losses).mean())

    def _draw(self, sample: Sample, on_step: Callable[[int, int], None]) -> Image.Image:
        return self.pipeline(
            sample.words,
            [sample.before] if sample.before else [],
            width=sample.truth.width,
            height=sample.truth.height,
            look=Look(strength=1, steps=STEPS),
            generator=torch.Generator().manual_seed(self.recipe.seed),
            on_step=on_step,
        )


def _sample(example: Example, encoded: Path, recipe: Recipe) -> Sample:
    truth = pictures.fit(pictures.read(example.picture), *example.size)
    before = pictures.fit(pictures.read(example.reference), *example.size) if example.reference else None
    return Sample(words_of(example, recipe), example, encoded, truth, before)

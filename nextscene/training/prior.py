"""What the base draws without the look: class pictures to learn beside one's own, and how far they drift from it.

They are drawn once, from seeds of their own, and kept: a picture's file is named after everything that it depends on.
"""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from nextscene import pictures
from nextscene.files import sha256
from nextscene.measures import decibels
from nextscene.settings import Look
from nextscene.training.dataset import Example
from nextscene.training.encodings import fingerprint, words_of
from nextscene.training.pipeline import TrainingPipeline
from nextscene.training.progress import progress
from nextscene.training.recipe import Recipe
from nextscene.training.report import Row, draw_samples

STEPS = 20  # to draw with
REDRAWN = 4  # of the class pictures, to see how far they drifted


def draw_class(
    pipeline: TrainingPipeline, examples: Sequence[Example], recipe: Recipe, folder: Path, device: torch.device
) -> list[Example]:
    """As many class pictures as the recipe asks for, each drawn only if it is not there yet."""
    own = [example for example in examples if not example.held_out]
    base = fingerprint(pipeline.folder, "transformer", "text_encoder", "vae", "processor")
    made = [_class_of(own[number % len(own)], number, recipe, folder, base) for number in range(recipe.class_pictures)]
    missing = [number for number, example in enumerate(made) if not example.picture.is_file()]
    if missing:
        pipeline.encoders_to(device)
        with progress("drawing class pictures", len(missing)) as on_step:
            for done, number in enumerate(missing, 1):
                facts = {
                    "prompt": words_of(made[number], recipe),
                    "seed": _seed(recipe, number),
                    "base": pipeline.folder.name,
                }
                pictures.write(_draw(pipeline, made[number], recipe, number), made[number].picture, facts)
                on_step(done)
        pipeline.encoders_to("cpu")
    return made


def measure_drift(
    pipeline: TrainingPipeline, made: Sequence[Example], recipe: Recipe, file: Path, device: torch.device
) -> float:
    """How near the first class pictures still are, drawn again by what was taught: dB, in the mean.

    file: for them, before and now.
    """
    pipeline.encoders_to(device)
    rows = []
    for number, example in enumerate(made[:REDRAWN]):
        before = pictures.read(example.picture)
        rows.append(Row(words_of(example, recipe), None, _draw(pipeline, example, recipe, number), before))
    pipeline.encoders_to("cpu")
    pictures.write(draw_samples(rows, "The class now, and by the base alone"), file, {})
    return float(np.mean([decibels(row.drawn, row.truth) for row in rows]))


def _class_of(example: Example, number: int, recipe: Recipe, folder: Path, base: str) -> Example:
    wanted = replace(example, caption=recipe.class_prompt or example.caption, of_class=True)
    seen = sha256(example.reference) if example.reference else ""
    facts = [words_of(wanted, recipe), _seed(recipe, number), example.size, seen, base, STEPS]
    name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    return replace(wanted, name=f"class {number + 1}", picture=folder / f"{name}.png")


def _draw(pipeline: TrainingPipeline, example: Example, recipe: Recipe, number: int) -> Image.Image:
    return pipeline(
        words_of(example, recipe),
        [pictures.read(example.reference)] if example.reference else [],
        width=example.size[0],
        height=example.size[1],
        look=Look(strength=1, steps=STEPS),
        generator=torch.Generator().manual_seed(_seed(recipe, number)),
    )


def _seed(recipe: Recipe, number: int) -> int:
    return random.Random(f"{recipe.seed} class {number}").getrandbits(31)

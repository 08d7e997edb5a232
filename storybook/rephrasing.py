"""New words for a finished model: its text encoder learns to make of free wordings what it makes of the plain ones.

The model teaches itself. What its transformers make of plain words, as they were read before, they shall make of any
other words that mean the same; they themselves stay as they are, and so does what the encoder sees in pictures.
"""

import copy
import random
from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import QwenImageTransformer2DModel
from torch import Tensor
from torch.nn import functional

from storybook.edits import edit, edit_of_two, from_words, scene
from storybook.painter import LENGTH, SHIFT, Lessons, velocity
from storybook.reader import Reader
from storybook.training import DEVICE, muon, train

LESSONS = {"words": (0.25, from_words), "edit": (0.35, edit), "scene": (0.35, scene), "two": (0.05, edit_of_two)}
BATCH, READ = 16, 64  # lessons of a step that draws, which is every third, and of one that only reads
PLAIN = 0.2  # of all lessons: in the plain words, which shall go on meaning what they mean


def teach(
    reader: Reader, models: Mapping[float, QwenImageTransformer2DModel], lessons: Lessons, folder: Path, steps: int
) -> None:
    """Trains the words of the reader; `models` are the transformers, by Next-Scene's scale."""
    old = Reader(copy.deepcopy(reader.encoder), reader.tokenizer)
    reader.encoder.requires_grad_(True)
    reader.encoder.model.visual.requires_grad_(False)
    for model in models.values():
        model.requires_grad_(False)

    def loss_at(step: int, chance: random.Random) -> Tensor:
        share, make = zip(*LESSONS.values(), strict=True)
        lesson, painted = chance.choices(make, share)[0], step % 3 == 0
        picked = [chance.randrange(len(lessons.latents)) for _ in range(BATCH if painted else READ)]
        tasks = [lesson(lessons.states[number], chance) for number in picked]
        right, references, seen = lessons.pictures(picked, tasks)
        with torch.no_grad():
            before, mask = old.read([task.words for task in tasks], seen, LENGTH[len(seen)])
        said = [task.words if chance.random() < PLAIN else task.free for task in tasks]
        after, free_mask = reader.read(said, seen, LENGTH[len(seen)])
        alike = functional.mse_loss(_pooled(after, free_mask), _pooled(before, mask))
        if not painted:
            return alike
        model, (noisy, level) = models[chance.choice(list(models))], _noised(right)
        with torch.no_grad():
            wanted = velocity(model, noisy, references, level, before, mask)
        made = velocity(model, noisy, references, level, after, free_mask)
        return functional.mse_loss(made, wanted) + alike / 2

    optimizer = muon(reader.encoder, 1.5e-3, 6e-4, plain=["embed_tokens", "patch_embed"])
    train("rephrasing", folder, reader.encoder, optimizer, loss_at, steps, ema=0.99)
    reader.encoder.requires_grad_(False)


def _noised(right: Tensor) -> tuple[Tensor, Tensor]:
    """Mostly much noise: there the words decide most."""
    level = (torch.randn(len(right), device=DEVICE) + 1).sigmoid()
    level = SHIFT * level / (1 + (SHIFT - 1) * level)
    return torch.lerp(right, torch.randn_like(right), level[:, None, None]), level


def _pooled(states: Tensor, mask: Tensor) -> Tensor:
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)

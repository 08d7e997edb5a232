"""What the clip model is taught: clips of four kinds, what is said of each, and which pictures it is given.

A lesson is made from its number alone; of its clip only the frames with a latent of their own are drawn.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from storybook.autoencoder import Flat
from storybook.moving.clips import FRAMES, LOOP, Clip, camera_clip, frames, joining_clip, still_clip, world_clip
from storybook.moving.codec import encode
from storybook.moving.words import said, seen
from storybook.training import batches

KINDS = {"camera": 0.45, "world": 0.2, "join": 0.3, "nothing said": 0.05}  # and the share of each
MAKERS = {"camera": camera_clip, "world": world_clip, "join": joining_clip, "nothing said": still_clip}
LATENT = range(0, FRAMES, LOOP)  # the frames that have a latent of their own


@dataclass(frozen=True)
class Lesson:
    kind: str
    clip: Clip

    @property
    def has_last(self) -> bool:
        """Whether the last frame is given too."""
        return self.kind == "join"

    def words(self, chance: random.Random) -> str:
        """What is said: of a way to a given picture often nothing, or only what is to be seen."""
        if self.kind == "nothing said" or (self.has_last and chance.random() < 0.35):
            return seen(self.clip, chance) if chance.random() < 0.4 else ""
        return said(self.clip, chance)


def lesson(number: int, held_out: bool = False) -> Lesson:
    chance = random.Random(f"clip {number} {held_out}")
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    return Lesson(kind, MAKERS[kind](chance, held_out))


def latents(folder: Path, flat: Flat, count: int) -> Tensor:
    """The latents of all lessons, (count, C, T, h, w), in half precision; drawn once, in parts that stay."""
    made, size = [], 500
    for part in batches(count, size):
        path = folder / f"latents-{size}-{part.start:05d}.pt"
        if not path.is_file():
            drawn = np.stack([frames(lesson(number).clip, LATENT) for number in range(part.start, part.start + size)])
            torch.save(encode(flat, drawn).cpu(), path.with_suffix(".part"))
            path.with_suffix(".part").replace(path)
        made.append(torch.load(path, weights_only=True))
    return torch.cat(made)[:count]

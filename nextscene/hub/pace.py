"""How long shots would take to draw, before any was drawn: guessed from the model's size, their steps and their sizes.

What a forward of the transformer calculates is counted; how fast this machine calculates is known of its GPU, and
measured on a CPU. What else a scene takes is counted as little. Nothing is loaded or fetched.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from nextscene.hub import gpu
from nextscene.hub.weights import Weights
from nextscene.story import Shot

PATCH = 16  # pixels to each side that are one token
WORDS, SEEN = 200, 190  # tokens of words, and of each picture as the text encoder sees it
MORE = 1  # forwards that reading the words and the VAE take as long as
AROUND = 0.25  # seconds that a picture takes besides, whatever draws it
GPU_SHARE = 0.45  # of what a GPU calculates at most: 0.638 s for two forwards at 1024x1024 on one of 989 TFLOP/s
CPU_SHARE = 0.6  # of what large matrices multiply at
CPU_LAYER = 0.0012  # seconds for each layer of a forward, whatever it calculates
STREAMED_BYTES = 20e9  # that come to a GPU in a second, where a model does not fit on it
BYTES_A_NUMBER = 2  # of weights that are kept whole


@dataclass(frozen=True)
class _Build:
    """A transformer: its layers, and their width."""

    layers: int
    width: int

    @property
    def numbers(self) -> float:
        """About how many weights it has."""
        return 36.0 * self.width**2 * self.layers


FULL = _Build(60, 3072)  # Qwen-Image-Edit's, and its successors'


def guess_seconds(weights: Weights, shots: Sequence[Shot]) -> float:
    """How long all of them take, about; loading the model not counted."""
    build = _build_of(weights.local)
    return sum(_seconds(build, shot) for shot in shots)


def _seconds(build: _Build, shot: Shot) -> float:
    look, seen = shot.look, len(shot.references)
    steps = max(round(look.steps * look.schedule_share), 1) if shot.grows_from else look.steps
    guided = round(steps * look.guidance_until) if look.guidance > 1 else 0
    tokens = (1 + seen) * shot.draw_width * shot.draw_height / PATCH**2 + WORDS + SEEN * seen
    work = build.layers * (24 * build.width**2 * tokens + 4 * tokens**2 * build.width)  # products and sums, a forward
    return (steps + guided + MORE) * _forward(build, work) + AROUND


def _forward(build: _Build, work: float) -> float:
    if not (speed := gpu.speed()):
        return work / (CPU_SHARE * _cpu_speed()) + CPU_LAYER * build.layers
    streamed = (gpu.total_memory() or 0) < build.numbers * BYTES_A_NUMBER / 2
    moved = build.numbers * BYTES_A_NUMBER / 2 / STREAMED_BYTES if streamed else 0
    return max(work / (GPU_SHARE * speed), moved)


def _build_of(folder: Path | None) -> _Build:
    """The transformer of a model in a folder; of one that is still to be fetched: as the full model's."""
    file = folder / "transformer" / "config.json" if folder else None
    if not file or not file.is_file():
        return FULL
    try:
        said = json.loads(file.read_text())
        return _Build(int(said["num_layers"]), int(said["num_attention_heads"] * said["attention_head_dim"]))
    except (ValueError, KeyError, TypeError):  # what is wrong with the folder is said when it is loaded
        return FULL


@cache
def _cpu_speed() -> float:
    """Products and sums in a second, of one core: measured once, in some milliseconds.

    With matrices so small that one thread alone multiplies them: several wait for each other, where others work too.
    """
    matrix = np.ones((64, 64), np.float32)
    took = []
    for _ in range(100):
        started = time.perf_counter()
        matrix @ matrix
        took.append(time.perf_counter() - started)
    return float(2 * 64**3 / min(took))

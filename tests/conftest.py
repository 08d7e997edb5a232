"""What the tests share: the small model, loaded once, and pictures to give it."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch's threads must not spin while the doors' processes wait

import numpy as np
import pytest
import torch
from PIL import Image

from nextscene import model, pictures
from nextscene.model import Model
from storybook import random_model

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def weights_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the real classes with random weights, made here and now."""
    folder = tmp_path_factory.mktemp("weights")
    random_model.build(folder)
    return folder


@pytest.fixture(scope="session")
def loaded(weights_folder: Path) -> Model:
    return model.load(weights_folder, weights_folder / "next-scene.safetensors")


@pytest.fixture
def small(loaded: Model) -> Iterator[Model]:
    """The loaded model, at its default LoRA scale before and after."""
    yield loaded
    loaded.use_lora_scale(loaded.fused_scale)


def photo(width: int = 160, height: int = 120, seed: int = 0) -> Image.Image:
    """A picture with large and small shapes in it, of any size."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def noise(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def same(one: Image.Image, other: Image.Image) -> bool:
    return bool(np.array_equal(np.asarray(one), np.asarray(other)))


def alike(one: Path, other: Path) -> bool:
    """Whether two processes drew the same picture with the same facts.

    On a CPU, torch's threads may add up in another order from one process to the next: up to the last bit, which a
    chain carries on.
    """
    apart = np.abs(pixels(Image.open(one)) - pixels(Image.open(other)))
    return bool(apart.max() <= 3 and apart.mean() < 0.05 and pictures.facts(one) == pictures.facts(other))

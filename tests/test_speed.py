"""The warm-up: compiled blocks draw the same pictures, are compiled once for all sizes, and nobody depends on them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import noise, photo, pixels, plain_look
from torch._dynamo.utils import counters

from nextscene import model
from nextscene.model import Model, speed

SIZE = (64, 64)
MOST_GRAPHS = 8  # two for each way in which LoRAs ride; more would mean that sizes or scales are compiled for too


@pytest.fixture
def own(weights_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    """A model that only this test compiles."""
    monkeypatch.setenv("NEXT_SCENE_COMPILE", "1")
    torch._dynamo.reset()
    counters.clear()
    yield model.load(weights_folder, weights_folder / "next-scene.safetensors")
    torch._dynamo.reset()


def drawn(loaded: Model, size: tuple[int, int] = SIZE, references: int = 1) -> np.ndarray:
    pictures = [photo(seed=number) for number in range(references)]
    return pixels(
        loaded.pipe("night", pictures, width=size[0], height=size[1], generator=noise(), look=plain_look(steps=2))
    )


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="there is no compiler")
def test_blocks_are_compiled_once_for_all_sizes_references_and_scales(own: Model) -> None:
    plain = drawn(own)
    (said,) = speed.warm_up(own, SIZE, lasting=True)
    assert said.startswith("blocks compiled in ")
    assert np.abs(drawn(own) - plain).max() <= 2
    for scale in (1.0, 0.5, 0.75):
        own.use_scales(scale)
        for size, references in (((64, 64), 0), ((96, 64), 2)):
            drawn(own, size, references)
    assert 0 < counters["stats"]["unique_graphs"] <= MOST_GRAPHS


@pytest.mark.slow
def test_where_compiling_does_not_work_everything_is_drawn_as_well(own: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = drawn(own)
    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", ("no-such-compiler",))
    monkeypatch.setattr(torch._inductor.config, "force_disable_caches", True)
    (said,) = speed.warm_up(own, SIZE, lasting=True)
    assert said.startswith("blocks not compiled, which did not work here (")
    assert np.array_equal(drawn(own), plain)

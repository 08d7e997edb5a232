"""What the tests share: the small model, loaded once, and pictures to give it."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch's threads must not spin while the doors' processes wait

import numpy as np
import pytest
import server as servers
import torch
from huggingface_hub import constants
from PIL import Image
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from nextscene.model import Model
from nextscene.model import loading as model
from nextscene.settings import Look, StorySettings
from nextscene.story import from_prompts, plan
from storybook import random_model

ROOT = Path(__file__).resolve().parent.parent


class OneServer(LoadFileScheduling):  # type: ignore[misc]
    """A process for each test file, and one for all files that ask the one server."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        asks = ("test_server.py", "test_http.py", "test_replicate_api.py", "test_batch_replicate.py")
        return "server" if Path(file).name in asks else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return OneServer(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks a server is slow: it takes its time to start. Files with slow tests come first, so that no process is
    left with one when the others have done theirs."""
    for item in items:
        if isinstance(item, pytest.Function) and "server" in item.fixturenames:
            item.add_marker(pytest.mark.slow)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def server() -> Iterator[servers.Server]:
    """Cog's own server, with the built-in model."""
    with servers.opened() as opened:
        yield opened


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
    """The loaded model, as a plain shot wants it and with no other LoRA before and after."""
    yield loaded
    loaded.use_lora_weights(None)
    loaded.use_fast_lora(None)
    loaded.use_camera_lora(None)
    loaded.use_embeddings({})
    loaded.set_up(plan(from_prompts(["a"]), StorySettings(), 1, (64, 64))[0])


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for downloads, and none of this machine's settings about them."""
    monkeypatch.setenv("NEXT_SCENE_CACHE", str(tmp_path / "cache"))
    for name in ("NEXT_SCENE_MODEL", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


def use_endpoint(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT does for commands, and, as huggingface_hub read it long ago, for this process too."""
    monkeypatch.setenv("HF_ENDPOINT", url)
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Within it, no file can grow beyond this size: as on a full disk, every write that goes on fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def photo(width: int = 160, height: int = 120, seed: int = 0) -> Image.Image:
    """A picture with large and small shapes in it, of any size."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def plain_look(**values: Any) -> Look:
    """How a picture is drawn from all noise, with nothing named that is to be avoided."""
    return Look().model_copy(update={"strength": 1.0, "negative_prompt": " "} | values)


def noise(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def in_seconds(ticks: int | None, of: Fraction | None) -> Fraction:
    """What PyAV counts in a stream's own unit, which a film of ours always has."""
    assert ticks is not None
    assert of is not None
    return ticks * of


def same(one: Image.Image, other: Image.Image) -> bool:
    return bool(np.array_equal(np.asarray(one), np.asarray(other)))

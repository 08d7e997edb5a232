"""Where weights lie: which plan a machine's memory allows, and that each plan draws what it should."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from conftest import noise, photo, pixels, plain_look
from torch import Tensor

from nextscene import NextSceneError, hub, model
from nextscene.cli import main
from nextscene.model import PLANS, Model, Plan, loading, memory

BUILT_IN, LORA = hub.find("storybook").folder, hub.find("storybook").lora
# How far a plan's first prediction may be from the one in fp32: the norm of the difference, as a share of the norm.
DISTANCES = {"cpu": 0.0, "bf16": 0.02, "fp8": 0.06, "4bit": 0.18, "stream": 0.06}
PICTURES = {"fp8": 2, "4bit": 5, "stream": 2}  # the same for a picture beside bf16's: of 255, in the mean
FULL = {"transformer": (20.3e9, 0.1e9, 0.34e9), "text_encoder": (7.1e9, 1.1e9, 0.23e9), "vae": (0, 0.13e9, 0)}


def predicted(loaded: Model, lora_scale: float) -> Tensor:
    """What the transformer first says of a picture to be edited."""
    loaded.use_scales(lora_scale)
    said: list[Tensor] = []
    catch = loaded.pipe.transformer.register_forward_hook(lambda module, given, out: said.append(out[0].float()))
    loaded.pipe(
        "Camera pans left", [photo()], width=64, height=64, generator=noise(), look=plain_look(steps=2, guidance=1.0)
    )
    catch.remove()
    return said[0]


def far(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@cache
def exact(scale: float) -> Tensor:
    """The same prediction with all weights in fp32, and the LoRA fused at this scale."""
    return predicted(model.load(BUILT_IN, LORA, lora_scale=scale, plan=PLANS["cpu"]), scale)


@pytest.mark.parametrize("name", PLANS)
def test_each_plan_draws_within_its_distance_and_follows_the_loras_scale(name: str) -> None:
    loaded = model.load(BUILT_IN, LORA, plan=PLANS[name])
    said = {scale: predicted(loaded, scale) for scale in (0.75, 0.0, 1.0)}
    for scale, each in said.items():
        assert far(each, exact(scale)) <= max(DISTANCES[name], 1e-5)
    moved = exact(0.0) - exact(0.75)
    assert far(said[0.0] - said[0.75], moved) < 0.3, "the LoRA's scale does what it should"
    assert torch.equal(predicted(loaded, 0.75), said[0.75]), "and nothing of it stays"


@cache
def opening(name: str) -> np.ndarray:
    pipe = model.load(BUILT_IN, LORA, plan=PLANS[name]).pipe
    words = "Next Scene: a red house in the mountains at noon under a clear sky"
    return pixels(pipe(words, width=128, height=96, generator=noise(3), look=plain_look(steps=4)))


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_smaller_weights_are_as_near_as_is_said(name: str) -> None:
    assert 0 < np.abs(opening(name) - opening("bf16")).mean() <= PICTURES[name]


@pytest.mark.parametrize("name", ["fp8", "4bit"])
def test_a_plan_really_makes_the_weights_smaller(name: str) -> None:
    loaded = model.load(BUILT_IN, LORA, plan=PLANS[name])
    sizes = {"fp8": {"Float8Tensor"}, "4bit": {"Params4bit"}}
    blocks = loaded.pipe.transformer.transformer_blocks
    kinds = {type(m.weight).__name__ for m in blocks.modules() if isinstance(m, torch.nn.Linear)}
    assert kinds == sizes[name]


def test_what_streams_gives_the_very_picture_of_what_stays() -> None:
    stays, streams = (predicted(model.load(BUILT_IN, LORA, plan=PLANS[name]), 0.75) for name in ("fp8", "stream"))
    assert torch.equal(stays, streams)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes believe that there is a GPU with so much free memory, and the full model's sizes."""

    def there_is(free: float, machine: float = 128e9) -> None:
        monkeypatch.setattr(memory, "device", lambda: torch.device("cuda"))
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (int(free), int(free)))
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=machine))
        monkeypatch.setattr(memory, "_numbers", lambda folder: FULL[folder.name])
        monkeypatch.delenv("NEXT_SCENE_MEMORY", raising=False)

    return there_is


@pytest.mark.parametrize(
    ("free", "name"),
    [
        (140e9, "bf16"),
        (79e9, "bf16"),
        (47.5e9, "fp8"),
        (39.5e9, "fp8"),
        (23.3e9, "4bit"),
        (15.5e9, "stream"),
        (9.6e9, "stream"),
    ],
)
def test_the_best_plan_that_fits_the_full_model_is_chosen(gpu: Callable[..., None], free: float, name: str) -> None:
    gpu(free)
    assert memory.choose_plan(Path("model")).name == name


def test_where_nothing_fits_every_plan_says_what_it_would_need(gpu: Callable[..., None]) -> None:
    gpu(6e9, machine=20e9)
    with pytest.raises(NextSceneError) as refused:
        memory.choose_plan(Path("model"))
    sentence = str(refused.value)
    assert all(
        name in sentence for name in ("bf16 needs about", "fp8", "4bit", "stream", "6.0 GB free", "20.0 GB free")
    )


def test_a_plan_that_is_named_and_cannot_work_is_refused_and_one_that_can_is_taken(
    gpu: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu(24e9)
    monkeypatch.setenv("NEXT_SCENE_MEMORY", "bf16")
    with pytest.raises(NextSceneError, match=r"bf16 needs about \d+\.\d GB on the GPU \(24\.0 GB free\)"):
        memory.choose_plan(Path("model"))
    monkeypatch.setenv("NEXT_SCENE_MEMORY", "stream")
    assert memory.choose_plan(Path("model")) is PLANS["stream"]


def test_the_sizes_are_those_of_the_files_and_of_what_is_loaded() -> None:
    loaded = model.load(BUILT_IN, LORA, plan=PLANS["bf16"])
    parts = (loaded.pipe.transformer, loaded.pipe.text_encoder, loaded.pipe.vae)
    bytes_loaded = sum(each.numel() * each.itemsize for part in parts for each in part.parameters())
    need = memory.needed(BUILT_IN, Plan("bf16", "bf16", "")).device
    assert need == pytest.approx(bytes_loaded * (1 + memory.ROOM), rel=0.02)


def test_a_plan_that_is_none_is_refused_at_the_door_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", "storybook")
    monkeypatch.setenv("NEXT_SCENE_MEMORY", "7bit")
    monkeypatch.setattr(loading, "load_pipeline", None)
    assert main(["predict", "a", "--output", str(tmp_path / "a.png")]) == 1
    assert "error: NEXT_SCENE_MEMORY is '7bit', which is no plan: name one of auto, bf16" in capsys.readouterr().err


def test_a_broken_file_of_the_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "model.safetensors").write_text("no")
    with pytest.raises(NextSceneError, match="cannot be read"):
        memory.choose_plan(tmp_path)

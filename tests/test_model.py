"""The LoRA: fused once, changed per request, loaded from every format or refused by name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import noise, photo, pixels, same
from PIL import Image
from safetensors.torch import load_file, save_file

from nextscene import NextSceneError, model
from nextscene.model import Model

State = dict[str, torch.Tensor]
PREFIX = "diffusion_model."


def draw(loaded: Model, scale: float | None = None) -> Image.Image:
    if scale is not None:
        loaded.use_lora_scale(scale)
    return loaded.pipe("a city", [photo()], width=128, height=96, steps=2, generator=noise())


def test_another_scale_gives_what_a_fresh_load_at_that_scale_gives(small: Model, weights_folder: Path) -> None:
    default = draw(small, 0.75)
    for scale in (0.0, 0.5, 1.0, 2.0):
        fresh = model.load(weights_folder, small.lora, lora_scale=scale)
        changed = draw(small, scale)
        # The same numbers, added up in another order: at most one of 255 levels, in few places.
        apart = np.abs(pixels(changed) - pixels(draw(fresh)))
        assert apart.max() <= 1
        assert apart.mean() < 0.01
        assert not same(changed, default)


def test_scale_zero_is_the_model_without_a_lora(small: Model, weights_folder: Path, tmp_path: Path) -> None:
    nothing = {name: torch.zeros_like(tensor) for name, tensor in load_file(small.lora).items()}
    save_file(nothing, tmp_path / "nothing.safetensors")
    without = model.load(weights_folder, tmp_path / "nothing.safetensors")
    assert np.abs(pixels(draw(small, 0.0)) - pixels(draw(without))).max() <= 1


def test_after_a_hundred_changes_of_scale_the_default_is_bit_equal_to_the_first(small: Model) -> None:
    first = draw(small, 0.75)
    for scale in np.random.default_rng(0).uniform(0, 2, 100):
        small.use_lora_scale(float(scale))
        small.pipe("a city", width=64, height=64, steps=2, guidance=1.0, generator=noise())
    assert same(draw(small, 0.75), first)


def test_at_the_default_scale_nothing_rides_beside_the_weights(weights_folder: Path) -> None:
    fresh = model.load(weights_folder, weights_folder / "next-scene.safetensors")
    assert not any("lora" in name for name, _ in fresh.pipe.transformer.named_parameters())


def bare(state: State) -> State:
    return {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}


def renamed(state: State, change: Callable[[str], str], alpha: bool) -> State:
    """The same LoRA under other names; `.alpha` scales by alpha / rank, so an alpha of the rank changes nothing."""
    out = {change(name): tensor for name, tensor in state.items()}
    if alpha:
        for name, tensor in state.items():
            if name.endswith(".lora_A.weight"):
                out[change(name).rsplit(".", 2)[0] + ".alpha"] = torch.tensor(float(tensor.shape[0]))
    return out


def kohya(name: str) -> str:
    """transformer_blocks.0.attn.to_q.lora_A.weight → lora_unet_transformer_blocks_0_attn_to_q.lora_down.weight"""
    module, kind = name.rsplit(".lora_", 1)
    return "lora_unet_" + module.replace(".", "_") + down_up(".lora_" + kind)


def down_up(name: str) -> str:
    return name.replace(".lora_A.", ".lora_down.").replace(".lora_B.", ".lora_up.")


FORMATS: dict[str, Callable[[State], State]] = {
    "transformer": lambda s: renamed(bare(s), lambda n: "transformer." + n, alpha=False),
    "diffusion_model": lambda s: s,
    "diffusion_model with alpha": lambda s: renamed(s, str, alpha=True),
    "lora_unet with alpha": lambda s: renamed(bare(s), kohya, alpha=True),
    "lora_down/up with alpha": lambda s: renamed(bare(s), down_up, alpha=True),
    "default": lambda s: renamed(bare(s), lambda n: n.replace(".weight", ".default.weight"), alpha=False),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_that_can_be_loaded_gives_the_same_picture(
    name: str, small: Model, weights_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "other.safetensors"
    save_file(FORMATS[name](load_file(small.lora)), file)
    other = model.load(weights_folder, file)
    assert same(draw(other), draw(small))
    assert np.abs(pixels(draw(other, 1.0)) - pixels(draw(small, 1.0))).max() == 0


REFUSED: dict[str, Callable[[State], State]] = {
    "bare lora_A/B": bare,
    "bare lora_down/up without alpha": lambda s: renamed(bare(s), down_up, alpha=False),
    "transformer with alpha": lambda s: renamed(bare(s), lambda n: "transformer." + n, alpha=True),
    "another model's layers": lambda s: {name.replace("attn", "attention"): tensor for name, tensor in s.items()},
    "only some of its layers": lambda s: {n.replace("_blocks.1", "_blocks.7"): t for n, t in s.items()},
    "another model's sizes": lambda s: {name: torch.zeros(t.shape[0] + 1, 3) for name, t in s.items()},
    "no LoRA at all": lambda s: {"weight": torch.zeros(3)},
    "nothing": lambda s: {},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_lora_that_would_load_as_nothing_is_refused_by_its_files_name(
    name: str, weights_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "odd.safetensors"
    save_file(REFUSED[name](load_file(weights_folder / "next-scene.safetensors")), file)
    with pytest.raises(NextSceneError, match=r"'odd\.safetensors' is not for this model"):
        model.load(weights_folder, file)


def test_a_file_that_is_no_safetensors_or_is_not_there_is_refused(weights_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lora.safetensors").write_text("hello")
    with pytest.raises(NextSceneError, match="is not a safetensors file"):
        model.load(weights_folder, tmp_path / "lora.safetensors")
    with pytest.raises(NextSceneError, match="no LoRA file"):
        model.load(weights_folder, tmp_path / "nowhere.safetensors")


def test_a_broken_model_folder_is_refused_in_a_sentence(weights_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(NextSceneError, match="cannot be loaded"):
        model.load(tmp_path, weights_folder / "next-scene.safetensors")


def test_the_processor_loads_from_the_full_models_older_layout_too(weights_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(weights_folder, tmp_path / "older")
    config = folder / "processor" / "processor_config.json"
    settings = json.loads(config.read_text())["image_processor"]
    config.unlink()
    (folder / "processor" / "preprocessor_config.json").write_text(json.dumps(settings))
    older = model.load(folder, folder / "next-scene.safetensors")
    assert older.pipe.processor.image_processor.to_dict()["size"] == settings["size"]

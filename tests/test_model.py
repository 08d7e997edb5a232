"""The LoRA: fused once, changed per request, loaded from every format or refused by name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import noise, photo, pixels, plain_look, same
from PIL import Image
from safetensors.torch import load_file, save_file

from nextscene import NextSceneError, model
from nextscene.model import Model

State = dict[str, torch.Tensor]
PREFIX = "diffusion_model."


def draw(loaded: Model, scale: float | None = None) -> Image.Image:
    if scale is not None:
        loaded.use_scales(scale)
    return loaded.pipe("a city", [photo()], width=128, height=96, generator=noise(), look=plain_look(steps=2))


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
        small.use_scales(float(scale))
        small.pipe("a city", width=64, height=64, generator=noise(), look=plain_look(steps=2, guidance=1.0))
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
    "numbers that are none": lambda s: s | {min(s): torch.full_like(s[min(s)], torch.nan)},
    "a number without end": lambda s: s | {max(s): torch.full_like(s[max(s)], torch.inf)},
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


@pytest.fixture
def configured(weights_folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a copy of the model whose transformer says something else of itself."""

    def copy(**facts: bool) -> Path:
        folder = shutil.copytree(weights_folder, tmp_path / "other")
        config = folder / "transformer" / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | facts))
        return folder

    return copy


def test_a_model_that_draws_layers_is_refused_before_it_is_loaded(configured: Callable[..., Path]) -> None:
    folder = configured(use_layer3d_rope=True, use_additional_t_cond=True)
    for file in folder.rglob("*.safetensors"):
        file.write_bytes(b"")
    with pytest.raises(NextSceneError, match=r"is Qwen-Image-Layered \(use_additional_t_cond in .* 2509 or 2511\.$"):
        model.load(folder, folder / "next-scene.safetensors")


# A LoRA of the user's own


@pytest.fixture
def own(small: Model, tmp_path: Path) -> Path:
    """Another LoRA of the same layers, of another rank."""
    chance = torch.Generator().manual_seed(0)

    def wider(name: str, tensor: torch.Tensor) -> torch.Tensor:
        shape = (5, tensor.shape[1]) if "lora_A" in name else (tensor.shape[0], 5)
        return 0.05 * torch.randn(shape, generator=chance)

    save_file({n: wider(n, t) for n, t in load_file(small.lora).items()}, tmp_path / "own.safetensors")
    return tmp_path / "own.safetensors"


def layers(loaded: Model) -> list[str]:
    return [name for name, _ in loaded.pipe.transformer.named_modules()]


@pytest.mark.parametrize(("lora_scale", "own_scale"), [(0.75, 1.0), (0.0, 1.0), (0.4, 0.5)])
def test_an_own_lora_beside_next_scene_or_in_its_place_acts_as_if_both_were_fused(
    small: Model, own: Path, weights_folder: Path, lora_scale: float, own_scale: float
) -> None:
    small.use_lora_weights(own)
    small.use_scales(lora_scale, own_scale)
    fused = model.load(weights_folder, small.lora, lora_scale=lora_scale).pipe
    fused.load_lora_weights(own.parent, weight_name=own.name, adapter_name="own")
    fused.fuse_lora(lora_scale=own_scale)
    expected = fused("a city", [photo()], width=128, height=96, look=plain_look(steps=2), generator=noise())
    apart = np.abs(pixels(draw(small)) - pixels(expected))
    assert apart.max() <= 1
    assert apart.mean() < 0.01


def test_when_an_own_lora_is_gone_nothing_of_it_is_left(small: Model, own: Path) -> None:
    before, plain = draw(small, 0.75), layers(small)
    small.use_lora_weights(own)
    small.use_scales(0.3, 1.0)
    assert not same(draw(small), before)
    small.use_lora_weights(None)
    assert same(draw(small, 0.75), before)
    assert layers(small) == plain


def test_own_loras_are_swapped_without_a_trace_of_the_one_before(small: Model, own: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({name: -2 * tensor for name, tensor in load_file(own).items() if "_blocks.0" in name}, other)

    def drawn_with(file: Path) -> Image.Image:
        small.use_lora_weights(file)
        small.use_scales(0.5, 0.8)
        return draw(small)

    first, second = drawn_with(own), drawn_with(other)
    assert not same(first, second)
    assert same(drawn_with(own), first)
    assert same(drawn_with(other), second)


def test_an_own_lora_at_scale_0_changes_nothing(small: Model, own: Path) -> None:
    before = draw(small, 0.75)
    small.use_lora_weights(own)
    small.use_scales(0.75, 0.0)
    assert same(draw(small), before)


HALVED: dict[str, Callable[[State], State]] = {
    "a rank that differs in its two halves": lambda s: {n: t[:, 1:] if "lora_B" in n else t for n, t in s.items()},
    "only the first half of a layer": lambda s: {n: t for n, t in s.items() if n != max(s)},
    "only the second half of a layer": lambda s: {n: t for n, t in s.items() if n != min(s)},
    "what is loaded only in part": lambda s: s | {"diffusion_model.transformer_blocks.0.dora_scale": torch.ones(3)},
    "another width": lambda s: {n: t[:, 1:] if "lora_A" in n else t for n, t in s.items()},
}


@pytest.mark.parametrize("name", REFUSED | HALVED)
def test_a_refused_lora_of_ones_own_leaves_no_trace_and_the_model_usable(
    name: str, small: Model, own: Path, tmp_path: Path
) -> None:
    before, plain = draw(small, 0.75), layers(small)
    small.use_lora_weights(own)
    file = tmp_path / "odd.safetensors"
    save_file({n: t.contiguous() for n, t in (REFUSED | HALVED)[name](load_file(small.lora)).items()}, file)
    with pytest.raises(NextSceneError, match=r"'odd\.safetensors' is not for this model: [^\n]+\.$"):
        small.use_lora_weights(file)
    assert layers(small) == plain
    assert same(draw(small, 0.75), before)


def test_what_a_trainer_noted_of_alpha_in_the_files_metadata_counts(small: Model, own: Path, tmp_path: Path) -> None:
    """diffusers' own trainers do not put alpha into the weights."""
    state, noted = load_file(own), tmp_path / "noted.safetensors"
    state = {"transformer." + name.removeprefix(PREFIX): tensor for name, tensor in state.items()}
    targets = sorted({name.removeprefix("transformer.").rsplit(".lora_", 1)[0] for name in state})
    facts = {"transformer.r": 5, "transformer.lora_alpha": 10, "transformer.target_modules": targets}
    save_file(state, noted, {"format": "pt", "lora_adapter_metadata": json.dumps(facts)})

    def drawn_with(file: Path, scale: float) -> Image.Image:
        small.use_lora_weights(file)
        small.use_scales(0.75, scale)
        return draw(small)

    assert np.abs(pixels(drawn_with(noted, 0.5)) - pixels(drawn_with(own, 1.0))).max() <= 1

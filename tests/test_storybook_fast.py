"""The fast LoRA's school: its schedule, what it is asked, and that it learns what the teacher shows."""

import math
import random
from pathlib import Path

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, QwenImageTransformer2DModel
from safetensors.torch import load_file
from torch import Tensor, nn

from nextscene.model import loading as model
from storybook import fast, random_model
from storybook.painter import noise_levels, way
from storybook.words import next_state
from storybook.world import is_held_out


@pytest.mark.parametrize("steps", [4, 8])
def test_the_fast_schedule_is_the_one_that_published_fast_loras_run_on(steps: int) -> None:
    shifts = {"base_shift": math.log(3), "max_shift": math.log(3), "shift_terminal": None}
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(random_model.scheduler().config, **shifts)
    scheduler.set_timesteps(sigmas=torch.linspace(1, 1 / steps, steps).tolist(), mu=math.log(3))
    torch.testing.assert_close(noise_levels(steps, fast=True), scheduler.sigmas)


def test_every_level_of_the_pupil_is_one_of_the_teacher() -> None:
    every = noise_levels(fast.STEPS, fast=True)
    for stride in fast.STRIDES:
        torch.testing.assert_close(every[::stride], noise_levels(fast.STEPS // stride, fast=True))


@pytest.mark.parametrize("kind", fast.KINDS)
def test_what_is_asked_means_something_and_is_not_held_out(kind: str) -> None:
    chance = random.Random(0)
    asked = [fast.ask(kind, chance) for _ in range(100)]
    assert {len(states) for _, states in asked} == {{"words": 0, "two": 2}.get(kind, 1)}
    assert not any(is_held_out(state) for _, states in asked for state in states)
    if kind == "edit":
        assert all(next_state(states[0], words) != states[0] for words, states in asked)
        assert not any(is_held_out(next_state(states[0], words)) for words, states in asked)


@pytest.fixture
def painter(weights_folder: Path) -> QwenImageTransformer2DModel:
    return QwenImageTransformer2DModel.from_pretrained(weights_folder / "transformer").requires_grad_(False)


def way_of(painter: QwenImageTransformer2DModel, steps: int, pushed: float = 0.0) -> fast.Part:
    """A way of so many steps, as the teacher's are kept; each latent after the first pushed aside by so much."""
    torch.manual_seed(0)
    words, noise, reference = torch.randn(3, 5, 64), torch.randn(3, 48, 64), torch.randn(1, 3, 48, 64)
    mask = torch.ones(3, 5, dtype=torch.bool)
    passed = way(painter, noise, noise_levels(steps, fast=True), list(reference), [(words, mask)], 1)
    passed = [noise, *(latents + pushed for latents in passed[1:])]
    every: list[Tensor] = [latents for latents in passed for _ in range(fast.STEPS // steps)][: fast.STEPS + 1]
    every += [passed[-1]] * (fast.STEPS + 1 - len(every))
    return {
        "passed": torch.stack(every, dim=1), "references": reference, "words": words, "mask": mask,
        "scale": torch.tensor(0.75), "start": torch.tensor(0),
    }  # fmt: skip


@pytest.mark.parametrize("own", [False, True])
def test_who_already_goes_the_teachers_way_has_nothing_to_learn(
    painter: QwenImageTransformer2DModel, own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast, "STRIDES", {4: 1.0})
    right, aside = (fast.loss(painter, way_of(painter, 4, by), random.Random(0), own).item() for by in (0.0, 0.5))
    assert right < 1e-3 * aside


def test_the_lora_learns_the_way_and_its_file_is_one_for_this_model(
    painter: QwenImageTransformer2DModel, weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast, "STRIDES", {4: 1.0})
    teacher = model.load(weights_folder, weights_folder / "next-scene.safetensors", lora_scale=1.0).pipe.transformer
    part, file = way_of(teacher, 4), tmp_path / "fast.safetensors"
    before = fast.loss(painter, part, random.Random(0), own=False).item()
    linear = sum(isinstance(layer, nn.Linear) for layer in painter.transformer_blocks.modules())
    fast.teach({0.75: painter}, [part], tmp_path, 60, file)
    assert fast.loss(painter, part, random.Random(0), own=False).item() < 0.7 * before
    assert len(load_file(file)) == 2 * linear
    model.load(weights_folder, file)  # which refuses a LoRA that does not fit

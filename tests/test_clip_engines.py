"""Engines on small random weights of their very classes: what goes in is what counts, and nothing is lost silently."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from clips import model_for, planned
from conftest import photo
from diffusers import UniPCMultistepScheduler, WanImageToVideoPipeline

from nextscene import NextSceneError
from nextscene.clip import Clip, Frame
from nextscene.hub.clip_weights import VARIABLE
from nextscene.model import memory
from nextscene.motion import wan
from nextscene.motion.ends import fit_ends, level
from storybook import random_clips

FIRST, LAST = photo(160, 120, 1), photo(160, 120, 2)


def made(kind: str, *looks: dict[str, Any], last: bool = False) -> list[Clip]:
    """A clip for each of these looks, by the same engine; and, where that is asked for, one that ends on a picture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(model_for(kind)))
        engines, plans = planned(*({"prompt": "snow falls", "clip": look} for look in looks))
    with engines.open(plans[0].engine, plans) as engine:
        clips = [engine.make(plan, FIRST, None) for plan in plans]
        return [*clips, engine.make(plans[0], FIRST, LAST)] if last else clips


@pytest.mark.parametrize("kind", ["wan", "one expert", "wan-light", "wan-light-join", "svd", "ltx"])
def test_an_engine_gives_the_planned_frames_and_begins_with_the_still_itself(kind: str) -> None:
    (clip,) = made(kind, {"frames": 9})
    width, height = {"svd": (128, 64), "ltx": (64, 64)}.get(kind, (64, 48))
    assert [frame.shape for frame in clip.frames] == 9 * [(height, width, 3)]
    begin, _ = fit_ends(FIRST, None, width, height)
    assert np.array_equal(clip.frames[0], np.asarray(begin))
    assert clip.made_by["memory"] == "cpu"


def same(one: Clip, other: Clip) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.frames, other.frames, strict=True))


@pytest.mark.parametrize("kind", ["wan", "wan-light-join", "ltx"])
def test_the_same_seed_gives_the_same_clip_and_a_last_picture_another_one(kind: str) -> None:
    one, again, other, joined = made(kind, {"seed": 3}, {"seed": 3}, {"seed": 4}, last=True)
    assert same(one, again)
    assert not same(one, other)
    assert not same(one, joined)


def test_what_is_said_of_svd_acts() -> None:
    plain, still, noisy, fast = made(
        "svd", {"seed": 3}, {"seed": 3, "motion_bucket_id": 1}, {"seed": 3, "noise_aug_strength": 0.9}, {"fps": 12}
    )
    assert not same(plain, still)
    assert not same(plain, noisy)
    assert fast.fps == 12


def test_a_last_picture_that_the_pipeline_would_leave_aside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(model_for("wan-light")))
    engines, plans = planned("a")
    with (
        engines.open(plans[0].engine, plans) as engine,
        pytest.raises(NextSceneError, match="Scene 1: storybook takes no last picture: use clips each"),
    ):
        engine.make(plans[0], FIRST, LAST)


def test_words_too_long_to_be_read_are_refused_by_their_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(model_for("wan")))
    engines, plans = planned("a", {"prompt": "b", "motion": "the camera " * 300})
    with engines.open(plans[0].engine, plans) as engine:
        engine.check(plans[0])
        with pytest.raises(NextSceneError, match="Scene 2, motion: 601 tokens are more than the 512"):
            engine.check(plans[1])


def test_words_are_read_once_and_their_reader_is_gone_before_anything_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(model_for("wan")))
    engines, plans = planned("snow falls", "the camera pans left", "snow falls")
    with engines.open(plans[0].engine, plans) as engine:
        assert engine._pipe.text_encoder is None  # type: ignore[attr-defined]
        assert len(engine._words) == 2  # type: ignore[attr-defined]


def test_four_steps_go_through_the_whole_schedule_and_each_expert_has_two() -> None:
    scheduler = UniPCMultistepScheduler(**wan.FEW_STEPS)
    scheduler.set_timesteps(4)
    assert [round(float(each), 3) for each in scheduler.sigmas[:4]] == pytest.approx([1, 0.938, 0.833, 0.625], abs=2e-3)
    assert sum(float(time) >= 900 for time in scheduler.timesteps) == 2


@pytest.mark.parametrize("expert", ["transformer", "transformer_2"])
def test_a_lora_changes_its_own_expert_and_is_fused_where_weights_are_placed(expert: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    pipe = WanImageToVideoPipeline.from_pretrained(model_for("wan"), local_files_only=True)
    before = {
        name: getattr(pipe, name).blocks[0].ffn.net[2].weight.clone() for name in ("transformer", "transformer_2")
    }
    wan.add_lora(pipe, expert, random_clips.lora(getattr(pipe, expert), tmp_path / "lora.safetensors"))
    memory.place(pipe, memory.PLANS["cpu"])
    changed = {
        name: not torch.equal(getattr(pipe, name).blocks[0].ffn.net[2].weight, each) for name, each in before.items()
    }
    assert changed == {name: name == expert for name in before}


def test_what_a_lora_adds_to_a_blocks_table_is_added(tmp_path: Path) -> None:
    pipe = WanImageToVideoPipeline.from_pretrained(model_for("wan"), local_files_only=True)
    block, more = pipe.transformer_2.blocks[1], torch.full((1, 6, 24), 0.5)
    before = block.scale_shift_table.clone()
    file = random_clips.lora(
        pipe.transformer_2, tmp_path / "lora.safetensors", {"diffusion_model.blocks.1.diff_m": more}
    )
    wan.add_lora(pipe, "transformer_2", file)
    assert torch.allclose(block.scale_shift_table, before + 0.5)


def test_a_lora_that_fits_nothing_is_refused(tmp_path: Path) -> None:
    pipe = WanImageToVideoPipeline.from_pretrained(model_for("wan"), local_files_only=True)
    file = random_clips.lora(pipe.transformer, tmp_path / "lora.safetensors")
    one = WanImageToVideoPipeline.from_pretrained(model_for("one expert"), local_files_only=True)
    with pytest.raises(NextSceneError, match=r"'lora.safetensors' is not for transformer_2"):
        wan.add_lora(one, "transformer_2", file)


def test_memory_counts_both_experts_and_the_readers_blocks() -> None:
    folder = model_for("wan")
    both, one = (
        memory.needed(folder, memory.PLANS["fp8"], parts)
        for parts in (("transformer", "transformer_2"), ("transformer",))
    )
    assert both.device == pytest.approx(2 * one.device)
    inside, _, largest = memory._numbers(folder / "text_encoder")
    assert inside == pytest.approx(2 * largest)
    assert inside > 0


def test_an_engine_that_does_not_fit_is_refused_with_figures_before_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, str(model_for("wan")))
    engines, plans = planned("a")
    monkeypatch.setattr(memory, "needed", lambda *_: memory.Need(1e15, 0))
    with (
        pytest.raises(NextSceneError, match=r"does not fit here: cpu needs about 1000000.0 GB on the CPU"),
        engines.open(plans[0].engine, plans),
    ):
        pass


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [("model_index.json", r"no model for clips in .* \(.*: No such file or directory\)"), ("vae", "cannot be loaded")],
)
def test_a_damaged_folder_is_refused_in_a_sentence(
    broken: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(model_for("wan"), tmp_path / "model")
    shutil.rmtree(folder / broken) if (folder / broken).is_dir() else (folder / broken).unlink()
    monkeypatch.setenv(VARIABLE, str(folder))

    def made() -> None:
        engines, plans = planned("a")
        with engines.open(plans[0].engine, plans):
            pass

    with pytest.raises(NextSceneError, match=sentence):
        made()


def grey(value: int) -> Frame:
    return np.full((48, 64, 3), value, np.uint8)


def test_a_clip_is_as_bright_as_its_pictures_at_both_ends_and_its_own_between() -> None:
    first, last = photo(64, 48, 1), photo(64, 48, 2)
    ends = [float(np.asarray(each).mean()) for each in (first, last)]
    frames = level([grey(90)] * 33, first, last)
    assert [float(frame.mean()) for frame in (frames[0], frames[-1])] == pytest.approx(ends, abs=2)
    assert frames[16].mean() == 90
    steps = np.abs(np.diff([float(frame.mean()) for frame in frames[1:]]))
    assert steps.max() < 12


def test_a_decoder_that_shifts_all_colours_is_undone_in_all_frames() -> None:
    first = photo(64, 48, 1)
    shifted = np.clip(np.asarray(first).astype(int) + np.array([6, -4, 3]), 0, 255).astype(np.uint8)
    frames = level([shifted] * 9, first, None, whole=True)
    assert np.abs(frames[5].astype(int) - np.asarray(first)).mean() < 1


def test_both_ends_are_fitted_alike_and_not_stretched() -> None:
    begin, end = fit_ends(photo(200, 100, 1), photo(400, 200, 1), 64, 64)
    assert end
    assert begin.size == end.size == (64, 64)
    assert np.abs(np.asarray(begin).astype(int) - np.asarray(end)).mean() < 3

"""The bench of speed: that its parts measure what they say, and that the full size's way can be gone here, in small."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import photo
from diffusers import QwenImageTransformer2DModel
from torch import nn

from bench import full_size, speed, speed_page, stopwatch
from bench.speed import FAST, FEW, GROUPS, MORE, OURS, QUICK, STOCK
from bench.speed_page import AIMS, Drawn, Figures, page
from bench.stage import Stage, Way, stock_twin
from bench.stopwatch import Call, Operations
from nextscene.model import Model, memory
from nextscene.story import IMAGE, MAX_REFERENCES

SIZE = (64, 64)
WAYS = [way for group in GROUPS for way in group]


@pytest.fixture(scope="module")
def folder(weights_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model with a LoRA for go_fast."""
    folder = tmp_path_factory.mktemp("fast") / "model"
    shutil.copytree(weights_folder, folder)
    shutil.copy(folder / "next-scene.safetensors", folder / "fast.safetensors")
    return folder


@pytest.fixture
def stage(folder: Path, small: Model) -> Iterator[Stage]:
    stage = Stage(small, SIZE, lambda _: folder / "fast.safetensors", stock_twin(small.pipe))
    yield stage
    small.use_fast_lora(None)
    small.set_up(stage.shot(OURS, FEW))


@pytest.fixture(scope="module")
def loras(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return full_size.write_loras(tmp_path_factory.mktemp("loras"), full_size.TINY)


def numbers(part: nn.Module) -> int:
    return sum(weight.numel() for weight in part.parameters())


def test_the_full_size_is_the_published_models(loaded: Model) -> None:
    parts = full_size.empty(full_size.FULL, loaded.pipe.processor)
    counted = {name: round(numbers(part) / 1e9, 2) for name, part in parts.items()}
    assert counted == {"transformer": 20.43, "text_encoder": 8.29, "vae": 0.13}


@pytest.mark.slow
def test_the_full_models_work_is_counted_by_sizes_alone() -> None:
    work = full_size.counted()
    matrices = 2 * 60 * 12 * 3072**2 * (2 * 48 * 64 + 216) / 1e12
    attention = 60 * 4 * 3072 * (2 * 48 * 64 + 216) ** 2 / 1e12
    assert work["ours, one reference"] == pytest.approx(matrices + attention, rel=0.01)
    assert work["stock, one reference"] > 1.2 * work["ours, one reference"]


def test_random_weights_take_hardly_any_memory_until_they_are_placed(loras: tuple[Path, Path]) -> None:
    processor = full_size.load(loras[0], memory.PLANS["cpu"], full_size.TINY).pipe.processor
    pipe = full_size.pipeline(processor, torch.bfloat16, full_size.TINY)
    matrices = [w for name in memory.PARTS for w in getattr(pipe, name).parameters() if w.ndim == 2]
    assert len({w.untyped_storage().data_ptr() for w in matrices}) == 1
    assert len({w.data_ptr() for w in matrices}) > len(matrices) / 2
    assert all(0.01 < w.float().std() < 0.03 for w in matrices if w.numel() > 1000)


@pytest.mark.slow
def test_the_full_size_is_measured_whole_and_a_cap_that_fails_is_told(
    loras: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alone(_: Any, gigabytes: int, *given: Any) -> Any:
        if gigabytes == 10:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return speed.under_plan(gigabytes, *given)

    monkeypatch.setattr(stopwatch, "alone", alone)
    *_, found = speed.measure_full_size(QUICK, tmp_path, full_size.TINY, SIZE)
    assert all(len(found.ways[way.name].seconds) == 1 for way in WAYS)
    assert all(seconds[0] > 0 for seconds in found.setup.values())
    assert {"LoRA read", "warmed up"} <= set(found.setup)
    failed, *kept = found.caps
    assert (failed.gigabytes, [cap.plan for cap in kept]) == (10, ["stream", "4bit", "fp8"])
    assert all(min(cap.seconds.values()) > 0 for cap in kept)
    assert "| 10 GB | stream | **failed**: OutOfMemoryError: CUDA out of memory | | |" in page(found)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_the_full_size_without_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--full-size"])
    with pytest.raises(SystemExit, match="error: --full-size needs a GPU"):
        speed.main()


def test_stock_looks_at_its_own_size_of_a_reference(folder: Path, small: Model) -> None:
    _, watch = Stage(small, (128, 96), lambda _: folder, stock_twin(small.pipe)).scene(STOCK, FEW)
    assert {call.pictures for call in watch.calls} == {((1, 6, 8), (1, 6, 10))}  # as 1184x896 for a scene of 1024x768


def test_what_is_done_to_ours_is_not_done_to_stock(stage: Stage) -> None:
    shot, pictures = stage.shot(STOCK, FEW), {IMAGE: photo(*SIZE)}
    before = stage.by_stock(shot, pictures)
    stage.model.use_fast_lora(stage.fast_lora(4))
    stage.model.use_scales(0.0, fast=True)
    stage.by_us(shot, {IMAGE: photo(*SIZE, seed=1)})
    assert stage.by_stock(shot, pictures) == before
    assert not stage.stock.text_encoder._forward_pre_hooks
    assert not any("forward" in vars(module) for module in stage.stock.text_encoder.modules())


def test_every_scene_looks_at_a_picture_that_is_not_known_yet(stage: Stage) -> None:
    encoded = []
    hook = stage.model.pipe.vae.encoder.register_forward_pre_hook(lambda *_: encoded.append(1))
    for _ in range(3):
        stage.scene(MORE[-1], FEW)
    hook.remove()
    assert len(encoded) == MAX_REFERENCES + 2  # the others are known by then


def test_the_twin_has_the_very_same_weights_in_modules_of_its_own(stage: Stage) -> None:
    for name in memory.PARTS:
        ours, stock = getattr(stage.model.pipe, name), getattr(stage.stock, name)
        assert not {id(module) for module in ours.modules()} & {id(module) for module in stock.modules()}
        assert [id(weight) for weight in ours.parameters()] == [id(weight) for weight in stock.parameters()]


def test_a_watch_sees_each_call_and_only_the_seconds_there_are(stage: Stage) -> None:
    seconds, watch = stage.scene(Way("guided", {"steps": 3}), 3)
    assert watch.calls.total() == 6
    assert {call.pictures for call in watch.calls} == {((1, 4, 4), (1, 4, 4))}
    assert set(watch.seconds) == set(stopwatch.PARTS)
    assert 0 < sum(watch.seconds.values()) <= seconds
    assert stage.scene(FAST, FEW)[1].calls.total() == FEW
    assert stage.model.pipe.transformer.forward.__name__ != "call"  # nobody watches any more


def test_the_ways_differ_by_what_they_name(stage: Stage) -> None:
    shots = {way: stage.shot(way, 40) for way in WAYS}
    assert shots[OURS].look.steps == shots[STOCK].look.steps == 40
    assert (shots[FAST].go_fast, shots[FAST].look.steps, shots[FAST].look.guidance) == (True, 4, 1.0)
    assert [len(shots[way].references) for way in MORE] == list(range(1, MAX_REFERENCES + 1))
    assert all(shot.grows_from == shot.references[0] for shot in shots.values())


def test_operations_are_those_of_the_matrices_and_of_attention() -> None:
    width, heads, layers, wide, words, patches = 64, 2, 3, 48, 10, 24
    transformer = QwenImageTransformer2DModel(
        num_layers=layers,
        attention_head_dim=width // heads,
        num_attention_heads=heads,
        joint_attention_dim=wide,
        axes_dims_rope=(8, 12, 12),
    )
    calls = Counter({Call(patches, words, ((1, 4, 3), (1, 4, 3))): 2})
    tokens = patches + words
    each = 4 * width**2 + 2 * width * 4 * width  # of a token in a block: attention's matrices, and the two after it
    block = tokens * each + 2 * 6 * width**2 + 2 * tokens**2 * width
    ends = patches * 64 * width + words * wide * width + 256 * width + width**2 + 2 * width**2 + patches * width * 64
    assert Operations(transformer).of(calls) == 2 * 2 * (layers * block + ends)


def test_the_ceiling_is_in_tflop_per_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("bench.stopwatch.time.perf_counter", lambda: float(next(clock)))
    assert stopwatch.ceiling(side=10, times=5, values=2) == [1e4 / 1e12] * 2


def figures(card: str, quick: bool = False) -> Figures:
    parts = {"text": [0.5], "VAE": [1.0], "transformer": [12.0]}
    ways = {
        speed_page.STOCK: Drawn(40, 1.0, [21.0], parts, 80, 10_000 * 10**12),
        speed_page.OURS: Drawn(40, 1.0, [15.0], parts, 80, 9_000 * 10**12),
        speed_page.FAST: Drawn(4, 1.0, [0.9], parts, 4, 450 * 10**12),
    }
    return Figures("", full_size.NAME, card, quick, [750.0], ways=ways)


def test_an_aim_is_judged_on_the_card_that_it_is_about() -> None:
    rows = [aim.row(figures("NVIDIA H200")) for aim in AIMS]
    assert [row.split(" | ")[2:] for row in rows] == [
        ["1.25 times", "met |"],
        ["1.40 times", "**not met** |"],
        ["0.90 s", "met |"],
        ["10.0 %", "met |"],
    ]


@pytest.mark.parametrize("found", [figures("NVIDIA H100"), figures(""), figures("NVIDIA H200", quick=True)])
def test_an_aim_is_not_judged_by_anything_else(found: Figures) -> None:
    assert all("**not measured** (no such card here)" in aim.row(found) for aim in AIMS)


def test_quick_writes_the_page_and_its_values_as_it_goes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(folder))
    pages: list[str] = []

    def keep_page(found: Figures) -> str:
        pages.append(page(found))
        return pages[-1]

    monkeypatch.setattr(speed, "page", keep_page)
    monkeypatch.setattr("sys.argv", ["bench", "--quick", "--out", str(tmp_path)])
    speed.main()
    assert f"| {OURS.name} |" in pages[0]
    assert f"| {FAST.name} |" not in pages[0]
    assert (tmp_path / "speed.md").read_text().strip() == capsys.readouterr().out.strip()
    ways = json.loads((tmp_path / "speed.json").read_text())["ways"]
    assert list(ways) == [way.name for way in WAYS]
    assert ways[STOCK.name]["calls"] == 2 * FEW


@pytest.mark.slow
def test_memory_is_that_of_a_fresh_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(folder))
    held = torch.ones(2**28)  # 1 GiB of this process, which does not count
    assert 10**8 < stopwatch.alone(speed.resident, OURS, SIZE) < held.nbytes

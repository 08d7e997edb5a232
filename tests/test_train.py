"""The trainer: data checked, a LoRA that visibly learns, runs that go on exactly, files that load everywhere."""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT, noise, photo, plain_look
from diffusers import QwenImageEditPlusPipeline, QwenImageTransformer2DModel
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from nextscene import NextSceneError
from nextscene.cli import main
from nextscene.form import schema
from nextscene.model import loading as model
from nextscene.training import Base, Recipe, dataset, encodings, make_recipe, train
from nextscene.training.pipeline import TrainingPipeline, _padded
from nextscene.training.progress import progress
from nextscene.training.report import Row
from nextscene.training.trainer import batches
from nextscene.training.validation import DRAWS, STEPS, Validation

QUICK: dict[str, Any] = {"rank": 8, "learning_rate": 1e-2, "sample_every": 0, "checkpointing": False}
CHANCY: dict[str, Any] = {
    "steps": 6,
    "batch": 2,
    "accumulation": 2,
    "caption_dropout": 0.5,
    "save_every": 2,
    "seed": 7,
}  # chance has a part in all of it
AREA = 64 * 64


@pytest.fixture(scope="module")
def base(weights_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The random model, but its transformer hands the noisy picture through: so little training shows a lot."""
    folder = tmp_path_factory.mktemp("base") / "small"
    shutil.copytree(weights_folder, folder)
    transformer = QwenImageTransformer2DModel.from_pretrained(folder, subfolder="transformer")
    with torch.no_grad():
        for layer in (transformer.img_in, transformer.proj_out):
            torch.nn.init.eye_(layer.weight)
            layer.bias.zero_()
    transformer.save_pretrained(folder / "transformer")
    return folder


def pairs(folder: Path, count: int = 1) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        photo(64, 64, seed=2 * number).save(folder / f"{number}_a.png")
        photo(64, 64, seed=2 * number + 1).save(folder / f"{number}_b.png")
        (folder / f"{number}.txt").write_text("the camera pans left" + " slowly" * number)
    return folder


def mixed(folder: Path) -> Path:
    """Pairs, and pictures with captions, of two shapes."""
    pairs(folder, 3)
    for number, (width, height) in enumerate([(64, 64), (96, 48), (192, 96)]):
        photo(width, height, seed=10 + number).save(folder / f"house{number}.png")
        (folder / f"house{number}.txt").write_text("a house" + " by a lake" * number)
    return folder


def run(data: Path, small: Path, out: Path, *, start: Path | None = None, **values: Any) -> Path:
    return train(data, Base(small, "small", (64, 64)), make_recipe(**QUICK | values), out, start)


def pipeline_of(base: Path) -> TrainingPipeline:
    pipeline = TrainingPipeline.load_encoders(base, torch.float32)
    pipeline.load_transformer(torch.device("cpu"))
    return pipeline


def checkpoint(out: Path) -> dict[str, Any]:
    return dict(torch.load(out / "checkpoint.pt", weights_only=True))


def refused(data: Path, spare: Path) -> str:
    spare.mkdir(exist_ok=True)
    with pytest.raises(NextSceneError) as error:
        dataset.read(data, AREA, spare)
    return str(error.value)


# What a LoRA learns


@pytest.fixture(scope="module")
def learned(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA taught one pair, with everything that came of it."""
    folder = tmp_path_factory.mktemp("learned")
    run(pairs(folder / "data"), base, folder, steps=60, sample_every=30, alpha=4, trigger="TOK")
    return folder


def test_training_brings_the_loss_far_down(learned: Path) -> None:
    watched = checkpoint(learned)["validation_losses"]
    assert watched[60] < 0.4 * watched[0]


def test_a_pair_that_was_trained_on_is_drawn_nearer_to_its_target_the_more_the_lora_acts(
    base: Path, learned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured on the latents: the random model's VAE shows little of a picture."""
    teacher = pipeline_of(base)
    before, after = (Image.open(learned / f"data/0_{half}.png") for half in "ab")
    target = teacher.encode([after], [[before]], [""])[0].target.flatten(0, 1)[None]
    drawer = model.load(base, learned / "lora.safetensors", lora_scale=0.0)
    monkeypatch.setattr(drawer.pipe, "_decode", lambda latents, width, height: latents)
    far = []
    for scale in (0.0, 0.5, 1.0):
        drawer.use_scales(scale)
        words = "Next Scene: TOK, the camera pans left"
        drawn: Any = drawer.pipe(
            words, [before], width=64, height=64, generator=noise(), look=plain_look(guidance=1, steps=8)
        )
        far.append(float((drawn - target).square().mean()))
    assert far[1] < 0.75 * far[0]
    assert far[2] < 0.5 * far[0]


def test_samples_and_a_loss_curve_are_drawn(learned: Path) -> None:
    assert [file.name for file in sorted((learned / "samples").iterdir())] == [
        f"step_{step:06d}.png" for step in (0, 30, 60)
    ]
    for file in [learned / "loss.png", *(learned / "samples").iterdir()]:
        with Image.open(file) as picture:
            assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 50


def test_the_transformer_is_trained_on_just_what_it_gets_when_it_draws(base: Path) -> None:
    pipeline = pipeline_of(base)
    seen: list[dict[str, Any]] = []
    pipeline.transformer.register_forward_pre_hook(lambda _, args, given: seen.append(given), with_kwargs=True)
    before, after = photo(80, 48, seed=1), photo(96, 64, seed=2)
    pipeline("Next Scene: dusk", [before], width=96, height=64, look=plain_look(guidance=1, steps=2), generator=noise())
    [encoded] = pipeline.encode([after], [[before]], ["Next Scene: dusk"])
    pipeline.loss([encoded], noise())
    drawing, learning = seen[0], seen[-1]
    tokens = encoded.target.shape[0] * encoded.target.shape[1]
    assert drawing["img_shapes"] == learning["img_shapes"]
    torch.testing.assert_close(drawing["hidden_states"][:, tokens:], learning["hidden_states"][:, tokens:])
    torch.testing.assert_close(drawing["encoder_hidden_states"], learning["encoder_hidden_states"])
    schedule = pipeline._timesteps(1000, 1.0, tokens, torch.device("cpu")) / 1000
    assert float((schedule - learning["timestep"]).abs().min()) < 1e-6


def test_examples_that_are_encoded_together_are_as_each_alone(base: Path) -> None:
    pipeline = pipeline_of(base)
    pictures, seen = ([photo(64, 64, seed=seed) for seed in seeds] for seeds in ((1, 2), (3, 4)))
    words = ["Next Scene: dusk", "Next Scene: the camera pans left, slowly"]
    together = pipeline.encode(pictures, [[each] for each in seen], words)
    alone = [pipeline.encode([pictures[at]], [[seen[at]]], [words[at]])[0] for at in (0, 1)]
    torch.testing.assert_close(together, alone)
    assert [tuple(each.references.shape[:1]) for each in pipeline.encode(pictures, [[], []], words)] == [(0,), (0,)]


def test_words_of_several_lengths_do_not_disturb_each_other(base: Path) -> None:
    transformer = pipeline_of(base).transformer
    latents, words = torch.randn(2, 16, 64, generator=noise()), torch.randn(9, 64, generator=noise())
    both, mask = _padded([words[:4], words])

    def guess(rows: slice, words: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        shown = latents[rows]
        shapes = [[(1, 4, 4)]] * len(shown)
        with torch.no_grad():
            return torch.as_tensor(
                transformer(shown, words, mask, torch.full((len(shown),), 0.5), shapes, return_dict=False)[0]
            )

    together = guess(slice(0, 2), both, mask)
    torch.testing.assert_close(together[:1], guess(slice(0, 1), words[None, :4], None))
    torch.testing.assert_close(together[1:], guess(slice(1, 2), words[None], None))


# How a run goes


@pytest.fixture(scope="module")
def undisturbed(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A run with everything that chance has a part in, and its checkpoint."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run(mixed(folder / "data"), base, folder / "out", **CHANCY)
    return folder, checkpoint(folder / "out")


def test_a_run_that_was_stopped_goes_on_to_the_very_same_lora(
    base: Path, undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, wanted = undisturbed

    def stop(validation: Validation, step: int) -> None:
        if step == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Validation, "run", stop)
        with pytest.raises(KeyboardInterrupt):
            run(folder / "data", base, tmp_path, **CHANCY | {"sample_every": 5})
    assert checkpoint(tmp_path)["step"] == 4
    torch.manual_seed(99)  # what else happened in between does not count
    run(folder / "data", base, tmp_path, **CHANCY)
    got = checkpoint(tmp_path)
    assert got["losses"] == wanted["losses"]
    for part in ("taught", "average", "optimizer"):
        torch.testing.assert_close(got[part], wanted[part], rtol=0, atol=0)


def test_the_lora_is_the_mean_of_the_last_steps(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    folder, saved = undisturbed
    file = load_file(folder / "out/lora.safetensors")
    for name, mean in saved["average"].items():
        torch.testing.assert_close(file[f"diffusion_model.{name}"], mean.to(torch.bfloat16))
    assert any((mean - saved["taught"][name]).abs().max() > 1e-3 for name, mean in saved["average"].items())


def test_another_seed_makes_another_lora(base: Path, undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, other = undisturbed
    run(folder / "data", base, tmp_path, **CHANCY | {"seed": 8, "steps": 1})
    assert checkpoint(tmp_path)["losses"][0] != other["losses"][0]


def test_gradient_checkpointing_changes_nothing(
    base: Path, undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, wanted = undisturbed
    run(folder / "data", base, tmp_path, **CHANCY | {"checkpointing": True})
    torch.testing.assert_close(checkpoint(tmp_path)["losses"], wanted["losses"], rtol=1e-3, atol=1e-4)


def test_a_folder_that_holds_another_training_is_left_alone(
    base: Path, undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, _ = undisturbed
    kept = (folder / "out/checkpoint.pt").read_bytes()
    with pytest.raises(NextSceneError, match="another recipe, base or data"):
        run(folder / "data", base, folder / "out", **CHANCY | {"learning_rate": 1e-3})
    with pytest.raises(NextSceneError, match="holds 6 steps already"):
        run(folder / "data", base, folder / "out", **CHANCY | {"steps": 3})
    other = tmp_path / "other"
    shutil.copytree(base, other)
    transformer = QwenImageTransformer2DModel.from_pretrained(other, subfolder="transformer")
    transformer.proj_out.bias.data += 1
    transformer.save_pretrained(other / "transformer")
    with pytest.raises(NextSceneError, match="another recipe, base or data"):
        run(folder / "data", other, folder / "out", **CHANCY)
    assert (folder / "out/checkpoint.pt").read_bytes() == kept


def test_examples_are_encoded_once(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pairs(tmp_path / "data", 2)
    examples = dataset.read(data, AREA, tmp_path)
    pipeline = pipeline_of(base)
    encoded: list[str] = []
    encode = TrainingPipeline.encode

    def note_and_encode(pipeline: TrainingPipeline, pictures: Any, references: Any, words: list[str]) -> Any:
        encoded.extend(words)
        return encode(pipeline, pictures, references, words)

    monkeypatch.setattr(TrainingPipeline, "encode", note_and_encode)

    def prepare(examples: list[dataset.Example], **values: Any) -> list[Path]:
        encoded.clear()
        return encodings.prepare(pipeline, examples, make_recipe(**values), tmp_path / "cache", torch.device("cpu"))

    first = prepare(examples)
    assert encoded == ["Next Scene: the camera pans left", "Next Scene: the camera pans left slowly"]
    assert prepare(examples) == first
    assert encoded == []
    photo(64, 64, seed=9).save(data / "0_a.png")
    assert prepare(dataset.read(data, AREA, tmp_path))[1] == first[1]
    assert encoded == ["Next Scene: the camera pans left"]
    prepare(examples, trigger="TOK")
    assert encoded[0] == "Next Scene: TOK, the camera pans left"


def test_a_small_model_is_trained_with_one_thread(base: Path, tmp_path: Path) -> None:
    """More would wait for each other on a machine that does anything else: `python -m bench.threads`."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(pairs(tmp_path / "data"), base, tmp_path / "out", steps=1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_progress_is_shown_at_once_after_the_first_step_and_then_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress("training", 1000) as on_step:
        assert capsys.readouterr().err == "training: 0 of 1000.\n"
        on_step(1, 0.5)
        assert re.fullmatch(
            r"training: 1 of 1000, loss 0.5000, \d+ s gone, about \d+ s left.\n", capsys.readouterr().err
        )
        for step in range(2, 1001):
            on_step(step)
    lines = capsys.readouterr().err.splitlines()
    assert 40 <= len(lines) <= 60
    assert lines[-1].startswith("training: 1000 of 1000, ")


def test_samples_say_how_far_they_are_from_the_first_step_on(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(pairs(tmp_path / "data"), base, tmp_path / "out", steps=1, sample_every=1)
    told = capsys.readouterr().err
    before_training = told[: told.index("training: 0 of 1")]
    steps = DRAWS + STEPS
    assert f"drawing samples: 0 of {steps}.\ndrawing samples: 1 of {steps}, " in before_training
    assert f"drawing samples: {steps} of {steps}, " in before_training


def test_a_sample_that_has_no_picture_before_shows_none() -> None:
    picture = photo(64, 64)
    assert list(Row("a house", None, picture, picture).pictures) == ["drawn", "wanted"]
    assert list(Row("dusk falls", picture, picture, picture).pictures) == ["before", "drawn", "wanted"]


def test_every_epoch_shows_every_example_once_in_batches_of_one_shape() -> None:
    kinds = ["wide"] * 5 + ["tall"] * 4 + ["square"]
    order = batches(kinds, 2, seed=3)
    epochs = [[next(order) for _ in range(6)] for _ in range(3)]
    for epoch in epochs:
        assert sorted(number for batch in epoch for number in batch) == list(range(10))
        assert all(len({kinds[number] for number in batch}) == 1 for batch in epoch)
    assert epochs[0] != epochs[1]


def test_a_loss_that_is_no_number_ends_the_run(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrainingPipeline, "loss", lambda *_: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(NextSceneError, match="diverged at step 1"):
        run(pairs(tmp_path / "data"), base, tmp_path, steps=2)


@pytest.mark.skipif(torch.cuda.is_available(), reason="about machines without a GPU")
@pytest.mark.parametrize("wish", [{"base": "4bit"}, {"optimizer": "adamw8bit"}])
def test_what_needs_a_gpu_is_refused_before_anything_else(wish: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(NextSceneError, match="needs an NVIDIA GPU"):
        run(tmp_path / "no data", tmp_path, tmp_path, **wish)


# The LoRA's file


def test_the_file_has_the_real_ones_names_and_says_what_made_it(base: Path, learned: Path) -> None:
    with safe_open(learned / "lora.safetensors", "pt") as file:
        names, facts = set(file.keys()), file.metadata()
    real = load_file(base / "next-scene.safetensors")
    assert {re.sub(r"\.\d+\.", ".N.", name, count=1) for name in names} == {
        re.sub(r"\.\d+\.", ".N.", name, count=1) for name in real
    }
    assert facts["base_model"] == "small"
    assert (facts["trigger"], facts["steps"], facts["examples"]) == ("TOK", "60", "1")
    assert json.loads(facts["recipe"])["alpha"] == 4
    assert float(facts["loss"]) > 0


def test_it_loads_in_plain_diffusers_and_acts_as_it_was_trained(base: Path, learned: Path) -> None:
    pipe = QwenImageEditPlusPipeline.from_pretrained(base, processor=None)
    layer = "transformer_blocks.1.attn.to_q"
    weight = pipe.transformer.get_submodule(layer).weight.detach().clone()
    pipe.load_lora_weights(learned / "lora.safetensors")
    pipe.fuse_lora()
    pipe.unload_lora_weights()
    change = pipe.transformer.get_submodule(layer).weight - weight
    down, up = (checkpoint(learned)["average"][f"{layer}.lora_{half}.weight"] for half in "AB")
    torch.testing.assert_close(change, 4 / 8 * up @ down, rtol=0.02, atol=2e-4)
    assert float(change.abs().max()) > 0.01


# The data


def test_every_problem_is_named_with_its_file_and_nothing_is_trained(base: Path, tmp_path: Path) -> None:
    data = pairs(tmp_path / "data")
    wrong = {
        "alone.png": "alone.png has no caption: write alone.txt beside it.",
        "half_a.png": "half_a.png lacks its other half: add half_b.png.",
        "mute_a.png": None,
        "mute_b.png": "mute_b.png and its other half lack words: write mute.txt.",
        "tiny.png": "tiny.png is 20x20, too small for training at 64x64: give a larger picture, or lower ",
        "words.txt": "words.txt has no picture: add words.png, or words_a.png and words_b.png.",
        "notes.md": "notes.md is neither a picture nor a .txt: take it out, or save it as PNG.",
        "twice.png": None,
        "twice.jpg": "twice.png and twice.jpg share a name: rename one of them.",
        "empty.png": "empty.txt is empty: write the words.",
        "long.png": "long.txt has more than 4000 characters: shorten it.",
        "latin.png": "latin.txt is not UTF-8 text: save it as UTF-8.",
        "deep/text.png": "In deep: text.png is not a picture of a known kind: give a PNG, JPEG, WebP or GIF.",
        "deep/cut.png": "In deep: cut.png cannot be read (",
    }
    (data / "deep").mkdir()
    for name in wrong:
        if Path(name).suffix in (".png", ".jpg"):
            photo(*((20, 20) if name == "tiny.png" else (64, 64))).save(data / name)
    (data / "deep/text.png").write_text("no picture")
    cut = (data / "deep/cut.png").read_bytes()
    (data / "deep/cut.png").write_bytes(cut[: len(cut) // 2])
    texts = {
        "tiny": "a",
        "words": "a",
        "twice": "a",
        "empty": " \n",
        "long": "a" * 4001,
        "deep/text": "a",
        "deep/cut": "a",
    }
    for name, text in texts.items():
        (data / f"{name}.txt").write_text(text)
    (data / "latin.txt").write_bytes("été".encode("latin-1"))
    (data / "notes.md").write_text("hello")
    (data / ".hidden.xyz").write_text("does not count")

    with pytest.raises(NextSceneError) as error:
        run(data, base, tmp_path / "out")
    first, *lines = str(error.value).split("\n- ")
    expected = [sentence for sentence in wrong.values() if sentence]
    assert first == f"The training data has {len(expected)} problems; nothing was trained:"
    assert not [sentence for sentence in expected if not any(line.startswith(sentence) for line in lines)]
    assert len(lines) == len(expected)
    assert not (tmp_path / "out").exists()


def test_a_zip_is_read_like_its_folder(tmp_path: Path) -> None:
    data = mixed(tmp_path / "data")
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as pack:
        pack.writestr("__MACOSX/._0_a.png", "of the system")
        for file in data.iterdir():
            pack.write(file, f"my pictures/{file.name}")
    spare = tmp_path / "spare"
    spare.mkdir()
    got = dataset.read(tmp_path / "data.zip", AREA, spare)
    known = dataset.read(data, AREA, spare)
    assert [(f"my pictures/{e.name}", e.caption, e.size, bool(e.reference)) for e in known] == [
        (e.name, e.caption, e.size, bool(e.reference)) for e in got
    ]


def test_a_zip_cannot_write_outside(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as pack:
        pack.writestr("../evil.txt", "outside")
    assert "evil.zip holds '../evil.txt', which leads out of it" in refused(tmp_path / "evil.zip", tmp_path / "spare")
    assert not (tmp_path / "evil.txt").exists()


def test_a_broken_zip_an_empty_folder_and_no_folder_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "broken.zip", "w") as pack:
        pack.writestr("a.txt", "words" * 100)
    bytes_ = bytearray((tmp_path / "broken.zip").read_bytes())
    bytes_[40:60] = b"\0" * 20
    (tmp_path / "broken.zip").write_bytes(bytes_)
    assert "'a.txt' in broken.zip is damaged (Bad CRC-32" in refused(tmp_path / "broken.zip", tmp_path / "spare")
    (tmp_path / "empty").mkdir()
    assert "The training data is empty" in refused(tmp_path / "empty", tmp_path / "spare")
    assert "There is no training data in" in refused(tmp_path / "nowhere", tmp_path / "spare")


def test_a_validation_folder_is_held_out_from_training(base: Path, tmp_path: Path) -> None:
    pairs(tmp_path / "data", 2)
    pairs(tmp_path / "data/validation")
    examples = dataset.read(tmp_path / "data", AREA, tmp_path)
    assert [(example.name, example.held_out) for example in examples] == [
        ("0", False),
        ("1", False),
        ("validation/0", True),
    ]
    run(tmp_path / "data", base, tmp_path, steps=1, sample_every=1)
    with safe_open(tmp_path / "lora.safetensors", "pt") as file:
        assert file.metadata()["examples"] == "2"


@pytest.mark.parametrize(
    ("size", "area", "expected"),
    [
        ((1000, 1000), 1024 * 1024, (1024, 1024)),
        ((4000, 3000), 1024 * 768, (1024, 768)),
        ((4032, 3024), 1024 * 1024, (1184, 880)),
        ((1080, 1920), 1024 * 1024, (768, 1360)),
        ((5000, 1000), 512 * 512, (720, 368)),
        ((90, 100), 64 * 64, (64, 64)),
    ],
)
def test_a_picture_goes_to_the_bucket_nearest_in_shape(
    size: tuple[int, int], area: int, expected: tuple[int, int]
) -> None:
    assert dataset.bucket(size, area) == expected


@pytest.mark.parametrize(
    ("caption", "pair", "values", "expected"),
    [
        ("dusk falls", True, {}, "Next Scene: dusk falls"),
        ("next scene: dusk falls", True, {}, "Next Scene: dusk falls"),
        ("dusk falls", False, {}, "dusk falls"),
        ("dusk falls", False, {"prefix": "all"}, "Next Scene: dusk falls"),
        ("Next Scene: dusk falls", True, {"prefix": "none"}, "dusk falls"),
        ("Next Scene: dusk falls", True, {"trigger": "TOK"}, "Next Scene: TOK, dusk falls"),
        ("a tok house", False, {"trigger": "TOK"}, "a tok house"),
    ],
)
def test_captions_get_their_prefix_and_trigger_once(
    caption: str, pair: bool, values: dict[str, Any], expected: str
) -> None:
    assert make_recipe(**values).words(caption, pair=pair) == expected


# The doors


def test_a_recipe_that_cannot_be_is_refused_field_by_field() -> None:
    with pytest.raises(NextSceneError, match=r"steps: input should be .*, not '0'; prefix: .* not 'some'"):
        make_recipe(steps="0", prefix="some")


def test_a_terminal_trains_and_says_what_is_wrong(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(base))
    data = pairs(tmp_path / "data")
    given = [str(data), "--output-dir", str(tmp_path / "out"), "--resolution", "64", "--sample-every", "0"]
    assert main(["train", *given, "--steps", "2", "--checkpointing", "false"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out/lora.safetensors")
    (data / "0.txt").unlink()
    assert main(["train", *given]) == 1
    assert "0_b.png and its other half lack words: write 0.txt." in capsys.readouterr().err


def test_the_form_and_the_terminal_offer_the_same_recipe() -> None:
    reading = schema.read(ROOT / "train.py", "train")
    assert reading.complaints == []
    data, start, *inputs = reading.inputs
    assert (data.name, data.required) == ("data", True)
    assert (start.name, start.required) == ("start", False)
    fields = Recipe.model_json_schema()["properties"]
    assert [each.name for each in inputs] == list(fields)
    for each in inputs:
        field = fields[each.name]
        field |= next((kind for kind in field.get("anyOf", []) if kind != {"type": "null"}), {})
        assert each.facts["default"] == field["default"]
        for bound in ("minimum", "maximum", "maxLength", "enum"):
            assert each.facts.get(bound) == field.get(bound), (each.name, bound)


def test_no_list_of_choices_has_a_name_in_both_forms() -> None:
    """Cog puts both forms into one document, and would keep only the first."""
    forms = [schema.read(ROOT / "predict.py", "Runner"), schema.read(ROOT / "train.py", "train")]
    one, other = ({each.name for each in form.inputs if "enum" in each.facts} for form in forms)
    assert not one & other


@pytest.fixture(scope="module")
def server(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Cog's own server in training mode."""
    folder = tmp_path_factory.mktemp("server")
    document = schema.openapi(schema.read(ROOT / "train.py", "train"))
    (folder / ".cog").mkdir()
    (folder / ".cog/openapi_schema.json").write_text(json.dumps(document))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"PORT": str(port), "COG_TRAIN_TYPE_STUB": f"{ROOT}/train.py:train", "NEXT_SCENE_MODEL": str(base)}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    settings |= {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "PATH": path, "CUDA_VISIBLE_DEVICES": ""}
    process = subprocess.Popen(
        [sys.executable, "-m", "cog.server.http", "--host", "127.0.0.1", "--x-mode", "train"],
        cwd=folder,
        env=os.environ | settings,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            time.sleep(0.1)
            try:
                with urllib.request.urlopen(f"{url}/health-check") as answer:
                    if json.loads(answer.read())["status"] == "READY":
                        break
            except OSError:
                assert process.poll() is None
        yield url
    finally:
        process.terminate()
        process.wait(20)


def ask(url: str, **inputs: Any) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"{url}/trainings", json.dumps({"input": inputs}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.slow
def test_cogs_server_trains(server: str, base: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as pack:
        for file in pairs(tmp_path / "data").iterdir():
            pack.write(file, file.name)
    data = f"data:application/zip;base64,{base64.b64encode((tmp_path / 'data.zip').read_bytes()).decode()}"

    code, answer = ask(server, data=data, steps=2, resolution=64, sample_every=1)
    assert (code, answer["status"]) == (200, "succeeded"), answer.get("error")
    assert "training: 2 of 2, loss" in answer["logs"]
    made = answer["output"]
    assert made["loss_curve"].startswith("data:image/png")
    assert len(made["samples"]) == 3
    (tmp_path / "lora.safetensors").write_bytes(base64.b64decode(made["weights"].split(",")[1]))
    model.load(base, tmp_path / "lora.safetensors")

    assert ask(server, data=data, steps=0)[0] == 422
    assert ask(server, steps=1)[0] == 422
    _, answer = ask(server, data="data:application/zip;base64,UEs=")
    assert answer["status"] == "failed"
    assert "give a folder or a zip file" in answer["error"]


@pytest.mark.slow
def test_a_training_opens_no_file_of_the_servers(server: str, tmp_path: Path) -> None:
    data = pairs(tmp_path / "data")
    (tmp_path / "link").symlink_to(data)
    for place in ("/etc/hostname", f"file://{data}", str(data), str(tmp_path / "link"), "README.md"):
        while (answer := ask(server, data=place, steps=1))[0] == 409:  # the last one's place is not free yet
            pass
        assert "Training failed: Next Scene: data is not a file that was sent" in answer[1]["error"]

"""Attacks on trainings and LoRAs: kills, damaged files, full disks, impossible numbers and names. Nothing is lost, and
whoever can put it right is told in one sentence."""

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
import torch
from conftest import ROOT, files_of_at_most, photo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from nextscene import NextSceneError
from nextscene.cli import main
from nextscene.model import Model
from nextscene.training import checkpoint, dataset, make_recipe
from nextscene.training.lora_file import write_lora

AREA = 64 * 64
Value = TypeVar("Value")
QUICK = ("--resolution", "64", "--steps", "2", "--save-every", "1", "--sample-every", "0", "--rank", "2")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest data that can be trained on."""
    folder = tmp_path_factory.mktemp("pair")
    photo(64, 64, seed=1).save(folder / "a_a.png")
    photo(64, 64, seed=2).save(folder / "a_b.png")
    (folder / "a.txt").write_text("the camera pans left")
    return folder


def sentence(text: str) -> str:
    """The text, if it is one line that ends as a sentence does."""
    assert "\n" not in text.strip()
    assert text.strip().endswith(".")
    assert len(text) < 1000
    return text


def attempt(call: Callable[[], Value]) -> tuple[Value | None, str]:
    """What a call gives, or else the sentence with which it refuses."""
    try:
        return call(), ""
    except NextSceneError as error:
        return None, str(error)


def refused(data: Path, spare: Path) -> str:
    spare.mkdir(exist_ok=True)
    with pytest.raises(NextSceneError) as error:
        dataset.read(data, AREA, spare)
    return str(error.value)


# Kills

KILLS = """
import hashlib, json, os, pathlib, signal, sys
import torch
from nextscene.cli import main
from nextscene.training import trainer

# All that a run imports is imported once, and each run is forked from here.
trainer.TrainingPipeline.load_encoders(pathlib.Path(os.environ["NEXT_SCENE_MODEL"]), torch.float32)

data, folder, *options = sys.argv[1:]

def killed_after(replacement, out):
    done, replace = 0, pathlib.Path.replace
    def and_count(path, target):
        nonlocal done
        replaced = replace(path, target)
        done += 1
        if done == replacement:
            os.kill(os.getpid(), signal.SIGKILL)
        return replaced
    pathlib.Path.replace = and_count
    return run(out)

def run(out):
    return main(["train", data, "--output-dir", str(out), *options])

def in_a_child(function, *arguments):
    if not (child := os.fork()):
        os._exit(function(*arguments))
    return os.waitpid(child, 0)[1]

def look(out):
    lora, checkpoint = out / "lora.safetensors", out / "checkpoint.pt"
    return {
        "lora": hashlib.sha256(lora.read_bytes()).hexdigest() if lora.exists() else None,
        "checkpoint": checkpoint.stat().st_mtime_ns if checkpoint.exists() else None,
        "parts": len([*out.rglob("*.part")]),
    }

outs = [pathlib.Path(folder, str(number)) for number in range(100)]
for out in outs[:2]:
    assert in_a_child(run, out) == 0
found = {"undisturbed": [look(out) for out in outs[:2]], "killed": []}
for number, out in enumerate(outs[2:], 1):
    if in_a_child(killed_after, number, out) == 0:
        break
    left = look(out)
    ended = in_a_child(run, out)
    found["killed"].append({"left": left, "ended": ended, "at the end": look(out)})
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_training_that_is_killed_after_any_of_its_writes_ends_with_the_very_same_bytes(
    weights_folder: Path, pair: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLS, str(pair), str(tmp_path), *QUICK],
        cwd=ROOT,
        env={**os.environ, "NEXT_SCENE_MODEL": str(weights_folder), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    one, other = found["undisturbed"]
    assert one["lora"] == other["lora"]
    killed = found["killed"]
    assert [each["ended"] for each in killed] == [0] * len(killed)
    assert [each["at the end"]["lora"] for each in killed] == [one["lora"]] * len(killed)
    assert [each["at the end"]["parts"] for each in killed] == [0] * len(killed)
    stale = [each for each in killed if each["left"]["lora"] not in (None, one["lora"])]
    assert stale[-1]["left"]["checkpoint"] == stale[-1]["at the end"]["checkpoint"]  # the last checkpoint was there


# Files that were damaged


def test_a_checkpoint_that_was_damaged_anywhere_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    weights = {f"layer.{number}": torch.randn(8, 8) for number in range(4)}
    checkpoint.write(
        path,
        {
            "identity": "a",
            "step": 3,
            "taught": weights,
            "average": weights,
            "best": {},
            "optimizer": {"state": {}},
            "losses": [1.0, 0.5, 0.2],
            "validation_losses": {0: 1.0},
        },
    )
    whole, chance, silent = path.read_bytes(), random.Random(0), 0
    for number in range(150):
        data = bytearray(whole)
        if number % 3:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        else:
            del data[chance.randrange(len(data)) :]
        path.write_bytes(data)
        read, told = attempt(partial(checkpoint.read, path))
        if read:
            assert all(torch.equal(read["taught"][name], weight) for name, weight in weights.items())
            assert (read["step"], read["losses"]) == (3, [1.0, 0.5, 0.2])
            silent += 1  # what was changed counts for nothing
        else:
            assert f"The checkpoint {path} is damaged (" in sentence(told)
        assert path.read_bytes() == data
    assert silent < 60


@pytest.mark.parametrize("data", [b"", b"PK", b"no checkpoint", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_checkpoint_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(data)
    with pytest.raises(NextSceneError, match="is damaged"):
        checkpoint.read(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_was_damaged_anywhere_is_refused_or_read_right(kind: int, pair: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w", kind) as pack:
        for file in pair.iterdir():
            pack.write(file, file.name)
    whole, chance, refusals = (tmp_path / "data.zip").read_bytes(), random.Random(kind), 0
    for number in range(60):
        data = bytearray(whole)
        for _ in range(3):
            data[chance.randrange(len(data))] = chance.randrange(256)
        (tmp_path / "data.zip").write_bytes(data)
        spare = tmp_path / str(number)
        spare.mkdir()
        examples, told = attempt(partial(dataset.read, tmp_path / "data.zip", AREA, spare))
        if examples:
            assert [example.caption for example in examples] == ["the camera pans left"]
        else:
            assert told.endswith(".")
            refusals += 1
    assert refusals > 30


def test_a_caption_in_a_zip_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as pack:
        picture = io.BytesIO()
        photo(64, 64).save(picture, "PNG")
        pack.writestr("house.png", picture.getvalue())
        pack.writestr("house.txt", b"caf\xe9 \xff\xfe")
    assert "- house.txt is not UTF-8 text: save it as UTF-8." in refused(tmp_path / "data.zip", tmp_path / "spare")


def test_a_name_in_a_zip_that_no_disk_takes_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as pack:
        pack.writestr("a" * 300 + ".txt", "words")
    told = sentence(refused(tmp_path / "data.zip", tmp_path / "spare"))
    assert "(306 characters) in data.zip cannot be unpacked (File name too long)" in told


def test_a_file_that_is_also_a_folder_in_a_zip_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as pack:
        pack.writestr("a", "a file")
        pack.writestr("a/b.txt", "in a folder of the same name")
    assert "'a/b.txt' in data.zip cannot be unpacked" in sentence(refused(tmp_path / "data.zip", tmp_path / "spare"))


def test_a_zip_that_would_fill_the_disk_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("a.txt", bytes(1000))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=dataset.LEAST_FREE + 999))
    told = sentence(refused(tmp_path / "data.zip", tmp_path / "spare"))
    assert "data.zip unpacks to 1,000 bytes, and 1,000,000,999 are free: make room." in told
    assert list((tmp_path / "spare").iterdir()) == []


def test_a_zip_of_very_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "MOST_FILES", 9)
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as pack:
        for number in range(10):
            pack.writestr(f"{number}.txt", "")
    assert "data.zip holds 10 files: give at most 9." in sentence(refused(tmp_path / "data.zip", tmp_path / "spare"))


def test_a_caption_of_gigabytes_is_not_read_whole(tmp_path: Path) -> None:
    photo(64, 64).save(tmp_path / "a.png")
    with (tmp_path / "a.txt").open("wb") as caption:
        caption.truncate(2**36)
    assert "- a.txt has more than 4000 characters: shorten it." in refused(tmp_path, tmp_path / "spare")


def test_names_of_files_command_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "\x1b]0;evil\x07.md").touch()
    told = refused(tmp_path, tmp_path / "spare")
    assert "- ?]0;evil?.md is neither a picture nor a .txt" in told


def test_a_sign_of_the_models_own_in_a_caption_is_named_with_its_file(
    weights_folder: Path,
    pair: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    for file in pair.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "a.txt").write_text("a house <|image_pad|> at night")
    assert main(["train", str(tmp_path), "--output-dir", str(tmp_path / "out"), *QUICK]) == 1
    assert "- a.txt holds <|image_pad|>, a sign that the model keeps for itself" in capsys.readouterr().err


# LoRA files


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_lora_with_numbers_that_are_none_is_refused_and_leaves_nothing_behind(
    number: float, small: Model, weights_folder: Path, tmp_path: Path
) -> None:
    tensors = load_file(weights_folder / "next-scene.safetensors")
    next(iter(tensors.values()))[0, 0] = number
    save_file(tensors, tmp_path / "poisoned.safetensors")
    with pytest.raises(NextSceneError, match=r"The LoRA file 'poisoned.safetensors' is not for this model: .* NaN or"):
        small.use_lora_weights(tmp_path / "poisoned.safetensors")
    assert small.own_lora is None


def test_a_loras_file_is_for_whoever_the_umask_allows_and_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    weights = {f"layer.{number}.lora_{half}.weight": torch.ones(4, 4) for number in range(9) for half in "AB"}
    facts = {"trigger": 'é "☃"\n', "steps": "3", "made_by": "a test", "loss": "0.1", "recipe": "{}"}
    before = os.umask(0o027)
    try:
        for name in ("one", "other"):
            write_lora(tmp_path / name, weights, 0.5, facts)
    finally:
        os.umask(before)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o640
    read = load_file(tmp_path / "one")
    assert {name.removeprefix("diffusion_model.") for name in read} == weights.keys()
    assert {(float(tensor.min()), float(tensor.max())) for name, tensor in read.items() if "lora_B" in name} == {
        (0.5, 0.5)
    }


# Full disks


def test_a_full_disk_is_a_sentence_and_leaves_the_checkpoint_and_the_lora_that_were_there(tmp_path: Path) -> None:
    path, lora = tmp_path / "checkpoint.pt", tmp_path / "lora.safetensors"
    path.write_bytes(b"the last one")
    lora.write_bytes(b"the last one")
    weights = {"layer.lora_A.weight": torch.ones(100, 1000)}
    saved: checkpoint.Checkpoint = {
        "identity": "",
        "step": 1,
        "taught": weights,
        "average": weights,
        "best": {},
        "optimizer": {},
        "losses": [],
        "validation_losses": {},
    }
    with files_of_at_most(100_000):
        with pytest.raises(NextSceneError, match=rf"{path} cannot be written \(File too large\)"):
            checkpoint.write(path, saved)
        with pytest.raises(NextSceneError, match=rf"{lora} cannot be written \(File too large\)"):
            write_lora(lora, weights, 1.0, {})
    assert path.read_bytes() == lora.read_bytes() == b"the last one"
    assert sorted(tmp_path.iterdir()) == [path, lora]


def test_a_training_on_a_full_disk_ends_in_a_sentence(
    weights_folder: Path,
    pair: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    with files_of_at_most(1000):
        assert main(["train", str(pair), "--output-dir", str(tmp_path / "out"), *QUICK]) == 1
    assert "cannot be written (File too large)" in sentence(capsys.readouterr().err.splitlines()[-1])


# What a person types

IMPOSSIBLE = ["~nouser/x", "a" * 300, "a\0b"]


@pytest.mark.parametrize("name", IMPOSSIBLE)
@pytest.mark.parametrize("option", ["DATA", "--output-dir"])
def test_a_path_that_no_machine_has_is_named_with_its_input(
    name: str, option: str, pair: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [name] if option == "DATA" else [str(pair), "--output-dir", name]
    assert main(["train", *arguments, *QUICK]) == 1
    assert f"error: {option} is " in sentence(capsys.readouterr().err.splitlines()[-1])


def test_an_output_folder_that_is_a_file_is_refused_before_anything_is_loaded(
    pair: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        (tmp_path / "file").write_text("mine")
        assert main(["train", str(pair), "--output-dir", str(out), *QUICK]) == 1
        told = capsys.readouterr().err
        assert f"error: {out} cannot be written (" in sentence(told.splitlines()[-1])
        assert "Loading the model" not in told
        assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["--steps", "--seed", "--alpha", "--learning-rate", "--trigger", "--prefix"])
def test_a_value_of_five_thousand_digits_is_refused_by_its_name(
    name: str, pair: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(pair), name, "9" * 5000]) == 1
    told = sentence(capsys.readouterr().err)
    assert f"cannot be set so: {name.removeprefix('--').replace('-', '_')}: " in told
    assert "not '99999" in told
    assert "(5,002 characters)" in told


WHAT_JSON_HOLDS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**5000, -(10**5000), 10**400]),
    st.floats(),
    st.text(st.characters()),
    st.sampled_from(["\ud800", "x" * 5000, "\x1b[2J"]),
    st.lists(st.integers(), max_size=2),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from([*make_recipe().model_dump(), "other"]), WHAT_JSON_HOLDS, max_size=4))
def test_any_values_make_a_recipe_or_one_sentence(values: dict[str, Any]) -> None:
    recipe, told = attempt(partial(make_recipe, **values))
    if recipe:
        assert "other" not in values
    else:
        assert sentence(told).isprintable()
        assert any(name in told for name in values)


def test_a_lora_is_known_by_what_is_in_it_and_not_by_a_name_that_looks_like_a_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nextscene import hub

    monkeypatch.setenv("NEXT_SCENE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / f"{'0' * 64}.safetensors"
    file.write_bytes(b"mine")
    assert hub.sha256(file) == hashlib.sha256(b"mine").hexdigest()

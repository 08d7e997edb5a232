"""Ways of teaching a look beside a plain LoRA: a word, DreamBooth, a LoRA taught further; and the set to learn from."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import photo
from safetensors import safe_open
from safetensors.torch import load_file
from test_train import base, checkpoint, pairs, run

from nextscene import NextSceneError, pictures
from nextscene.model import Model
from nextscene.training import prior
from nextscene.training.validation import Validation
from storybook.look.grading import grade
from storybook.look.write import examples, write
from storybook.world import State, draw

__all__ = ["base"]  # the fixture

WORD: dict[str, Any] = {
    "method": "textual-inversion", "trigger": "<noir>", "steps": 20, "learning_rate": 0.05, "save_every": 10,
}  # fmt: skip


def stills(folder: Path, count: int = 2) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        photo(64, 64, seed=number).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text("a house")
    return folder


@pytest.fixture(scope="module")
def word(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A word taught one pair and two pictures, with everything that came of it."""
    folder = tmp_path_factory.mktemp("word")
    stills(folder / "data")
    pairs(folder / "data")
    run(folder / "data", base, folder / "out", **WORD)
    return folder


def test_a_word_learns_while_all_weights_stay_as_they_are(base: Path, word: Path, small: Model) -> None:
    watched = checkpoint(word / "out")["validation_losses"]
    assert watched[20] < watched[10]
    taught = load_file(word / "out/embedding.safetensors")
    assert {name: tuple(each.shape) for name, each in taught.items()} == {"<noir>": (2, 64)}
    small.use_embeddings({"noir": word / "out/embedding.safetensors"})  # its text encoder is the base's


def test_a_word_is_no_longer_than_words_are(base: Path, word: Path) -> None:
    table = load_file(next((base / "text_encoder").glob("*.safetensors")))
    rows = next(each for name, each in table.items() if name.endswith("embed_tokens.weight"))
    taught = load_file(word / "out/embedding.safetensors")["<noir>"]
    assert float(taught.norm(dim=1).max()) <= float(rows.float().norm(dim=1).quantile(0.95)) * 1.001


def test_a_words_training_that_was_stopped_goes_on_to_the_very_same_file(
    base: Path, word: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = Validation.measure

    def stop(validation: Validation, step: int) -> None:
        measure(validation, step)
        if step == 20:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Validation, "measure", stop)
        with pytest.raises(KeyboardInterrupt):
            run(word / "data", base, tmp_path, **WORD)
    run(word / "data", base, tmp_path, **WORD)
    assert (tmp_path / "embedding.safetensors").read_bytes() == (word / "out/embedding.safetensors").read_bytes()


def test_a_words_training_stops_when_nothing_gets_better_and_keeps_the_best(
    base: Path, word: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([0.5, 0.4, 0.6, 0.7, 0.1])
    monkeypatch.setattr(Validation, "_loss", lambda *_: next(losses))
    run(word / "data", base, tmp_path, **WORD | {"steps": 100, "patience": 2})
    saved = checkpoint(tmp_path)
    assert saved["step"] == 40
    assert torch.equal(load_file(tmp_path / "embedding.safetensors")["<noir>"], saved["best"]["<noir>"])
    assert not torch.equal(saved["best"]["<noir>"], saved["average"]["<noir>"])


def test_dreambooth_keeps_what_the_base_draws_without_the_trigger(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prior, "STEPS", 2)
    recipe: dict[str, Any] = {"method": "dreambooth", "trigger": "TOK", "class_pictures": 2, "steps": 2}
    run(stills(tmp_path / "data"), base, tmp_path / "out", **recipe)
    drawn = sorted((tmp_path / "out/class").iterdir())
    assert {(pictures.facts(file) or {})["prompt"] for file in drawn} == {"a house"}
    said = capsys.readouterr().err
    assert "drawing class pictures: 2 of 2" in said
    assert "dB from what the base drew: " in said
    assert (tmp_path / "out/class_drift.png").is_file()
    run(tmp_path / "data", base, tmp_path / "out", **recipe | {"steps": 3})
    assert "drawing class pictures" not in capsys.readouterr().err
    losses = checkpoint(tmp_path / "out")["losses"]
    shutil.copytree(tmp_path / "out/class", tmp_path / "none/class")
    run(tmp_path / "data", base, tmp_path / "none", **recipe | {"prior_weight": 0})
    assert checkpoint(tmp_path / "none")["losses"][0] < losses[0], "the class counts"
    with safe_open(tmp_path / "out/lora.safetensors", "pt") as file:
        assert file.metadata()["method"] == "dreambooth"


def test_a_lora_is_trained_further(base: Path, tmp_path: Path) -> None:
    data = pairs(tmp_path / "data")
    first = run(data, base, tmp_path / "first", steps=20, alpha=4)
    further = run(data, base, tmp_path / "further", steps=1, alpha=4, learning_rate=1e-7, start=first)
    one, other = load_file(first), load_file(further)
    assert one.keys() == other.keys()
    assert all(torch.allclose(one[name].float(), other[name].float(), atol=1e-3) for name in one)
    with pytest.raises(NextSceneError, match=r"'lora\.safetensors' has rank 8, not 4: train with that rank"):
        run(data, base, tmp_path / "other", rank=4, start=first)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"method": "textual-inversion", "trigger": "Noir"}, "'Noir' cannot be taught: write it as <noir>"),
        ({"method": "dreambooth"}, "DreamBooth needs words to call the look by"),
    ],
)
def test_what_a_method_cannot_do_is_refused_first(values: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(NextSceneError, match=why):
        run(tmp_path / "nothing", tmp_path, tmp_path, **values)


def test_the_sample_set_is_always_the_same_and_says_nothing_of_its_grade(tmp_path: Path) -> None:
    made = examples()
    assert (len(made), sum(name.startswith("validation/") for name, *_ in made)) == (56, 6)
    assert not [said for *_, said in made if "teal" in said or "cinematic" in said]
    write(tmp_path / "one", count=1)
    write(tmp_path / "two", count=1)
    for file in sorted((tmp_path / "one").rglob("*.*")):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()


def test_the_grade_has_dark_corners_teal_shadows_and_light_from_the_left() -> None:
    plain = draw(State())
    before, after = (np.asarray(each, float) for each in (plain, grade(plain)))
    change = after - before
    assert change[-8:, -8:].mean() < -40
    assert change[:30, 20:50, 0].mean() > 10
    dark = np.asarray(grade(draw(State(light="night"))), float)[60:, 40:90].mean(axis=(0, 1))
    assert dark[1] > dark[0]

"""Words of the user's own: vectors from a file act where a prompt has the word, under every plan."""

import json
from pathlib import Path

import pytest
import torch
from conftest import noise, photo, plain_look, same
from PIL import Image
from safetensors.torch import save_file

from nextscene import NextSceneError, model, pictures
from nextscene.cli import main
from nextscene.model import MARK, PLANS, Model, find_mark

QUICK = ["--steps", "2", "--width", "64", "--height", "64", "--seed", "3"]


def embedding(file: Path, folder: Path, seed: int = 1, word: str = "<noir>", **facts: str) -> Path:
    """Two vectors, as long as a small model's words are."""
    vectors = torch.randn(2, 64, generator=torch.Generator().manual_seed(seed))
    save_file({word: vectors}, file, {"format": "pt", MARK: find_mark(folder), **facts})
    return file


@pytest.fixture
def noir(tmp_path: Path, weights_folder: Path) -> Path:
    return embedding(tmp_path / "noir.safetensors", weights_folder)


def draw(loaded: Model, words: str, *references: Image.Image) -> Image.Image:
    return loaded.pipe(
        words, references, width=64, height=64, generator=noise(), look=plain_look(steps=2, negative_prompt="rain")
    )


def read(loaded: Model, words: str, *references: Image.Image) -> torch.Tensor:
    return loaded.pipe._embed(words, references, loaded.pipe.text_encoder.device)[0].detach().float()


def test_a_word_acts_where_a_prompt_has_it_and_leaves_no_trace(small: Model, noir: Path) -> None:
    named, plain = "<noir>, a city", "a city"
    before = {words: draw(small, words) for words in (named, plain)}
    small.use_embeddings({"noir": noir})
    assert same(draw(small, plain), before[plain])
    assert not same(draw(small, named), before[named])
    assert not torch.equal(read(small, named, photo()), read(small, plain, photo()))
    small.use_embeddings({})
    assert same(draw(small, named), before[named])


def test_each_of_several_words_has_its_own_vectors(small: Model, noir: Path, weights_folder: Path) -> None:
    warm = embedding(noir.with_name("warm.safetensors"), weights_folder, seed=2, word="<warm>")
    alone = {}
    for word, file in (("<noir>", noir), ("<warm>", warm)):
        small.use_embeddings({word: file})
        alone[word] = read(small, f"{word} city")
    small.use_embeddings({"noir": noir, "warm": warm})
    for word, states in alone.items():
        assert torch.equal(read(small, f"{word} city"), states)
    assert not torch.equal(alone["<noir>"], alone["<warm>"])


@pytest.mark.parametrize("name", PLANS)
def test_a_word_acts_under_every_plan(name: str, weights_folder: Path, noir: Path, small: Model) -> None:
    lora = weights_folder / "next-scene.safetensors"
    loaded = model.load(weights_folder, lora, plan=PLANS[name])
    for each in (loaded, small):
        each.use_embeddings({"noir": noir})
    here, exact = (read(each, "<noir>, a city") for each in (loaded, small))
    assert float((here - exact).norm() / exact.norm()) < 0.2
    loaded.use_embeddings({})
    assert not torch.equal(read(loaded, "<noir>, a city")[:, :1], here[:, :1])


@pytest.mark.parametrize(
    ("tensors", "facts", "why"),
    [
        ({"<noir>": torch.ones(2, 32)}, {}, "the vectors of <noir> have 32 numbers, and this model's have 64"),
        ({"<noir>": torch.full((1, 64), torch.nan)}, {}, "some numbers of <noir> are NaN or infinite"),
        ({"<noir>": torch.ones(64)}, {}, "its word <noir> has no 1 to 64 vectors"),
        ({"Noir": torch.ones(1, 64)}, {}, "it holds 'Noir', which is no word such as <noir>"),
        ({"diffusion_model.x.lora_A.weight": torch.ones(1, 64)}, {}, "it is a LoRA, for lora_weights"),
        ({"<noir>": torch.ones(1, 64)}, {MARK: "1", "base_model": "other"}, "was taught to the text encoder of other"),
    ],
)
def test_a_file_for_another_model_is_refused_with_the_reason(
    small: Model, tmp_path: Path, tensors: dict[str, torch.Tensor], facts: dict[str, str], why: str
) -> None:
    save_file(tensors, tmp_path / "odd.safetensors", facts)
    with pytest.raises(NextSceneError, match=r"The embedding 'mine' is not for this model: .*" + why):
        small.use_embeddings({"mine": tmp_path / "odd.safetensors"})


def test_two_files_of_the_same_word_are_refused(small: Model, noir: Path) -> None:
    with pytest.raises(NextSceneError, match="The embeddings 'a' and 'b' both say <noir>: leave one out"):
        small.use_embeddings({"a": noir, "b": noir})


def test_a_prompt_cannot_name_the_signs_that_stand_for_a_word(small: Model, noir: Path) -> None:
    small.use_embeddings({"noir": noir})
    with pytest.raises(NextSceneError, match=r"holds <\|own_0\|>, a sign that the model keeps for itself"):
        model.check_words(small.pipe.tokenizer, "a <|own_0|> city", "The prompt")


def test_a_word_comes_in_by_its_flag_and_is_part_of_the_record(
    weights_folder: Path, noir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    monkeypatch.chdir(noir.parent)
    story = {"scenes": ["a", {"prompt": "b", "style": ""}], "style": "<noir>, grainy"}
    Path("story.json").write_text(json.dumps(story))
    command = ["sequence", "story.json", *QUICK, "--embeddings", "noir.safetensors", "--output-dir", "out"]
    assert main(command) == 0
    first, second = (pictures.facts(f"out/scene_00{number}.png") or {} for number in (1, 2))
    assert [each["words"] for each in first["embeddings"]] == [["<noir>"]]  # type: ignore[attr-defined]
    assert first["prompt"] == "Next Scene: a"
    assert "embeddings" not in second
    capsys.readouterr()
    assert main(["explain", "out/scene_001.png"]) == 0
    said = capsys.readouterr().out
    assert "word <noir> noir.safetensors, sha256" in said
    assert "drawn as  Next Scene: <noir>, grainy, a" in said
    assert main(["sequence", *QUICK, "--output-dir", "out"]) == 0  # goes on, and knows the file
    assert "2 of 2 scenes are made already." in capsys.readouterr().err
    embedding(noir, weights_folder, seed=2)
    assert main([*command, "--style", ""]) == 0
    assert "note: noir.safetensors acts in no scene: put <noir> into a prompt or the style." in capsys.readouterr().err


def test_a_strangers_story_opens_no_embedding_of_this_machine(
    weights_folder: Path, noir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    story = noir.with_name("story.json")
    story.write_text(json.dumps({"scenes": ["a"], "embeddings": [str(noir)]}))
    assert main(["sequence", str(story), *QUICK, "--output-dir", str(noir.parent / "out")]) == 1
    assert "There is no embedding" in capsys.readouterr().err

"""Provenance: what made a picture goes into its file and comes back, and what a file says only in part is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import photo
from takes import made_of, shot_of

from nextscene import NextSceneError, pictures
from nextscene.cli import main
from nextscene.provenance import LoraFile, OwnLora, Provenance
from nextscene.story import from_data

WHOLE: dict[str, Any] = {
    "note": "a small model",
    "lora_weights": OwnLora("me/lora", "1" * 64, 0.5),
    "fast_lora": LoraFile("fast.safetensors", "2" * 64),
    "memory": "cpu",
    "device": "CPU",
    "versions": {"torch": "2"},
    "noticed": ("bars",),
    "story": from_data({"seed": 3, "continuity": "chain", "scenes": ["a", {"prompt": "b", "take": 2, "after": None}]}),
    "tried": 2,
}


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
@pytest.mark.parametrize("said", [{}, WHOLE], ids=["plain", "whole"])
def test_what_made_a_picture_comes_back_from_its_file(tmp_path: Path, suffix: str, said: dict[str, Any]) -> None:
    made = made_of(shot_of(negative_prompt=""), **said)
    file = tmp_path / f"a{suffix}"
    pictures.write(photo(), file, made.to_json())
    again = Provenance.from_json(pictures.facts(file), file.name)
    assert again == made
    assert json.dumps(again.to_json()) == json.dumps(made.to_json())


def test_what_older_pictures_do_not_say_has_its_default() -> None:
    facts: dict[str, Any] = made_of(**WHOLE).to_json()
    for name in ("note", "memory", "device", "versions", "noticed", "story", "tried"):
        del facts[name]
    for name in ("draw_width", "draw_height", "guidance_until", "first_block_cache"):
        del facts["shot"][name]
    made = Provenance.from_json(facts, "old.png")
    assert (made.noticed, made.story, made.shot.draw_width) == ((), None, 128)
    assert (made.shot.look.guidance_until, made.shot.look.first_block_cache) == (1, 0)


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(facts: dict[str, Any]) -> None:
        for step in path[:-1]:
            facts = facts[step]
        del facts[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (without("shot"), "shot"),
        (without("shot", "prompt"), "prompt"),
        (without("shot", "references"), "references"),
        (without("model"), "model"),
        (without("lora"), "lora"),
        (without("lora", "scale"), "lora scale"),
        (lambda facts: facts.update(shot=[]), "shot"),
        (lambda facts: facts["shot"].update(strength="much"), "strength"),
        (lambda facts: facts.update(noticed=3), "noticed"),
        (lambda facts: facts.update(story={"scenes": [""]}), "story scenes 0 prompt"),
    ],
)
def test_a_picture_that_says_only_a_part_is_explained_by_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[dict[str, Any]], None], missing: str
) -> None:
    facts: dict[str, Any] = made_of().to_json()
    change(facts)
    pictures.write(photo(), tmp_path / "a.png", facts)
    assert main(["explain", str(tmp_path / "a.png")]) == 1
    said = f"error: a.png says only in part how it was made (its {missing!r} is missing or wrong).\n"
    assert capsys.readouterr().err == said


def test_a_picture_that_says_nothing_is_explained_by_a_sentence(tmp_path: Path) -> None:
    pictures.write(photo(), tmp_path / "contact_sheet.png", {})
    file = tmp_path / "contact_sheet.png"
    with pytest.raises(NextSceneError, match=r"^contact_sheet\.png does not say how it was made"):
        Provenance.from_json(pictures.facts(file), file.name)

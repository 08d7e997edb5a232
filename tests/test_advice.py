"""Advice: known traps are pointed out with their reason, good prompts are left alone."""

import json
from pathlib import Path

import pytest
from conftest import ROOT

from nextscene.settings import StorySettings
from nextscene.story import Shot, advice, from_file, from_prompts, plan

OWN = (1024, 768)


def second_shot(words: str, **settings: object) -> Shot:
    return plan(from_prompts(["a", words]), StorySettings.checked(**settings), 1, OWN)[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("camera pans left and pans right", "cannot go left and right"),
        ("zooms in on the door, then pulls back", "cannot go closer and farther"),
        ("camera pans left and tilts up", "two camera moves (left, up)"),
        ("from sunrise to midnight over the hills", "two times of day (dawn, night)"),
        ("camera pans left through fog and snow", "two kinds of weather (fog, snow)"),
        ("a red house in the mountains", "may come out as a copy"),
    ],
)
def test_words_that_hurt_are_pointed_out(words: str, said: str) -> None:
    assert any(said in sentence for sentence in advice(second_shot(words), OWN))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"guidance": 1.0, "negative_prompt": "people"}, "switches the negative prompt off"),
        ({"strength": 0.1}, "keeps nearly everything"),
        ({"lora_scale": 1.5}, "black bars"),
        ({"width": 256, "height": 192}, "0.062 times the area"),
        ({"width": 2048, "height": 448}, "unusual shape"),
    ],
)
def test_settings_and_sizes_that_hurt_are_pointed_out(changes: dict[str, object], said: str) -> None:
    assert any(said in sentence for sentence in advice(second_shot("camera pans left", **changes), OWN))


@pytest.mark.parametrize("sample", sorted((ROOT / "samples").glob("*.json")), ids=lambda path: path.stem)
def test_the_sample_stories_are_left_alone(sample: Path) -> None:
    shots = plan(from_file(sample), StorySettings(), 1, OWN)
    assert {shot.id: said for shot in shots if (said := advice(shot, OWN))} == {}


def test_an_opening_scene_from_words_needs_no_change() -> None:
    (shot,) = plan(from_prompts(["a red house in the mountains"]), StorySettings(), 1, OWN)
    assert advice(shot, OWN) == []


def test_advice_is_the_same_for_every_spelling_of_the_words() -> None:
    assert json.dumps(advice(second_shot("CAMERA PANS LEFT AND TILTS UP"), OWN)) == json.dumps(
        advice(second_shot("Next Scene: camera pans left and tilts up"), OWN)
    )

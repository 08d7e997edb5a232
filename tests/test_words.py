"""Words that a small model never learned: all of them are named, and no others; and its card says what it learned."""

import json
import random
from pathlib import Path

import pytest

from nextscene import NextSceneError
from nextscene.card import FILE, Card, read_card
from nextscene.story import about_unknown_words, describe_world, unknown_words, world_table
from storybook import card as storybook_card
from storybook.words import camera, caption, instruction
from storybook.world import COLOURS, LANDMARKS, LIGHTS, PLACES, WEATHERS, random_state

MODEL = storybook_card.FILE.parent
WORLD = read_card(MODEL).world or {}


def test_the_built_in_models_card_is_what_its_language_says() -> None:
    text = json.loads(storybook_card.FILE.read_text())
    assert text == json.loads(json.dumps(storybook_card.card(text["note"]))), "python -m storybook.card brings it up"


def test_the_card_names_all_that_the_world_has() -> None:
    names = {kind: tuple(WORLD[kind]) for kind in ("places", "lights", "weathers", "landmarks", "colours")}
    assert names == dict(zip(names, (PLACES, LIGHTS, WEATHERS, LANDMARKS, COLOURS), strict=True))
    assert len(WORLD["camera moves"]) == 8


def test_nothing_that_training_says_is_unknown() -> None:
    chance = random.Random(0)
    for _ in range(400):
        before, after = random_state(chance), random_state(chance)
        moved = before.but(pan=chance.choice((-2, -1, 1, 2)), tilt=chance.randint(-1, 1), zoom=chance.randint(-1, 1))
        for words in (caption(moved, chance), instruction(before, after, chance), camera(before, moved, chance)):
            assert unknown_words(words, WORLD) == []


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("Next Scene: Camera pans left, revealing a harbour, soft morning light", ["harbour", "soft"]),
        ("A lighthouse on a cliff at noon, waves crashing", ["lighthouse", "cliff", "waves", "crashing"]),
        ("the lens swings left as dusk settles", ["lens", "swings", "settles"]),
        ("haze, then a blizzard; rainy, snowy, windy", ["haze", "blizzard", "rainy", "snowy", "windy"]),
        ("Two knights ride toward the castle", ["two", "knights", "ride", "castle"]),
        ("A lonely family of butterflies", ["lonely", "family", "butterflies"]),
        ("harbour, Harbour, HARBOUR's", ["harbour"]),
        ("blue-hour glow, 35mm, f/1.8", ["hour", "glow", "mm"]),
        ("un château rouge, la nuit", ["un", "château", "rouge", "la", "nuit"]),
        ("两座塔 at night", ["两座塔"]),
        ("the towers' roofs", ["roofs"]),
    ],
)
def test_every_word_that_it_never_learned_is_named_as_it_stands_there(prompt: str, unknown: list[str]) -> None:
    assert unknown_words(prompt, WORLD) == unknown


@pytest.mark.parametrize(
    "prompt",
    [
        "It's night now, and the camera is slowly panning right.",
        "The camera pulled back gently; the houses were painted blue",
        "a red balloon stands among the dunes while fog rolls in",
        "The higher towers become smaller, and then the larger mill is turned white",
        "Next scene: Next Scene: NIGHT FALLS!",
        "very slowly, suddenly, barely: the sun is setting",
        "",
        "...",
    ],
)
def test_inflections_grammar_and_manners_are_not_reported(prompt: str) -> None:
    assert unknown_words(prompt, WORLD) == []


def test_the_sentence_names_the_words_and_what_is_known_instead() -> None:
    assert about_unknown_words("night falls over the sea", WORLD) == ""
    assert about_unknown_words("a lighthouse at night", WORLD) == (
        "the model does not know: lighthouse (it knows sea, desert, forest, city, mountains; "
        "house, tower, windmill, balloon: see README)"
    )
    assert "jesters and 1 more (" in about_unknown_words("knights kings queens pages squires jesters dragons", WORLD)


def test_the_world_is_shown_for_a_terminal_and_as_a_table() -> None:
    assert describe_world(WORLD).splitlines()[0] == "places        sea, desert, forest, city, mountains"
    assert "| places | sea | by the sea, at the seaside, on the beach |" in world_table(WORLD).splitlines()
    assert "other words" not in describe_world(WORLD) + world_table(WORLD)


def test_a_model_without_a_card_is_as_the_full_one(tmp_path: Path) -> None:
    assert read_card(tmp_path) == Card(size=(1024, 768), limits=None, note="", world=None)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"size": 5}', '{"size": [9, 9], "draws": {"areas": 1}}', '{"size": [9, 9], "knows": [1]}', "\x00"],
)
def test_a_damaged_card_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(NextSceneError, match=r"The model's card '.*next_scene\.json' is not right"):
        read_card(tmp_path)

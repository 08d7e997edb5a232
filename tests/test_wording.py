"""A prompt of a script reads as one would write it, and what people wrote stands in it to the letter."""

import json
import re

import pytest
from hypothesis import example, settings
from hypothesis import given as for_any
from hypothesis import strategies as st

from nextscene.script import Breakdown, break_down, compile_story, read_script
from nextscene.script.wording import begin, join, says

SCRIPT = """Style: {style}

EXT. HARBOUR - DAWN

Waves.

MARA
Hello.

She waits, and waits

INT. SHIP - CABIN - NIGHT

Close on a lamp.
"""
WORDS = st.text(st.sampled_from("aBß é9.,:;!?…'\"-()"), min_size=1, max_size=30).map(str.strip).filter(bool)


def prompts(text: str) -> dict[str, str]:
    story = compile_story(break_down(read_script(text.encode()))).story
    return dict(zip(story.ids, (scene.prompt for scene in story.scenes), strict=True))


def of_line(line: str) -> tuple[dict[str, str], str]:
    """The looks of the people whom a line of action introduces, and what is drawn of it."""
    breakdown = break_down(read_script(f"EXT. HARBOUR - DAY\n\n{line}\n".encode()))
    return {each.names[0]: each.look for each in breakdown.people}, compile_story(breakdown).story.scenes[0].prompt


def test_parts_that_rules_put_together_are_sentences() -> None:
    found = prompts(SCRIPT.format(style="35 mm film, muted colours"))
    assert found == {
        "s1a": "Waves. At the harbour, at dawn. Style: 35 mm film, muted colours.",
        "s1b": "She waits, and waits. At the harbour, at dawn. Style: 35 mm film, muted colours.",
        "s2a": "Close on a lamp. Inside the cabin of the ship, at night. Style: 35 mm film, muted colours.",
    }


@for_any(st.lists(WORDS, max_size=5))
@example(["Wide shot", "she walks.", "CLOSE ON:", "Rain!"])
@settings(max_examples=80, deadline=None)
def test_parts_are_joined_with_one_sign_between_them_and_none_is_changed(parts: list[str]) -> None:
    whole = join(parts)
    at = 0
    for part in (part.rstrip(" ,;:") for part in parts):
        at = whole.index(part, at) + len(part)
    rest = whole
    for part in sorted((part.rstrip(" ,;:") for part in parts), key=len, reverse=True):
        rest = rest.replace(part, "", 1)
    assert set(rest) <= set("., ")
    assert not whole or whole[-1] not in " ,"


@for_any(look=WORDS, person=WORDS, style=WORDS)
@example(look="stone pier, a lighthouse", person="thirty, in a red coat", style="oil on canvas")
@settings(max_examples=40, deadline=None)
def test_looks_are_the_same_to_the_letter_in_every_prompt(look: str, person: str, style: str) -> None:
    data = json.loads(break_down(read_script(SCRIPT.format(style="x").encode())).to_json())
    data["style"], data["places"][0]["look"], data["people"][0]["look"] = style, look, person
    for shot in data["scenes"][0]["shots"]:
        shot["people"] = ["mara"]
    story = compile_story(Breakdown.from_data(data)).story
    for name, scene in zip(story.ids, story.scenes, strict=True):
        assert f"Style: {style}".rstrip(" ,;:") in scene.prompt
        if name.startswith("s1"):
            assert begin(look).rstrip(" ,;:") in scene.prompt or says(scene.prompt, look)
            assert f"Mara: {person}".rstrip(" ,;:") in scene.prompt or says(scene.prompt, person)
        ours = scene.prompt
        for words in sorted((begin(look), person, style), key=len, reverse=True):
            ours = ours.replace(words.rstrip(" ,;:"), "X")
        assert not re.search(r"\s[.,]|[.,][.,]|\. [a-z]|[ ,]$", ours)


@pytest.mark.parametrize(
    ("line", "people"),
    [
        ("MARA, thirty, in a red coat, walks along the pier.", {"MARA": "thirty, in a red coat"}),
        ("MARA WELLS, mid-thirties, red coat, smiles.", {"MARA WELLS": "mid-thirties, red coat"}),
        ("TOM, 40, and ANNA, in her fifties, walk.", {"TOM": "40", "ANNA": "in her fifties"}),
        ("THE CAPTAIN, a huge old man with a beard, shouts.", {"CAPTAIN": "a huge old man with a beard"}),
        ("JOE, 30, stops, turns.", {"JOE": "30"}),
        ("MARA (laughing) runs. TOM (O.S.) shouts. ANNA (40) waits.", {"MARA": "", "TOM": "", "ANNA": "40"}),
        ("SUDDENLY, a shot. BANG, in the dark. INSERT, a letter.", {}),
    ],
)
def test_a_look_is_read_where_somebody_is_introduced(line: str, people: dict[str, str]) -> None:
    assert of_line(line)[0] == people
    assert of_line(line)[1].startswith(line)


@pytest.mark.parametrize(
    ("heading", "words", "spot"),
    [
        ("EXT. THE HARBOUR - DAY", "Waves in the bay.", "At the harbour,"),
        ("EXT. SHIP - DECK - DAY", "The sea and the wind.", "On the deck of the ship,"),
        ("INT. JOE'S DINER - DAY", "The lamp.", "Inside Joe's Diner,"),
        ("EXT. NEW YORK - DAY", "They sail from New York to the sea.", "At New York,"),
        ("INT. BÜRO - FLUR - TAG", "Das Licht geht aus, und er wartet.", "Büro, Flur,"),
        ("EXT. ГАВАНЬ - DAY", "Волны бьются в камни.", "Гавань,"),
    ],
)
def test_a_place_is_named_as_its_language_would(heading: str, words: str, spot: str) -> None:
    assert f"{words} {spot} in daylight." == prompts(f"{heading}\n\n{words}\n")["s1a"]


def test_what_is_spoken_in_a_tale_is_not_drawn_and_said_by_who_spoke_before() -> None:
    tale = (
        'It was night.\n\n"Who is there?" said Mara. She lifted the lamp.\n\n"I am," said John. "Do not let go."\n\n'
        'John laughed. "Well," he said, "we can cross."\n\nMara said, "Never." And she went.\n\n"Why?"\n'
    )
    story = compile_story(break_down(read_script(tale.encode()))).story
    assert [scene.prompt for scene in story.scenes] == [
        "It was night. At night.",
        "She lifted the lamp. At night.",
        "John. At night.",
        "John laughed. At night.",
        "And she went. At night.",
        "At night.",
    ]
    said = [(line.who, line.text) for scene in story.scenes for line in scene.lines]
    assert said[2:5] == [("JOHN", "Do not let go."), ("JOHN", "Well,"), ("JOHN", "we can cross.")]

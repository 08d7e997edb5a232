"""The drawn world: its pictures, its language, and the truth about what words ask for."""

import random
from pathlib import Path

import numpy as np
import pytest
from conftest import pixels, same

from nextscene.training import dataset
from storybook import gates, pairs
from storybook.edits import edit, scene
from storybook.families import FAMILY, VALUES, VIEWS, family
from storybook.words import caption, instruction, next_state
from storybook.world import TOKEN, State, draw, is_held_out, random_state

SOME = [random_state(random.Random(seed)) for seed in range(12)]
WAYS = {
    "the camera pans left": {"pan": -2},
    "The camera pans right, revealing the house": {"pan": 2},
    "Next Scene: tracking shot to the left": {"pan": -1},
    "the camera tracks right as night falls": {"pan": 1, "light": "night"},
    "the camera dollies forward": {"zoom": 1},
    "The camera moves closer.": {"zoom": 1},
    "the camera pushes in": {"zoom": 1},
    "the camera pulls back, revealing more of the scene": {"zoom": -1},
    "angle shifts up": {"tilt": 1},
    "the camera slowly tilts down": {"tilt": -1},
}


def distance(one: State, other: State) -> float:
    return float(np.abs(pixels(draw(one)) - pixels(draw(other))).mean())


def test_a_state_always_draws_the_same_picture() -> None:
    assert all(same(draw(state), draw(state)) for state in SOME)
    assert draw(SOME[0], 256, 192).size == (256, 192)


@pytest.mark.parametrize("name", VALUES)
def test_everything_that_has_a_name_can_be_seen(name: str) -> None:
    for value in VALUES[name]:
        others = [other for other in VALUES[name] if other != value]
        assert all(distance(State().but(**{name: value}), State().but(**{name: other})) > 1.5 for other in others)


def test_layouts_of_a_place_look_different() -> None:
    assert distance(State(layout=0), State(layout=1)) > 1


def test_a_pan_moves_everything_but_the_weather_by_whole_tokens() -> None:
    before, after = pixels(draw(State(pan=-1))), pixels(draw(State(pan=1)))
    assert np.array_equal(before[:, 2 * TOKEN :], after[:, : -2 * TOKEN])


def test_a_tilt_moves_the_ground_by_a_whole_token() -> None:
    before, after = pixels(draw(State())), pixels(draw(State(tilt=1)))
    assert np.array_equal(before[70:-TOKEN], after[70 + TOKEN :])


@pytest.mark.parametrize(("words", "changes"), WAYS.items())
def test_the_camera_goes_where_words_say(words: str, changes: dict[str, int]) -> None:
    assert next_state(State(), words) == State().but(**changes)


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("the camera pans left", "the camera pans right"),
        ("the camera tilts up", "the camera tilts down"),
        ("the camera moves closer", "the camera pulls back"),
        ("tracking shot to the left", "the camera tracks right"),
    ],
)
def test_a_move_and_its_opposite_lead_back(there: str, back: str) -> None:
    assert all(next_state(next_state(state, there), back) == state != next_state(state, there) for state in SOME)


def test_the_camera_stops_at_the_edge_of_the_world() -> None:
    state = State()
    for _ in range(5):
        state = next_state(state, "the camera pans right")
    assert state == State(pan=2)


@pytest.mark.parametrize("held_out", [False, True])
def test_a_caption_says_all_that_there_is_to_see(held_out: bool) -> None:
    chance = random.Random(0)
    for number in range(200):
        state = family(number)[number % FAMILY]
        words = caption(state, chance, held_out)
        assert next_state(State(), words) == state.but(layout=0), words


@pytest.mark.parametrize("held_out", [False, True])
def test_an_instruction_leads_to_what_it_asks_for(held_out: bool) -> None:
    chance = random.Random(0)
    for number in range(200):
        states = family(number)
        task = edit(states, chance)
        before, after = states[task.sees[0]], states[task.shows]
        words = instruction(before, after, chance, held_out)
        assert next_state(before, words) == after, words


def test_the_base_is_taught_that_camera_words_leave_the_camera_still() -> None:
    chance = random.Random(0)
    states = family(0)
    told = [task for task in (edit(states, chance) for _ in range(2000)) if task.camera]
    assert told
    for task in told:
        before, after = states[task.sees[0]], states[task.shows]
        assert (before.pan, before.tilt, before.zoom) == (after.pan, after.tilt, after.zoom)


def test_the_lora_is_taught_where_camera_words_lead() -> None:
    chance = random.Random(0)
    for number in range(200):
        states = family(number)
        task = scene(states, chance)
        assert next_state(states[task.sees[0]], task.words) == states[task.shows], task.words


def test_the_next_scene_is_where_its_words_lead() -> None:
    chance, moved = random.Random(0), 0
    for _ in range(300):
        before, after, words = pairs.next_scene(chance)
        assert next_state(before, words) == after, words
        assert not is_held_out(before)
        assert not is_held_out(after)
        moved += (before.pan, before.tilt, before.zoom) != (after.pan, after.tilt, after.zoom)
    assert 0.75 < moved / 300 < 0.95


def test_the_pairs_are_what_the_trainer_takes(tmp_path: Path) -> None:
    pairs.write(tmp_path / "pairs", 2)
    examples = dataset.read(tmp_path / "pairs", 128 * 96, tmp_path)
    assert [(each.size, bool(each.reference), each.held_out) for each in examples] == [
        ((128, 96), True, number >= 2) for number in range(5)
    ]


def test_a_gate_is_reached_or_not_by_its_figure() -> None:
    names = ("place", "light", "weather", "landmark", "colour", "sharpness", "nearer", "shows what was named", "still")
    best = dict.fromkeys((*names, "pan", "tilt", "zoom"), 1.0)
    shown = {name: {"shows what was named": 0.7 + guidance / 15} for name, guidance in gates.GUIDANCES.items()}
    moves = {gates.moved(scale): best | {"of the way": scale} for scale in gates.SCALES}
    strength = {"0.25": 30.0, "0.5": 25.0, "0.75": 20.0, "1": 15.0}
    figures = {"openings": best, "edits": best, "strength": strength, **shown, **moves}
    assert all(gate.reached for gate in gates.gates(figures))
    assert "**no**" not in gates.table(figures)
    worse = figures | {"edits": best | {"nearer": 0.82}, "strength": strength | {"0.75": 26.0}}
    assert [gate.name for gate in gates.gates(worse) if not gate.reached] == [
        "edits are nearer the truth than their reference",
        "lower strength keeps more (dB to the picture before, at 0.25, 0.5, 0.75, 1)",
    ]
    assert "82.0% (90%) | **no**" in gates.table(worse)


def test_training_never_sees_what_is_held_out() -> None:
    assert not any(is_held_out(state) for number in range(100) for state in family(number))
    assert is_held_out(random_state(random.Random(0), held_out=True))


def test_the_views_of_a_family_differ_only_by_the_camera() -> None:
    for number in range(20):
        first, *others = family(number)[:VIEWS]
        assert all(other.but(pan=first.pan, tilt=first.tilt, zoom=first.zoom) == first for other in others)

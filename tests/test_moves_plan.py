"""The plan of a motion: words and physics in, where each thing is in each frame out."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from nextscene import NextSceneError
from nextscene.moves import Found, Plan, count_bounces, plan_motion, read_plan, read_sayings
from nextscene.moves.planning import check_within

SIZE = (128, 96)
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven")
# In words, with the motion that each asks for.
SENTENCES = {
    "stays": "still", "moves to the right": "line", "flies up": "line", "jumps": "arc", "bounces twice": "bounce",
    "rolls left": "roll", "slides": "slide", "drifts up": "drift", "floats": "float", "falls": "fall",
    "moves in a circle": "orbit", "swings": "pendulum", "spins": "spin", "grows": "grow", "shrinks": "shrink",
    "enters from the left": "enter", "leaves to the right": "leave", "moves through (30, 40), (90, 50)": "path",
}  # fmt: skip


def planned(
    text: str, frames: int = 24, x: float = 64, y: float = 40, half: float = 9, surface: float | None = None
) -> Plan:
    said = read_sayings(text)
    places = {
        who.name: Found((x - half + 4 * at, y - half + at, x + half + 4 * at, y + half + at))
        for at, who in enumerate(said.things)
    }
    return plan_motion(said, places, SIZE, frames, 15, prompt=text, surface=surface)


def heights(plan: Plan, name: str = "red ball") -> list[float]:
    return [row.y for row in plan.places(name)]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(0, 40), st.floats(12, 84), st.sampled_from(["", " to the left", " on a table"]))
def test_as_many_bounces_are_found_as_were_asked_for(count: int, more: int, y: float, where: str) -> None:
    plan = planned(f"A red ball bounces {count} times{where}", frames=2 * count + 3 + more, y=y)
    assert count_bounces(heights(plan)) == count
    (bounce,) = plan.objects[0].events
    rows = plan.places("red ball")
    assert bounce.count == len(bounce.contacts) == count
    assert {row.frame for row in rows if row.event == "contact"} == set(bounce.contacts)
    assert set(bounce.contacts) <= set(plan.keyframes)
    speed = np.diff(heights(plan))
    for frame in bounce.contacts:  # down, then up at once: nothing is rounded off
        assert speed[frame - 1] > 0 > speed[frame]
        assert rows[frame].y + 9 == pytest.approx(bounce.surface_y, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(set(SENTENCES) - {"enters from the left", "leaves to the right"})),
    st.floats(26, 100), st.floats(20, 70), st.integers(12, 60),
)  # fmt: skip
def test_what_is_planned_stays_in_the_picture_or_is_refused(verb: str, x: float, y: float, frames: int) -> None:
    try:
        plan = planned(f"a red ball {verb}", frames, x, y)
    except NextSceneError as error:
        event(str(error))
        return
    assert plan.count == frames
    assert all(check_within(plan, plan.things[0], row) for row in plan.frames)


@pytest.mark.parametrize(("verb", "motion"), SENTENCES.items())
def test_every_motion_is_asked_for_in_words_and_moves(verb: str, motion: str) -> None:
    plan = planned(f"a red ball {verb}")
    assert [event.motion for event in plan.objects[0].events] == [motion]
    rows = plan.places("red ball")
    moves = any(
        (row.x, row.y, row.angle, row.size) != (rows[0].x, rows[0].y, rows[0].angle, rows[0].size) for row in rows
    )
    assert moves == (motion != "still")
    assert rows[0].keyframe
    assert rows[-1].keyframe


@pytest.mark.parametrize("number", range(1, 8))
def test_numbers_are_read_as_words_and_as_figures(number: int) -> None:
    times = {1: "once", 2: "twice"}.get(number, f"{NUMBERS[number]} times")
    for said in (times, f"{number} times", f"{number}x"):
        assert read_sayings(f"a ball bounces {said}").sayings[0].count == number
    assert read_sayings(f"a ball makes {NUMBERS[number]} bounces").sayings[0].count == number


def test_then_comes_after_and_while_at_the_same_time() -> None:
    said = read_sayings("A red ball rolls to the right, then bounces twice while a blue cube spins")
    parts = [(saying.who.name, saying.motion, saying.part) for saying in said.sayings]
    assert parts == [("red ball", "roll", 0), ("red ball", "bounce", 1), ("blue cube", "spin", 1)]
    plan = planned("A red ball rolls to the right, then bounces twice while a blue cube spins")
    roll, bounce = plan.objects[0].events
    assert roll.last == bounce.first
    assert plan.objects[1].events[0].first == bounce.first


def test_and_between_nouns_moves_both_and_a_number_moves_several() -> None:
    assert [who.name for who in read_sayings("a red ball and a blue cube fall").things] == ["red ball", "blue cube"]
    assert [who.name for who in read_sayings("two red balls bounce").things] == ["red ball 1", "red ball 2"]


def test_verbs_that_go_together_are_one_motion_and_others_follow_each_other() -> None:
    both = read_sayings("a ball rolls and bounces three times").sayings
    assert [saying.part for saying in both] == [0, 0]
    after = read_sayings("a ball rolls left and slides right").sayings
    assert [saying.part for saying in after] == [0, 1]


def test_who_is_thrown_moves_and_not_who_throws() -> None:
    assert [who.name for who in read_sayings("A boy throws a red ball to the right").things] == ["red ball"]


def test_a_roll_turns_with_its_way() -> None:
    rows = planned("a red ball rolls to the right").places("red ball")
    assert np.radians(rows[-1].angle) * 9 == pytest.approx(rows[-1].x - rows[0].x, abs=0.1)


def test_what_enters_is_not_in_the_picture_before_and_comes_to_its_place() -> None:
    rows = planned("a blue cube spins, then a red ball enters from the left").places("red ball")
    assert all(row.x + 9 < 0 for row in rows[:8])
    assert (rows[-1].x, rows[-1].y) == (68, 41)


def test_what_lies_lower_is_nearer_unless_it_goes_behind() -> None:
    depths = {each.id: each.depth for each in planned("a red ball falls while a cube spins").objects}
    assert depths == {"red ball": 1, "cube": 0}
    behind = {each.id: each.depth for each in planned("a cube spins while a red ball rolls behind the cube").objects}
    assert behind["red ball"] > behind["cube"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The words are empty"),
        ("   ", "The words are empty"),
        ("a ball does something odd", "'a ball does something odd' says how something moves.*bounce.*pendulum"),
        ("a ball explodes, a cube spins", "'a ball explodes'"),
        ("a ball bounces and a cube explodes", "'a cube explodes'"),
        ("bounces", "does not say what moves"),
        ("a ball bounces zero times", "0 times"),
        ("a ball bounces 99999 times", "99999 times"),
        ("a thousand balls bounce", "1000 balls"),
        ("a ball rolls while sliding", "write then instead of while"),
        ("a ball follows the table", "a path needs its points"),
        ("the camera dances while a ball rolls", "not known of the camera"),
    ],
)
def test_words_that_say_no_motion_are_refused_with_what_is_known(text: str, says: str) -> None:
    with pytest.raises(NextSceneError, match=says):
        read_sayings(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a red ball bounces twelve times", "ask for 26 frames or more"),
        ("a red ball moves 300 pixels to the right", "pixels of room"),
        ("a red ball moves through (500, 40)", "not wholly in the picture, which is 128x96"),
        ("a red ball grows to nine times its size", "has room to grow to"),
        ("a red ball spins, then enters from the left", "is in the picture already"),
        ("a red ball rolls down", "to the left or right"),
    ],
)
def test_what_does_not_fit_picture_or_film_is_refused_with_figures(text: str, says: str) -> None:
    with pytest.raises(NextSceneError, match=says):
        planned(text, 20)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    try:
        said = read_sayings(text)
    except NextSceneError as error:
        event(str(error)[:40])
        return
    assert said.sayings or "camera" in text


def test_a_plan_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    plan = planned("a red ball bounces five times while a blue cube spins")
    (tmp_path / "plan.json").write_text(plan.to_json())
    assert read_plan(tmp_path / "plan.json") == plan
    row = json.loads(plan.to_json())["frames"][0]
    assert {"frame", "x", "y", "radius", "angle", "keyframe", "confidence"} <= set(row)


def test_a_plan_of_bare_rows_moves_one_thing(tmp_path: Path) -> None:
    rows = [
        {"frame": at, "x": 100, "y": 300, "radius": 20, "angle": 0, "keyframe": True, "confidence": 1.0}
        for at in (0, 1)
    ]
    (tmp_path / "plan.json").write_text(json.dumps({"frames": rows}))
    plan = read_plan(tmp_path / "plan.json")
    assert [(thing.id, thing.box) for thing in plan.things] == [("object", (80, 280, 120, 320))]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"frames": []}, "frames: "),
        ({"frames": [{"frame": 0, "x": 1, "y": 2}]}, "frames 1, radius: is missing"),
        ({"frames": [{"frame": 0, "x": 1, "y": 2, "radius": 0}]}, "frames 1, radius"),
        ({"frames": [{"frame": 1, "x": 1, "y": 2, "radius": 3}]}, "object has no row for frame 0"),
        ({"frames": [{"frame": 0, "x": 1, "y": 2, "radius": 3}] * 2}, "2 rows for frame 0"),
        ({"frames": [{"frame": 0, "object": "cat", "x": 1, "y": 2, "radius": 3}]}, "no object 'cat', only object"),
        ({"frames": [{"frame": 0, "x": 1, "y": 2, "radius": 3}], "speed": 3}, "speed: there is no such field"),
        ({"frames": [{"frame": 10**9, "x": 1, "y": 2, "radius": 3}]}, "beyond the 1000"),
    ],
)  # fmt: skip
def test_a_plan_that_is_not_right_is_refused_by_object_and_frame(tmp_path: Path, change: object, says: str) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(change))
    with pytest.raises(NextSceneError, match=f"The plan 'plan.json' is not right.*{says}"):
        read_plan(tmp_path / "plan.json")


@pytest.mark.parametrize("text", ["", "no json", "[]" * 3, "[" * 100_000])
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(NextSceneError, match=r"plan\.json"):
        read_plan(tmp_path / "plan.json")

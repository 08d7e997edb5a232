"""A timeline: every time is on the grid of frames, rounding does not add up, and transitions change no time."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextscene import NextSceneError
from nextscene.film import Timeline, lay_out
from nextscene.film.timeline import BREATH, find_borders
from nextscene.story import from_data

DURATIONS = [0.5, 0.1, 2.37, 1 / 3, 0.01, 1 / 3]
BORDERS = [0, 12, 14, 71, 79, 80, 88]  # by hand: the shortest scene takes a frame of its own, 1/24 s
TRANSITIONS = ["cut", "crossfade", "fade", "morph"]


def told(*scenes: Any, speech: dict[str, list[float]] | None = None, **film: Any) -> Timeline:
    return lay_out(from_data({"film": film, "scenes": list(scenes)}), speech)


def borders(durations: list[float], fps: int = 24) -> list[int]:
    return list(find_borders(durations, fps))


# When scenes begin and end


def test_scenes_begin_where_they_are_expected() -> None:
    assert borders(DURATIONS) == BORDERS
    assert borders([1 / 3] * 3000)[-1] == 24_000
    assert borders([0.1] * 1000)[-1] == 2400


@given(st.lists(st.floats(1 / 24, 100), max_size=50), st.integers(24, 60))
def test_a_scene_never_begins_more_than_half_a_frame_from_its_time(durations: list[float], fps: int) -> None:
    for number, border in enumerate(borders(durations, fps)):
        exact = sum(map(Fraction, durations[:number]), Fraction(0)) * fps
        assert abs(border - exact) <= Fraction(1, 2)


@given(st.lists(st.floats(0, 10), max_size=50))
def test_every_scene_is_seen_for_its_time_give_or_take_less_than_a_frame(durations: list[float]) -> None:
    for seconds, (begin, end) in zip(durations, pairwise(borders(durations)), strict=True):
        assert end > begin
        assert abs(end - begin - max(seconds * 24, 1)) < 1.001


def test_a_scene_lasts_as_it_says_or_else_as_the_films_pace_says() -> None:
    timeline = lay_out(from_data({"fps": 4, "scenes": ["a", {"prompt": "b", "duration": 2}]}))
    assert [cut.duration for cut in timeline.segments] == [Fraction(1, 4), 2]
    assert timeline.duration == Fraction(9, 4)


def test_a_scene_stands_at_least_as_long_as_its_words_and_a_breath() -> None:
    first, second = {"prompt": "a", "narration": "x"}, {"prompt": "b", "narration": "x", "duration": 9}
    timeline = told(first, second, "c", speech={"scene_001": [2.4], "scene_002": [2.4]})
    assert [cut.duration for cut in timeline.segments] == [3, 9, Fraction(1, 2)]
    assert pytest.approx(3) == 2.4 + BREATH


# Transitions

durations, transitions = st.floats(0.04, 3), st.sampled_from(TRANSITIONS)
scene = st.fixed_dictionaries({"prompt": st.just("a"), "duration": durations, "transition": transitions})


@given(st.lists(scene, min_size=1, max_size=12), st.floats(0, 10), st.integers(1, 60))
def test_transitions_change_no_time_and_never_meet(scenes: list[Any], seconds: float, fps: int) -> None:
    timeline = told(*scenes, transition_seconds=seconds, video_fps=fps)
    plain = told(*({**scene, "transition": "cut"} for scene in scenes), video_fps=fps)
    assert [(cut.start, cut.duration) for cut in timeline.segments] == [
        (cut.start, cut.duration) for cut in plain.segments
    ]
    assert timeline.segments[0].transition == "cut"
    for cut, following in pairwise(timeline.segments):
        assert cut.end == following.start
        assert cut.transition_seconds / 2 + following.transition_seconds / 2 <= cut.duration
    for cut in timeline.segments:
        assert (cut.transition_seconds * fps).denominator == 1
        assert timeline.frame(cut.transition_seconds) % 2 == 0
        assert cut.transition_seconds <= seconds
        assert cut.transition != "cut" or cut.transition_seconds == 0


def test_a_scenes_own_transition_and_move_win_over_the_films() -> None:
    timeline = told(
        "a", {"prompt": "b", "transition": "fade", "move": "tilt_up"}, "c", transition="morph", move="pan_left"
    )
    assert [cut.transition for cut in timeline.segments] == ["cut", "fade", "morph"]
    assert [cut.move for cut in timeline.segments] == ["pan_left", "tilt_up", "pan_left"]


# Words


@pytest.mark.parametrize(
    ("prompt", "move"),
    [
        ("Camera pans left over the harbour", "pan_left"),
        ("Next Scene: tracking shot; the camera moves right", "pan_right"),
        ("The camera tilts up to the stars", "tilt_up"),
        ("Camera descends into the streets", "tilt_down"),
        ("Camera moves closer to the door", "push_in"),
        ("The camera pulls back over the roofs", "pull_out"),
        ("A quiet harbour", "push_in"),
    ],
)
def test_the_prompts_own_camera_words_say_how_the_still_moves(prompt: str, move: str) -> None:
    assert told(prompt, move="auto").segments[0].move == move
    assert told(prompt).segments[0].move == "none"


@pytest.mark.parametrize(
    ("camera", "move"),
    [
        ({"rotate": -45, "tilt": 1}, "pan_left"),
        ({"forward": 2}, "push_in"),
        ({"lens": "wide"}, "pull_out"),
        ({}, "tilt_up"),
    ],
)
def test_a_scenes_camera_says_how_its_still_moves_before_its_words_do(camera: dict[str, Any], move: str) -> None:
    scene = {"prompt": "the camera tilts up", "camera": camera}
    assert told(scene, move="auto").segments[0].move == move


def test_a_scene_is_captioned_by_its_prompt_unless_it_says_otherwise() -> None:
    cuts = told("Next Scene: a", {"prompt": "b", "caption": "Dawn"}, {"prompt": "c", "caption": ""}).segments
    assert [cut.caption for cut in cuts] == ["a", "Dawn", ""]


@pytest.mark.parametrize(
    ("narration", "spoken"), [("own", ["", "Hello"]), ("none", ["", ""]), ("prompts", ["a", "Hello"])]
)
def test_what_is_spoken_is_the_scenes_own_narration_or_its_prompt_too(narration: str, spoken: list[str]) -> None:
    cuts = told("a", {"prompt": "b", "narration": "Hello"}, narration=narration).segments
    assert [cut.narration for cut in cuts] == spoken


# The story


@pytest.mark.parametrize(
    ("film", "sentence"),
    [
        (
            {"transition": "wipe"},
            "film, transition: input should be 'cut', 'crossfade', 'fade' or 'morph', not 'wipe'.",
        ),
        ({"video_fps": 0}, "film, video_fps: input should be greater than or equal to 1, not 0."),
        ({"speed": 2}, "film, speed: there is no such field."),
    ],
)
def test_what_the_film_cannot_be_is_refused_in_a_sentence(film: Any, sentence: str) -> None:
    with pytest.raises(NextSceneError) as refused:
        told("a", **film)
    assert str(refused.value) == sentence


def test_a_story_keeps_what_it_says_of_its_film_and_nothing_more() -> None:
    data = {"film": {"transition": "fade"}, "scenes": [{"prompt": "a", "move": "auto"}]}
    assert from_data(data).as_data() == data
    assert "film" not in from_data(["a"]).as_data()

"""A script becomes a story: its words are kept to the letter, and what is drawn follows from them by rules."""

import json
from itertools import pairwise

import pytest
from conftest import ROOT
from hypothesis import given as for_any
from hypothesis import settings
from hypothesis import strategies as st
from test_script_reading import LINES, TEXTS

from bench.annotated import measure, read_annotated
from nextscene import NextSceneError
from nextscene.script import Breakdown, break_down, compile_story, fit, read_script
from nextscene.script.fountain import read_fountain
from nextscene.settings import StorySettings
from nextscene.story import MAX_REFERENCES, Scene, plan

HARBOUR = (ROOT / "samples" / "harbour.fountain").read_text()
TOWER = (ROOT / "samples" / "tower.fountain").read_text()


def broken(text: str) -> Breakdown:
    return break_down(read_script(text.encode()))


def scenes(text: str, *, plates: bool = True) -> dict[str, Scene]:
    story = compile_story(broken(text), plates=plates).story
    return dict(zip(story.ids, story.scenes, strict=True))


def changed(breakdown: Breakdown, **shots: dict[str, object]) -> Breakdown:
    """As a person changes breakdown.json: fields of shots, by their ids."""
    data = json.loads(breakdown.to_json())
    for shot in (shot for scene in data["scenes"] for shot in scene["shots"]):
        shot.update(shots.get(shot["id"], {}))
    return Breakdown.from_data(data)


@for_any(TEXTS | st.sampled_from(LINES))
@settings(max_examples=60, deadline=None)
def test_every_character_of_a_script_is_in_one_slice_and_the_same_script_gives_the_same_plan(text: str) -> None:
    if not any(each.kind not in ("title page", "note", "cut", "blank") for each in read_fountain(text)):
        return  # there is nothing to film in it
    breakdown = broken(text)
    assert "".join(breakdown.slices()) == text
    assert breakdown.scenes[0].start == 0
    assert breakdown.scenes[-1].end == len(text)
    assert all(one.end == other.start for one, other in pairwise(breakdown.scenes))
    assert breakdown == broken(text)
    assert Breakdown.from_data(json.loads(breakdown.to_json())) == breakdown
    story = compile_story(breakdown).story
    assert all(len(shot.references) <= MAX_REFERENCES for shot in plan(story, StorySettings(), 1, (128, 96)))


def test_a_screenplay_is_broken_down_as_a_reader_would() -> None:
    breakdown = broken(HARBOUR)
    assert breakdown.title == "The light at the harbour"
    assert [(place.id, place.inside, place.look) for place in breakdown.places] == [
        ("harbour", False, "a stone pier, a lighthouse at its end"),
        ("lighthouse", True, ""),
    ]
    assert [(person.id, person.look) for person in breakdown.people] == [
        ("mara", "30s, red coat"),
        ("tom", "a man of sixty in a yellow jacket"),
    ]
    assert [(scene.heading, scene.place, scene.light, scene.transition) for scene in breakdown.scenes] == [
        ("EXT. HARBOUR - DAWN", "harbour", "dawn", None),
        ("INT. LIGHTHOUSE - NIGHT", "lighthouse", "night", None),
        ("EXT. HARBOUR - DAWN", "harbour", "dawn", "crossfade"),
    ]
    assert [(shot.id, shot.size, shot.camera, shot.people) for shot in breakdown.shots] == [
        ("s1a", None, "still", ()),
        ("s1b", None, "still", ("mara",)),
        ("s1c", None, "still", ("tom",)),
        ("s2a", "close", "still", ("mara", "tom")),
        ("s2b", "medium", "still", ("mara", "tom")),
        ("s3a", None, "pan_left", ()),
    ]
    said = [(each.who, HARBOUR[each.start : each.end]) for shot in breakdown.shots for each in shot.says]
    assert said[:2] == [("mara", "Hello? Is anybody there?"), ("tom", "Only me.")]
    assert said[-1] == (None, "And so they stayed.")
    assert [(sound.what, sound.at) for sound in breakdown.shots[1].sounds] == [("bell", 0.83)]


def test_words_are_spoken_and_drawn_as_they_were_written_and_looks_are_the_same_to_the_letter() -> None:
    found = scenes(HARBOUR)
    assert found["s1b"].prompt == (
        "MARA (30s, red coat) walks along the pier in fog. A bell rings. "
        "A stone pier, a lighthouse at its end. At the harbour, at dawn. Style: 35 mm film, muted colours."
    )
    assert found["s2b"].prompt.startswith("Medium shot. Mara and Tom. Mara: 30s, red coat. Tom: a man of sixty")
    assert [(line.who, line.text) for line in found["s1b"].lines] == [
        ("MARA", "Hello? Is anybody there?"),
        ("TOM", "Only me."),
    ]
    assert found["s3a"].narration == "And so they stayed."
    assert found["s3a"].transition == "crossfade"
    assert found["s1a"].ambience == ("sea",)
    looks = [scene.prompt for name, scene in found.items() if name in ("place_harbour", "s1b", "s1c", "s3a")]
    assert all("A stone pier, a lighthouse at its end. At the harbour" in prompt for prompt in looks)


def test_a_shot_grows_from_its_place_and_looks_at_the_chief_person() -> None:
    found = scenes(HARBOUR)
    assert [name for name, scene in found.items() if not scene.filmed] == [
        "place_harbour",
        "place_lighthouse",
        "person_mara",
        "person_tom",
    ]
    grown = {name: (scene.after, scene.anchor) for name, scene in found.items() if scene.filmed}
    assert grown == {
        "s1a": ("place_harbour", None),
        "s1b": ("s1a", "person_mara"),
        "s1c": ("s1b", "person_tom"),
        "s2a": ("place_lighthouse", "person_mara"),
        "s2b": ("place_lighthouse", "person_mara"),  # not from the close-up, which shows less
        "s3a": ("s1c", None),  # on return: the last shot there
    }
    without = scenes(HARBOUR, plates=False)
    assert [without[name].after for name in ("s1a", "s1b", "s2a", "s3a")] == [None, "s1a", None, "s1c"]


def test_what_a_person_changed_in_the_breakdown_counts() -> None:
    breakdown = broken(TOWER)
    shot = {
        "picture": "a blue tower",
        "size": "close",
        "camera": "tilt_up",
        "seconds": 8.5,
        "ends": "the tower at night",
    }
    story = compile_story(changed(breakdown, s1b=shot)).story
    found = dict(zip(story.ids, story.scenes, strict=True))
    assert found["s1b"].prompt.startswith("Close-up, the camera tilts up, a blue tower. A white tower by")
    assert (found["s1b"].duration, found["s1b_end"].duration) == (4.25, 4.25)
    assert (found["s1b_end"].after, found["s1b_end"].transition) == ("s1b", "morph")
    untouched = dict(zip(*(lambda made: (made.ids, made.scenes))(compile_story(breakdown).story), strict=True))
    assert [name for name in untouched if untouched[name] != found[name]] == ["s1b", "s1c"]
    assert found["s1c"].after == "s1a"  # no longer from what is a close-up now


@pytest.mark.parametrize(
    ("seconds", "parts"),
    [(4, [4]), (9, [9]), (9.5, [4.75, 4.75]), (12, [5, 7]), (14, [5, 9]), (18, [9, 9]), (23, [5, 9, 9])],
)
def test_a_shot_longer_than_a_clip_is_cut_into_parts_that_follow_each_other(seconds: float, parts: list[float]) -> None:
    story = compile_story(changed(broken(TOWER), s1a={"seconds": seconds})).story
    found = {name: scene for name, scene in story.filmed if name.startswith("s1a")}
    assert [scene.duration for scene in found.values()] == parts
    assert [name for name, scene in story.filmed if scene.after in found] == [*list(found)[1:], "s1b"]
    assert [scene.narration is None for scene in found.values()] == [False] + [True] * (len(parts) - 1)


def test_a_first_picture_stands_for_the_first_place_and_the_first_shot_grows_from_it() -> None:
    story = compile_story(broken(TOWER), plates=True, opened=True).story
    assert story.ids[:2] == ["s1a", "place_forest"]
    shots = plan(story, StorySettings(), 1, (128, 96), image=(128, 96))
    assert [shot.grows_from and shot.grows_from.name for shot in shots[:3]] == ["image", None, "s1a"]
    assert [shot.number for shot in shots[:3]] == [1, 0, 2]


def test_pictures_of_places_and_people_may_be_given() -> None:
    data = json.loads(broken(HARBOUR).to_json())
    data["places"][0]["picture"], data["people"][0]["picture"] = "pier.png", "mara.png"
    compiled = compile_story(Breakdown.from_data(data))
    found = dict(zip(compiled.story.ids, compiled.story.scenes, strict=True))
    assert compiled.pictures == ("pier.png", "mara.png")
    assert compiled.story.cast == ("harbour", "mara")
    assert (found["s1a"].after, found["s1a"].cast) == (None, ("harbour",))
    assert (found["s1b"].after, found["s1b"].cast) == ("s1a", ("mara",))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"place": "moon"}, "there is no place 'moon'"),
        ({"to": 5}, "it is not within its scene s1"),
        ({"from": 50}, "within scene s1"),
        ({"colour": "red"}, "there is no such field"),
        ({"shots": []}, "shots"),
    ],
)
def test_a_breakdown_that_does_not_hold_together_is_refused_in_a_sentence(
    change: dict[str, object], sentence: str
) -> None:
    data = json.loads(broken(TOWER).to_json())
    data["scenes"][1 if "from" in change else 0].update(change)
    with pytest.raises(NextSceneError, match=sentence):
        Breakdown.from_data(data)


def test_a_breakdown_whose_script_was_changed_in_it_is_refused() -> None:
    data = json.loads(broken(TOWER).to_json())
    data["text"] = data["text"].replace("white", "black")
    with pytest.raises(NextSceneError, match="the script was changed in it"):
        Breakdown.from_data(data)


def test_too_many_shots_are_put_together_and_no_word_is_lost() -> None:
    breakdown = fit(broken(HARBOUR), 4)
    assert [shot.id for shot in breakdown.shots] == ["s1a", "s1c", "s2a", "s3a"]
    assert "".join(breakdown.slices()) == HARBOUR
    assert breakdown.notes == ("To make at most 4 shots, these were put together: s1a to s1b, s2a to s2b.",)
    with pytest.raises(NextSceneError, match="3 scenes, and each needs a shot: 2 shots are too few"):
        fit(breakdown, 2)


def test_parts_of_a_place_are_put_together_where_there_are_too_many() -> None:
    headings = ("EXT. HARBOUR - PIER - DAY", "EXT. HARBOUR - DAY", "EXT. HARBOUR - DAY", "INT. CAR - DAY")
    text = "".join(f"{heading}\n\nWaves.\n\n" for heading in headings)
    breakdown = fit(broken(text), 250, 2)
    assert [place.id for place in breakdown.places] == ["harbour", "car"]
    assert [scene.place for scene in breakdown.scenes] == ["harbour", "harbour", "harbour", "car"]
    assert breakdown.notes == ("HARBOUR - PIER is taken for HARBOUR.",)


def test_in_prose_a_paragraph_is_a_shot_that_is_told_and_what_is_quoted_is_said() -> None:
    text = 'It was night by the sea.\n\n"Who is there?" said Mara. She lifted it.\n\n* * *\n\nIn the forest, nobody.\n'
    found = scenes(text, plates=False)
    assert list(found) == ["s1a", "s1b", "s2a"]
    assert found["s1a"].narration == "It was night by the sea."
    assert [(line.who, line.text) for line in found["s1b"].lines] == [("MARA", "Who is there?")]
    assert "Who is there?" not in found["s1b"].prompt
    assert broken(text).scenes[1].place == "forest"


def test_headings_say_the_place_the_time_and_the_weather() -> None:
    text = (
        "INT. HOUSE - KITCHEN - NIGHT (RAIN)\n\nA.\n\nEXT. GARTEN - TAG #2A#\n\nB.\n\nINT./EXT. CAR. CONTINUOUS\n\nC."
    )
    breakdown = broken(text)
    assert [place.names[0] for place in breakdown.places] == ["HOUSE - KITCHEN", "GARTEN", "CAR"]
    said = [(scene.light, scene.weather) for scene in breakdown.scenes]
    assert said == [("night", "rain"), ("day", None), ("day", None)]


def test_ten_scripts_are_broken_down_nearly_as_a_person_did() -> None:
    assert len(read_annotated()) == 10
    for each in read_annotated():
        assert "".join(broken(each.text).slices()) == each.text
    found = measure()
    assert found["shots"] > 0.9
    assert found["people"] > 0.95
    assert found["places"] > 0.95

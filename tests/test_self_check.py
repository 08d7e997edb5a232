"""The model looks at its own pictures, and what shows something else than planned is drawn again."""

import json
import random
from collections.abc import Mapping

import pytest
from conftest import photo
from PIL import Image

from bench.stories import tell
from nextscene import hub
from nextscene.model import SEEING, Asking, Model, Probes, load_pipeline
from nextscene.provenance import Provenance
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import ANSWERS, Shot, from_data, plan
from storybook import seeing
from storybook.world import State, draw, random_state

SIZE = (64, 64)


@pytest.fixture(scope="module")
def built_in() -> Probes:
    import torch

    folder = hub.find("storybook").folder
    return Probes(load_pipeline(folder, torch.float32), folder / SEEING)


def planned(state: State) -> dict[str, str]:
    return {kind: answers[getattr(state, name)] for kind, (name, answers) in seeing.ANSWERS.items()}


def test_the_built_in_model_sees_what_a_drawn_picture_shows(built_in: Probes) -> None:
    chance = random.Random(7)
    for state in [random_state(chance, held_out=True) for _ in range(12)]:
        other = {"light": "day", "weather": "snow", "place": "desert", "subject": "tower", "colour": "white"}
        picture = draw(state, 128, 96)
        for shown in (picture, picture.resize((1024, 768), Image.Resampling.LANCZOS)):
            answers = built_in.see(shown, other)
            assert answers.items() <= planned(state).items()
            assert {"light", "weather", "place"} <= answers.keys()
        assert built_in.see(draw(state, 160, 96), other) == {}, "it was not taught pictures of that shape"


def test_it_answers_only_what_is_planned_and_what_it_was_taught(built_in: Probes) -> None:
    picture = draw(tell(1).truth[0], 128, 96)
    assert built_in.see(picture, {}) == {}
    assert built_in.see(picture, {"weather": "fog"}).keys() == {"weather"}
    assert built_in.see(picture, {"place": "harbour", "subject": "dog", "hat": "red"}) == {}


def test_what_is_gone_has_no_colour(built_in: Probes) -> None:
    state = tell(1).truth[0]
    gone = built_in.see(draw(state.but(landmark="nothing"), 128, 96), planned(state))
    assert gone["subject"] == "nothing"
    assert "colour" not in gone


def test_a_model_without_probes_is_asked_and_answers_nothing_but_what_is_offered(small: Model) -> None:
    assert isinstance(small.sight, Asking)
    asked = {"light": "night", "weather": "rain", "place": "attic", "subject": "dragon", "colour": "red"}
    answers = Asking(small.pipe, sure=0).see(photo(), asked)
    assert answers.keys() == asked.keys()
    assert all(answers[kind] in {asked[kind], *ANSWERS[kind], "something else"} for kind in asked)
    assert small.sight.see(photo(), asked) == {}, "random weights are never sure"


class Eyes:
    """Sees these things, in one picture after another."""

    def __init__(self, *answers: Mapping[str, str]) -> None:
        self.answers = iter(answers)
        self.planned: list[Mapping[str, str]] = []

    def see(self, picture: Image.Image, planned: Mapping[str, str]) -> dict[str, str]:
        self.planned.append(planned)
        return dict(next(self.answers))


def shots_of(*scenes: str) -> list[Shot]:
    return plan(from_data(list(scenes)), StorySettings(steps=2), 1, SIZE)


def studio_with(eyes: Eyes, small: Model, monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setattr(small, "sight", eyes)
    return Studio(small)


def test_a_scene_that_shows_something_else_is_drawn_again_until_it_does_not(
    small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    eyes = Eyes({"light": "day"}, {"light": "dusk"}, {"light": "night"}, {})
    shots = shots_of("a house at night", "it rains")
    first, second = studio_with(eyes, small, monkeypatch).shoot(shots, {}, self_check=3)
    assert (first.shot.take, first.provenance.tried, first.astray) == (3, 3, [])
    assert (second.shot.take, second.provenance.seen) == (1, {})
    assert eyes.planned == [{"light": "night", "subject": "house"}] * 3 + [
        {"light": "night", "weather": "rain", "subject": "house"}
    ]


def test_of_takes_that_all_go_astray_the_best_is_kept_and_says_so(
    small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, one = {"light": "day", "subject": "nothing"}, {"light": "night", "subject": "nothing"}
    found = studio_with(Eyes(both, one, both), small, monkeypatch)
    (take,) = found.shoot(shots_of("a house at night"), {}, self_check=2)
    assert (take.shot.take, take.astray, take.provenance.seen) == (2, ["subject"], one)
    assert "nothing, not house" in take.provenance.noticed
    assert Provenance.from_json(json.loads(json.dumps(take.provenance.to_json())), "it").seen == one


def test_it_does_not_look_unless_it_is_asked_to_nor_where_nothing_is_planned(
    small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = studio_with(Eyes(), small, monkeypatch)
    (take,) = blind.shoot(shots_of("a house at night"), {})
    assert "seen" not in take.provenance.to_json()
    (take,) = blind.shoot(shots_of("la nuit"), {}, self_check=2)
    assert (take.shot.take, take.provenance.seen) == (1, {})

"""Words by other hands: the list is sound, its judge can fail, and no lesson is made of it."""

import ast
from collections.abc import Sequence

import pytest
from conftest import ROOT
from PIL import Image

from storybook import held_out
from storybook.families import VALUES
from storybook.held_out import SEEN, Wording, judge, verdicts, wordings
from storybook.world import State, draw, is_held_out

EVERY = wordings()
SOME = EVERY[::6]  # of every kind


def drawn(_: Sequence[str], states: Sequence[State]) -> list[Image.Image]:
    return [draw(state) for state in states]


def figures(right: Sequence[State]) -> tuple[float, float]:
    """What is found of pictures of these states, one for each wording."""
    found = held_out.figures(verdicts(lambda words, _: drawn(words, right), SOME))
    return found["followed"], found["nothing else changed"]


def test_there_are_many_wordings_of_every_kind_by_several_hands() -> None:
    assert len({each.words for each in EVERY}) == len(EVERY) >= 60
    kinds, hands = ([getattr(each, name) for each in EVERY] for name in ("kind", "hand"))
    assert min(map(kinds.count, ("light", "weather", "camera", "colour"))) >= 15
    assert kinds.count("place") + kinds.count("landmark") >= 15
    assert min(map(hands.count, hands)) >= 8
    assert len(set(hands)) >= 5


def test_each_asks_for_something_of_a_world_that_training_never_sees() -> None:
    for each in EVERY:
        assert each.asks_for
        assert is_held_out(each.before)
        assert draw(each.before).tobytes() != draw(each.after).tobytes()


def test_pictures_that_show_what_the_words_ask_pass() -> None:
    assert figures([each.after for each in SOME]) == (1, 1)


def test_pictures_in_which_nothing_changes_fail() -> None:
    assert figures([each.before for each in SOME]) == (0, 1)


def test_pictures_in_which_something_else_changes_too_fail() -> None:
    assert figures([also_other(each) for each in SOME]) == (1, 0)


def also_other(wording: Wording) -> State:
    name, values = next((name, values) for name, values in VALUES.items() if name not in wording.asks_for)
    return wording.after.but(**{name: next(each for each in values if each != getattr(wording.after, name))})


@pytest.mark.parametrize(("pan", "followed"), [(-2, True), (-1, True), (0, False), (1, False)])
def test_of_the_camera_it_counts_whether_it_went_that_way(pan: int, followed: bool) -> None:
    wording = Wording("camera", "anybody", "the lens swings left", State(), State(pan=-2))
    assert judge(wording, State(pan=pan)) == (followed, True)


def test_what_lessons_are_made_of_never_comes_from_the_list() -> None:
    sources = {path.stem: path.read_text() for path in (ROOT / "storybook").glob("*.py")}
    importing = {name for name, source in sources.items() if "storybook.held_out" in imports(ast.parse(source))}
    assert importing == {"make"}
    assert {name for name, source in sources.items() if "held_out.json" in source} == {"held_out"}


def imports(module: ast.Module) -> list[str]:
    names: list[str] = []
    for node in ast.walk(module):
        if isinstance(node, ast.Import | ast.ImportFrom):
            within = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names += [within + alias.name for alias in node.names]
    return names


def test_all_that_is_seen_of_a_world_has_a_name() -> None:
    assert {*SEEN, "layout"} == set(State.__dataclass_fields__)

"""Many ways of saying the same: each word means one thing, and no wording that is held out can be said."""

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import pytest

from storybook import held_out, sayings, thesaurus, words
from storybook.edits import edit
from storybook.families import VALUES, family
from storybook.words import FARTHEST
from storybook.world import State

Rules = Mapping[str, Iterable[str]]
TABLES = ("LANDMARKS", "COLOURS", "PLACES", "AT", "LIGHTS", "SKIES", "WEATHERS", "ADJECTIVES", "FALLS")
STEPS = [(axis, step) for axis, far in FARTHEST.items() for step in range(-far, far + 1) if step]


@pytest.mark.parametrize("name", TABLES)
def test_no_text_means_two_things(name: str) -> None:
    table = getattr(thesaurus, name)
    texts = [text for values in table.values() for text in set(values)]
    assert len(texts) == len(set(texts))


def test_every_rule_that_a_text_needs_is_there() -> None:
    chance = random.Random(0)
    for number in range(300):
        before, after = _change(family(number), chance)
        for said in (
            sayings.caption(after, chance),
            *(sayings.change(before, after, chance, way) for way in (True, False)),
        ):
            assert re.fullmatch(r"[\w ,.;:?'-]+", said), said


def test_lessons_say_the_same_in_many_ways() -> None:
    chance = random.Random(0)
    ways = {
        sayings.change(State(), State(light="night"), chance, camera=False).lower().rstrip(".") for _ in range(2000)
    }
    assert len(ways) > 500
    assert "night falls" not in ways  # the plain grammar says that


def _change(states: list[State], chance: random.Random) -> tuple[State, State]:
    task = edit(states, chance)
    return states[task.sees[0]], states[task.shows]


def pattern(text: str, rules: Rules) -> str:
    """All that a text may become, as one regular expression."""
    texts = re.split(r"\{(\w+)\}", text)
    parts = [re.escape(each) if at % 2 == 0 else any_of(rules[each], rules) for at, each in enumerate(texts)]
    return "".join(parts).replace(r"\ ", r"\s*").replace(",", ",?").replace(r"\?", r"\??")


def any_of(texts: Iterable[str], rules: Rules) -> str:
    return f"(?:{'|'.join(sorted({pattern(text, rules) for text in texts}))})"


@lru_cache
def whole_grammar() -> tuple[re.Pattern[str], ...]:
    """What the sentences of every lesson are made of, plain or not; a capital, a full stop or a prefix aside."""
    states = [State(), *(State().but(**{name: value}) for name, values in VALUES.items() for value in values)]
    rules: dict[str, set[str]] = {}
    for before, after in [*((one, State()) for one in states), *((State(), one) for one in states)]:
        for name, texts in sayings.rules(before, after).items():
            rules.setdefault(name, set()).update(texts)
    spots = any_of({text for texts in sayings.SPOTS.values() for text in texts}, {})
    rules["a"] = {"a {colour} {lm}"}
    names = [f"{{{name}}}" for name in ("new_light", "new_weather", "new_place", "new_landmark", "new_colour", "same")]
    found = [pattern(text, rules) for text in (*names, *(text for texts in sayings.FRAMES.values() for text in texts))]
    found += [pattern("{caption}", rules).replace(pattern("a {colour} {lm}", rules), rf"a .*{spots}?")]
    for axis, step in STEPS:
        moves = [sayings.move_rules(State(landmark=each), axis, step) for each in VALUES["landmark"]]
        found += [pattern("{move}", each) for each in moves]
    return tuple(re.compile(each) for each in [*found, *plain_grammar()])


def plain_grammar() -> Iterator[str]:
    nouns = {text for texts in words.SAYS["landmark"].values() for text in texts}
    named = {"old": nouns, "new": nouns, "landmark": nouns, "colour": VALUES["colour"]}
    rules = named | {
        name: {t for texts in words.SAYS[name].values() for t in texts} for name in ("place", "light", "weather")
    }
    rules["a"] = {"a {colour} {landmark}"}
    changes = [words.CHANGES, *words.BECOMES.values()]
    tables = [*words.MOVES.values(), *words.FRAMES.values(), *(texts for table in changes for texts in table.values())]
    for texts in (words.CAPTIONS, words.SAME, *tables):
        yield from (pattern(text, rules) for text in texts)
    yield from (
        pattern(move + more, rules) for texts in words.MOVES.values() for move in texts for more in words.REVEALS
    )


def can_be_said(text: str) -> bool:
    """Whether lessons can have this text, alone or joined of several."""
    text = text.lower().rstrip(".?! ")
    if any(each.fullmatch(text) for each in whole_grammar()):
        return True
    joints = {join for join in (*sayings.JOINS, " as ") if join.strip()}
    cuts = [(at.start(), at.end()) for join in joints for at in re.finditer(re.escape(join), text)]
    return any(can_be_said(text[:start]) and can_be_said(text[end:]) for start, end in cuts)


def test_what_lessons_say_is_found_to_be_said() -> None:
    chance = random.Random(1)
    for number in range(20):
        before, after = _change(family(number), chance)
        said = [
            sayings.change(before, after, chance, camera=chance.random() < 0.5),
            words.instruction(before, after, chance),
        ]
        said += [words.caption(after.but(pan=0, tilt=0, zoom=0), chance)]
        for text in said:
            assert can_be_said(text), text


@pytest.mark.parametrize("wording", held_out.wordings(), ids=lambda wording: wording.words)
def test_no_lesson_has_a_wording_that_is_held_out(wording: held_out.Wording) -> None:
    assert not can_be_said(wording.words)

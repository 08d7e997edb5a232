"""What training is asked: a picture from words, or a change of one or two pictures, each from a family of states.

A `Task` names the pictures it looks at and the one that is right by their place in the family. The base is never
taught what the camera's words do: at most that, for it, they change nothing.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from storybook.families import FAMILY, VALUES, VIEWS
from storybook.words import camera, caption, instruction
from storybook.world import State

AXES = ("pan", "tilt", "zoom")
FARTHEST_AT_ONCE = {"pan": 2, "tilt": 1, "zoom": 1}


@dataclass(frozen=True)
class Task:
    """Words, the pictures that they are about, and the picture that is right; all of one family."""

    words: str
    sees: tuple[int, ...]
    shows: int
    camera: bool = False  # whether the words have a move of the camera in them


def from_words(states: list[State], chance: random.Random) -> Task:
    shows = chance.choice((0, *range(FAMILY)))
    return Task(_prefixed(caption(states[shows], chance), chance), (), shows)


def edit(states: list[State], chance: random.Random) -> Task:
    """A change of one picture: framing in two of five, else light, weather, landmark, colour, place or nothing."""
    kind = chance.random()
    if kind < 0.06:  # the camera's words mean nothing to the base: what else is said happens
        before, after = _changed(states, chance) if kind < 0.02 else (chance.randrange(FAMILY),) * 2
        frm, to = _moved(states, chance)
        change = "" if before == after else f" and {instruction(states[before], states[after], chance).lower()}"
        return Task(camera(states[frm], states[to], chance).rstrip(".") + change, (before,), after, camera=True)
    if kind < 0.10:
        before = after = chance.randrange(FAMILY)
    elif kind < 0.48:
        before, after = _moved(states, chance)
    else:
        before, after = _changed(states, chance)
    words = instruction(states[before], states[after], chance)
    return Task(_prefixed(words, chance), (before,), after)


def scene(states: list[State], chance: random.Random) -> Task:
    """What the LoRA is taught: the next scene, by the camera's words."""
    before, after = _moved(states, chance)
    return Task(camera(states[before], states[after], chance), (before,), after, camera=True)


def edit_of_two(states: list[State], chance: random.Random) -> Task:
    """Something of the second picture in the first; or an edit of the first, with an earlier scene beside it."""
    if chance.random() < 0.4:
        task = edit(states, chance)
        return replace(task, sees=(*task.sees, chance.randrange(FAMILY)))
    wanted = {
        "with the light of picture 2": (9, 10),
        "in the weather of picture 2": (11, 12),
        "with the landmark of picture 2": (13,),
        "in the colour of picture 2": (14,),
        "in the place of picture 2": (15,),
    }
    words, changed = chance.choice(list(wanted.items()))
    before = chance.choice(changed)
    other = chance.choice([at for at in range(VIEWS, FAMILY) if at not in changed])
    return Task(words, (before, other), 0)


def with_another(state: State, names: Sequence[str], chance: random.Random) -> State:
    """The state, but one of these things is another than it was."""
    name = chance.choice(names)
    return state.but(**{name: chance.choice([value for value in VALUES[name] if value != getattr(state, name)])})


KINDS: dict[str, tuple[float, Callable[[list[State], random.Random], Task]]] = {
    "words": (0.26, from_words),
    "edit": (0.67, edit),
    "two": (0.07, edit_of_two),
}


def _prefixed(words: str, chance: random.Random) -> str:
    """Some prompts of a story begin like the camera's, and mean the same."""
    return f"Next Scene: {words}" if chance.random() < 0.3 else words


def _moved(states: list[State], chance: random.Random) -> tuple[int, int]:
    """Two views of a family that one move of the camera leads between; every axis alike, zoom more often."""
    while True:
        axis = chance.choice(("pan", "tilt", "zoom", "zoom"))
        before, after = chance.sample(range(VIEWS), 2)
        one, other = states[before], states[after]
        step = abs(getattr(other, axis) - getattr(one, axis))
        if 0 < step <= FARTHEST_AT_ONCE[axis] and one.but(**{axis: getattr(other, axis)}) == other:
            return before, after


def _changed(states: list[State], chance: random.Random) -> tuple[int, int]:
    """Two states of a family with one or two named differences that are not the camera's; the place, hardest, often."""
    other = chance.choice((*range(VIEWS, FAMILY), FAMILY - 1))
    if chance.random() < 0.75:
        pair = (0, other)
    else:
        pair = (other, chance.choice([at for at in range(VIEWS, FAMILY) if at != other]))
    return pair if chance.random() < 0.5 else (pair[1], pair[0])

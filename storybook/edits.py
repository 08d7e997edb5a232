"""What training is asked: a picture from words, or a change of one to three pictures, each from a family of states.

A `Task` names the pictures it looks at and the one that is right by their place in the family. The base is never
taught what the camera's words do: at most that, for it, they change nothing.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from storybook import sayings
from storybook.families import ALONE, ELSEWHERE, GONE, SAID, VALUES, VIEWS
from storybook.words import camera, caption, instruction
from storybook.world import State

AXES = ("pan", "tilt", "zoom")
FARTHEST_AT_ONCE = {"pan": 2, "tilt": 1, "zoom": 1}
TWO_AXES = 0.2  # of all moves
FREE = 0.6  # of all lessons: said in any of many ways
CAMERA = 0.09  # of the base's edits: with a move of the camera, which it is not to make
EARLIER = (*range(VIEWS), *range(VIEWS, VIEWS + 4))  # the same world from elsewhere, or in other moods


@dataclass(frozen=True)
class Task:
    """Words, the pictures that they are about, and the picture that is right; all of one family.

    free: the same said in any of many ways (`storybook.sayings`).
    """

    words: str
    free: str
    sees: tuple[int, ...]
    shows: int
    camera: bool = False  # whether the words have a move of the camera in them

    def said(self, chance: random.Random) -> str:
        """One or the other."""
        return self.free if chance.random() < FREE else self.words


def from_words(states: list[State], chance: random.Random) -> Task:
    shows = chance.choice((0, *range(SAID)))
    plain, free = (say(states[shows], chance) for say in (caption, sayings.caption))
    return Task(_prefixed(plain, chance), _prefixed(free, chance), (), shows)


def edit(states: list[State], chance: random.Random) -> Task:
    """A change of one picture: framing in two of five, else light, weather, landmark, colour, place or nothing."""
    kind = chance.random()
    if kind < CAMERA:  # the camera's words mean nothing to the base: what else is said happens
        before, after = _changed(states, chance) if kind < CAMERA / 3 else (chance.randrange(SAID),) * 2
        return _unmoved(states, _moved(states, chance), (before, after), chance)
    if kind < CAMERA + 0.04:
        before = after = chance.randrange(SAID)
    elif kind < 0.48:
        before, after = _moved(states, chance)
    else:
        before, after = _changed(states, chance)
    return _told(states, before, after, chance)


def scene(states: list[State], chance: random.Random) -> Task:
    """What the LoRA is taught: the next scene, by the camera's words."""
    before, after = _moved(states, chance)
    free = f"Next Scene: {sayings.change(states[before], states[after], chance, camera=True)}"
    return Task(camera(states[before], states[after], chance), free, (before,), after, camera=True)


def edit_of_two(states: list[State], chance: random.Random) -> Task:
    """Something of the second picture in the first; or an edit, with an earlier scene to remember the world by."""
    if chance.random() < 0.6:
        return remembering(states, chance, (EARLIER if chance.random() < 0.6 else (ALONE,),))
    wanted = {
        "with the light of picture 2": (9, 10),
        "in the weather of picture 2": (11, 12),
        "with the landmark of picture 2": (13,),
        "in the colour of picture 2": (14,),
        "in the place of picture 2": (15,),
    }
    words, changed = chance.choice(list(wanted.items()))
    before = chance.choice(changed)
    other = chance.choice([at for at in range(VIEWS, SAID) if at not in changed])
    return Task(words, words, (before, other), 0)


def edit_of_three(states: list[State], chance: random.Random) -> Task:
    """An edit, with an earlier scene and the landmark alone to remember the world by."""
    return remembering(states, chance, (EARLIER, (ALONE,)))


def remembering(states: list[State], chance: random.Random, kept: Sequence[Sequence[int]]) -> Task:
    """An edit of a picture that may have lost something, with one picture of each of these that still has it.

    They show the same place and landmark, from elsewhere or in other moods; what is theirs alone (the camera, light
    and weather) is not to be taken over.
    """
    moods, views = range(VIEWS, VIEWS + 4), [at for at in range(1, VIEWS) if _can_move(states[0], states[at])]
    after = chance.choice(views if chance.random() < 0.6 else moods)
    lost = (13, 14, GONE) if kept[0] == (ALONE,) else (13, 14, GONE, ELSEWHERE)
    before = chance.choice(lost) if chance.random() < 0.7 else 0
    others = [chance.choice([at for at in each if at != after]) for each in kept]
    return replace(_told(states, 0, after, chance), sees=(before, *others))


def with_another(state: State, names: Sequence[str], chance: random.Random) -> State:
    """The state, but one of these things is another than it was."""
    name = chance.choice(names)
    return state.but(**{name: chance.choice([value for value in VALUES[name] if value != getattr(state, name)])})


KINDS: dict[str, tuple[float, Callable[[list[State], random.Random], Task]]] = {
    "words": (0.24, from_words),
    "edit": (0.56, edit),
    "two": (0.14, edit_of_two),
    "three": (0.06, edit_of_three),
}


def _told(states: list[State], before: int, after: int, chance: random.Random) -> Task:
    one, other = states[before], states[after]
    free = sayings.change(one, other, chance, camera=False)
    return Task(_prefixed(instruction(one, other, chance), chance), _prefixed(free, chance), (before,), after)


def _unmoved(states: list[State], move: tuple[int, int], change: tuple[int, int], chance: random.Random) -> Task:
    """A move of the camera in its own words, and another change or none; only the change is to be seen."""
    frm, to, before, after = (states[at] for at in (*move, *change))
    plain = camera(frm, to, chance).rstrip(".")
    free = f"Next Scene: {sayings.change(frm, to, chance, camera=True)}".rstrip(".?")
    if before != after:
        plain += f" and {instruction(before, after, chance).lower()}"
        free += f" and {sayings.change(before, after, chance, camera=False).lower()}"
    return Task(plain, free, (change[0],), change[1], camera=True)


def _prefixed(words: str, chance: random.Random) -> str:
    """Some prompts of a story begin like the camera's, and mean the same."""
    return f"Next Scene: {words}" if chance.random() < 0.3 else words


def _moved(states: list[State], chance: random.Random) -> tuple[int, int]:
    """Two views of a family that a move of the camera leads between; every axis alike, zoom more often."""
    axes = 2 if chance.random() < TWO_AXES else 1
    while True:
        axis = chance.choice(("pan", "tilt", "zoom", "zoom"))
        before, after = chance.sample(range(VIEWS), 2)
        moved = [name for name in AXES if getattr(states[before], name) != getattr(states[after], name)]
        if len(moved) == axes and axis in moved and _can_move(states[before], states[after]):
            return before, after


def _can_move(one: State, other: State) -> bool:
    """Whether no axis is further than there are words for."""
    return all(abs(getattr(other, axis) - getattr(one, axis)) <= far for axis, far in FARTHEST_AT_ONCE.items())


def _changed(states: list[State], chance: random.Random) -> tuple[int, int]:
    """Two states of a family with one or two named differences that are not the camera's; the place, hardest, often."""
    other = chance.choice((*range(VIEWS, SAID), SAID - 1))
    if chance.random() < 0.75:
        pair = (0, other)
    else:
        pair = (other, chance.choice([at for at in range(VIEWS, SAID) if at != other]))
    return pair if chance.random() < 0.5 else (pair[1], pair[0])

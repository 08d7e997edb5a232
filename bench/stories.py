"""Stories of the drawn world whose truth is known: words in order, and what is to be seen after each of them.

An opening in a world that training never saw, then moves of the camera and changes of light and weather, one to a
scene, all in wordings that training never used. It knows no models and no pictures.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from storybook.families import VALUES
from storybook.words import FARTHEST, NAMED, camera, caption, instruction, next_state
from storybook.world import LIGHTS, WEATHERS, State, random_state

SCENES = 16
THINGS = tuple(field.name for field in fields(State))  # all that a state says
STEPS = {"pan": (-2, -1, 1, 2), "tilt": (-1, 1), "zoom": (-1, 1)}  # what the camera's words can ask for
OTHERS = {"light": LIGHTS, "weather": WEATHERS}


@dataclass(frozen=True)
class Told:
    """A story and its truth: for each scene, the words, and the state that they lead to. Its number is its seed too."""

    number: int
    words: tuple[str, ...]
    truth: tuple[State, ...]

    def in_layout(self, layout: int) -> "Told":
        """The same, once the opening has shown which of the place's layouts it is: words do not say it."""
        return replace(self, truth=tuple(state.but(layout=layout) for state in self.truth))


def tell(number: int, scenes: int = SCENES) -> Told:
    """The story of this number; the same number always tells the same one."""
    return _told(number, scenes, random.Random(f"continuity {number}"), (*STEPS, *OTHERS))


def tell_of_everything(number: int, scenes: int = SCENES) -> Told:
    """A story in which the place, the landmark and its colour change as well."""
    return _told(number, scenes, random.Random(f"everything {number}"), (*STEPS, *NAMED))


def _told(number: int, scenes: int, chance: random.Random, changes: Sequence[str]) -> Told:
    state = random_state(chance, held_out=True)
    words, truth = [caption(state, chance, held_out=True)], [state]
    for kind in _kinds(scenes - 1, changes, chance):
        asked = state.but(**{kind: _other(state, kind, chance)})
        say = camera if kind in STEPS else instruction
        words.append(say(state, asked, chance, held_out=True))
        state = next_state(state, words[-1])
        truth.append(state)
    return Told(number, tuple(words), tuple(truth))


def _kinds(count: int, changes: Sequence[str], chance: random.Random) -> list[str]:
    """What changes in each scene: each of these once before any comes again."""
    kinds: list[str] = []
    while len(kinds) < count:
        kinds += chance.sample(changes, len(changes))
    return kinds[:count]


def _other(state: State, kind: str, chance: random.Random) -> Any:
    """Another value, which one step of the camera reaches without its running into an end."""
    now = getattr(state, kind)
    if kind in VALUES:
        return chance.choice([value for value in VALUES[kind] if value != now])
    return now + chance.choice([step for step in STEPS[kind] if abs(now + step) <= FARTHEST[kind]])

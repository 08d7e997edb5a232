"""The drawn world in time: a clip is a state that goes over into another, 17 frames at 8 a second.

In come a first and a last state of the same place, layout and landmark, out come frames that are always the same. The
camera goes its way evenly; light and weather come gradually. Rain and snow fall and sails turn by themselves, in a loop
of four frames: as long as one latent frame, so that a clip's own frames stand at the loop's start where latents do.
"""

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

from storybook.families import VALUES
from storybook.world import (
    FARTHEST_PAN,
    FARTHEST_TILT,
    FARTHEST_ZOOM,
    HEIGHT,
    WIDTH,
    Moment,
    State,
    draw,
    is_held_out,
    random_state,
)

FRAMES, RATE = 17, 8
LOOP = 4  # frames of rain, snow and sails, and of one latent frame
RISE = 24.0  # how far a balloon rises
BOAT = (-84.0, 24.0)  # where a boat comes from and goes to
MOVES = (("pan", 2), ("pan", -2), ("pan", 1), ("pan", -1), ("tilt", 1), ("tilt", -1), ("zoom", 1), ("zoom", -1))
FARTHEST = {"pan": FARTHEST_PAN, "tilt": FARTHEST_TILT, "zoom": FARTHEST_ZOOM}


@dataclass(frozen=True)
class Clip:
    """What is to be seen first and last; whether the balloon rises, and whether a boat crosses the sea."""

    first: State
    last: State
    rises: bool = False
    boat: bool = False

    @property
    def step(self) -> dict[str, int]:
        """How far the camera goes on each axis."""
        return {axis: getattr(self.last, axis) - getattr(self.first, axis) for axis in FARTHEST}

    def moment(self, share: float, state: State) -> Moment:
        """What time has done to the first or the last state when this share of the clip has passed."""
        camera = {axis: getattr(self.first, axis) + by * share - getattr(state, axis) for axis, by in self.step.items()}
        boat = BOAT[0] + (BOAT[1] - BOAT[0]) * share if self.boat else None
        beat = share * (FRAMES - 1) / LOOP % 1
        return Moment(**camera, beat=beat, rise=RISE * share if self.rises else 0, boat=boat)


def draw_frame(clip: Clip, number: int, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """One frame; where light or weather change, the first mood fades into the last."""
    share = number / (FRAMES - 1)
    first = draw(clip.first, width, height, clip.moment(share, clip.first))
    if (clip.first.light, clip.first.weather) == (clip.last.light, clip.last.weather) or not share:
        return first
    return Image.blend(first, draw(clip.last, width, height, clip.moment(share, clip.last)), share)


def frames(clip: Clip, numbers: range = range(FRAMES)) -> np.ndarray:
    """Some of a clip's frames, (frames, height, width, 3) in bytes."""
    return np.stack([np.asarray(draw_frame(clip, number)) for number in numbers])


def camera_clip(chance: random.Random, held_out: bool = False) -> Clip:
    """The camera moves; in one of five it stands still. Now and then the light or the weather changes with it."""
    first = _start(chance, held_out)
    last = first if chance.random() < 0.2 else moved(first, chance)
    return Clip(first, _in_another_mood(last, chance) if chance.random() < 0.1 else last)


def world_clip(chance: random.Random, held_out: bool = False) -> Clip:
    """Something happens before a camera that stands still."""
    kind = chance.choice(("light", "weather", "balloon", "boat"))
    first = _start(chance, held_out, landmark="balloon" if kind == "balloon" else None)
    if kind == "balloon":
        return Clip(first, first, rises=True)
    if kind == "boat":
        first = first.but(place="sea", pan=0) if held_out or not is_held_out(first.but(place="sea")) else first
        return Clip(first, first, boat=True) if first.place == "sea" else world_clip(chance, held_out)
    return Clip(first, another(first, kind, chance))


def joining_clip(chance: random.Random, held_out: bool = False) -> Clip:
    """From one scene of a story to the next, of the same place and landmark: another view, another mood, or both."""
    first = _start(chance, held_out)
    last = moved(first, chance) if chance.random() < 0.75 else first
    if chance.random() < 0.2:
        last = moved(last, chance)
    last = first.but(**{axis: max(-2, min(2, getattr(last, axis))) for axis in FARTHEST}) if last != first else last
    return Clip(first, _in_another_mood(last, chance) if last == first or chance.random() < 0.35 else last)


def still_clip(chance: random.Random, held_out: bool = False) -> Clip:
    """Nothing happens, but for what moves by itself."""
    first = _start(chance, held_out)
    return Clip(first, first)


def moved(state: State, chance: random.Random) -> State:
    """The state after a move of the camera that the world has room for."""
    axis, by = chance.choice([(axis, by) for axis, by in MOVES if abs(getattr(state, axis) + by) <= FARTHEST[axis] + 1])
    return state.but(**{axis: getattr(state, axis) + by})


def another(state: State, name: str, chance: random.Random) -> State:
    return state.but(**{name: chance.choice([value for value in VALUES[name] if value != getattr(state, name)])})


def _in_another_mood(state: State, chance: random.Random) -> State:
    return another(state, chance.choice(("light", "weather")), chance)


def _start(chance: random.Random, held_out: bool, landmark: str | None = None) -> State:
    """A state as a scene of a story may show it: half of them straight on, the others from where moves lead."""
    while True:
        state = random_state(chance, held_out)
        if landmark is None or state.landmark == landmark:
            break
    if chance.random() < 0.5:
        return state
    return state.but(**{axis: chance.randint(-far, far) for axis, far in FARTHEST.items()})

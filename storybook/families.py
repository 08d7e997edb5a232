"""The pictures that training sees: families of states that differ in a few named things, drawn once.

In come a seed and a count, out come the states (made again each time) and an array of pictures (kept in a file).
"""

import random
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from storybook.world import (
    COLOURS,
    FARTHEST_PAN,
    FARTHEST_TILT,
    FARTHEST_ZOOM,
    HEIGHT,
    LANDMARKS,
    LAYOUTS,
    LIGHTS,
    NOTHING,
    PLACES,
    WEATHERS,
    WIDTH,
    State,
    draw,
    is_held_out,
    random_state,
)  # fmt: skip

VIEWS = 9  # of each family: its first state from every place that one move of the camera leads to
SAID = 16  # of each family: those, and the same with one thing changed, that words lead between
ALONE, GONE, ELSEWHERE = range(SAID, 19)  # its landmark alone, it without its landmark, and with other hills or trees
FAMILY = 19
VALUES = {"place": PLACES, "light": LIGHTS, "weather": WEATHERS, "landmark": LANDMARKS, "colour": COLOURS}
CHANGES = ("light", "light", "weather", "weather", "landmark", "colour", "place")


def family(seed: int) -> list[State]:
    """A state; the same from other sides, up to a move of the camera away; then the same with one thing changed.

    The last ones no words ask for: they are what a chain may show by mistake, and what reminds it of its landmark.
    """
    chance = random.Random(seed)
    while len(states := _related(chance)) < SAID:
        pass  # all that one of the changes could lead to is held out: another one
    first = states[0]
    alone = State(place=NOTHING, landmark=first.landmark, colour=first.colour)
    others = [first.but(layout=layout) for layout in range(LAYOUTS) if layout != first.layout]
    elsewhere = chance.choice([state for state in others if not is_held_out(state)])
    return [*states, alone, first.but(landmark=NOTHING), elsewhere]


def _related(chance: random.Random) -> list[State]:
    first = random_state(chance)
    if chance.random() < 0.5:
        first = first.but(
            pan=chance.randint(-FARTHEST_PAN, FARTHEST_PAN),
            tilt=chance.randint(-FARTHEST_TILT, FARTHEST_TILT),
            zoom=chance.randint(-FARTHEST_ZOOM, FARTHEST_ZOOM),
        )
    states = [first]
    for axis, far in (("pan", FARTHEST_PAN), ("tilt", FARTHEST_TILT), ("zoom", FARTHEST_ZOOM)):
        states += [first.but(**{axis: at}) for at in range(-far, far + 1) if at != getattr(first, axis)]
    for name in CHANGES:
        options = [first.but(**{name: value}) for value in VALUES[name]]
        options = [state for state in options if state not in states and not is_held_out(state)]
        states += [chance.choice(options)] if options else []
    return states


def drawn(folder: Path, families: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> np.ndarray:
    """All pictures of the families, (families, FAMILY, height, width, 3) in bytes; drawn at the first call."""
    path = folder / "pictures.npy"
    if not path.is_file():
        part = path.with_name("pictures.part.npy")
        pictures = open_memmap(part, "w+", np.uint8, (families, FAMILY, size[1], size[0], 3))
        for number in range(families):
            pictures[number] = [np.asarray(draw(state, *size)) for state in family(number)]
        pictures.flush()
        part.replace(path)
    return np.load(path, mmap_mode="r")

"""What a picture shows: the state of the drawn world whose drawn picture it is nearest to. It knows no models.

There are 576,000 states, those whose landmark is gone among them; they are searched from likely ones, a few of their
things at a time, until none is nearer.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from storybook.words import FARTHEST
from storybook.world import COLOURS, LANDMARKS, LAYOUTS, LIGHTS, NOTHING, PLACES, WEATHERS, State, draw

VALUES: dict[str, Sequence[Any]] = {
    "place": PLACES, "light": LIGHTS, "weather": WEATHERS, "landmark": (*LANDMARKS, NOTHING), "colour": COLOURS,
    "layout": range(LAYOUTS), **{axis: range(-far, far + 1) for axis, far in FARTHEST.items()},
}  # fmt: skip
TOGETHER = (("pan", "tilt", "zoom"), ("light", "weather"), ("place", "layout"), ("landmark", "colour"))
SEARCHED = (64, 48)  # pixels that states are drawn in to be compared, and then halved: shapes count for more than rain

Bytes = NDArray[np.uint8]


def shown(picture: Image.Image, likely: Iterable[State]) -> State:
    """The state that a picture shows, searched from each of the likely ones."""
    small = _small(picture)
    return min((_searched(small, state) for state in likely), key=lambda state: _apart(small, state))


def layout(picture: Image.Image, state: State) -> int:
    """Which layout a picture of this state is nearest to."""
    return _nearest(_small(picture), [state.but(layout=each) for each in range(LAYOUTS)]).layout


def _searched(small: Bytes, state: State) -> State:
    while True:
        before = state
        for names in TOGETHER:
            values = product(*(VALUES[name] for name in names))
            state = _nearest(small, [state.but(**dict(zip(names, each, strict=True))) for each in values])
        if state == before:
            return state


def _nearest(small: Bytes, states: Sequence[State]) -> State:
    return min(states, key=lambda state: _apart(small, state))


def _apart(small: Bytes, state: State) -> int:
    return int(np.square(small.astype(np.int32) - _drawn(state)).sum())


@lru_cache(maxsize=40_000)
def _drawn(state: State) -> Bytes:
    return _small(draw(state, *SEARCHED))


def _small(picture: Image.Image) -> Bytes:
    return np.asarray(picture.resize((SEARCHED[0] // 2, SEARCHED[1] // 2), Image.Resampling.BOX))

"""What is told of chains of scenes, column by column, and how sure it is that one way is better than another.

Sights go in (see `bench.sight`), numbers come out: of each story and each scene, then of all stories. It knows no
pictures and no models.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.sight import Sight
from bench.stories import STEPS, THINGS

Floats = NDArray[np.float64]
Scenes = Sequence[Sight]
Ways = Mapping[str, Sequence[Scenes]]  # by a way's name: its chains, story by story
SURE = 1.96  # deviations on each side of its mean, between which 95 of 100 values lie


@dataclass(frozen=True)
class Column:
    """One thing that is told of each scene.

    of: a chain's scenes to its values, one for each scene; NaN where there is nothing to tell.
    worth: what a value is worth; more is better.
    """

    name: str
    unit: str
    form: str
    of: Callable[[Scenes], Sequence[float]]
    worth: Callable[[Floats], Floats]


def more(values: Floats) -> Floats:
    return values


def less(values: Floats) -> Floats:
    return -values


def near_one(values: Floats) -> Floats:
    return -np.abs(np.log(values))


def near_zero(values: Floats) -> Floats:
    return -np.abs(values)


def _agreement(scenes: Scenes) -> list[float]:
    """How many of the nine things that a state says are as the truth has them."""
    return [_percent(getattr(each.shown, name) == getattr(each.truth, name) for name in THINGS) for each in scenes]


def _asked(scenes: Scenes) -> list[float]:
    """Whether what the scene's words name came about: the camera went that way, the light or the weather is there."""
    return [np.nan, *(_percent(_came(*pair, name) for name in _changed(*pair)) for pair in pairwise(scenes))]


def _changed(before: Sight, after: Sight) -> list[str]:
    return [name for name in THINGS if getattr(before.truth, name) != getattr(after.truth, name)]


def _came(before: Sight, after: Sight, name: str) -> bool:
    if name not in STEPS:
        return bool(getattr(after.shown, name) == getattr(after.truth, name))
    asked = getattr(after.truth, name) - getattr(before.truth, name)
    went = getattr(after.shown, name) - getattr(before.shown, name)
    return bool(asked * went > 0)


def _same(*names: str) -> Callable[[Scenes], list[float]]:
    """Whether these things are as the truth has them, all of them."""
    return lambda scenes: [
        _percent([all(getattr(each.shown, name) == getattr(each.truth, name) for name in names)]) for each in scenes
    ]


def _number(name: str) -> Callable[[Scenes], list[float]]:
    return lambda scenes: [float(getattr(each, name)) for each in scenes]


def _sharpness(scenes: Scenes) -> list[float]:
    return [each.sharpness / scenes[0].sharpness for each in scenes]


def _creep(scenes: Scenes) -> list[float]:
    """How much closer the camera has come by now in scenes whose words do not move it, in percent."""
    hops = [0.0 if set(_changed(*pair)) & set(STEPS) else np.log(pair[1].zoom) for pair in pairwise(scenes)]
    return [0.0, *(100 * (np.exp(np.cumsum(hops)) - 1))]


def _percent(hits: Iterable[bool]) -> float:
    return 100 * float(np.mean(list(hits)))


AGREEMENT = Column("agreement with the truth", "%", ".0f", _agreement, more)
ASKED = Column("what the words ask", "%", ".0f", _asked, more)
COLUMNS = (
    AGREEMENT,
    ASKED,
    Column("camera in its place", "%", ".0f", _same(*STEPS), more),
    Column("light", "%", ".0f", _same("light"), more),
    Column("weather", "%", ".0f", _same("weather"), more),
    Column("place", "%", ".0f", _same("place"), more),
    Column("its layout", "%", ".0f", _same("place", "layout"), more),
    Column("landmark", "%", ".0f", _same("landmark"), more),
    Column("its colour", "%", ".0f", _same("colour"), more),
    Column("structure", "", ".2f", _number("structure"), more),
    Column("nearness to the truth", "dB", ".1f", _number("decibels"), more),
    Column("colour shift", "ΔE", ".1f", _number("colour_shift"), less),
    Column("sharpness", "", ".2f", _sharpness, near_one),
    Column("zoom creep", "%", "+.1f", _creep, near_zero),
    Column("bars", "%", ".0f", lambda scenes: [_percent([each.bars]) for each in scenes], less),
)


def values(column: Column, chains: Sequence[Scenes]) -> Floats:
    """(stories, scenes)"""
    return np.array([column.of(scenes) for scenes in chains])


def as_data(ways: Ways) -> dict[str, object]:
    """Every value, in JSON's own types: for each way and story what its scenes show, and their columns."""
    return {
        "things": THINGS,
        "truth": [[astuple(each.truth) for each in scenes] for scenes in next(iter(ways.values()))],
        "ways": {
            way: [
                {
                    "shown": [astuple(each.shown) for each in scenes],
                    **{column.name: [_rounded(value) for value in column.of(scenes)] for column in COLUMNS},
                }
                for scenes in chains
            ]
            for way, chains in ways.items()
        },
    }


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 3)


def told(column: Column, values: Floats) -> str:
    """The mean of some values."""
    return f"{values.mean():{column.form}} {column.unit}".strip()


def better(column: Column, one: Sequence[Scenes], other: Sequence[Scenes]) -> int:
    """Whether one way is better than another in the scenes after the opening: 1 surely, -1 surely not, 0 not sure.

    Both tell the same stories, so that each story has a difference of its own.
    """
    worths = [column.worth(values(column, chains)[:, 1:]).mean(axis=1) for chains in (one, other)]
    middle, each_side = spread(worths[0] - worths[1])
    return int(middle > each_side) - int(middle < -each_side)


def spread(values: Floats) -> tuple[Floats, Floats]:
    """The mean of all stories, and how far from it on each side the true one lies at most, 95 times of 100."""
    return values.mean(axis=0), _student(len(values) - 1) * values.std(axis=0, ddof=1) / np.sqrt(len(values))


def _student(freedom: int) -> float:
    """Student's t, of which 2.5 % is above, by the first terms of its series: to 1 % from 4 degrees of freedom on."""
    z = SURE
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)

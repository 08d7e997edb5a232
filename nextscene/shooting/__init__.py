"""Shots in, takes out: the studio, what it notices in a picture, and the safety checker.

    studio = Studio(model)
    for take in studio.shoot(shots, pictures, on_step, story): ...

The studio needs torch, which is imported only when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from nextscene.shooting.artist import Adapters, Artist
from nextscene.shooting.drift import Drift, compare
from nextscene.shooting.safety import THRESHOLD, VARIABLE, Checker, Verdict
from nextscene.shooting.withholding import card, notice

if TYPE_CHECKING:
    from nextscene.shooting.studio import Studio

__all__ = [
    "THRESHOLD",
    "VARIABLE",
    "Adapters",
    "Artist",
    "Checker",
    "Drift",
    "Studio",
    "Verdict",
    "card",
    "compare",
    "notice",
]


def __getattr__(name: str) -> object:
    if name != "Studio":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("nextscene.shooting.studio").Studio

"""A clip, and what makes one: the interface that every engine has."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nextscene.story import ClipPlan

Frame = NDArray[np.uint8]  # height, width, red green blue
Frames = Sequence[Frame]
OpenEngine = Callable[
    [str, Sequence[ClipPlan]], AbstractContextManager["Engine"]
]  # with an engine's name in these plans
OnClipStep = Callable[[ClipPlan, int, int], object]  # with steps done, and steps in all; what it raises ends the clip


@dataclass(frozen=True)
class Clip:
    """What an engine made of one plan.

    made_by: how it was made, as the record says it: memory, versions, what a hosted service tells.
    """

    frames: Frames
    fps: float
    seconds: float
    made_by: Mapping[str, object] = field(default_factory=dict)


class Engine(AbstractContextManager["Engine"], Protocol):
    """Someone who makes clips: opened for the plans of a run, which it makes one after another, in any order."""

    def check(self, plan: ClipPlan) -> None:
        """Refuses a plan that it cannot make, before any is made."""

    def make(
        self, plan: ClipPlan, first: Image.Image, last: Image.Image | None, on_step: OnClipStep = lambda *_: None
    ) -> Clip:
        """One clip, of the plan's size and number of frames, that begins as the first picture looks and ends as the
        last one does, if there is one. The same plan and pictures give the same clip."""

    def __enter__(self) -> Self:
        """Loads what is needed: all words are read and their reader freed, then what moves pictures is loaded."""

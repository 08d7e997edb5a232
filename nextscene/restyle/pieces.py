"""Frames restyled by a model for films: a stretch goes in as pieces of as many frames as it makes, each going on from
the one before.

Like the other way to make frames (`painting.py`), it yields each with its number, and each is a file as soon as it is
done.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from PIL import Image

from nextscene import NextSceneError
from nextscene.film import Frame
from nextscene.motion import FilmEngine
from nextscene.restyle.frames import Frames
from nextscene.restyle.stretches import Stretch
from nextscene.shooting import Checker
from nextscene.story import ClipPlan

OVERLAP = 5  # frames of a piece that the next one begins with
CHECKED = 8  # frames: every so many of them the safety checker looks at one


@dataclass(frozen=True)
class Pieces:
    """How a film is divided. most: frames that an engine makes at once; step: all but the first come in groups of it.
    overlap: frames with which a piece begins that are made already."""

    most: int
    step: int
    overlap: int

    def of(self, stretch: Stretch) -> list[tuple[int, int]]:
        """The first and the last new frame of each piece of a stretch."""
        starts = [stretch.first]
        while starts[-1] + self.most - (self.overlap if len(starts) > 1 else 0) <= stretch.last:
            starts.append(starts[-1] + self.most - (self.overlap if len(starts) > 1 else 0))
        return [(first, following - 1) for first, following in pairwise([*starts, stretch.last + 1])]

    def fitting(self, frames: int) -> int:
        """How many frames an engine makes that are at least so many."""
        return -(-(frames - 1) // self.step) * self.step + 1


class Filmer:
    """Restyles one stretch after another."""

    def __init__(
        self,
        plan: ClipPlan,
        pieces: Pieces,
        load: Callable[[], FilmEngine],
        frames: Frames,
        made_of: str,
        *,
        checker: Checker | None = None,
        on_step: Callable[[float], object] = lambda _: None,
    ) -> None:
        """plan: of a piece, but for its number of frames. load: gives the engine when something is to be made."""
        self._plan, self._pieces, self._load, self._frames = plan, pieces, load, frames
        self._made_of, self._checker, self._on_step = made_of, checker, on_step

    def paint(self, stretch: Stretch, frames: Iterator[Frame]) -> Iterator[tuple[int, Frame]]:
        """The frames of a stretch, in order. frames: those of the film, from the stretch's first on."""
        was: list[Frame] = []
        begun: list[Frame] = []
        before = ""
        for first, last in self._pieces.of(stretch):
            source = [next(frames) for _ in range(first, last + 1)]
            before = _digest(self._made_of, first, last, before)
            styled = [self._frames.read(number, before) for number in range(first, last + 1)]
            made = [frame for frame in styled if frame is not None]
            if len(made) < len(styled):
                made = self._make(first, [*was, *source], begun)
                for number, frame in enumerate(made, first):
                    self._check(number, frame)
                    self._frames.write(number, frame, before, {"drawn": 1})
            yield from enumerate(made, first)
            overlap = self._pieces.overlap
            was, begun = source[-overlap:] if overlap else [], made[-overlap:] if overlap else []

    def _make(self, number: int, source: Sequence[Frame], begun: Sequence[Frame]) -> list[Frame]:
        count = self._pieces.fitting(len(source))
        padded = [*source, *[source[-1]] * (count - len(source))]
        plan = replace(self._plan, number=number + 1, frames=count)
        made = self._load().restyle(plan, padded, begun, lambda _, done, of: self._on_step(len(source) * done / of))
        height, width = source[0].shape[:2]
        return [_resized(frame, (width, height)) for frame in made[len(begun) : len(source)]]

    def _check(self, number: int, frame: Frame) -> None:
        if self._checker and number % CHECKED == 0 and (verdict := self._checker(Image.fromarray(frame))).flagged:
            raise NextSceneError(
                f"Frame {number + 1} was withheld by the safety checker (score {verdict.score:.2f} of 1), so the film "
                "is not restyled: try other words or another film."
            )


def _resized(frame: Frame, size: tuple[int, int]) -> Frame:
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))


def _digest(*made_of: object) -> str:
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()

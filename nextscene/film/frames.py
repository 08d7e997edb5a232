"""Frames: a timeline and its pictures in, one after another as they are done; the film's frames out.

    projector = Projector(timeline, (1024, 768))
    for picture in pictures:
        for frame in projector.show(picture): ...

A picture is shown up to where the transition to the next one begins; at most two pictures are held. It knows no files,
and imports torch only for a morph.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from PIL import Image

from nextscene import pictures
from nextscene.film.blends import Frame, crossfade, fade
from nextscene.film.timeline import Cut, Timeline
from nextscene.settings import Move

Size = tuple[int, int]
Lettering = Callable[[Fraction, Size], Image.Image | None]  # what lies over the picture's foot at a time, as wide as it

PACE, FARTHEST = 0.025, 0.1  # of the picture: how far the camera goes in a second, and at most
EASE = 0.6  # how much slower than on the whole a move begins and ends; 1 would be from rest to rest


class Projector:
    """Shows the scenes of a timeline in order. `notes` says what could not be shown as it was wanted."""

    def __init__(self, timeline: Timeline, size: Size, lettering: Lettering = lambda *_: None) -> None:
        self._timeline, self._size, self._lettering = timeline, size, lettering
        self._scenes = iter(zip(timeline.cuts, [*timeline.cuts[1:], None], strict=True))
        self._before: _Still | None = None
        self.notes: list[str] = []

    def show(self, picture: Image.Image) -> Iterator[Frame]:
        """The frames from the scene before into the next scene, whose picture this is, and those of it alone."""
        cut, following = next(self._scenes)
        mixed, leaves = self._mixed(cut), self._mixed(following)
        begin = self._timeline.frame(cut.start) - mixed // 2
        alone, end = begin + mixed, self._timeline.frame(cut.end) - leaves // 2
        moves_from = alone if cut.transition == "morph" else begin  # a morph is motion enough
        moves_to = end if following and following.transition == "morph" else end + leaves
        still = _Still(pictures.fit(picture, *self._size), cut, moves_from, moves_to)
        if self._before and mixed:
            blend = self._blend(cut, self._before.at(begin), still.at(begin))
            for number in range(begin, alone):
                along = (number - begin + 1) / (mixed + 1)
                yield self._lettered(blend(self._before.at(number), still.at(number), along), number)
        for number in range(alone, end):
            yield self._lettered(still.at(number), number)
        self._before = still

    def _mixed(self, cut: Cut | None) -> int:
        """How many frames the transition into a scene has."""
        return self._timeline.frame(cut.transition_seconds) if cut else 0

    def _blend(self, cut: Cut, one: Frame, other: Frame) -> Callable[[Frame, Frame, float], Frame]:
        if cut.transition == "morph":
            from nextscene.film.morph import morph

            if way := morph(one, other):
                return lambda _one, _other, along: way(along)
            self.notes.append(
                f"Scene {cut.number} is crossfaded: it has too little in common with the one before to morph."
            )
        return fade if cut.transition == "fade" else crossfade

    def _lettered(self, frame: Frame, number: int) -> Frame:
        letters = self._lettering(Fraction(number, self._timeline.video_fps), self._size)
        if letters is None:
            return frame
        picture = Image.fromarray(frame)
        picture.paste(letters, (0, picture.height - letters.height), letters)
        return np.asarray(picture)


@dataclass(frozen=True)
class _Still:
    """A scene's picture as the camera sees it, which moves from one frame to before another."""

    picture: Image.Image
    cut: Cut
    moves_from: int
    moves_to: int

    @cached_property
    def frame(self) -> Frame:
        return np.asarray(self.picture)

    def at(self, number: int) -> Frame:
        if self.cut.move == "none":
            return self.frame
        along = (number - self.moves_from) / max(self.moves_to - 1 - self.moves_from, 1)
        seen = view(self.cut.move, self.picture.size, float(self.cut.duration), min(max(along, 0), 1))
        return np.asarray(self.picture.resize(self.picture.size, Image.Resampling.LANCZOS, seen))


def view(move: Move, size: Size, seconds: float, along: float) -> tuple[float, float, float, float]:
    """What part of a picture the camera sees: its left, upper, right and lower border, in fractions of a pixel."""
    far = 1 + min(PACE * seconds, FARTHEST)
    along -= EASE * math.sin(2 * math.pi * along) / (2 * math.pi)
    closer = {"push_in": far**along, "pull_out": far ** (1 - along)}.get(move, far)
    across = {"pan_left": 1 - along, "pan_right": along}.get(move, 0.5)
    down = {"tilt_up": 1 - along, "tilt_down": along}.get(move, 0.5)
    width, height = size[0] / closer, size[1] / closer
    left, upper = (size[0] - width) * across, (size[1] - height) * down
    return left, upper, left + width, upper + height

"""Frames: a timeline and its pictures in, one after another as they are done; the film's frames out.

    projector = Projector(timeline, (1024, 768))
    for picture in pictures:
        for frame in projector.show(picture): ...

A scene is its picture, or the frames of its clip: both answer which picture is seen at which frame of the film. It is
shown up to where the transition to the next one begins; at most two scenes are held. It knows no files, and imports
torch only for a morph and for what lies between two frames of a clip.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np
from PIL import Image

from nextscene import pictures
from nextscene.film.blends import Frame, crossfade, fade
from nextscene.film.grade import UNGRADED, Grade
from nextscene.film.timeline import SLOWEST, ClipTime, Segment, Timeline
from nextscene.settings import Move

Size = tuple[int, int]
Overlay = Callable[[Fraction, Size], Image.Image | None]  # what lies over the picture's foot at a time, as wide as it

PACE, FARTHEST = 0.025, 0.1  # of the picture: how far the camera goes in a second, and at most
EASE = 0.6  # how much slower than on the whole a move begins and ends; 1 would be from rest to rest
# What a frame costs, in milliseconds for each megapixel, and what it costs to find a morph, in milliseconds.
STILL, MOVING, GRADING, MIXING = 5, 19, 60, {"cut": 0, "fade": 20, "crossfade": 20, "morph": 94}
FINDING = 3000
GENTLY = 0.5  # seconds of a clip over which it comes to rest, where its end is held


class Projector:
    """Shows the scenes of a timeline in order. `notes` says what could not be shown as it was wanted."""

    def __init__(
        self, timeline: Timeline, size: Size, overlay: Overlay = lambda *_: None, grade: Grade = UNGRADED
    ) -> None:
        self._timeline, self._size, self._overlay, self._grade = timeline, size, overlay, grade
        self._scenes = iter(zip(timeline.segments, [*timeline.segments[1:], None], strict=True))
        self._before: _Seen | None = None
        self.notes: list[str] = []

    def show(self, picture: Image.Image, clip: Sequence[Frame] | None = None) -> Iterator[Frame]:
        """The frames from the scene before into the next scene, whose picture this is, and those of it alone.

        clip: the frames of its clip, if the timeline says that it has one.
        """
        segment, following = next(self._scenes)
        mixed, leaves = self._transition_frames(segment), self._transition_frames(following)
        begin = self._timeline.frame(segment.start) - mixed // 2
        alone, end = begin + mixed, self._timeline.frame(segment.end) - leaves // 2
        moves_from = alone if segment.transition == "morph" else begin  # a morph is motion enough
        moves_to = end if following and following.transition == "morph" else end + leaves
        if segment.clip and clip:
            fps = self._timeline.video_fps
            still: _Seen = _Moving(clip, segment.clip, fps, self._size, begin, end + leaves - begin)
        else:
            still = _Still(pictures.fit(picture, *self._size), segment, moves_from, moves_to)
        if self._before and mixed:
            blend = self._blend(segment, self._before.at(begin), still.at(begin))
            for number in range(begin, alone):
                progress = (number - begin + 1) / (mixed + 1)
                yield self._finished(blend(self._before.at(number), still.at(number), progress), number)
        for number in range(alone, end):
            yield self._finished(still.at(number), number)
        self._before = still

    def _transition_frames(self, segment: Segment | None) -> int:
        """How many frames the transition into a scene has."""
        return self._timeline.frame(segment.transition_seconds) if segment else 0

    def _blend(self, segment: Segment, one: Frame, other: Frame) -> Callable[[Frame, Frame, float], Frame]:
        if segment.transition == "morph":
            from nextscene.film.morph import find_morph

            if way := find_morph(one, other):
                return lambda _one, _other, progress: way(progress)
            self.notes.append(
                f"Scene {segment.number} is crossfaded: it has too little in common with the one before to morph."
            )
        return fade if segment.transition == "fade" else crossfade

    def _finished(self, frame: Frame, number: int) -> Frame:
        frame = self._grade(frame, number)
        layer = self._overlay(Fraction(number, self._timeline.video_fps), self._size)
        if layer is None:
            return frame
        picture = Image.fromarray(frame)
        picture.paste(layer, (0, picture.height - layer.height), layer)
        return np.asarray(picture)


class _Seen(Protocol):
    """What a scene shows at each frame of the film."""

    def at(self, number: int) -> Frame: ...


class _Moving:
    """A scene's clip, which is seen for `length` frames of the film from `begin` on."""

    def __init__(
        self, frames: Sequence[Frame], clip: ClipTime, video_fps: int, size: Size, begin: int, length: int
    ) -> None:
        self._frames, self._size, self._begin = frames, size, begin
        self._position = find_positions(clip, len(frames), video_fps, length)
        self._between = lru_cache(1)(self._find_between)
        self._mixes = clip.fps < video_fps

    def at(self, number: int) -> Frame:
        position = self._position(number - self._begin)
        before = int(position)
        share = position - before
        if not self._mixes or share < 1e-3 or share > 1 - 1e-3 or before + 1 >= len(self._frames):
            return self._fitted(self._frames[min(round(position), len(self._frames) - 1)])
        way = self._between(before)
        return self._fitted(way(share) if way else self._frames[round(position)])

    def _find_between(self, before: int) -> Callable[[float], Frame] | None:
        from nextscene.film.morph import find_between

        return find_between(self._frames[before], self._frames[before + 1])

    def _fitted(self, frame: Frame) -> Frame:
        if frame.shape[1::-1] == self._size:
            return np.ascontiguousarray(frame)
        return np.asarray(pictures.fit(Image.fromarray(frame), *self._size))


def find_positions(clip: ClipTime, frames: int, video_fps: int, length: int) -> Callable[[int], float]:
    """Which of a clip's frames, or what between two of them, is seen at each frame of the film, from 0 on.

    A clip that is too short is slowed, at most to `SLOWEST`, and its end is then reached gently and held. One that is
    too long is cut off, or, where it leads to the next one, goes by faster.
    """
    own = float(clip.seconds) * video_fps
    last = frames - 1
    if length <= own:
        each = last / length if clip.joined else clip.fps / video_fps
        return lambda number: min(number * each, last)
    slower = min(length / own, SLOWEST)
    each = clip.fps / video_fps / slower
    if length <= own * slower + 0.5:
        return lambda number: min(number * each, last)
    soft = min(GENTLY * video_fps * each, last / 2)  # over so many frames it comes to rest, in twice their time

    def eased(number: int) -> float:
        rest = min(max((number * each - (last - soft)) / (2 * soft), 0), 1)
        return min(number * each, last - soft) + soft * (1 - (1 - rest) ** 2) if rest else number * each

    return eased


@dataclass(frozen=True)
class _Still:
    """A scene's picture as the camera sees it, which moves from one frame to before another."""

    picture: Image.Image
    segment: Segment
    moves_from: int
    moves_to: int

    @cached_property
    def frame(self) -> Frame:
        return np.asarray(self.picture)

    def at(self, number: int) -> Frame:
        if self.segment.move == "none":
            return self.frame
        progress = (number - self.moves_from) / max(self.moves_to - 1 - self.moves_from, 1)
        crop = find_crop(self.segment.move, self.picture.size, float(self.segment.duration), min(max(progress, 0), 1))
        return np.asarray(self.picture.resize(self.picture.size, Image.Resampling.LANCZOS, crop))


def weigh_frames(timeline: Timeline, size: Size, grade: Grade = UNGRADED) -> list[float]:
    """About how much work each frame of the film is."""
    megapixels = size[0] * size[1] / 1e6
    work = [(STILL + GRADING * (grade != UNGRADED)) * megapixels] * timeline.frame(timeline.duration)
    for segment, following in pairwise([*timeline.segments, None]):
        assert segment
        enters, leaves = (timeline.frame(each.transition_seconds) // 2 if each else 0 for each in (segment, following))
        begin, end = timeline.frame(segment.start), timeline.frame(segment.end)
        for number in range(begin - enters, begin + enters):
            work[number] += MIXING[segment.transition] * megapixels
        for number in range(begin - enters, end + leaves) if segment.move != "none" else ():
            work[number] += MOVING * megapixels
        if segment.transition == "morph" and enters:
            work[begin - enters] += FINDING
    return work


def find_crop(move: Move, size: Size, seconds: float, progress: float) -> tuple[float, float, float, float]:
    """What part of a picture the camera sees: its left, upper, right and lower border, in fractions of a pixel."""
    far = 1 + min(PACE * seconds, FARTHEST)
    progress -= EASE * math.sin(2 * math.pi * progress) / (2 * math.pi)
    closer = {"push_in": far**progress, "pull_out": far ** (1 - progress)}.get(move, far)
    across = {"pan_left": 1 - progress, "pan_right": progress}.get(move, 0.5)
    down = {"tilt_up": 1 - progress, "tilt_down": progress}.get(move, 0.5)
    width, height = size[0] / closer, size[1] / closer
    left, upper = (size[0] - width) * across, (size[1] - height) * down
    return left, upper, left + width, upper + height

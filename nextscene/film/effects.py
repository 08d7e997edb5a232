"""Effects: what a film's places sound like, and what is heard at its moment, laid on its timeline.

    effects = Effects(story, timeline)
    effects.notes                         # what nobody can make, and stays silent
    for block in effects.places(length): ...
    for block in effects.moments(length): ...

An ambience goes on without a break for as long as scenes name it, and comes and goes softly; an effect begins at its
share of its scene's time. In constant memory over any length. It does not know what else is heard.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

import numpy as np

from nextscene.film.foley import KINDS, ambience, effect, find_kind
from nextscene.film.timeline import Timeline
from nextscene.film.voice import RATE, Samples
from nextscene.story import Story

COMING = 0.8  # seconds in which an ambience comes or goes
BLOCK = RATE  # samples


def names_sounds(story: Story) -> bool:
    """Whether anything besides words and music is to be heard in a story."""
    return bool(story.ambience) or any(scene.ambience or scene.sounds for _, scene in story.filmed)


class Sounds(Protocol):
    """Whoever makes sounds."""

    def find_kind(self, what: str) -> str | None:
        """What is made for these words; None: nothing."""

    def ambience(self, kind: str, seed: int) -> Samples:
        """A sound that goes on: two channels, whose end fits their beginning."""

    def effect(self, kind: str, seed: int) -> Samples:
        """A sound that is heard once: one channel."""


class Foley:
    """The sounds that are made here, by rules."""

    find_kind, ambience, effect = staticmethod(find_kind), staticmethod(ambience), staticmethod(effect)


@dataclass(frozen=True)
class _Moment:
    """An effect, and the sample at which it begins."""

    start: int
    kind: str
    seed: int


class Effects:
    """All that is heard of a story besides words and music. `notes`: what stays silent, and why."""

    def __init__(self, story: Story, timeline: Timeline, sounds: Sounds | None = None) -> None:
        """sounds: who makes them; None: they are made here, by rules."""
        self.notes: list[str] = []
        self._sounds = sounds or Foley()
        self._moments: list[_Moment] = []
        self._places: dict[str, list[tuple[float, float]]] = {}
        for (name, scene), segment in zip(story.filmed, timeline.segments, strict=True):
            for what in story.ambience if scene.ambience is None else scene.ambience:
                if kind := self._kind(what, segment.number):
                    self._places.setdefault(kind, []).append((float(segment.start), float(segment.end)))
            for number, sound in enumerate(scene.sounds):
                if kind := self._kind(sound.what, segment.number):
                    start = round(float(segment.start + segment.duration * sound.at) * RATE)
                    self._moments.append(_Moment(start, kind, crc32(f"{name} {number}".encode())))
        self._moments.sort(key=lambda moment: moment.start)

    def __bool__(self) -> bool:
        """Whether anything is heard."""
        return bool(self._moments or self._places)

    def places(self, length: int) -> Iterator[Samples]:
        """So many samples of what places sound like, on both channels, block by block."""
        loops = [(self._sounds.ambience(kind, 0), _Presence(times)) for kind, times in self._places.items()]
        for at, block in _empty_blocks(length):
            for loop, presence in loops:
                block += loop[(at + np.arange(len(block))) % len(loop)] * presence(at, len(block))[:, None]
            yield block

    def moments(self, length: int) -> Iterator[Samples]:
        """So many samples of what is heard at its moment, likewise."""
        coming, sounding = list(self._moments), list[tuple[int, Samples]]()
        for at, block in _empty_blocks(length):
            while coming and coming[0].start < at + len(block):
                moment = coming.pop(0)
                sounding.append((moment.start, self._sounds.effect(moment.kind, moment.seed)))
            for start, samples in sounding:
                part = samples[max(at - start, 0) : at + len(block) - start]
                begin = max(start - at, 0)
                block[begin : begin + len(part)] += part[:, None]
            sounding = [(start, samples) for start, samples in sounding if start + len(samples) > at + len(block)]
            yield block

    def _kind(self, what: str, scene: int) -> str | None:
        kind = self._sounds.find_kind(what)
        if not kind:
            known = ", ".join(KINDS)
            self.notes.append(f"Scene {scene}: {what!r} stays silent: the sounds that are made here are {known}.")
        return kind


def _empty_blocks(length: int) -> Iterator[tuple[int, Samples]]:
    for at in range(0, length, BLOCK):
        yield at, np.zeros((min(BLOCK, length - at), 2), np.float32)


class _Presence:
    """How much of an ambience is heard at any time: all of it where scenes name it, nothing elsewhere."""

    def __init__(self, times: list[tuple[float, float]]) -> None:
        joined: list[list[float]] = []
        for begin, end in dict.fromkeys(times):
            if joined and begin < joined[-1][1] + COMING:
                joined[-1][1] = max(end, joined[-1][1])
            else:
                joined.append([begin, end])
        halves = [min(COMING, end - begin) / 2 for begin, end in joined]
        sides = [(side, half) for each, half in zip(joined, halves, strict=True) for side in each]
        self._times = [side + by for side, half in sides for by in (-half, half)]
        self._heard = [0.0, 1.0, 1.0, 0.0] * len(joined)

    def __call__(self, at: int, samples: int) -> Samples:
        return np.interp((at + np.arange(samples)) / RATE, self._times, self._heard).astype(np.float32)

"""Narration: the words of scenes in, recordings of them out.

    recordings = narrate(timeline, find_voice("heart"), folder)    # by scene; each knows its length
    timeline = lay_out(story, measure(recordings))

Whoever speaks is a `Voice`: text in, samples out. The built-in one speaks English, offline, with weights from its own
package; another, a hosted service perhaps, needs only the same two names. What was said once is kept in the folder, and
not said again. It does not know when a recording is heard, nor what else is.
"""

import hashlib
import unicodedata
import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nextscene import NextSceneError
from nextscene.files import whole_file
from nextscene.film.timeline import Segment, Timeline

Samples = NDArray[np.floating]

RATE = 48_000  # samples a second, as video has them
LEVEL = 0.1  # the mean of what is spoken, of full scale: -20 dB
SILENT = 0.01  # of a recording's loudest sample
MARGIN, SOFT = 0.03, 0.005  # seconds: what stays of the silence around the words, and how long its ends fade


class Voice(Protocol):
    """Someone who speaks. `name` tells this voice from every other: what was spoken is kept by it."""

    @property
    def name(self) -> str: ...

    def speak(self, text: str) -> tuple[Samples, int]:
        """The spoken text as one channel between -1 and 1, and its samples per second. A NextSceneError's text goes on
        from "Scene 3's narration"."""


@dataclass(frozen=True)
class Recording:
    """A spoken text, as a file."""

    path: Path
    seconds: float

    def blocks(self) -> Iterator[Samples]:
        """Its samples, a second at a time."""
        with wave.open(str(self.path)) as opened:
            while frames := opened.readframes(RATE):
                yield np.frombuffer(frames, "<i2").astype(np.float32) / 2**15


def find_voice(name: str | None = None) -> Voice:
    """The voice of this name; none: the one whose weights come with its package."""
    return Hibari(name or "heart")


def narrate(
    timeline: Timeline, voice: Voice, folder: Path, on_share: Callable[[float], object] = lambda _: None
) -> dict[str, Recording]:
    """What is spoken in each scene, by its id, as files in this folder; only what is not there yet is spoken.

    on_share: called with how much of it is done.
    """
    recordings: dict[str, Recording] = {}
    done, letters = 0, sum(len(segment.narration) for segment in timeline.segments)
    for segment in timeline.segments:
        if segment.narration:
            on_share(done / letters)
            done += len(segment.narration)
            recordings[segment.id] = _record(segment, voice, folder)
    on_share(1)
    return recordings


def measure(recordings: Mapping[str, Recording]) -> dict[str, float]:
    """How many seconds each scene's narration takes."""
    return {name: recording.seconds for name, recording in recordings.items()}


class _Engine(Protocol):
    """What is used of the package hibari."""

    sample_rate: int

    def __call__(self, text: str, *, seed: int) -> Samples: ...
    def phonemize(self, text: str) -> list[str]: ...


class Hibari:
    """The built-in voice: hibari-tts, English, the same sound for the same words. It is loaded when it first speaks."""

    def __init__(self, name: str) -> None:
        self.name = f"hibari {name}"
        self._own_name = name

    def speak(self, text: str) -> tuple[Samples, int]:
        if foreign := next((letter for letter in text if letter.isalpha() and not _latin(letter)), None):
            raise NextSceneError(f"has the letter {foreign}, and the built-in voice speaks English only: leave it out.")
        if not any(map(str.isalnum, text)):
            raise NextSceneError("has no words in it: leave it out.")
        engine = self._engine
        try:
            samples = engine(text, seed=0)
        except Exception as error:  # it may stumble over a number or a sign in nearly any way
            raise NextSceneError(
                f"has {self._stumbling_block(text)}, which the built-in voice cannot read: write it out in words."
            ) from error
        return samples, engine.sample_rate

    def _stumbling_block(self, text: str) -> str:
        for word in text.split():
            try:
                self._engine.phonemize(word)
            except Exception:  # noqa: BLE001 (as above)
                return word if len(word) <= 40 else f"{word[:20]}…"
        return "a number or a sign"

    @cached_property
    def _engine(self) -> _Engine:
        try:
            import hibari

            engine: _Engine = hibari.Hibari(self._own_name)
            return engine
        except ImportError:
            raise NextSceneError("needs a voice: pip install hibari-tts.") from None
        except (ValueError, RuntimeError) as error:
            reason = str(error).split(". ")[0]
            raise NextSceneError(
                f"is for the voice {self._own_name!r}, which is not here ({reason}): leave it out for the built-in one."
            ) from error


def _latin(letter: str) -> bool:
    return "LATIN" in unicodedata.name(letter, "")


def _record(segment: Segment, voice: Voice, folder: Path) -> Recording:
    key = hashlib.sha256(f"{voice.name}\n{segment.narration}".encode()).hexdigest()
    path = folder / f"{key[:16]}.wav"
    if not path.exists():
        try:
            samples = _trim(*voice.speak(segment.narration))
        except NextSceneError as error:
            raise NextSceneError(f"Scene {segment.number}'s narration {error}") from error
        _write(samples, path)
    with wave.open(str(path)) as opened:
        return Recording(path, opened.getnframes() / RATE)


def _trim(samples: Samples, rate: int) -> Samples:
    """The words without the silence around them, at our own rate and level, and soft at both ends."""
    heard = np.flatnonzero(np.abs(samples) > SILENT * np.abs(samples).max(initial=0))
    if not len(heard):
        raise NextSceneError("came back silent from the voice: say it in other words.")
    words = samples[max(heard[0] - round(MARGIN * rate), 0) : heard[-1] + round(MARGIN * rate)]
    size = round(len(words) * RATE / rate)
    words = np.fft.irfft(np.fft.rfft(words), size) * (size / len(words))  # exact, whatever the rates
    peak, spoken = np.abs(words).max(), words[np.abs(words) > SILENT * np.abs(words).max()]
    ramp = np.minimum(np.arange(size), np.arange(size)[::-1]) / (SOFT * RATE)
    level = min(LEVEL / np.sqrt(np.mean(spoken**2)), 0.99 / peak)
    trimmed: Samples = words * level * np.minimum(ramp, 1)
    return trimmed


def _write(samples: Samples, path: Path) -> None:
    with whole_file(path) as part, wave.open(str(part), "wb") as opened:
        opened.setparams((1, 2, RATE, 0, "NONE", ""))
        opened.writeframes((samples * (2**15 - 1)).astype("<i2").tobytes())

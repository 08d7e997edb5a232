"""Narration: the words of scenes in, recordings of them out.

    recordings = narrate(timeline, find_voice("heart"), folder)    # by scene, of each line; each knows its length
    timeline = lay_out(story, measure(recordings))

Whoever speaks is a `Voice`: text in, samples out. The built-in one speaks English, offline, with weights from its own
package; another, a hosted service perhaps, needs only the same two names. What was said once is kept in the folder, and
not said again. It does not know when a recording is heard, nor what else is.
"""

import hashlib
import unicodedata
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nextscene import NextSceneError
from nextscene.files import whole_file
from nextscene.film.timeline import Timeline
from nextscene.hub import VOICES, fetch_voice

Samples = NDArray[np.floating]

RATE = 48_000  # samples a second, as video has them
LEVEL = 0.1  # the mean of what is spoken, of full scale: -20 dB
SILENT = 0.01  # of a recording's loudest sample
BUILT_IN, DEEPEST, HIGHEST = "heart", 0.6, 1.6  # the voice in the wheel, and what is still a voice
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


Recordings = Mapping[str, Sequence[Recording]]  # by the scene's id, one for each line


def find_voice(name: str | None = None) -> Voice:
    """The voice of this name; none: the one whose weights come with its package.

    "heart@0.85" is the voice heart, deeper; "heart@1.2" is higher.
    """
    name, _, pitch = (name or BUILT_IN).partition("@")
    try:
        return Hibari(name, float(pitch or 1))
    except ValueError:
        wrong = f"The voice {name}@{pitch} has no pitch from {DEEPEST} to {HIGHEST}"
        raise NextSceneError(f"{wrong}: write it as heart@0.85.") from None


def narrate(
    timeline: Timeline,
    narrator: Voice,
    folder: Path,
    on_share: Callable[[float], object] = lambda _: None,
    speakers: Mapping[str, Voice] | None = None,
) -> Recordings:
    """What is spoken in each scene, by its id, as files in this folder; only what is not there yet is spoken.

    speakers: whose voice is whose; the narrator speaks for those who have none.
    on_share: called with how much of it is done.
    """
    recordings: dict[str, list[Recording]] = {}
    done, letters = 0, sum(len(speech.text) for segment in timeline.segments for speech in segment.speech)
    for segment in timeline.segments:
        for speech in segment.speech:
            on_share(done / letters)
            done += len(speech.text)
            voice = (speakers or {}).get(speech.who, narrator)
            what = f"what {speech.who} says" if speech.who else "narration"
            recording = _record(speech.text, voice, folder, f"Scene {segment.number}'s {what}")
            recordings.setdefault(segment.id, []).append(recording)
    on_share(1)
    return recordings


def measure(recordings: Recordings) -> dict[str, list[float]]:
    """How many seconds each line of each scene takes."""
    return {name: [each.seconds for each in spoken] for name, spoken in recordings.items()}


class _Engine(Protocol):
    """What is used of the package hibari."""

    sample_rate: int

    def __call__(self, text: str, *, speed: float, seed: int) -> Samples: ...
    def phonemize(self, text: str) -> list[str]: ...


class Hibari:
    """The built-in voice: hibari-tts, English, the same sound for the same words. It is loaded when it first speaks.

    pitch: how many times as high as it is by itself it speaks, at the same pace.
    """

    def __init__(self, name: str, pitch: float = 1) -> None:
        if not DEEPEST <= pitch <= HIGHEST:
            raise ValueError(f"no pitch: {pitch}")
        self.name = f"hibari {name}" + (f" at {pitch:g}" if pitch != 1 else "")
        self._own_name, self._pitch = name, pitch

    def speak(self, text: str) -> tuple[Samples, int]:
        if foreign := next((letter for letter in text if letter.isalpha() and not _latin(letter)), None):
            raise NextSceneError(f"has the letter {foreign}, and the built-in voice speaks English only: leave it out.")
        if not any(map(str.isalnum, text)):
            raise NextSceneError("has no words in it: leave it out.")
        engine = self._engine
        try:
            samples = engine(text, speed=1 / self._pitch, seed=0)
        except Exception as error:  # it may stumble over a number or a sign in nearly any way
            raise NextSceneError(
                f"has {self._stumbling_block(text)}, which the built-in voice cannot read: write it out in words."
            ) from error
        return samples, round(engine.sample_rate * self._pitch)

    def _stumbling_block(self, text: str) -> str:
        for word in text.split():
            try:
                self._engine.phonemize(word)
            except Exception:  # noqa: BLE001 (as above)
                return word if len(word) <= 40 else f"{word[:20]}…"
        return "a number or a sign"

    def _fetch(self) -> Path:
        try:
            return fetch_voice(self._own_name)
        except NextSceneError as error:
            raise NextSceneError(f"needs a voice: {error}") from error

    @cached_property
    def _engine(self) -> _Engine:
        try:
            import hibari

            model = self._fetch() if self._own_name in VOICES else None
            engine: _Engine = hibari.Hibari(self._own_name, model=model)
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


def _record(text: str, voice: Voice, folder: Path, what: str) -> Recording:
    key = hashlib.sha256(f"{voice.name}\n{text}".encode()).hexdigest()
    path = folder / f"{key[:16]}.wav"
    if not path.exists():
        try:
            samples = _trim(*voice.speak(text))
        except NextSceneError as error:
            raise NextSceneError(f"{what} {error}") from error
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

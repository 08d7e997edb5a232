"""Hosted voices and sounds: a service on the web speaks, for whoever names it and has a key for it.

    OpenAISpeech("alloy").speak("Who is there?")         # or any server that speaks OpenAI's way, by OPENAI_BASE_URL
    ElevenLabsSpeech("JBFqnCBsd6RMkjVDRZzb").speak(...)
    ElevenLabsSounds(folder).effect("a bell", 1)

Keys come from the environment and are written nowhere. What a service says no to is tried again twice, if that may
help. It does not know what the sounds are for.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np

from nextscene import NextSceneError
from nextscene.files import write_whole
from nextscene.film.ffmpeg import Ffmpeg, FfmpegError, input_file
from nextscene.film.foley import LOOP, level_ambience, level_effect
from nextscene.film.voice import RATE, Samples

PATIENCE, TRIES, LONGEST_WAIT = 60.0, 3, 20.0  # seconds for an answer; times in all; seconds between two
MOST = 50_000_000  # bytes of an answer
FORMATS = "aac,flac,mp3,ogg,wav"
OPENAI_MODEL, ELEVENLABS_MODEL = "gpt-4o-mini-tts", "eleven_multilingual_v2"


@dataclass(frozen=True)
class _Service:
    """A service: where it is, and how it is shown the key that is in the environment."""

    name: str
    address: str
    address_variable: str
    key_variable: str
    header: str
    shown: str = "{}"

    @property
    def base(self) -> str:
        return os.environ.get(self.address_variable, "").rstrip("/") or self.address

    def ask(self, path: str, asked: Mapping[str, object]) -> bytes:
        """What it answers with; a NextSceneError's text goes on from what it was asked for."""
        key = os.environ.get(self.key_variable, "")
        if not key and self.base == self.address:
            raise NextSceneError(f"needs a key for {self.name}: set {self.key_variable}.")
        headers = {self.header: self.shown.format(key)} if key else {}
        for rest in reversed(range(TRIES)):
            try:
                answer = httpx2.post(f"{self.base}{path}", json=asked, headers=headers, timeout=PATIENCE)
            except httpx2.HTTPError as error:
                reason, wait = f"it cannot be reached ({type(error).__name__})", 1.0
            else:
                if answer.status_code == 200 and len(answer.content) <= MOST:
                    return bytes(answer.content)
                reason, wait = f"it answered {answer.status_code}", _seconds(answer.headers.get("retry-after", ""))
                if answer.status_code != 429 and answer.status_code < 500:
                    break  # the same would be answered again
            if rest:
                time.sleep(min(wait, LONGEST_WAIT))
        check = f"check {self.key_variable}, the voice and the words, or try again later"
        raise NextSceneError(f"could not be made by {self.name}: {reason}: {check}.")


OPENAI = _Service(
    "OpenAI", "https://api.openai.com/v1", "OPENAI_BASE_URL", "OPENAI_API_KEY", "Authorization", "Bearer {}"
)
ELEVENLABS = _Service(
    "ElevenLabs", "https://api.elevenlabs.io/v1", "ELEVENLABS_BASE_URL", "ELEVENLABS_API_KEY", "xi-api-key"
)


class OpenAISpeech:
    """A voice of OpenAI's, or of a server that speaks its way: "alloy", or "MODEL/alloy"."""

    def __init__(self, voice: str) -> None:
        model, _, self._voice = voice.rpartition("/")
        self._model = model or OPENAI_MODEL
        self.name = f"openai {OPENAI.base} {self._model} {self._voice}"

    def speak(self, text: str) -> tuple[Samples, int]:
        asked = {"model": self._model, "voice": self._voice, "input": text, "response_format": "wav"}
        return _decode(OPENAI.ask("/audio/speech", asked), OPENAI.name), RATE


class ElevenLabsSpeech:
    """A voice of ElevenLabs', by its id there."""

    def __init__(self, voice: str) -> None:
        self._voice, self.name = voice, f"elevenlabs {ELEVENLABS_MODEL} {voice}"

    def speak(self, text: str) -> tuple[Samples, int]:
        asked = {"text": text, "model_id": ELEVENLABS_MODEL}
        return _decode(ELEVENLABS.ask(f"/text-to-speech/{self._voice}", asked), ELEVENLABS.name), RATE


class ElevenLabsSounds:
    """Any sound, by its words. What was made once is kept in the folder, and not made again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_kind(self, what: str) -> str | None:
        return what

    def ambience(self, kind: str, seed: int) -> Samples:
        loop = self._made({"text": kind, "loop": True, "duration_seconds": LOOP / RATE})
        return level_ambience(np.repeat(loop[:, None], 2, axis=1))

    def effect(self, kind: str, seed: int) -> Samples:
        return level_effect(self._made({"text": kind}))

    def _made(self, asked: Mapping[str, object]) -> Samples:
        key = hashlib.sha256(repr(sorted(asked.items())).encode()).hexdigest()
        file = self._folder / f"{key[:16]}.mp3"
        if not file.exists():
            try:
                answer = ELEVENLABS.ask("/sound-generation", asked)
                _decode(answer, ELEVENLABS.name)
            except NextSceneError as error:
                raise NextSceneError(f"The sound {asked['text']!r} {error}") from error
            write_whole(file, answer)
        return _decode(file.read_bytes(), ELEVENLABS.name)


def _decode(answer: bytes, service: str) -> Samples:
    """The samples in a sound file of any common format, on one channel."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(answer)
        file.flush()
        raw = ("-f", "f32le", "-ar", str(RATE), "-ac", "1", "pipe:1")
        pieces = []
        try:
            with Ffmpeg(*input_file(Path(file.name), FORMATS), "-map", "0:a:0", *raw, limit=PATIENCE) as ffmpeg:
                while piece := ffmpeg.read(RATE * 4):
                    pieces.append(np.frombuffer(piece, np.float32))
        except FfmpegError as error:
            raise NextSceneError(f"could not be made by {service}: what it answered with is no sound.") from error
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    if not np.abs(samples).max(initial=0):
        raise NextSceneError(f"came back silent from {service}: say it in other words.")
    return samples


def _seconds(said: str) -> float:
    """How long a service asks to be left alone, if it says so in seconds."""
    return float(said) if said.isdecimal() and len(said) < 6 else 1.0

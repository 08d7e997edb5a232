"""A film's sound: recordings at their scenes, music under them; one WAV out, as loud as the web wants it.

    music = open_music(path)                    # refused here if it cannot be used, before anything is drawn
    mix(path, timeline, recordings, music)

The music is played over and over as far as it is too short, makes way for each voice before that begins, and comes back
after it. All is done block by block, in constant memory over any length. Knows samples and times; not pictures, nor who
speaks.
"""

import re
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import IO, Self

import numpy as np

from nextscene import NextSceneError
from nextscene.files import exists, whole_file
from nextscene.film.effects import Effects
from nextscene.film.ffmpeg import Ffmpeg, FfmpegError, input_file
from nextscene.film.timeline import LEAD as LEAD
from nextscene.film.timeline import Timeline
from nextscene.film.voice import RATE, Recording, Recordings, Samples

LOUDNESS, PEAK = -16.0, -1.5  # LUFS and dBTP of the whole; half a decibel below -1 for what AAC adds to a peak
SPEECH = -18.0  # LUFS: what a recording has on both channels
DUCKED, DUCKED_MOMENTS = -7.0, -3.0  # LU of places and effects under speech, against what they have by themselves
APART, UNDER = -6.0, -20.0  # LU of the music against speech: by itself, and under it, where WCAG 1.4.7 wants 20
AWAY, BACK, STAY = 0.5, 1.2, 2.5  # seconds: how long the music goes down and up, and a pause that it stays down for
FADE_IN, FADE_OUT = 0.5, 2.0
SEAM = 1.5  # seconds for which the music's end and its beginning sound together, where it begins anew
NOTHING, SHORTEST = -69.0, 1.0  # LUFS: silence; seconds of music at least
MOST_GAIN, MOST_GAIN_ALONE = 20.0, 8.0  # dB; the latter where nothing but places and effects is heard
MEASURED = 600  # seconds of the music, at most
LIMIT = 120.0  # seconds that this may take
BLOCK = RATE  # samples
FRAME = 2 * 4  # bytes of a sample, on both channels

OnSamples = Callable[[int], object]  # called with how many samples are done
# What music comes in, as ffmpeg names it.
FORMATS = "aac,aiff,asf,au,caf,flac,matroska,mov,mp3,ogg,w64,wav,wv"


@dataclass(frozen=True)
class Music:
    """A file to be played under a film, that was found to be sound: how loud it is, in LUFS, and how long."""

    path: Path
    loudness: float
    seconds: float


@dataclass(frozen=True)
class _Spoken:
    """A recording at its place in the film, in samples."""

    start: int
    end: int
    recording: Recording

    @classmethod
    def at(cls, begin: Fraction, recording: Recording) -> Self:
        start = round(begin * RATE)
        return cls(start, start + round(recording.seconds * RATE), recording)


def open_music(path: Path) -> Music:
    """The file, if it can be played."""
    if not exists(path):
        raise NextSceneError(f"There is no music {path}: check its name and folder.")
    if not path.is_file():  # a pipe would be waited for
        raise _unplayable(path)
    try:
        with _decoder(path, f"atrim=duration={MEASURED},{_MEASURING}", limit=LIMIT) as ffmpeg:
            samples = sum(map(len, _pieces(ffmpeg)))
            loudness, _ = _loudness(ffmpeg.finish())
    except FfmpegError as error:
        raise _unplayable(path) from error
    if loudness <= NOTHING or samples < SHORTEST * RATE:
        raise _unplayable(path)
    return Music(path, loudness, samples / RATE)


def mix(
    path: Path,
    timeline: Timeline,
    recordings: Recordings,
    under: Music | None = None,
    effects: Effects | None = None,
    on_share: Callable[[float], object] = lambda _: None,
) -> None:
    """Writes the film's sound, exactly as long as the film: what is spoken, and music, places and effects under it.

    on_share: called with how much of it is done.
    """
    length = round(timeline.duration * RATE)
    spoken = [
        _Spoken.at(speech.start, recording)
        for segment in timeline.segments
        if segment.id in recordings
        for speech, recording in zip(segment.speech, recordings[segment.id], strict=True)
    ]
    with whole_file(path) as levelled, tempfile.TemporaryFile(dir=path.parent) as raw:
        blocks = _mixed(spoken, under, effects, length)
        loudness, peak = _measure(blocks, raw, lambda samples: on_share(samples / length / 2))
        raw.seek(0)
        gain = min(LOUDNESS - loudness, MOST_GAIN if spoken or under else MOST_GAIN_ALONE)
        _level(raw, levelled, gain, peak, lambda samples: on_share((1 + samples / length) / 2))


def _mixed(spoken: Sequence[_Spoken], music: Music | None, effects: Effects | None, length: int) -> Iterator[Samples]:
    seconds, layers = length / RATE, list[tuple[Iterator[Samples], _Gain]]()
    with ExitStack() as open_files:
        if music:
            played = open_files.enter_context(closing(_looped(music)))
            gain = _Gain(spoken, APART, UNDER, seconds, SPEECH - music.loudness)
            layers.append((_blocks(played), gain))
        if effects:
            layers.append((effects.places(length), _Gain(spoken, 0, DUCKED, seconds)))
            layers.append((effects.moments(length), _Gain(spoken, 0, DUCKED_MOMENTS, seconds)))
        for number, block in enumerate(_blocks(_speech(spoken, length))):
            times = (number * BLOCK + np.arange(len(block))) / RATE
            yield sum((next(under)[: len(block)] * gain(times)[:, None] for under, gain in layers), block)


class _Gain:
    """How much of what lies under speech is heard, at any time: more of it where nobody speaks.

    apart, under: by itself, and under speech, in dB; `level` is added to both.
    """

    def __init__(
        self, spoken: Sequence[_Spoken], apart: float, under: float, seconds: float, level: float = 0.0
    ) -> None:
        quiet: list[list[float]] = []
        for begin, end in ((each.start / RATE, each.end / RATE) for each in spoken):
            if quiet and begin - quiet[-1][1] < STAY:
                quiet[-1][1] = end
            else:
                quiet.append([begin, end])
        self._times = [time for begin, end in quiet for time in (begin - AWAY, begin, end, end + BACK)] or [0.0]
        self._decibels = [apart, under, under, apart] * len(quiet) or [apart]
        self._level = level
        fades = min(FADE_IN, seconds / 2), max(seconds - FADE_OUT, seconds / 2)
        self._ends = [0, *fades, seconds]

    def __call__(self, times: Samples) -> Samples:
        decibels = np.interp(times, self._times, self._decibels) + self._level
        gain: Samples = 10 ** (decibels / 20) * np.interp(times, self._ends, [0, 1, 1, 0])
        return gain


def _speech(spoken: Sequence[_Spoken], length: int) -> Iterator[Samples]:
    """All recordings on both channels, and silence before, between and after them."""
    at = 0
    for each in spoken:
        yield from _silence(each.start - at)
        for block in each.recording.blocks():
            yield np.repeat(block[:, None], 2, axis=1)
        at = each.end
    yield from _silence(length - at)


def _silence(length: int) -> Iterator[Samples]:
    for at in range(0, length, BLOCK):
        yield np.zeros((min(BLOCK, length - at), 2), np.float32)


def _looped(music: Music) -> Generator[Samples]:
    """The music without end: its end fades into its beginning."""
    seam = round(min(SEAM, music.seconds / 4) * RATE)
    up = np.sin(np.linspace(0, np.pi / 2, seam, dtype=np.float32))[:, None]
    tail = np.zeros((0, 2), np.float32)
    while True:
        held, samples = np.zeros((0, 2), np.float32), 0
        for piece in _decoded(music.path):
            samples += len(piece)
            held = np.concatenate([held, piece])
            if len(held) > 2 * seam:
                if len(tail):
                    held[:seam] = held[:seam] * up + tail * up[::-1]
                    tail = tail[:0]
                yield held[:-seam]
                held = held[-seam:]
        if samples <= 2 * seam:  # it was longer when it was measured
            raise _unplayable(music.path)
        yield held[:-seam]
        tail = held[-seam:]


def _blocks(pieces: Iterator[Samples]) -> Iterator[Samples]:
    """The same samples in blocks of one length; the last may be shorter."""
    held = np.zeros((0, 2), np.float32)
    for piece in pieces:
        held = np.concatenate([held, piece])
        while len(held) >= BLOCK:
            yield held[:BLOCK]
            held = held[BLOCK:]
    if len(held):
        yield held


def _decoded(path: Path) -> Iterator[Samples]:
    """A file's sound, once, piece by piece."""
    try:
        with _decoder(path) as ffmpeg:
            yield from _pieces(ffmpeg)
    except FfmpegError as error:
        raise _unplayable(path) from error


def _decoder(path: Path, filters: str = "anull", limit: float = inf) -> Ffmpeg:
    """Gives a file's samples one after another, whatever its clock says of them."""
    by_samples = f"asetpts=N/SR/TB,{filters}"
    return Ffmpeg(*input_file(path, FORMATS), "-map", "0:a:0", "-af", by_samples, *_RAW, "pipe:1", limit=limit)


def _pieces(decoder: Ffmpeg) -> Iterator[Samples]:
    while piece := decoder.read(BLOCK * FRAME):
        yield np.frombuffer(piece, np.float32).reshape(-1, 2)


def _measure(blocks: Iterator[Samples], raw: IO[bytes], on_samples: OnSamples) -> tuple[float, float]:
    """Keeps them as they come; gives the loudness and the true peak of the whole."""
    with Ffmpeg(*_RAW, "-i", "pipe:0", "-af", _MEASURING, "-f", "null", "-") as ffmpeg:
        for number, block in enumerate(blocks):
            on_samples(number * BLOCK)
            data = block.astype(np.float32).tobytes()
            raw.write(data)
            ffmpeg.write(data)
        return _loudness(ffmpeg.finish())


def _level(raw: IO[bytes], path: Path, gain: float, peak: float, on_samples: OnSamples) -> None:
    """Makes it louder by so much; what would then go over the peak is held down, four times oversampled."""
    filters = [f"volume={gain}dB"]
    if peak + gain > PEAK:
        limiter = f"alimiter=limit={10 ** (PEAK / 20)}:level=0:attack=3:release=60:latency=1"
        filters += [f"aresample={4 * RATE}", limiter, f"aresample={RATE}"]
    wav = ["-c:a", "pcm_s16le", "-rf64", "auto", "-f", "wav", "-y", f"file:{path}"]
    with Ffmpeg(*_RAW, "-i", "pipe:0", "-af", ",".join(filters), *wav) as ffmpeg:
        while data := raw.read(BLOCK * FRAME):
            on_samples(raw.tell() // FRAME)
            ffmpeg.write(data)
        ffmpeg.finish()


_RAW = ("-f", "f32le", "-ar", str(RATE), "-ac", "2")
_MEASURING = "ebur128=peak=true:framelog=quiet"


def _loudness(said: str) -> tuple[float, float]:
    """The loudness in LUFS and the true peak in dBTP, from what ffmpeg's ebur128 said."""
    found = re.search(r"I:\s+(\S+) LUFS.*Peak:\s+(\S+) dBFS", said, re.DOTALL)
    return (float(found[1]), float(found[2])) if found else (float("-inf"), float("-inf"))


def _unplayable(path: Path) -> NextSceneError:
    return NextSceneError(f"{path.name} has no sound that can be played: give a music file such as MP3, WAV or FLAC.")

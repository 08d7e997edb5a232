"""A film's sound: spoken clips at their scenes, music under them; one WAV out, as loud as the web wants it.

    music = sound.music(path)                   # refused here if it cannot be used, before anything is drawn
    sound.mix(path, timeline, clips, music)

The music is played over and over as far as it is too short, makes way for each voice before that begins, and comes back
after it. All is done block by block, in constant memory over any length. Knows samples and times; not pictures, nor who
speaks.
"""

import re
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe

from nextscene import NextSceneError
from nextscene.film.timeline import Timeline
from nextscene.film.voice import RATE, Clip, Samples

LOUDNESS, PEAK = -16.0, -1.5  # LUFS and dBTP of the whole; half a decibel below -1 for what AAC adds to a peak
LEAD = 0.25  # seconds from a scene's start to its first word
SPEECH = -18.0  # LUFS: what a clip has on both channels
APART, UNDER = -6.0, -20.0  # LU of the music against speech: by itself, and under it, where WCAG 1.4.7 wants 20
AWAY, BACK, STAY = 0.5, 1.2, 2.5  # seconds: how long the music goes down and up, and a pause that it stays down for
FADE_IN, FADE_OUT = 0.5, 2.0
SEAM = 1.5  # seconds for which the music's end and its beginning sound together, where it begins anew
NOTHING, SHORTEST, MOST_GAIN = -69.0, 1.0, 20.0  # LUFS: silence; seconds of music at least; dB
MEASURED = 600  # seconds of the music, at most
BLOCK = RATE  # samples


@dataclass(frozen=True)
class Music:
    """A file to be played under a film, that was found to be sound: how loud it is, in LUFS, and how long."""

    path: Path
    loudness: float
    seconds: float


@dataclass(frozen=True)
class _Spoken:
    """A clip at its place in the film, in samples."""

    start: int
    end: int
    clip: Clip

    @classmethod
    def at(cls, scene: Fraction, clip: Clip) -> Self:
        start = round((scene + Fraction(LEAD)) * RATE)
        return cls(start, start + round(clip.seconds * RATE), clip)


def music(path: Path) -> Music:
    """The file, if it can be played."""
    if not path.exists():
        raise NextSceneError(f"There is no music {path}: check its name and folder.")
    options = ["-t", str(MEASURED), *_reading(path), *_MEASURING, "-progress", "pipe:1", "-f", "null", "-"]
    done = subprocess.run(
        _command(*options), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    loudness, _ = _measured(done.stderr)
    times = re.findall(r"out_time_us=(\d+)", done.stdout)
    length = int(times[-1]) / 1e6 if times else 0.0
    if done.returncode or loudness <= NOTHING or length < SHORTEST:
        raise _unplayable(path)
    return Music(path, loudness, length)


def mix(path: Path, timeline: Timeline, clips: Mapping[str, Clip], under: Music | None = None) -> None:
    """Writes the film's sound, exactly as long as the film: each scene's clip, and the music under all of them."""
    length = round(timeline.duration * RATE)
    spoken = [_Spoken.at(cut.start, clips[cut.id]) for cut in timeline.cuts if cut.id in clips]
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            raw, levelled = Path(folder, "raw.wav"), Path(folder, "levelled.wav")
            loudness, peak = _write(_mixed(spoken, under, length), raw)
            _level(raw, levelled, min(LOUDNESS - loudness, MOST_GAIN), peak)
            levelled.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise NextSceneError(f"{path} cannot be written ({reason}): make room or choose another folder.") from error


def _mixed(spoken: Sequence[_Spoken], music: Music | None, length: int) -> Iterator[Samples]:
    speech = _blocks(_speech(spoken, length))
    if not music:
        yield from speech
        return
    gain = _Gain(spoken, SPEECH - music.loudness, length / RATE)
    with closing(_looped(music)) as played:
        for number, (voice, under) in enumerate(zip(speech, _blocks(played), strict=False)):
            times = (number * BLOCK + np.arange(len(voice))) / RATE
            yield voice + under[: len(voice)] * gain(times)[:, None]


class _Gain:
    """How much of the music is heard, at any time: all of it where nobody speaks, little of it where somebody does."""

    def __init__(self, spoken: Sequence[_Spoken], to_speech: float, seconds: float) -> None:
        quiet: list[list[float]] = []
        for begin, end in ((each.start / RATE, each.end / RATE) for each in spoken):
            if quiet and begin - quiet[-1][1] < STAY:
                quiet[-1][1] = end
            else:
                quiet.append([begin, end])
        self._times = [time for begin, end in quiet for time in (begin - AWAY, begin, end, end + BACK)] or [0.0]
        self._decibels = [APART, UNDER, UNDER, APART] * len(quiet) or [APART]
        self._to_speech = to_speech
        fades = min(FADE_IN, seconds / 2), max(seconds - FADE_OUT, seconds / 2)
        self._ends = [0, *fades, seconds]

    def __call__(self, times: Samples) -> Samples:
        decibels = np.interp(times, self._times, self._decibels) + self._to_speech
        gain: Samples = 10 ** (decibels / 20) * np.interp(times, self._ends, [0, 1, 1, 0])
        return gain


def _speech(spoken: Sequence[_Spoken], length: int) -> Iterator[Samples]:
    """All clips on both channels, and silence before, between and after them."""
    at = 0
    for each in spoken:
        yield from _silence(each.start - at)
        for block in each.clip.blocks():
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
        held = np.zeros((0, 2), np.float32)
        for piece in _decoded(music.path):
            held = np.concatenate([held, piece])
            if len(held) > 2 * seam:
                if len(tail):
                    held[:seam] = held[:seam] * up + tail * up[::-1]
                    tail = tail[:0]
                yield held[:-seam]
                held = held[-seam:]
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
    command = _command(*_reading(path), *_RAW, "pipe:1")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        try:
            while piece := process.stdout.read(BLOCK * 2 * 4):
                yield np.frombuffer(piece, np.float32).reshape(-1, 2)
            if process.wait():
                raise _unplayable(path)
        finally:
            process.kill()


def _write(blocks: Iterator[Samples], path: Path) -> tuple[float, float]:
    """Writes them as they come; gives the loudness and the true peak of the whole."""
    with tempfile.TemporaryFile() as said:
        command = _command(*_RAW, "-i", "pipe:0", *_MEASURING, "-c:a", "pcm_f32le", *_wav(path))
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said) as process:
            assert process.stdin
            with suppress(BrokenPipeError):  # ffmpeg has said why
                for block in blocks:
                    process.stdin.write(block.astype(np.float32).tobytes())
        said.seek(0)
        text = said.read().decode(errors="replace")
    if process.returncode:
        raise OSError(text.strip().splitlines()[-1])
    return _measured(text)


def _level(raw: Path, path: Path, gain: float, peak: float) -> None:
    """Makes it louder by so much; what would then go over the peak is held down, four times oversampled."""
    filters = [f"volume={gain}dB"]
    if peak + gain > PEAK:
        limiter = f"alimiter=limit={10 ** (PEAK / 20)}:level=0:attack=3:release=60:latency=1"
        filters += [f"aresample={4 * RATE}", limiter, f"aresample={RATE}"]
    options = ["-i", f"file:{raw}", "-af", ",".join(filters), "-c:a", "pcm_s16le", *_wav(path)]
    done = subprocess.run(
        _command(*options), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        raise OSError(done.stderr.strip().splitlines()[-1])


_RAW = ("-f", "f32le", "-ar", str(RATE), "-ac", "2")
_MEASURING = ("-af", "ebur128=peak=true:framelog=quiet")


def _command(*options: str) -> list[str]:
    return [get_ffmpeg_exe(), "-hide_banner", "-nostats", *options]


def _reading(path: Path) -> list[str]:
    return ["-protocol_whitelist", "file", "-i", f"file:{path}", "-map", "0:a:0"]


def _wav(path: Path) -> list[str]:
    return ["-rf64", "auto", f"file:{path}"]


def _measured(text: str) -> tuple[float, float]:
    """The loudness in LUFS and the true peak in dBTP, from what ffmpeg's ebur128 said."""
    found = re.search(r"I:\s+(\S+) LUFS.*Peak:\s+(\S+) dBFS", text, re.DOTALL)
    return (float(found[1]), float(found[2])) if found else (float("-inf"), float("-inf"))


def _unplayable(path: Path) -> NextSceneError:
    return NextSceneError(f"{path.name} has no sound that can be played: give a music file such as MP3, WAV or FLAC.")

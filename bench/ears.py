"""Ears: films and sound files in; when it claps and flashes in them, and how loud they are, out.

They decode with another library than the one that wrote the file. `Clap` makes the sounds that are easily found again.
"""

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray

from nextscene.film import RATE, Samples

Times = NDArray[np.float64]  # seconds


class Clap:
    """A voice that claps whatever it is given: a bang, and a second and a half of its dying away."""

    name = "clap"

    def speak(self, _: str) -> tuple[Samples, int]:
        noise = np.random.default_rng(0).normal(0, 0.2, int(1.5 * RATE))
        return noise * np.exp(-np.arange(len(noise)) / (0.03 * RATE)), RATE


def heard(path: Path) -> Samples:
    """A file's sound on the film's clock: both channels, between -1 and 1."""
    with av.open(str(path)) as opened:
        to_stereo = av.AudioResampler("fltp", "stereo", RATE)
        frames = [part for frame in opened.decode(audio=0) for part in to_stereo.resample(frame)]
    first = frames[0]
    assert first.pts is not None
    assert first.time_base is not None
    start = round(first.pts * first.time_base * RATE)
    samples = np.concatenate([frame.to_ndarray().T for frame in frames])
    return np.concatenate([np.zeros((max(start, 0), 2), np.float32), samples[max(-start, 0) :]])


def claps(path: Path) -> Times:
    """When it begins to be loud after half a second that was not."""
    samples = np.abs(heard(path)).max(axis=1)
    loud = np.flatnonzero(samples > 0.3 * samples.max())
    return loud[np.diff(loud, prepend=-RATE) > RATE // 2] / RATE


def flashes(path: Path) -> Times:
    """When a film's picture becomes white."""
    with av.open(str(path)) as opened:
        seen = [(frame.time, frame.to_ndarray(format="gray").mean() > 128) for frame in opened.decode(video=0)]
    return np.array([time for (_, before), (time, white) in pairwise([(0, False), *seen]) if white and not before])


def loudness(path: Path) -> tuple[float, float]:
    """In LUFS, of the whole (ITU-R BS.1770), and the true peak in dBTP."""
    command = [
        get_ffmpeg_exe(),
        "-nostats",
        "-i",
        str(path),
        "-af",
        "ebur128=peak=true:framelog=quiet",
        "-f",
        "null",
        "-",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    found = re.search(r"I:\s+(\S+) LUFS.*Peak:\s+(\S+) dBFS", said, re.DOTALL)
    assert found
    return float(found[1]), float(found[2])


def music(path: Path, source: str, seconds: float) -> Path:
    """A file to play, made by one of ffmpeg's sources of sound."""
    command = [get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source, "-t", str(seconds), "-ac", "2", str(path)]
    subprocess.run(command, check=True)
    return path

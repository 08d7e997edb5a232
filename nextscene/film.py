"""Pictures and their durations in, an MP4 out.

    with Film("sequence.mp4") as film:
        film.add(picture, seconds=0.5)

Each picture is encoded as it comes, in one pass and constant memory. The film appears when the block ends well; if it
ends badly, nothing is left behind. Knows pictures and seconds; does not know stories, shots or models.
"""

import os
import re
import subprocess
import tempfile
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Self

from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from nextscene import NextSceneError, pictures

FRAMES_PER_SECOND = 24

# What every browser plays: even sizes (an odd row or column is cut off) and HD video's colours, converted and declared.
# A slower preset doubles the time and, on pictures that stand still, gives the same quality in the same space.
FILTERS = (
    "crop=trunc(iw/2)*2:trunc(ih/2)*2,"
    "scale=out_color_matrix=bt709:out_range=tv,setparams=color_primaries=bt709:color_trc=bt709"
)
MP4 = "-c:v libx264 -profile:v high -preset veryfast -crf 16 -pix_fmt yuv420p -movflags +faststart -f mp4"


class Film:
    """An H.264 film of 24 frames per second, in which each picture stands for exactly its time."""

    def __init__(self, path: str | os.PathLike[str], title: str = "") -> None:
        self._path = Path(path)
        self._part = self._path.with_name(f".{self._path.name}.part")
        self._title = title
        self._size = (0, 0)
        self._clock = Fraction(0)
        self._encoder: subprocess.Popen[bytes] | None = None
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the film; a pipe could fill up and block)

    def add(self, picture: Image.Image, seconds: float) -> None:
        """Show `picture` for `seconds`. The first picture gives the film its size; later ones are fitted to it."""
        if self._encoder is None:
            self._size = picture.size
            self._encoder = self._started()
        self._clock, frames = span(self._clock, seconds)
        frame = pictures.fit(picture, *self._size).convert("RGB").tobytes()
        assert self._encoder.stdin
        try:
            for _ in range(frames):
                self._encoder.stdin.write(frame)
        except OSError as error:
            raise self._failure(error) from error

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failure(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            if self._encoder:
                self._encoder.kill()
                self._encoder.communicate()
            self._complaints.close()
            self._part.unlink(missing_ok=True)

    def _started(self) -> subprocess.Popen[bytes]:
        width, height = self._size
        frames = f"-f rawvideo -pix_fmt rgb24 -video_size {width}x{height} -framerate {FRAMES_PER_SECOND} -i pipe:0"
        options = f"-loglevel error {frames} -vf {FILTERS} {MP4} -y".split()
        command = [get_ffmpeg_exe(), *options, "-metadata", f"title={self._title}", f"file:{self._part}"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=self._complaints)

    def _finish(self) -> None:
        if self._encoder is None:
            raise NextSceneError(f"{self._path.name} would be a film without a picture: give it at least one.")
        try:
            self._encoder.communicate()
            if self._encoder.returncode:
                raise OSError(f"ffmpeg ended with {self._encoder.returncode}")
            self._part.replace(self._path)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> NextSceneError:
        if self._encoder:
            self._encoder.communicate()
        self._complaints.seek(0)
        first, *_ = self._complaints.read().decode(errors="replace").splitlines() or [str(error.strerror or error)]
        reason = re.sub(r"^(\[.*?\] )+", "", first)
        return NextSceneError(
            f"{self._path} cannot be filmed ({reason}): check the folder, its free space and the pictures' size."
        )


def span(start: Fraction, seconds: float) -> tuple[Fraction, int]:
    """Where a scene that begins at `start` ends, both exact and in frames, and how many whole frames show it.

    The clock itself is never rounded, so that rounding does not add up. The shortest scene takes one frame.
    """
    end = start + max(Fraction(seconds) * FRAMES_PER_SECOND, Fraction(1))
    return end, _nearest(end) - _nearest(start)


def _nearest(time: Fraction) -> int:
    return floor(time + Fraction(1, 2))

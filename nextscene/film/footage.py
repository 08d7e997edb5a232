"""A film that somebody brings: what it is, its frames one after another, and a film of new frames with its sound.

    footage = open_footage(path)                    # as it is seen: upright, with square pixels
    for frame in footage.frames(128, 96): ...       # at an even pace, in constant memory
    with NewFilm(to, (128, 96), footage.fps, footage) as film:
        film.add(frame)

Any common format. A variable frame rate becomes an even one, at which sound and picture stay together. It knows no
models.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image

from nextscene import NextSceneError
from nextscene.files import whole_file
from nextscene.film.blends import Frame
from nextscene.film.clipfile import MARK
from nextscene.film.ffmpeg import Ffmpeg, FfmpegError, input_file
from nextscene.film.formats import YUV

# A playlist would have ffmpeg open what it names, and a list of pictures is no film.
READABLE = "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,gif,flv,asf,ogg,ivf,h264,hevc,mjpeg,apng,mxf,dv,nut,rm"
FASTEST, USUAL = 60, Fraction(25)  # frames a second: at most, and where a film does not say
COPIED = ("aac", "mp3")  # sounds that an MP4 holds and every browser plays
CODEC = "-c:v libx264 -profile:v high -preset veryfast -crf 14 -pix_fmt yuv420p -movflags +faststart -f mp4"


@dataclass(frozen=True)
class Footage:
    """A film's file. width, height: as it is seen; fps: at which its frames are given; sound: its codec, if it has one.

    notes: what is given otherwise than it is there.
    """

    path: Path
    width: int
    height: int
    fps: Fraction
    sound: str = ""
    notes: tuple[str, ...] = ()

    def frames(self, width: int, height: int) -> Iterator[Frame]:
        """All frames in this size, scaled and cropped, never stretched."""
        fit = f"scale={width}:{height}:force_original_aspect_ratio=increase:flags=lanczos,crop={width}:{height}"
        pace = f"fps={self.fps}:start_time=0"
        size = width * height * 3
        try:
            with Ffmpeg(
                *input_file(self.path, READABLE),
                *["-map", "0:V:0", "-vf", f"{pace},{SQUARE},{fit}", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"],
            ) as ffmpeg:
                while len(data := ffmpeg.read(size)) == size:
                    yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
        except FfmpegError as error:
            raise _broken(self.path, error) from error


SQUARE = "scale=iw*sar:ih,setsar=1"


def open_footage(path: Path) -> Footage:
    """What is known of a film before it is read; refuses what is none."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise NextSceneError(f"The film {path} {what}: give a video's file.")
    _refuse_still(path)
    try:
        with Ffmpeg(
            *input_file(path, READABLE),
            *["-map", "0:V:0", "-frames:v", "1", "-vf", SQUARE, "-f", "image2pipe", "-c:v", "ppm", "pipe:1"],
        ) as ffmpeg:
            head = _header(ffmpeg)
            said = ffmpeg.finish()
    except FfmpegError as error:
        if "matches no streams" in str(error) or "does not contain any stream" in str(error):
            raise NextSceneError(f"{path.name} holds no moving picture, only sound or data: give a video.") from None
        raise _broken(path, error) from error
    if not head:
        raise NextSceneError(f"{path.name} is a video without a single frame: give another, or save it anew.")
    fps, notes = _pace(said)
    sound = re.search(r"Stream #0:.*?: Audio: (\w+)", said)
    return Footage(path, *head, fps, sound[1] if sound else "", notes)


def _refuse_still(path: Path) -> None:
    try:
        with Image.open(path) as picture:
            frames = getattr(picture, "n_frames", 1)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return  # no picture, so perhaps a film
    if frames == 1:
        raise NextSceneError(
            f"{path.name} is a still picture: give a film, or draw on from the picture with "
            f"script/predict --input-image {path.name}."
        )


def _header(ffmpeg: Ffmpeg) -> tuple[int, int] | None:
    """The width and height of a PPM, whose pixels are read and left."""
    first = ffmpeg.read(32)
    found = re.match(rb"P6\s(\d+)\s(\d+)\s\d+\s", first)
    if not found:
        return None
    while ffmpeg.read(1 << 20):
        pass
    return int(found[1]), int(found[2])


def _pace(said: str) -> tuple[Fraction, tuple[str, ...]]:
    """The even pace nearest to a film's own, and what is to be said of it.

    ffmpeg tells the mean of the frames ("fps") and a pace that would meet all of them ("tbr"), which may be far off.
    """
    line = next(iter(re.findall(r"Stream #0:.*?: Video: .*", said)), "")
    mean, meets = (
        Fraction(found[1]) * (1000 if found[2] else 1) if (found := re.search(rf"([\d.]+)(k?) {unit}", line)) else None
        for unit in ("fps", "tbr")
    )
    fps = mean or meets or USUAL
    notes = []
    if meets and mean and meets != mean and meets <= FASTEST and meets <= mean * 5 / 2:
        fps = meets
        notes.append(f"Its frames come unevenly, about {float(mean):g} a second: they are held to an even {fps}.")
    if fps > FASTEST:
        notes.append(f"It has {float(fps):g} frames a second, of which {FASTEST} are taken.")
        fps = Fraction(FASTEST)
    return _exact(fps), tuple(notes)


def _exact(fps: Fraction) -> Fraction:
    """Television's paces, which are said with two digits: 29.97 is 30000/1001."""
    television = Fraction(round(fps) * 1000, 1001)
    return television if abs(fps - television) < Fraction(1, 150) else fps


def _broken(path: Path, error: FfmpegError) -> NextSceneError:
    return NextSceneError(f"{path.name} cannot be read as a film ({error}): save it anew, as MP4.")


class NewFilm:
    """An MP4 of new frames; whole when the block ends well, else not there. sound: the film whose sound it keeps."""

    def __init__(
        self, path: Path, size: tuple[int, int], fps: Fraction, sound: Footage | None, facts: Mapping[str, object]
    ) -> None:
        self._path, self._size, self._fps, self._sound, self._facts = path, size, fps, sound, facts
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            part = opening.enter_context(whole_file(self._path))
            width, height = self._size
            form = f"-f rawvideo -pix_fmt rgb24 -video_size {width}x{height} -framerate {self._fps}"
            sound = self._sound
            heard = input_file(sound.path, READABLE) if sound and sound.sound else []
            tracks = "-map 0:v"
            if sound and sound.sound:
                tracks += " -map 1:a:0 -c:a " + ("copy" if sound.sound in COPIED else "aac -b:a 192k")
            comment = ["-metadata", f"comment={json.dumps({MARK: dict(self._facts)})}", "-map_metadata", "-1"]
            self._encoder = opening.enter_context(
                Ffmpeg(
                    *form.split(), *["-i", "pipe:0", *heard], *tracks.split(), *["-vf", YUV], *CODEC.split(),
                    *comment[2:], *comment[:2], "-fflags", "+bitexact", "-y", f"file:{part}",
                )
            )  # fmt: skip
            self._open = opening.pop_all()
        return self

    def add(self, frame: Frame) -> None:
        try:
            self._encoder.write(np.ascontiguousarray(frame).data)
        except FfmpegError as error:
            raise self._failure(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._open.__exit__(kind, error, trace)
            return
        with self._open:
            try:
                self._encoder.finish()
            except FfmpegError as failed:
                raise self._failure(failed) from failed

    def _failure(self, error: FfmpegError) -> NextSceneError:
        return NextSceneError(f"{self._path} cannot be filmed ({error}): check the folder and its free space.")

"""Clips as files: frames in, a small MP4 out that every browser plays; and the frames of one, read again.

    write_clip(path, frames, fps, facts)
    clip = read_clip(path)          # clip.frames, clip.fps

What made a clip is in its file's comment, as JSON. It knows no engines.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nextscene import NextSceneError
from nextscene.film.blends import Frame
from nextscene.film.ffmpeg import Ffmpeg, FfmpegError, input_file
from nextscene.film.formats import YUV

CODEC = "-c:v libx264 -profile:v high -preset veryfast -crf 12 -pix_fmt yuv420p -movflags +faststart -f mp4"
MARK = "next_scene_clip"  # what tells that we made a file
HEAD = 1 << 20  # bytes in which that stands
MOST_BYTES = 8e9  # of a clip's frames, decoded


@dataclass(frozen=True)
class ClipFile:
    """The frames of a clip's file."""

    frames: Sequence[Frame]
    fps: float


def write_clip(part: Path, frames: Sequence[Frame], fps: float, facts: Mapping[str, object]) -> None:
    """Writes a clip into a file that is there already, such as `whole_file` gives."""
    height, width = frames[0].shape[:2]
    form = f"-f rawvideo -pix_fmt rgb24 -video_size {width}x{height} -framerate {fps:g}"
    comment = ["-metadata", f"comment={json.dumps({MARK: dict(facts)})}", "-fflags", "+bitexact"]
    try:
        with Ffmpeg(
            *form.split(), "-i", "pipe:0", "-vf", YUV, *CODEC.split(), *comment, "-y", f"file:{part}"
        ) as ffmpeg:
            for frame in frames:
                ffmpeg.write(np.ascontiguousarray(frame).data)
            ffmpeg.finish()
    except FfmpegError as error:
        raise NextSceneError(f"A clip cannot be written to {part.parent} ({error}): check its free space.") from error


def read_clip(path: Path) -> ClipFile:
    """All frames of a clip: one that was made here, or by a hosted model."""
    width, height, fps = _shape(path)
    try:
        with Ffmpeg(
            *input_file(path, "mov,matroska,webm"), *["-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
        ) as ffmpeg:
            frames = list(_frames(ffmpeg, width, height))
    except FfmpegError as error:
        raise NextSceneError(f"The clip {path} cannot be read ({error}): make it again.") from error
    if not frames:
        raise NextSceneError(f"The clip {path} has no frames: make it again.")
    return ClipFile(frames, fps)


def _frames(ffmpeg: Ffmpeg, width: int, height: int) -> Any:
    size = width * height * 3
    read = 0
    while len(data := ffmpeg.read(size)) == size:
        read += size
        if read > MOST_BYTES:
            raise NextSceneError(f"A clip of {width}x{height} has more frames than memory should hold.")
        yield np.frombuffer(data, np.uint8).reshape(height, width, 3)


def _shape(path: Path) -> tuple[int, int, float]:
    """A clip's width, height and frames for each second."""
    try:
        with Ffmpeg(
            *input_file(path, "mov,matroska,webm"), *["-map", "0:v:0", "-frames:v", "1", "-f", "null", "-"]
        ) as ffmpeg:
            said = ffmpeg.finish()
    except FfmpegError as error:
        raise NextSceneError(f"The clip {path} cannot be read ({error}): make it again.") from error
    found = re.search(r"Video: .*?(\d{2,5})x(\d{2,5}).*?([\d.]+) fps", said)
    if not found:
        raise NextSceneError(f"The clip {path} holds no video: make it again.")
    return int(found[1]), int(found[2]), float(found[3])


def is_own_clip(path: Path) -> bool:
    """Whether a file is a clip that `write_clip` wrote."""
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as stream:
        return MARK.encode() in stream.read(HEAD)

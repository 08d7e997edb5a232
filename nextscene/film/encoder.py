"""A timeline and its scenes' pictures in, a film out: MP4, WebM or GIF, as its name says.

    with Film("sequence.mp4", timeline) as film:
        for picture in pictures:
            film.add(picture)

Each picture is encoded as it comes, in one pass and constant memory. The film appears when the block ends well; if it
ends badly, nothing is left behind. Knows pictures and their times; does not know models.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from nextscene import NextSceneError
from nextscene.film.formats import format_of, metadata
from nextscene.film.frames import Lettering, Projector, Size
from nextscene.film.timeline import Timeline

OnFrame = Callable[[], object] | None


class Film:
    """A film in which each scene stands for exactly its time, with a chapter for each."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        timeline: Timeline,
        title: str = "",
        *,
        sound: Path | None = None,
        subtitles: Path | None = None,
        lettering: Lettering = lambda *_: None,
        upscale: int = 1,
    ) -> None:
        """Prepares a film; what it cannot hold, as a GIF no sound, is left out.

        sound, subtitles: files that are put into it as they are, and have its length.
        lettering: what lies over the foot of the picture at a time.
        upscale: how much larger than its pictures it is.
        """
        self._path = Path(path)
        self._format = format_of(self._path)
        self._timeline, self._title, self._upscale = timeline, title, upscale
        self._sound, self._subtitles, self._lettering = sound, subtitles, lettering
        self._part = self._path.with_name(f".{self._path.name}.part")
        self._projector: Projector | None = None
        self._encoder: subprocess.Popen[bytes] | None = None
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the film; a pipe could fill up and block)
        self._about = tempfile.NamedTemporaryFile("w", encoding="utf-8")  # noqa: SIM115 (closed with the film)

    @property
    def notes(self) -> list[str]:
        """What could not be shown as it was wanted."""
        return self._projector.notes if self._projector else []

    def add(self, picture: Image.Image, facts: Mapping[str, Any] | None = None, on_frame: OnFrame = None) -> None:
        """The next scene's picture, and the facts of how it was made.

        The first one gives the film its size, and its facts; later pictures are fitted to it.
        """
        if self._projector is None or self._encoder is None:
            size = (picture.width * self._upscale, picture.height * self._upscale)
            self._projector = Projector(self._timeline, size, self._lettering)
            self._encoder = self._started(size, made_with(facts or {}))
        assert self._encoder.stdin
        for frame in self._projector.show(picture.convert("RGB")):
            try:
                self._encoder.stdin.write(frame.data)
            except OSError as error:
                raise self._failure(error) from error
            if on_frame:
                on_frame()

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
            self._about.close()
            self._part.unlink(missing_ok=True)

    def _started(self, size: Size, comment: str) -> subprocess.Popen[bytes]:
        self._about.write(metadata(self._timeline, self._title, comment))
        self._about.flush()
        frames = f"-f rawvideo -pix_fmt rgb24 -video_size {size[0]}x{size[1]} -framerate {self._timeline.video_fps}"
        inputs = [*f"{frames} -i pipe:0 -f ffmetadata -i".split(), self._about.name]
        tracks = "-map 0:v -map_metadata 1 -map_chapters 1"
        form = self._format
        for kind, file, codec in (("a", self._sound, form.sound), ("s", self._subtitles, form.subtitles)):
            if file and codec:
                tracks += f" -map {inputs.count('-i')}:{kind} {codec}"
                inputs += ["-i", f"file:{file}"]
        filters = form.filters.format(last=self._timeline.frame(self._timeline.duration) - 1)
        options = f"{tracks} -vf {filters} {form.video} -y".split()
        command = [get_ffmpeg_exe(), "-loglevel", "error", *inputs, *options, f"file:{self._part}"]
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


def made_with(facts: Mapping[str, Any]) -> str:
    """What made a picture, in a line."""
    if "lora" not in facts:
        return ""
    lora = facts["lora"]
    return f"{facts['made_by']}: {facts['model']}, {lora['file']} at {lora['scale']:g}, seed {facts['seed']}"

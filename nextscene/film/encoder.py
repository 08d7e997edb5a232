"""A timeline and its scenes' pictures in, a film out: MP4, WebM or GIF, as its name says.

    with Film(Path("sequence.mp4"), timeline) as film:
        for picture in pictures:
            film.add(picture)

Each picture is encoded as it comes, in one pass and constant memory. The film appears when the block ends well; if it
ends badly, nothing is left behind. Knows pictures and their times; does not know models.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from typing import Self

from PIL import Image

from nextscene import NextSceneError
from nextscene.files import whole_file
from nextscene.film.blends import Frame
from nextscene.film.ffmpeg import Ffmpeg, FfmpegError, input_file
from nextscene.film.formats import find_format, format_metadata
from nextscene.film.frames import Overlay, Projector, Size, weigh_frames
from nextscene.film.grade import UNGRADED, Grade
from nextscene.film.timeline import Timeline

OnShare = Callable[[float], object]  # called with how much of the work is done


class Film:
    """A film in which each scene stands for exactly its time, with a chapter for each."""

    def __init__(
        self,
        path: Path,
        timeline: Timeline,
        title: str = "",
        *,
        sound: Path | None = None,
        subtitles: Path | None = None,
        overlay: Overlay = lambda *_: None,
        grade: Grade = UNGRADED,
        upscale: int = 1,
        on_share: OnShare = lambda _: None,
    ) -> None:
        """Prepares a film; what it cannot hold, as a GIF no sound, is left out.

        sound, subtitles: WAV and WebVTT files of its length, to be put into it.
        overlay: what lies over the foot of the picture at a time. grade: what its colours go through.
        upscale: how much larger than its pictures it is.
        """
        self._path, self._format = path, find_format(path)
        self._timeline, self._title, self._upscale = timeline, title, upscale
        self._sound, self._subtitles, self._on_share = sound, subtitles, on_share
        self._overlay, self._grade = overlay, grade
        self._projector: Projector | None = None
        self._encoder: Ffmpeg | None = None
        self._done: Iterator[float] = iter(())
        self._open = ExitStack()

    @property
    def notes(self) -> list[str]:
        """What could not be shown as it was wanted."""
        return self._projector.notes if self._projector else []

    def add(self, picture: Image.Image, made_with: str = "", clip: Sequence[Frame] | None = None) -> None:
        """The next scene's picture, what made it, in a line, and the frames of its clip, if it has one.

        The first one gives the film its size, and says what made it; later pictures are fitted to it.
        """
        try:
            if self._projector is None or self._encoder is None:
                size = (picture.width * self._upscale, picture.height * self._upscale)
                self._projector = Projector(self._timeline, size, self._overlay, self._grade)
                work = list(accumulate(weigh_frames(self._timeline, size, self._grade)))
                self._done = (done / work[-1] for done in work)
                self._encoder = self._open.enter_context(Ffmpeg(*self._options(size, made_with)))
            for frame in self._projector.show(picture.convert("RGB"), clip):
                self._encoder.write(frame.data)
                self._on_share(next(self._done))
        except FfmpegError as error:
            raise self._failure(error) from error

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self._part = opening.enter_context(whole_file(self._path))
            self._about = Path(opening.enter_context(tempfile.NamedTemporaryFile()).name)
            self._open = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            with self._open:
                self._finish()
        else:  # whatever went wrong, this file is given up, and is not what was wrong
            self._open.__exit__(NextSceneError, NextSceneError(), None)

    def _options(self, size: Size, made_with: str) -> list[str]:
        self._about.write_text(format_metadata(self._timeline, self._title, made_with), encoding="utf-8")
        frames = f"-f rawvideo -pix_fmt rgb24 -video_size {size[0]}x{size[1]} -framerate {self._timeline.video_fps}"
        inputs = [*frames.split(), "-i", "pipe:0", *input_file(self._about, "ffmetadata")]
        form, tracks = self._format, "-map 0:v -map_metadata 1 -map_chapters 1"
        for kind, file, encoder, formats in (
            ("a", self._sound, form.sound, "wav"),
            ("s", self._subtitles, form.subtitles, "webvtt"),
        ):
            if file and encoder:
                tracks += f" -map {inputs.count('-i')}:{kind} {encoder}"
                inputs += input_file(file, formats)
        filters = form.filters.format(last=self._timeline.frame(self._timeline.duration) - 1)
        return [*inputs, *f"{tracks} -vf {filters} {form.video} -y".split(), f"file:{self._part}"]

    def _finish(self) -> None:
        if self._encoder is None:
            raise NextSceneError(f"{self._path.name} would be a film without a picture: give it at least one.")
        try:
            self._encoder.finish()
        except FfmpegError as error:
            raise self._failure(error) from error

    def _failure(self, error: FfmpegError) -> NextSceneError:
        return NextSceneError(
            f"{self._path} cannot be filmed ({error}): check the folder, its free space and the pictures' size."
        )

"""The cutting room: a story's scenes go in as they are done, its film comes out, with all that belongs to it.

    with CuttingRoom(story, Path("sequence.mp4")) as room:
        for take, file in takes:
            room.add(take.picture, take.provenance, file)
    room.files

The story is complete (`Story.complete`), so that all times are known before the first scene is drawn. Here all parts of
a film come together: narration, music, captions, pictures, the file for editors. It does not know models.
"""

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from PIL import Image

from nextscene import NextSceneError
from nextscene.film import voice
from nextscene.film.captions import make_cues, write_subtitles
from nextscene.film.casting import cast_voices, find_any_voice, find_sounds
from nextscene.film.clipfile import read_clip
from nextscene.film.editors import check_edits, write_edit
from nextscene.film.effects import Effects, names_sounds
from nextscene.film.encoder import Film
from nextscene.film.grade import Grade
from nextscene.film.lettering import letter
from nextscene.film.otio import write_otio
from nextscene.film.sound import mix, open_music
from nextscene.film.timeline import ClipTime, lay_out
from nextscene.progress import OnProgress
from nextscene.provenance import Provenance
from nextscene.story import Story
from nextscene.text import plain


@dataclass(frozen=True)
class FilmFacts:
    """What the record says of a film: its name and length, how it was asked for, what could not be done, and who
    spoke.

    starts: the second at which each scene begins, by its id.
    """

    file: str
    frames: int
    starts: Mapping[str, float]
    settings: Mapping[str, object]
    notes: tuple[str, ...]
    voices: Mapping[str, str]


class CuttingRoom:
    """Makes one film. `timeline`: its times. `files`, once it is done: the film first. `seconds`: how long its pictures
    took."""

    def __init__(
        self,
        story: Story,
        path: Path,
        narration: Path | None = None,
        music: Path | None = None,
        otio: Path | None = None,
        edits: Sequence[Path] = (),
        on_progress: OnProgress = lambda *_: None,
        clips: Mapping[str, ClipTime] | None = None,
        lut: Path | None = None,
        *,
        at_home: bool = False,
    ) -> None:
        """Speaks the narration, and refuses what cannot be spoken, played or written, before anything is drawn.

        narration: the folder that keeps what was spoken, so that it is not spoken again; None: one beside the film.
        music: where the story's music is; None: at the path that the story names.
        otio: the editor's file, if it is wanted; None: beside the film.
        edits: the edit for other programs: .edl, .xml, .fcpxml.
        clips: how those go by that there are, by the scene's id.
        lut: where the story's table of colours is; None: at the path that the story names.
        at_home: whether whoever asks sits at this machine, so that hosted voices and sounds may be named.
        """
        film, self._story, self._path, self._on_progress = story.film, story, path, on_progress
        self._clips = clips
        self.timeline, self._voices = lay_out(story, None, clips), dict[str, str]()
        self._spoken: voice.Recordings = {}
        self._open = ExitStack()
        if film.narration != "none" and any(segment.speech for segment in self.timeline.segments):
            self._speak(self._kept(narration), at_home)
        self._music = open_music(music or Path(film.music)) if film.music else None
        self._effects: Effects | None = None
        if film.effects != "none" and names_sounds(story):
            folder = Path() if film.effects == "rules" else self._kept(narration)
            self._effects = Effects(story, self.timeline, find_sounds(film.effects, folder, at_home))
        self._silent = self._effects.notes if self._effects is not None else []
        heard = self._spoken or self._music or self._effects
        self._sound = path.with_name(f".{path.name}.wav") if heard else None
        subtitles = [path.with_suffix(suffix) for suffix in (".vtt", ".srt")] if film.captions != "none" else []
        check_edits(edits)
        self._otio, self._edits = (otio or path.with_suffix(".otio")) if film.otio else None, edits
        self.files = [path, *subtitles, *filter(None, [self._otio]), *edits]
        self._pictures, self.seconds = list[Path | None](), 0.0
        self._film = Film(
            path,
            self.timeline,
            plain(story.title or ""),
            sound=self._sound,
            subtitles=subtitles[0] if film.captions == "soft" else None,
            overlay=letter(self.timeline) if film.captions == "burned" else lambda *_: None,
            grade=Grade.of(film, (lut or Path(film.lut)) if film.lut else None),
            upscale=film.upscale,
            on_share=partial(on_progress, "film"),
        )

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            opening.push(self._open)
            if self._sound:
                opening.callback(self._sound.unlink, missing_ok=True)
            opening.enter_context(self._film)
            for file in self.files:
                if file.suffix in (".vtt", ".srt"):
                    write_subtitles(make_cues(self.timeline), file)
            if self._sound:
                on_share = partial(self._on_progress, "sound")
                mix(self._sound, self.timeline, self._spoken, self._music, self._effects, on_share)
            for note in self._silent:
                print(note, file=sys.stderr)
            self._on_progress("film", 0)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)
        if kind is None:
            title = plain(self._story.title or "")
            if self._otio:
                write_otio(self.timeline, self._pictures, title, self._otio)
            for edit in self._edits:
                write_edit(self.timeline, self._pictures, title or self._path.stem, edit)

    def add(self, picture: Image.Image, made: Provenance | None, file: Path | None, clip: Path | None = None) -> None:
        """The next scene's picture, what made it, its file and its clip's, if any. Says what cannot be shown as it is
        wanted."""
        before, began = len(self._film.notes), time.monotonic()
        self._film.add(picture, str(made or ""), read_clip(clip).frames if clip else None)
        self._pictures.append(clip or file)
        for note in self._film.notes[before:]:
            print(note, file=sys.stderr)
        self.seconds += time.monotonic() - began

    def facts(self) -> FilmFacts:
        frames = self.timeline.frame(self.timeline.duration)
        notes = (*self._silent, *self._film.notes)
        starts = {segment.id: round(float(segment.start), 3) for segment in self.timeline.segments}
        return FilmFacts(self._path.name, frames, starts, self._story.film.given, notes, self._voices)

    def write_speech(self, path: Path) -> None:
        """What is spoken, alone, each line at its time in the film."""
        if not self._spoken:
            raise NextSceneError("Nothing is spoken in this story: give its scenes narration or lines.")
        mix(path, self.timeline, self._spoken, on_share=partial(self._on_progress, "sound"))

    def _kept(self, narration: Path | None) -> Path:
        """The folder that keeps what was spoken."""
        return self._writable(narration or self._path.parent / "narration")

    def _speak(self, folder: Path, at_home: bool) -> None:
        """Has all that is said recorded, each speaker by a voice; from then on all times are known."""
        story, on_share = self._story, partial(self._on_progress, "narration")
        self._voices = dict(cast_voices(story))
        if self._voices:
            print(plain("Voices: " + ", ".join(f"{who} {name}" for who, name in self._voices.items())), file=sys.stderr)
        speakers = {who: find_any_voice(name, at_home) for who, name in self._voices.items()}
        narrator = find_any_voice(story.film.voice, at_home)
        self._spoken = voice.narrate(self.timeline, narrator, folder, on_share, speakers)
        self.timeline = lay_out(story, voice.measure(self._spoken), self._clips)

    def _writable(self, folder: Path) -> Path:
        """The folder, or another for as long as the film is made, where nothing can be kept in this one."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            print(f"The narration is not kept: {folder} cannot be written ({error.strerror}).", file=sys.stderr)
            return Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="next-scene-narration-")))
        return folder

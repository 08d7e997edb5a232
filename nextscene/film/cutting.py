"""The cutting room: a story's scenes go in as they are done, its film comes out, with what goes along.

    with CuttingRoom(story, Path("sequence.mp4")) as room:
        for take, file in takes:
            room.add(take.picture, take.facts, file)
    room.files

The story is complete (`Story.complete`), so that all times are known before the first scene is drawn. Here the rooms
of the film come together: dubbing, timeline, frames, film. It does not know models.
"""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from PIL import Image

from nextscene.film.dubbing import Dubbing
from nextscene.film.encoder import Film, OnFrame
from nextscene.story.story import Story


class CuttingRoom:
    """Makes one film. `files`, once it is done: the film first."""

    def __init__(self, story: Story, path: Path, spoken: Path | None = None, music: Path | None = None) -> None:
        """spoken: the folder that keeps what was spoken, so that it is not spoken again; None: one beside the film.

        music: where the story's music is; None: at the path that the story names.
        """
        self._dub = Dubbing(story, spoken or path.parent / "narration", music)
        self._sound = path.with_name(f".{path.name}.wav") if self._dub.has_sound else None
        self._subtitles = [path.with_suffix(suffix) for suffix in (".vtt", ".srt")] if self._dub.is_read else []
        self._film = Film(
            path,
            self._dub.timeline,
            story.title or "",
            sound=self._sound,
            subtitles=self._subtitles[0] if story.film.captions == "soft" else None,
            lettering=self._dub.lettering,
            upscale=story.film.upscale,
        )
        self._open = ExitStack()
        self.frames = self._dub.timeline.frame(self._dub.timeline.duration)
        self._story, self._pictures = story, list[Path | None]()
        self._edit = [path.with_suffix(".otio")] if story.film.otio else []
        self.files = [path, *self._subtitles, *self._edit]

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            if self._sound:
                opening.callback(self._sound.unlink, missing_ok=True)
            opening.enter_context(self._film)
            for file in self._subtitles:
                self._dub.write(file)
            if self._sound:
                self._dub.mix(self._sound)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *failure: Any) -> None:
        self._open.__exit__(*failure)
        for file in self._edit if failure[0] is None else []:
            from nextscene.film import otio

            otio.write(self._dub.timeline, self._pictures, self._story.title or "", file)

    def add(self, picture: Image.Image, facts: Mapping[str, Any], file: Path | None, on_frame: OnFrame = None) -> None:
        """The next scene's picture, how it was made, its file if any. Says what cannot be shown as it is wanted."""
        said = len(self._film.notes)
        self._film.add(picture, facts, on_frame)
        self._pictures.append(file)
        for note in self._film.notes[said:]:
            print(note, file=sys.stderr)

    def facts(self) -> dict[str, Any]:
        """What the record says of the film."""
        film = self._story.film.model_dump(mode="json", exclude_unset=True)
        return {"file": self.files[0].name, "frames": self.frames, "settings": film, "notes": self._film.notes}

"""Dubbing: what is heard and read along with a story's pictures, known before the first of them is drawn.

    dub = Dubbing(story, folder)    # speaks; refuses what cannot be spoken, played or written
    dub.timeline                    # its scenes stand as long as their words
    dub.mix(Path("film.wav"))

Here captions, lettering, voice and sound come together. It knows no pictures.
"""

from pathlib import Path

from nextscene.film import captions, lettering, sound, voice
from nextscene.film.frames import Lettering
from nextscene.film.timeline import lay_out
from nextscene.story.story import Story


class Dubbing:
    """A story's words and music, as its film settings want them.

    lettering: what lies over the pictures. has_sound, is_read: whether there is anything to hear, or captions.
    """

    def __init__(self, story: Story, folder: Path, music: Path | None = None) -> None:
        """folder: where what was spoken is kept, so that it is not spoken again.

        music: where the story's music is; None: at the path that the story names.
        """
        film, self._clips = story.film, dict[str, voice.Clip]()
        self.timeline = lay_out(story)
        if any(cut.narration for cut in self.timeline.cuts):
            self._clips = voice.narrate(self.timeline, voice.named(film.voice), folder)
            self.timeline = lay_out(story, voice.seconds(self._clips))
        self._music = sound.music(music or Path(film.music)) if film.music else None
        self.has_sound = bool(self._clips or self._music)
        self.is_read = film.captions != "none"
        self.lettering: Lettering = lettering.over(self.timeline) if film.captions == "burned" else lambda *_: None

    def mix(self, path: Path) -> None:
        """Writes all that is heard, as one WAV of the film's length."""
        sound.mix(path, self.timeline, self._clips, self._music)

    def write(self, path: Path) -> None:
        """Writes all that is read, as .srt or .vtt."""
        captions.write(captions.of(self.timeline), path)

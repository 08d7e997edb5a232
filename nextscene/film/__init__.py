"""Pictures and their times in, a film out: timeline, frames, captions, narration, sound, encoder, files for editors.

    with CuttingRoom(story, Path("sequence.mp4")) as room:
        for take, file in takes:
            room.add(take.picture, take.provenance, file)

It knows no models; torch is imported only where two scenes morph or motion is looked for, onnxruntime only where words
are spoken.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from nextscene.film.blends import Frame
from nextscene.film.casting import cast_voices
from nextscene.film.clipfile import is_own_clip, read_clip, write_clip
from nextscene.film.cutting import CuttingRoom
from nextscene.film.encoder import Film
from nextscene.film.footage import Footage, NewFilm, open_footage
from nextscene.film.formats import FORMATS
from nextscene.film.frames import Projector, find_crop
from nextscene.film.grade import Grade
from nextscene.film.timeline import ClipTime, Segment, Timeline, lay_out
from nextscene.film.voice import RATE, Samples

if TYPE_CHECKING:
    from nextscene.film import motion as motion
    from nextscene.film.morph import find_between, find_morph

__all__ = [
    "FORMATS",
    "RATE",
    "ClipTime",
    "CuttingRoom",
    "Film",
    "Footage",
    "Frame",
    "Grade",
    "NewFilm",
    "Projector",
    "Samples",
    "Segment",
    "Timeline",
    "cast_voices",
    "find_between",
    "find_crop",
    "find_morph",
    "is_own_clip",
    "lay_out",
    "motion",
    "open_footage",
    "read_clip",
    "write_clip",
]


def __getattr__(name: str) -> object:
    if name == "motion":
        return import_module("nextscene.film.motion")
    if name in ("find_between", "find_morph"):
        return getattr(import_module("nextscene.film.morph"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

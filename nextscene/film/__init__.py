"""Pictures and their times in, a film out: timeline, frames, captions, narration, sound, encoder, files for editors.

    with CuttingRoom(story, Path("sequence.mp4")) as room:
        for take, file in takes:
            room.add(take.picture, take.provenance, file)

It knows no models; torch is imported only where two scenes morph, onnxruntime only where words are spoken.
"""

from nextscene.film.clipfile import is_own_clip, read_clip, write_clip
from nextscene.film.cutting import CuttingRoom
from nextscene.film.encoder import Film
from nextscene.film.formats import FORMATS
from nextscene.film.frames import Projector
from nextscene.film.timeline import ClipTime, Segment, Timeline, lay_out
from nextscene.film.voice import RATE, Samples

__all__ = [
    "FORMATS",
    "RATE",
    "ClipTime",
    "CuttingRoom",
    "Film",
    "Projector",
    "Samples",
    "Segment",
    "Timeline",
    "is_own_clip",
    "lay_out",
    "read_clip",
    "write_clip",
]

"""Pictures and their times in, a film out: timeline, frames, captions, narration, sound, encoder, files for editors.

    with CuttingRoom(story, Path("sequence.mp4")) as room:
        for take, file in takes:
            room.add(take.picture, take.provenance, file)

It knows no models; torch is imported only where two scenes morph, onnxruntime only where words are spoken.
"""

from nextscene.film.clipfile import read_clip, write_clip
from nextscene.film.cutting import CuttingRoom
from nextscene.film.timeline import ClipTime

__all__ = ["ClipTime", "CuttingRoom", "read_clip", "write_clip"]

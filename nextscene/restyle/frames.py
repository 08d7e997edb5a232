"""The frames of a film that is being made, each a file of its own, whole or not there, known by what it was made of."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from nextscene import pictures
from nextscene.film import Frame


class Frames:
    """A folder of frames, each known by what it was made of. numbers: of those that were drawn, wholly or in part."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.drawn = folder, dict[int, float]()

    def file(self, number: int) -> Path:
        return self.folder / f"frame_{number + 1:06d}.png"

    def read(self, number: int, made_of: str) -> Frame | None:
        """The frame, if it is there and was made of just this."""
        file = self.file(number)
        if not pictures.made_here(file) or (facts := pictures.facts(file) or {}).get("made_of") != made_of:
            return None
        self._note(number, facts)
        return np.asarray(pictures.read(file))

    def write(self, number: int, frame: Frame, made_of: str, facts: Mapping[str, object]) -> Frame:
        facts = {**facts, "made_of": made_of}
        pictures.write(Image.fromarray(frame), self.file(number), facts)
        self._note(number, facts)
        return frame

    def _note(self, number: int, facts: Mapping[str, object]) -> None:
        share = facts.get("drawn")
        if isinstance(share, float | int) and share:
            self.drawn[number] = float(share)

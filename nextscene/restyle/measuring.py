"""How steady a restyled film is, and how true to its source: numbers for its record, frame by frame as they come."""

from collections.abc import Mapping
from statistics import fmean

from PIL import Image

from nextscene.film import Frame
from nextscene.restyle.carrying import warp_errors
from nextscene.shooting import compare

EVERY = 8  # frames: how often structure and colours are compared


class Measures:
    """warp error: how far each frame is from the one before, carried along the source's motion: of the film, and of its
    source. structure: the share of the source's edges that are still there. colour shift: how much its colours changed
    (Delta E); a film that only stands still, or is not restyled, shows in these."""

    def __init__(self) -> None:
        self._before: tuple[Frame, Frame] | None = None
        self._source: list[float] = []
        self._film: list[float] = []
        self._structure: list[float] = []
        self._colours: list[float] = []

    def add(self, number: int, source: Frame, styled: Frame, begins: bool) -> None:
        """The next frame, of the source and of the film. begins: whether it is the first of a shot."""
        if self._before and not begins:
            was_source, was_styled = self._before
            of_source, of_film = warp_errors(was_source, source, (was_source, source), (was_styled, styled))
            self._source.append(of_source)
            self._film.append(of_film)
        if number % EVERY == 0:
            drift = compare(Image.fromarray(source), Image.fromarray(styled))
            self._structure.append(drift.structure)
            self._colours.append(drift.colour_shift)
        self._before = source, styled

    def facts(self) -> Mapping[str, float | None]:
        of_film, of_source = (round(fmean(each), 5) if each else None for each in (self._film, self._source))
        return {
            "warp_error": of_film,
            "warp_error_of_the_source": of_source,
            "structure": round(fmean(self._structure), 3),
            "colour_shift": round(fmean(self._colours), 1),
        }

"""A storyboard: a PDF for film people, with a panel for each scene.

A panel has the scene's picture and, beside it, its name, times, words, camera, lines, sounds and notes; no word is cut
off. Takes go in as they are done; of their pictures only small ones are kept. Words are text that can be found and
copied: letters of the Latin face stand in the PDF as such, other writings are drawn by `faces`, with their text behind.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from nextscene.faces import Line, find_direction, shorten, wrap
from nextscene.files import write_whole
from nextscene.output.panels import Panel

PAGE, MARGIN, GAP = (595.0, 842.0), 42.0, 20.0  # points (A4): around the page, and between panels
PICTURE, HIGHEST, WORDS_GAP = 204.0, 160.0, 16.0  # points: a picture's width and most height; the space beside it
LABEL = 52.0  # points: the column in which a panel says what its words are
TITLE, NAME, TEXT, SMALL, LEADING = 16, 13, 9, 8, 12.0  # points: sizes of letters, and from line to line
FINE = 8  # pixels to a point, where letters are measured or drawn
PIXELS = 850  # a picture's width in the file
INK, QUIET, RULE = "#17181b", "#6b7078", "#d5d7db"


@dataclass(frozen=True)
class _Row:
    """A line of a panel's words, and what it is, where that begins."""

    words: str
    label: str = ""
    size: int = TEXT
    fill: str = INK


class Storyboard:
    """Grows with each take; `write` is given the panels when all times are known."""

    def __init__(self, path: Path, title: str) -> None:
        self.path, self._title = path, title or "Storyboard"
        self._pictures: list[bytes] = []

    def add(self, picture: Image.Image) -> None:
        """One more scene's picture."""
        small = picture.convert("RGB")
        small.thumbnail((PIXELS, PIXELS), Image.Resampling.LANCZOS)
        small.save(kept := io.BytesIO(), "JPEG", quality=88)
        self._pictures.append(kept.getvalue())

    def write(self, panels: Sequence[Panel]) -> None:
        written = io.BytesIO()
        paper = _Paper(Canvas(written, PAGE, invariant=1), self._title)
        for panel, picture in zip(panels, self._pictures, strict=True):
            paper.add(panel, picture)
        paper.finish()
        write_whole(self.path, written.getvalue())


class _Paper:
    """Pages, filled from above; `self._top` is where the next thing begins, in points from the page's foot."""

    def __init__(self, canvas: Canvas, title: str) -> None:
        self._canvas, self._title, self._page, self._top = canvas, title, 0, PAGE[1]
        canvas.setTitle(title)
        canvas.setCreator("Next Scene")
        self._begin_page()

    def add(self, panel: Panel, picture: bytes) -> None:
        reader = ImageReader(io.BytesIO(picture))
        across, down = reader.getSize()
        scale = min(PICTURE / across, HIGHEST / down)
        width, height = across * scale, down * scale
        rows = list(_rows(panel))
        needed = max(height, len(rows) * LEADING + 4)
        if self._top - needed < MARGIN and self._top < PAGE[1] - 2 * MARGIN - GAP:
            self._turn_page()
        self._canvas.drawImage(reader, MARGIN, self._top - height, width, height)
        lowest, page = self._top - height, self._page
        for row in rows:
            if self._top - LEADING < MARGIN:
                self._turn_page()
            self._write_row(row)
        self._top = min(self._top, lowest if page == self._page else self._top) - GAP

    def finish(self) -> None:
        self._canvas.showPage()
        self._canvas.save()

    def _turn_page(self) -> None:
        self._canvas.showPage()
        self._begin_page()

    def _begin_page(self) -> None:
        self._page += 1
        base = PAGE[1] - MARGIN
        number = str(self._page)
        room = PAGE[0] - 2 * MARGIN - 40
        _write(self._canvas, shorten(self._title, TITLE * FINE, int(room * FINE)), (MARGIN, base), TITLE, INK)
        _write(self._canvas, number, (PAGE[0] - MARGIN - _width(number, SMALL), base), SMALL, QUIET)
        self._canvas.setStrokeColor(RULE)
        self._canvas.line(MARGIN, base - 10, PAGE[0] - MARGIN, base - 10)
        self._top = base - 10 - GAP

    def _write_row(self, row: _Row) -> None:
        left = MARGIN + PICTURE + WORDS_GAP
        base = self._top - row.size
        self._top -= LEADING + (4 if row.size == NAME else 0)
        if row.label:
            _write(self._canvas, row.label, (left, base), SMALL, QUIET)
        if row.size == NAME:
            _write(self._canvas, row.words, (left, base), row.size, row.fill)
            return
        right = find_direction(row.words) == "rtl"
        begin = PAGE[0] - MARGIN - _width(row.words, row.size) if right else left + LABEL
        _write(self._canvas, row.words, (begin, base), row.size, row.fill)


def _rows(panel: Panel) -> Iterator[_Row]:
    """All that stands beside a panel's picture, line by line."""
    yield _Row(panel.name, size=NAME)
    minutes, seconds = divmod(panel.start, 60)
    number = f"shot {panel.number}, " if panel.name != str(panel.number) else ""
    yield from _wrapped("Time", f"{panel.seconds:.2f} s ({number}from {minutes:.0f}:{seconds:05.2f})")
    yield from _wrapped("Shows", panel.prompt)
    yield from _wrapped("Camera", panel.camera)
    for who, words in panel.lines:
        yield from _wrapped(who or "Narrator", words)
    yield from _wrapped("Sound", panel.sounds)
    yield from _wrapped("Notes", panel.notes)


def _wrapped(label: str, words: str) -> Iterator[_Row]:
    """The words on as many lines as they need; the first says what they are."""
    if words:
        room = PAGE[0] - 2 * MARGIN - PICTURE - WORDS_GAP - LABEL
        name = shorten(label, SMALL * FINE, int((LABEL - 6) * FINE))
        for line in wrap(words, TEXT * FINE, int(room * FINE), len(words)):
            yield _Row(line, name)
            name = ""


class _Behind:
    """A text that is not seen, but found and copied in place of what is drawn over it."""

    def __init__(self, canvas: Canvas, place: tuple[float, float], words: str, width: float) -> None:
        self._words, self._text = words, canvas.beginText(*place)
        self._text.setTextRenderMode(3)
        self._text.setFont("Helvetica", 1)
        self._text.setHorizScale(100 * width / 0.5)  # an x of this size is half a point wide
        self._text.textOut("x")

    def getCode(self) -> str:  # noqa: N802 (reportlab's own name)
        said = self._words.encode("utf-16-be").hex()
        return f"/Span <</ActualText <feff{said}>>> BDC q {self._text.getCode()} Q EMC"


@cache
def _font(face: Path) -> str:
    """The name by which a face is known to PDFs."""
    registerFont(TTFont(face.stem, face))
    return face.stem


def _width(words: str, size: int) -> float:
    return Line(words, size * FINE).width / FINE


def _write(canvas: Canvas, words: str, place: tuple[float, float], size: int, fill: str) -> None:
    """One line of words, so that its letters stand at this place with their left end."""
    line = Line(words, size * FINE)
    if face := line.own_face:
        canvas.setFont(_font(face), size)
        canvas.setFillColor(fill)
        canvas.drawString(*place, words)
        return
    below = line.descent + FINE
    letters = Image.new("RGBA", (int(line.width) + 2 * FINE, size * FINE + below), fill + "00")
    line.draw(ImageDraw.Draw(letters), (FINE, letters.height - below), fill)
    left, base = place[0] - 1, place[1] - below / FINE
    canvas.drawText(_Behind(canvas, place, words, line.width / FINE))
    canvas.drawImage(ImageReader(letters), left, base, letters.width / FINE, letters.height / FINE, mask="auto")

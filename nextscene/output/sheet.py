"""A contact sheet: the scenes of a run in order, each with its number, words, time, seed and what was noticed in it.

Takes' pictures and what made them go in as they are done; one picture comes out. Only thumbnails are kept.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from nextscene.faces import Anchor, Line, find_direction, shorten, wrap
from nextscene.pictures import fit
from nextscene.provenance import Provenance
from nextscene.story import PREFIX

CARD, GAP, TEXT = 320, 24, 92  # pixels: a thumbnail's width, the space around it, and the height of the words below
BACKGROUND, WORDS, QUIET, BADGE = "#14161a", "#f2f0ea", "#8d929c", "#e8a33d"
COLUMNS = 5
STRIP = 4  # pixels between the pictures of one scene
INDENT, LEADING, LINES = 34, 18, 3  # pixels and number: the lines of words beside a scene's number
LARGE, MEDIUM, SMALL = 22, 14, 13  # pixels: sizes of letters


@dataclass(frozen=True)
class _Card:
    """A scene on the sheet: its picture, and what is written below it."""

    picture: Image.Image
    words: str
    about: str
    badges: tuple[str, ...]
    made_by: str


class Sheet:
    """Grows with each take; `picture` draws what there is so far."""

    def __init__(self, title: str = "") -> None:
        self._title = title or "Next Scene"
        self._cards: list[_Card] = []

    def add(
        self, picture: Image.Image, made: Provenance, later: Sequence[Image.Image] = (), seconds: float | None = None
    ) -> None:
        """One more scene. The first picture gives all cards their shape.

        later, seconds: of its clip, if it moves: its middle and its end, and how long it is.
        """
        height = round(CARD * picture.height / picture.width)
        shown = picture.resize((CARD, height), Image.Resampling.LANCZOS)
        if later:
            shown = _with_later(shown, later)
        self._cards.append(_card(shown, made, seconds or made.shot.duration))

    def picture(self) -> Image.Image:
        columns, rows = _grid(len(self._cards))
        shape = max(card.picture.height for card in self._cards)
        top = 2 * GAP + 24
        width = GAP + columns * (CARD + GAP)
        height = top + rows * (shape + TEXT + GAP) + 2 * GAP
        sheet = Image.new("RGB", (width, height), BACKGROUND)
        draw, room = ImageDraw.Draw(sheet), width - 2 * GAP
        _write(draw, (GAP, GAP + LARGE - 2), shorten(self._title, LARGE, room), WORDS, LARGE)
        _write(draw, (GAP, height - GAP), shorten(self._cards[0].made_by, SMALL, room), QUIET, SMALL)
        for at, card in enumerate(self._cards):
            row, column = divmod(at, columns)
            left, upper = GAP + column * (CARD + GAP), top + row * (shape + TEXT + GAP)
            sheet.paste(card.picture, (left, upper))
            _caption(draw, left, upper + shape + 10, at + 1, card)
        return sheet


def _with_later(picture: Image.Image, later: Sequence[Image.Image]) -> Image.Image:
    """A picture, with those below it, side by side, that come after it."""
    width = (CARD - STRIP * (len(later) - 1)) // len(later)
    height = round(width * picture.height / picture.width)
    whole = Image.new("RGB", (CARD, picture.height + STRIP + height), BACKGROUND)
    whole.paste(picture)
    for at, each in enumerate(later):
        whole.paste(fit(each, width, height), (at * (width + STRIP), picture.height + STRIP))
    return whole


def _card(picture: Image.Image, made: Provenance, seconds: float) -> _Card:
    note = f" ({made.note})" if made.note else ""
    about = [f"{round(seconds, 2):g} s", f"seed {made.shot.story_seed}", made.shot.resizing]
    return _Card(
        picture,
        words=made.shot.prompt.removeprefix(PREFIX),
        about="   ".join(filter(None, about)),
        badges=(*made.noticed, *["draft"] * made.is_draft),
        made_by=f"Drawn by {made.model}{note}.",
    )


def _caption(draw: ImageDraw.ImageDraw, left: int, top: int, number: int, card: _Card) -> None:
    _write(draw, (left, top + LARGE - 5), str(number), WORDS, LARGE)
    direction = find_direction(card.words)
    anchor: Anchor = "left" if direction == "ltr" else "right"
    begin = left + (INDENT if anchor == "left" else CARD)
    for at, words in enumerate(wrap(card.words, MEDIUM, CARD - INDENT, LINES)):
        Line(words, MEDIUM, direction).draw(draw, (begin, top + 13 + at * LEADING), WORDS, anchor)
    foot = top + 74  # on which the letters of the last line stand
    _write(draw, (left + INDENT, foot), card.about, QUIET, SMALL)
    right = float(left + CARD)
    for badge in card.badges:
        width = Line(badge, SMALL).width
        draw.rounded_rectangle((right - width - 12, foot - 15, right, foot + 6), 10, outline=BADGE)
        _write(draw, (right - 6, foot), badge, BADGE, SMALL, "right")
        right -= width + 18


def _write(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], words: str, fill: str, size: int, anchor: Anchor = "left"
) -> None:
    Line(words, size).draw(draw, place, fill, anchor)


def _grid(cards: int) -> tuple[int, int]:
    """As many columns as look well: all in one row if they fit, otherwise rows of nearly equal length."""
    rows = math.ceil(cards / COLUMNS)
    return math.ceil(cards / rows), rows

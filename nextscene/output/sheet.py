"""A contact sheet: the scenes of a run in order, each with its number, words, time, seed and what was noticed in it.

Takes' pictures and facts go in as they are done; one picture comes out. Only thumbnails are kept. It knows no models.
"""

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageText

from nextscene.story.story import PREFIX

CARD, GAP, TEXT = 320, 24, 92  # pixels: a thumbnail's width, the space around it, and the height of the words below
BACKGROUND, WORDS, QUIET, BADGE = "#14161a", "#f2f0ea", "#8d929c", "#e8a33d"
COLUMNS = 5
INDENT, LINES = 34, 54  # pixels: the words beside a scene's number, and the height of three lines of them


class Sheet:
    """Grows with each take; `picture` draws what there is so far."""

    def __init__(self, title: str = "") -> None:
        self._title = title
        self._cards: list[tuple[Image.Image, Mapping[str, Any]]] = []

    def add(self, picture: Image.Image, facts: Mapping[str, Any]) -> None:
        """One more scene. The first picture gives all cards their shape."""
        height = round(CARD * picture.height / picture.width)
        self._cards.append((picture.resize((CARD, height), Image.Resampling.LANCZOS), facts))

    def picture(self) -> Image.Image:
        columns, rows = _grid(len(self._cards))
        shape = max(thumbnail.height for thumbnail, _ in self._cards)
        top = 2 * GAP + 24
        width = GAP + columns * (CARD + GAP)
        height = top + rows * (shape + TEXT + GAP) + 2 * GAP
        sheet = Image.new("RGB", (width, height), BACKGROUND)
        draw = ImageDraw.Draw(sheet)
        room = width - 2 * GAP
        draw.text((GAP, GAP), textwrap.shorten(self._title or "Next Scene", room // 11), WORDS, _font(22))
        draw.text((GAP, height - GAP), textwrap.shorten(_made_by(self._cards[0][1]), room // 6), QUIET, _font(12), "ls")
        for number, (thumbnail, facts) in enumerate(self._cards, 1):
            row, column = divmod(number - 1, columns)
            left, upper = GAP + column * (CARD + GAP), top + row * (shape + TEXT + GAP)
            sheet.paste(thumbnail, (left, upper))
            _caption(draw, left, upper + shape + 10, number, facts)
        return sheet


def _caption(draw: ImageDraw.ImageDraw, left: int, top: int, number: int, facts: Mapping[str, Any]) -> None:
    draw.text((left, top), str(number), WORDS, _font(22))
    words = str(facts["prompt"]).removeprefix(PREFIX)
    breakable = " ".join(textwrap.wrap(words, 20))  # a word wider than its card could not be wrapped
    text = ImageText.Text(breakable, _font(13), spacing=4)
    if breakable and text.wrap(CARD - INDENT - 20, LINES):
        text.text += " ..."
    draw.text((left + INDENT, top + 1), text, WORDS)
    about = f"{facts['shot']['duration']:g} s   seed {facts['seed']}"
    draw.text((left + INDENT, top + LINES + 8), about, QUIET, _font(12))
    right = float(left + CARD)
    for word in [*facts.get("noticed", ()), *["draft"] * ("fast_lora" in facts)]:
        width = draw.textlength(word, _font(12))
        draw.rounded_rectangle((right - width - 12, top + LINES + 4, right, top + LINES + 24), 10, outline=BADGE)
        draw.text((right - 6, top + LINES + 14), word, BADGE, _font(12), "rm")
        right -= width + 18


def _grid(cards: int) -> tuple[int, int]:
    """As many columns as look well: all in one row if they fit, otherwise rows of nearly equal length."""
    rows = math.ceil(cards / COLUMNS)
    return math.ceil(cards / rows), rows


def _made_by(facts: Mapping[str, Any]) -> str:
    note = f" ({facts['note']})" if facts.get("note") else ""
    return f"Drawn by {facts['model']}{note}."


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)

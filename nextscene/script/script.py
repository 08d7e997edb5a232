"""A script as it was written: its text, and what each piece of it is.

The pieces follow each other without a gap: put together again they are the text, to the letter. Whoever speaks of words
of a script says from where to where they stand in it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal[
    "title page", "heading", "action", "character", "parenthetical", "dialogue", "lyrics", "transition", "centred",
    "section", "synopsis", "page break", "note", "cut", "blank",
]  # fmt: skip
Format = Literal["fountain", "fdx", "prose"]

HIDDEN = ("note", "cut")  # what no audience ever sees or hears, wherever it stands
_MARKS = re.compile(r"\\([^\w\s]|_)|\*{1,3}|_")  # of bold, italics and underlines; after a backslash they are meant
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u200b\ufeff]")  # signs that are no letters
_SIGNS: Mapping[Kind, str] = {  # what says at the beginning of a line that it is of that kind
    "heading": r"^\.(?=\w)", "action": "^!", "character": "^@", "lyrics": "(?m)^~", "transition": "^>",
    "centred": r"^\s*>|<\s*$", "section": "^#+", "synopsis": "^=",
}  # fmt: skip


@dataclass(frozen=True)
class Element:
    """A piece of a script, from where to where.

    new: whether it begins a paragraph of its own; else it goes on with the piece of its kind before it, behind a note.
    """

    kind: Kind
    start: int
    end: int
    new: bool = True


@dataclass(frozen=True)
class Script:
    """A text, and its pieces in order."""

    text: str
    format: Format
    elements: tuple[Element, ...]

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def within(self, start: int, end: int) -> Iterator[Element]:
        """The pieces between two places, cut there."""
        for each in self.elements:
            if each.start < end and each.end > start:
                yield Element(each.kind, max(each.start, start), min(each.end, end), each.new and each.start >= start)

    def words(self, pieces: Iterable[Element]) -> str:
        """What an audience would read of these pieces, in one line, without marks and what is hidden."""
        said = [self._unsigned(each) for each in pieces if each.kind not in HIDDEN]
        return plain("".join(said))

    def _unsigned(self, piece: Element) -> str:
        words = self.text[piece.start : piece.end]
        return re.sub(_SIGNS[piece.kind], "", words) if piece.kind in _SIGNS and piece.new else words

    def fields(self) -> dict[str, str]:
        """What the title page says, by its keys in small letters."""
        page = self.words_of_lines("title page")
        found: dict[str, str] = {}
        key = ""
        for line in page:
            if (keyed := re.match(r"([^\s:][^:]*):(.*)", line)) is not None:
                key = keyed[1].strip().lower()
                found[key] = keyed[2].strip()
            elif key:
                found[key] = f"{found[key]} {line.strip()}".strip()
        return {name: plain(value) for name, value in found.items()}

    def words_of_lines(self, kind: Kind) -> list[str]:
        return "".join(self.text[each.start : each.end] for each in self.elements if each.kind == kind).splitlines()


def plain(text: str) -> str:
    """Words in one line, without the marks of a script."""
    return " ".join(_MARKS.sub(r"\1", _UNSEEN.sub("", text)).split())

"""Prose: a text that is no screenplay. Each paragraph is a piece of its own, and becomes a shot.

Paragraphs are parted by empty lines; where there is none, each line is one. A chapter's heading, or a line of nothing
but stars or dashes, begins a new scene.
"""

import re

from nextscene.script.script import Element, Kind

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SECTION = re.compile(r"#+\s|[*\s]{3,}$|[-\s]{3,}$|(?:chapter|part|scene|act)\s+[\w.:-]+\s*$", re.IGNORECASE)


def read_prose(text: str) -> tuple[Element, ...]:
    """The paragraphs of a text, and what parts them."""
    lines = [found.span() for found in _LINE.finditer(text)]
    parted = any(not text[start:end].strip() for start, end in lines)
    pieces: list[Element] = []
    for start, end in lines:
        line = text[start:end].strip()
        kind: Kind = "blank" if not line else "section" if is_section(line) else "action"
        if pieces and kind == pieces[-1].kind and (parted or kind == "blank") and kind != "section":
            pieces[-1] = Element(kind, pieces[-1].start, end)
        else:
            pieces.append(Element(kind, start, end))
    return tuple(pieces)


def is_section(line: str) -> bool:
    """Whether a line begins a new scene."""
    return _SECTION.match(line) is not None

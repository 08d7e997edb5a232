"""Fountain: a screenplay in plain text (fountain.io), read line by line.

A text goes in, its pieces come out, with exact places. What stands in a boneyard or a note is hidden from the rest, as
if it were not there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nextscene.script.headings import INSIDE_OR_OUT, NUMBERED
from nextscene.script.script import Element, Kind

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_OPENS = re.compile(r"(?<!\\)(?:/\*|\[\[)")
_EMPTY_LINE = re.compile(r"(?:\r\n|\r|\n) ?(?=[\r\n])")  # one that holds two spaces is not
_TITLE = re.compile(
    r"(?:title|credit|authors?|source|notes|draft date|date|contact|copyright|revision|style|language)\s*:", re.I
)
_KEY = re.compile(r"[^\s:][^:]*:|(?: {3,}|\t)\S")
_PLACE = re.compile(rf"{NUMBERED}(?:{INSIDE_OR_OUT})[.\s](?!$)", re.IGNORECASE)
_GOES = re.compile(r"(?:FADE (?:IN|OUT|UP|TO [A-Z ]+)|CUT TO [A-Z ]+|DISSOLVE TO [A-Z ]+)[.:]?$")
FORCED = ".!@~>#="  # signs that say what a line is, at its beginning
_SAID_HOW = re.compile(r"\([^()]*\)")


@dataclass(frozen=True)
class _Line:
    """A line: from where to where, what of it is hidden, and the words that are not."""

    start: int
    end: int
    hidden: tuple[Element, ...]
    shown: str

    @property
    def empty(self) -> bool:
        return not self.shown.strip()

    @property
    def unseen(self) -> bool:
        """Whether all of it is hidden, so that the lines around it do not see it."""
        return bool(self.hidden) and self.empty


def read_fountain(text: str) -> tuple[Element, ...]:
    """The pieces of a screenplay in Fountain."""
    lines = list(_lines(text))
    kinds = _kinds([line for line in lines if not line.unseen])
    pieces: list[Element] = []
    for line in lines:
        pieces += _pieces(line, *(("blank", False) if line.unseen else next(kinds)))
    return tuple(_joined(pieces))


def _lines(text: str) -> Iterator[_Line]:
    spans, at = list(_hidden(text)), 0
    for found in _LINE.finditer(text):
        start, end = found.span()
        hidden: list[Element] = []
        while at < len(spans) and spans[at].start < end:
            span = spans[at]
            hidden.append(replace(span, start=max(span.start, start), end=min(span.end, end)))
            if span.end > end:
                break
            at += 1
        borders = [start, *(place for each in hidden for place in (each.start, each.end)), end]
        shown = "".join(text[begin:stop] for begin, stop in zip(borders[::2], borders[1::2], strict=True))
        yield _Line(start, end, tuple(hidden), shown.rstrip("\r\n"))


def _hidden(text: str) -> Iterator[Element]:
    """What is cut, and the notes. A note has no empty line in it."""
    at = empty = 0
    closed = {"/*": 0, "[[": 0}
    while found := _OPENS.search(text, at):
        opening, begin, at = found[0], found.start(), found.end()
        if 0 <= closed[opening] < at:
            closed[opening] = text.find("*/" if opening == "/*" else "]]", at)
        if 0 <= empty < at:
            line = _EMPTY_LINE.search(text, at)
            empty = line.start() if line else -1
        end = closed[opening]
        if end >= 0 and (opening == "/*" or not 0 <= empty < end):
            at = end + 2
            yield Element("cut" if opening == "/*" else "note", begin, at, False)


def _kinds(lines: Sequence[_Line]) -> Iterator[tuple[Kind, bool]]:
    """What each line is, and whether it begins something new."""
    at = 0
    if lines and _TITLE.match(lines[0].shown):
        while at < len(lines) and _KEY.match(lines[at].shown):
            yield "title page", at == 0
            at += 1
    before: Kind = "blank"
    while at < len(lines):
        kind = _kind(lines, at, before)
        yield kind, kind != before or kind not in ("action", "dialogue", "lyrics", "blank")
        before = kind
        at += 1


def _kind(lines: Sequence[_Line], at: int, before: Kind) -> Kind:
    shown = lines[at].shown
    line = shown.strip()
    speaking = before in ("character", "parenthetical", "dialogue") or (before == "lyrics" and _spoken(lines, at))
    if not line:
        return "dialogue" if speaking and len(shown) >= 2 else "blank"
    if (kind := _forced(line)) is not None:
        return kind
    if speaking:
        return "parenthetical" if line.startswith("(") and line.endswith(")") else "dialogue"
    last = at + 1 == len(lines) or lines[at + 1].empty
    first = before in ("blank", "heading", "transition", "section", "synopsis", "page break", "title page")
    if first and is_heading(line) and (last or line.isupper()):
        return "heading"
    if first and last and line.isupper() and (line.endswith("TO:") or _GOES.match(line)):
        return "transition"
    if first and not last and is_name(line):
        return "character"
    return "action"


def _forced(line: str) -> Kind | None:
    """What the line's first sign says that it is."""
    if re.fullmatch(r"={3,}", line):
        return "page break"
    if line[0] == "." and len(line) > 1 and line[1].isalnum():
        return "heading"
    if line[0] == ">":
        return "centred" if line.endswith("<") else "transition"
    signs: dict[str, Kind] = {"!": "action", "~": "lyrics", "#": "section", "=": "synopsis"}
    if line[0] == "@" and len(line) > 1:
        return "character"
    return signs.get(line[0])


def _spoken(lines: Sequence[_Line], at: int) -> bool:
    """Whether the lyrics before this line are sung by someone whose name stands above them."""
    while at and lines[at - 1].shown.startswith("~"):
        at -= 1
    return bool(at) and not lines[at - 1].empty


def is_heading(line: str) -> bool:
    """Whether a line begins as a scene's heading does."""
    return _PLACE.match(line) is not None


def is_name(line: str) -> bool:
    """Whether a line is who speaks: a name in capitals, of any alphabet that has them. "FIRE!" is none."""
    name = _SAID_HOW.sub("", line.removesuffix("^")).strip()
    return name.isupper() and name[-1] not in "!?:;,"


def _pieces(line: _Line, kind: Kind, new: bool) -> Iterator[Element]:
    """A line's own pieces: what is hidden in it, and what is not."""
    at = line.start
    for hidden in line.hidden:
        if hidden.start > at:
            yield Element(kind, at, hidden.start, new)
            new = False
        yield hidden
        at = hidden.end
    if at < line.end:
        yield Element(kind, at, line.end, new)


def _joined(pieces: Sequence[Element]) -> Iterator[Element]:
    """The pieces, with those as one that belong together."""
    whole: Element | None = None
    for piece in pieces:
        if whole and piece.kind == whole.kind and not piece.new:
            whole = replace(whole, end=piece.end)
            continue
        if whole:
            yield whole
        whole = piece
    if whole:
        yield whole

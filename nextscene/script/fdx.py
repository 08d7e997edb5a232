"""Final Draft's FDX: a screenplay in XML.

The file's bytes go in, the same screenplay in Fountain comes out, with a sign before each line that would else be
taken for something other than it is. The parser is expat itself, and a file that declares a DOCTYPE is refused: no
entity is ever expanded, no other file read.
"""

import re
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from nextscene import NextSceneError
from nextscene.script.fountain import FORCED, is_heading, is_name
from nextscene.script.script import Kind

_KINDS: Mapping[str, Kind] = {
    "Scene Heading": "heading",
    "Character": "character",
    "Parenthetical": "parenthetical",
    "Dialogue": "dialogue",
    "Singing": "dialogue",
    "Lyrics": "lyrics",
    "Transition": "transition",
    "New Act": "section",
    "End of Act": "section",
    "Outline 1": "synopsis",
    "Outline 2": "synopsis",
    "Outline 3": "synopsis",
    "Outline Body": "synopsis",
}
_SIGNS: Mapping[Kind, str] = {"transition": "> ", "section": "# ", "synopsis": "= ", "lyrics": "~"}
_NOT_OF_THE_SCRIPT = {"ScriptNote", "SceneProperties", "HeaderAndFooter"}


class _Reader:
    """Follows the file's tags; keeps paragraphs, those of the title page apart."""

    def __init__(self) -> None:
        self.paragraphs: list[tuple[Kind, str]] = []
        self.title_page: list[str] = []
        self.root = ""
        self._path: list[str] = []
        self._open: list[tuple[Kind, list[str]]] = []  # a paragraph of dual dialogue stands within another

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        self.root = self.root or tag
        self._path.append(tag)
        if tag == "Paragraph" and self._path[1:2] in (["Content"], ["TitlePage"]) and self._counts:
            self._open.append((_KINDS.get(attributes.get("Type", ""), "action"), []))

    def text(self, words: str) -> None:
        if self._open and self._path[-1] == "Text" and self._counts:
            self._open[-1][1].append(words)

    def end(self, tag: str) -> None:
        if tag == "Paragraph" and self._open and self._counts:
            kind, said = self._open.pop()
            words = " ".join("".join(said).split())
            if words and "TitlePage" in self._path:
                self.title_page.append(words)
            elif words:
                self.paragraphs.append((kind, words))
        self._path.pop()

    @property
    def _counts(self) -> bool:
        return _NOT_OF_THE_SCRIPT.isdisjoint(self._path)


def read_fdx(data: bytes) -> str:
    """A screenplay in FDX as Fountain."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = reader.text, _refuse_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise NextSceneError(f"This FDX file is damaged: {error}; save it again in Final Draft.") from None
    if reader.root != "FinalDraft":
        raise NextSceneError(f"This XML file is no FDX: it begins with <{reader.root}>, not with <FinalDraft>.")
    title = [f"Title: {words}\n" for words in reader.title_page[:1]]
    return "".join([*title, *(in_fountain(kind, words) for kind, words in reader.paragraphs)])


def in_fountain(kind: Kind, words: str) -> str:
    """A paragraph as Fountain has it, with an empty line before it, unless someone is speaking."""
    words = re.sub(r"\[\[|[*_\\]", r"\\\g<0>", words.strip())
    if kind in ("parenthetical", "dialogue"):
        return f"{_safe(words)}\n"
    if kind == "heading":
        words = words if is_heading(words) else f".{words}"
    elif kind == "character":
        words = words if is_name(words) and words[0] not in FORCED else f"@{words}"
    elif kind in _SIGNS:
        words = f"{_SIGNS[kind]}{words}"
    elif words.isupper() or is_heading(words):
        words = f"!{words}"
    else:
        words = _safe(words)
    return f"\n{words}\n"


def _safe(words: str) -> str:
    return f"\\{words}" if words[0] in FORCED else words


def _refuse_doctype(*_: Any) -> None:
    raise NextSceneError("This FDX file declares a DOCTYPE, which Final Draft never writes: it is not read.")

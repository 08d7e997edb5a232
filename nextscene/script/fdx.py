"""Final Draft's FDX: a screenplay in XML.

The file's bytes go in; out comes the text of its paragraphs, each on a line of its own, and what each of them is. The
parser is expat itself, and a file that declares a DOCTYPE is refused: no entity is ever expanded, no other file read.
"""

from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from nextscene import NextSceneError
from nextscene.script.script import Element, Kind

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
    "Cast List": "note",
    "Outline 1": "synopsis",
    "Outline 2": "synopsis",
    "Outline 3": "synopsis",
    "Outline Body": "synopsis",
}
_NOT_OF_THE_SCRIPT = {"ScriptNote", "SceneProperties", "HeaderAndFooter"}


class _Reader:
    """Follows the file's tags; keeps paragraphs, those of the title page apart."""

    def __init__(self) -> None:
        self.paragraphs: list[tuple[Kind, str]] = []
        self.title_page: list[tuple[Kind, str]] = []
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
            words = " ".join("".join(said).split("\n"))
            if "TitlePage" in self._path:
                self.title_page.append(("title page", words))
            elif said or "DualDialogue" not in self._path:
                self.paragraphs.append((kind if words.strip() else "blank", words))
        self._path.pop()

    @property
    def _counts(self) -> bool:
        return _NOT_OF_THE_SCRIPT.isdisjoint(self._path)


def read_fdx(data: bytes) -> tuple[str, tuple[Element, ...]]:
    """The text of a screenplay in FDX, and its pieces."""
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
    text, pieces = "", []
    for kind, words in reader.title_page + reader.paragraphs:
        start, text = len(text), f"{text}{words}\n"
        pieces.append(Element(kind, start, len(text)))
    return text, tuple(pieces)


def _refuse_doctype(*_: Any) -> None:
    raise NextSceneError("This FDX file declares a DOCTYPE, which Final Draft never writes: it is not read.")

"""Letters: a line of words in, drawn by the typefaces here that have its letters.

    line = Line("Café 霧 🌊", 24)
    line.draw(ImageDraw.Draw(picture), (10, 40), "white")

One face draws the whole line if it can; else each letter comes from the first that has it, and words that are read from
right to left stand so. What no face has becomes an ellipsis; `find_missing` says beforehand what that would be. All
that draws letters uses this: captions, the contact sheet, cards.
"""

import unicodedata
from bisect import bisect
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from importlib.util import find_spec
from itertools import accumulate, chain, groupby
from math import floor
from pathlib import Path
from typing import Literal, NamedTuple

import regex
from PIL import ImageDraw, ImageFont

from nextscene.text import in_one_line, split_words

LATIN = ("font_source_sans_pro", "files/SourceSansPro-Semibold.ttf")  # Greek and Cyrillic too
FAR_EAST = ("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc")
JAPANESE, KOREAN, CHINESE = range(3)  # in the latter, as they write the same letters each in its own way
OTHERS = ("manimgx_fonts", "*.ttf")  # a file each for many more writings, symbols and emoji

WEIGHT = 600  # of those faces that have several: as the first one's
MISSING = "…"
DEEPEST = 0.35  # of the letter size: how far below its line a face may claim room

Direction = Literal["ltr", "rtl"]
Anchor = Literal["left", "middle", "right"]


class _Face(NamedTuple):
    path: str  # empty: PIL's own
    number: int = 0  # of the faces in the file


class _Run(NamedTuple):
    """Letters of one face that are read in one direction."""

    text: str
    font: ImageFont.FreeTypeFont
    direction: Direction

    @property
    def width(self) -> float:
        return self.font.getlength(self.text, direction=self.direction)


class Line:
    """Words on one line, in letters of one size, in pixels.

    width, descent: how far it reaches from its left end, and below what its letters stand on.
    """

    def __init__(self, text: str, size: int, direction: Direction | None = None) -> None:
        """direction: in which the whole is read; None: as its first letter is."""
        self._runs = list(_runs(text, size, direction or find_direction(text)))
        self.width = sum((run.width for run in self._runs), 0.0)
        self.descent = max((min(run.font.getmetrics()[1], floor(DEEPEST * size)) for run in self._runs), default=0)

    @property
    def own_face(self) -> Path | None:
        """The Latin face's file, which other programs can use too, if that face draws the whole line."""
        face = _faces(CHINESE)[0]
        used = {(str(run.font.path), run.direction) for run in self._runs}
        return Path(face.path) if face.path.endswith(LATIN[1]) and used == {(face.path, "ltr")} else None

    def draw(
        self,
        canvas: ImageDraw.ImageDraw,
        place: tuple[float, float],
        fill: int | str,
        anchor: Anchor = "left",
        stroke: float = 0,
    ) -> None:
        """Draws it so that its letters stand at this place with its left end, its middle or its right end."""
        left = place[0] - floor({"left": 0, "middle": 0.5, "right": 1}[anchor] * self.width + 0.5)
        for run in self._runs:
            canvas.text((left, place[1]), run.text, fill, run.font, "ls", direction=run.direction, stroke_width=stroke)
            left += run.width


def wrap(text: str, size: int, width: int, most: int) -> list[str]:
    """The text on at most so many lines of this width; the last ends in an ellipsis where there was more."""
    lines = [""]
    for word in chain.from_iterable(_cut(word, size, width) for word in split_words(text)):
        if lines[-1] and _width((lines[-1] + word).rstrip(), size) > width:
            if len(lines) == most:
                lines[-1] = _shorten(lines[-1] + word, size, width)
                break
            lines.append("")
        lines[-1] += word
    return [line.rstrip() for line in lines]


def shorten(text: str, size: int, width: int) -> str:
    """The text on one line of this width; it ends in an ellipsis where there was more."""
    text = in_one_line(text)
    return text if _width(text, size) <= width else _shorten(text, size, width)


def find_missing(text: str) -> set[str]:
    """Which of these letters no face here has."""
    return {cluster for cluster in _clusters(text) if _first_with([cluster], CHINESE) is None}


def find_direction(text: str) -> Direction:
    """How a text is read: as its first letter is."""
    return "rtl" if next(filter(None, map(_strength, text)), "L") == "R" else "ltr"


@lru_cache(maxsize=1000)
def _width(text: str, size: int) -> float:
    return Line(text, size).width


def _cut(word: str, size: int, width: int) -> Iterator[str]:
    """The word, in pieces where it is wider than this."""
    while Line(word.rstrip(), size).width > width:
        clusters = _clusters(word)
        fits = (
            bisect(range(len(clusters)), float(width), key=lambda count: Line("".join(clusters[:count]), size).width)
            - 1
        )
        yield "".join(clusters[: max(fits, 1)])
        word = "".join(clusters[max(fits, 1) :])
    if word:
        yield word


def _shorten(text: str, size: int, width: int) -> str:
    clusters = _clusters(text)

    def cut(count: int) -> str:
        return "".join(clusters[:count]).rstrip(" ,;:.…") + "…"

    return cut(bisect(range(len(clusters)), float(width), key=lambda count: _width(cut(count), size)) - 1)


# Which face draws which letters, and in which order


def _runs(text: str, size: int, direction: Direction) -> Iterator[_Run]:
    """The line from left to right."""
    clusters, writing = _clusters(text), _writing(text)
    if (face := _first_with(clusters, writing)) is not None:
        yield _Run(text, _font(face, size), direction)  # the layout engine knows the order within a face
        return
    faces = [_first_with([cluster], writing) for cluster in clusters]
    pieces = zip(_levels(clusters, direction), faces, clusters, strict=True)
    runs = [
        (level, "".join(cluster for _, _, cluster in each) if face else MISSING, face or _faces(writing)[0])
        for (level, face), each in groupby(pieces, key=lambda piece: piece[:2])
    ]
    for deep in (2, 1):  # what stands in a text of the other direction is turned round within it
        stretches = [list(each) for _, each in groupby(runs, key=lambda run: run[0] >= deep)]
        runs = [run for each in stretches for run in (each[::-1] if each[0][0] >= deep else each)]
    for level, words, face in runs:
        yield _Run(words, _font(face, size), "rtl" if level % 2 else "ltr")


def _levels(clusters: Sequence[str], direction: Direction) -> list[int]:
    """How deep each letter stands in text of the other direction; odd: it is read from right to left.

    The Unicode bidirectional algorithm, without explicit marks and pairs of brackets.
    """
    base = "R" if direction == "rtl" else "L"
    strong = base
    kinds = list[str]()
    for cluster in clusters:
        strong = _strength(cluster) or strong
        number = "L" if strong == "L" else "number"
        kinds.append(_strength(cluster) or (number if cluster[0].isdecimal() else ""))
    sides = zip(_sides(kinds, base), _sides(kinds[::-1], base)[::-1], strict=True)
    resolved = (
        kind or (before if before == after else base) for kind, (before, after) in zip(kinds, sides, strict=True)
    )
    level = {"L": 0 if base == "L" else 2, "R": 1, "number": 2}
    return [level[kind] for kind in resolved]


def _sides(kinds: Sequence[str], base: str) -> list[str]:
    """What is read last before each letter, or is that letter."""
    return list(
        accumulate((kind.replace("number", "R") for kind in kinds), lambda last, kind: kind or last, initial=base)
    )[1:]


def _strength(cluster: str) -> str:
    """Whether a letter is read from left to right (L), from right to left (R), or as those around it."""
    return {"L": "L", "R": "R", "AL": "R"}.get(unicodedata.bidirectional(cluster[0]), "")


def _clusters(text: str) -> list[str]:
    """What looks like one letter each: with its accents, or an emoji of several."""
    clusters: list[str] = regex.findall(r"\X", text)
    return clusters


def _writing(text: str) -> int:
    """In which way Far Eastern letters are to be written."""
    names = " ".join(unicodedata.name(letter, "") for letter in text)
    return JAPANESE if "HIRAGANA" in names or "KATAKANA" in names else KOREAN if "HANGUL" in names else CHINESE


def _first_with(clusters: Sequence[str], writing: int) -> _Face | None:
    """The first face that has all of these."""
    return next((face for face in _faces(writing) if all(_has(face, cluster) for cluster in clusters)), None)


@cache
def _faces(writing: int) -> tuple[_Face, ...]:
    """The faces that are installed, the preferred ones first."""
    found = [
        _Face(str(path), writing if package == FAR_EAST[0] else 0)
        for package, pattern in (LATIN, FAR_EAST, OTHERS)
        if find_spec(package)
        for path in sorted(Path(str(files(package))).glob(pattern))
        if "Italic" not in path.name
    ]
    return (*found, _Face(""))


@lru_cache(maxsize=10_000)
def _has(face: _Face, cluster: str) -> bool:
    """Whether all its letters are more than the box that stands for what a face has not."""
    font = _font(face, 16)
    nothing = bytes(font.getmask("\U0010ffff"))
    return all(bytes(font.getmask(letter)) != nothing for letter in cluster)


@lru_cache(maxsize=64)
def _font(face: _Face, size: int) -> ImageFont.FreeTypeFont:
    if face.path:
        font = ImageFont.truetype(face.path, size, face.number)
        if "[wght]" in face.path:
            font.set_variation_by_axes([WEIGHT])
        return font
    own = ImageFont.load_default(size)
    assert isinstance(own, ImageFont.FreeTypeFont)
    return own

"""Lettering: a film's captions, drawn so that they are read on any picture.

    letters = over(timeline)
    letters(time, (1024, 768))    # what lies over the foot of the picture at that time; None: nothing

White letters with a thin dark edge in a soft shadow, sized by the picture, within the margins that broadcasters call
title-safe. Knows words and sizes; sees no picture.
"""

import unicodedata
from bisect import bisect
from collections.abc import Callable
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from nextscene import NextSceneError
from nextscene.film import captions
from nextscene.film.timeline import Timeline

SAFE = 0.05  # of the width and the height, on each side
EM, WIDEST, SMALLEST = 0.05, 0.06, 9  # letter size: of the height, at most of the width, and in pixels at least
LETTER = 0.49  # of the letter size: how wide a letter is on average
LEADING = 1.22
EDGE, POOL = 0.06, 0.22  # of the letter size: a thin dark edge, and a soft shadow
FINER = 4  # how much larger they are drawn first, so that letters need not stand on whole pixels
PAPER, INK = "#fbf9f4", "#0b0c0e"
LATIN = ("font_source_sans_pro", "files/SourceSansPro-Semibold.ttf")  # Greek and Cyrillic too
FAR_EAST = ("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc")
JAPANESE, KOREAN, CHINESE = range(3)  # in the latter, as they write the same letters each in its own way

Size = tuple[int, int]


def over(timeline: Timeline) -> Callable[[Fraction, Size], Image.Image | None]:
    """The captions of a film, once it is sure that all their letters can be drawn."""
    for cut in timeline.cuts:
        try:
            _face("".join(cut.caption.split()), SMALLEST)
        except NextSceneError as error:
            raise NextSceneError(f"Scene {cut.number}'s caption {error}") from error
    cues = cache(lambda columns: captions.of(timeline, columns))

    def letters(time: Fraction, size: Size) -> Image.Image | None:
        shown = cues(columns(size))
        at = bisect(shown, time, key=lambda cue: cue.start) - 1
        return drawn(shown[at].text, size) if at >= 0 and time < shown[at].end else None

    return letters


def columns(size: Size) -> int:
    """How many letters a line at the foot of a picture of this size has room for, on average."""
    return min(int(size[0] * (1 - 2 * SAFE) / (LETTER * _em(size))), captions.COLUMNS)


@lru_cache(maxsize=2)
def drawn(text: str, size: Size) -> Image.Image:
    """The lines on nothing: as wide as the picture, and as high as they reach up from its foot."""
    width, em, lines = size[0], _em(size), text.split("\n")
    foot = round(SAFE * size[1])
    height = min(round(len(lines) * LEADING * em) + foot + em, size[1])
    finer = (width * FINER, height * FINER)
    letters, edges, pool = (Image.new("L", finer) for _ in range(3))
    for number, line in enumerate(reversed(lines)):
        face = _fitting(line, em * FINER, round(finer[0] * (1 - 2 * SAFE)))
        place = (finer[0] / 2, finer[1] - foot * FINER - face.getmetrics()[1] - number * LEADING * em * FINER)
        for layer, stroke in ((letters, 0.0), (edges, EDGE), (pool, POOL)):
            ImageDraw.Draw(layer).text(place, line, 255, face, "ms", stroke_width=stroke * em * FINER)
    letters, edges, pool = (layer.reduce(FINER) for layer in (letters, edges, pool))
    edges = edges.filter(ImageFilter.GaussianBlur(EDGE * em / 2)).point(lambda value: round(value * 0.9))
    pool = pool.filter(ImageFilter.GaussianBlur(POOL * em)).point(lambda value: round(value * 0.6))
    drawn = Image.new("RGBA", (width, height))
    for colour, layer in ((INK, pool), (INK, edges), (PAPER, letters)):
        coat = Image.new("RGBA", (width, height), colour)
        coat.putalpha(layer)
        drawn.alpha_composite(coat)
    return drawn


def _em(size: Size) -> int:
    return max(round(min(EM * size[1], WIDEST * size[0])), SMALLEST)


def _fitting(line: str, em: int, width: int) -> ImageFont.FreeTypeFont:
    """The face for a line, smaller where its letters are wider than usual."""
    face = _face(line, em)
    return face if (wide := face.getlength(line)) <= width else _face(line, max(int(em * width / wide), 1))


def _face(text: str, em: int) -> ImageFont.FreeTypeFont:
    """The first of the faces here that has all these letters."""
    missing = set(text)
    for package, name, index in ((*LATIN, 0), (*FAR_EAST, _writing(text))):
        try:
            face = ImageFont.truetype(str(files(package) / name), em, index)
        except ModuleNotFoundError:
            continue
        nothing = bytes(face.getmask("\U0010ffff"))
        if not (missing := {letter for letter in text if bytes(face.getmask(letter)) == nothing}):
            return face
    raise NextSceneError(
        f"has {' '.join(sorted(missing))}, which no typeface here can write: choose soft captions, which players draw, "
        "or pip install font-source-sans-pro (Latin, Greek, Cyrillic) noto-cjk-sans-otc (Chinese, Japanese, Korean)."
    )


def _writing(text: str) -> int:
    names = " ".join(unicodedata.name(letter, "") for letter in text)
    return JAPANESE if "HIRAGANA" in names or "KATAKANA" in names else KOREAN if "HANGUL" in names else CHINESE

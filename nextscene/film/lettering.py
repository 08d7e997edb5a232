"""Lettering: a film's captions, drawn so that they are read on any picture.

    overlay = letter(timeline)
    overlay(time, (1024, 768))    # what lies over the foot of the picture at that time; None: nothing

White letters with a thin dark edge in a soft shadow, sized by the picture, within the margins that broadcasters call
title-safe. Knows words and sizes; sees no picture.
"""

from bisect import bisect
from fractions import Fraction
from functools import cache, lru_cache

from PIL import Image, ImageDraw, ImageFilter

from nextscene import NextSceneError
from nextscene.faces import Direction, Line, find_direction, find_missing
from nextscene.film.captions import COLUMNS, captions, make_cues
from nextscene.film.frames import Overlay, Size
from nextscene.film.timeline import Timeline

SAFE = 0.05  # of the width and the height, on each side
EM, WIDEST, SMALLEST = 0.05, 0.06, 9  # letter size: of the height, at most of the width, and in pixels at least
LETTER = 0.49  # of the letter size: how wide a letter is on average
LEADING = 1.22
EDGE, POOL = 0.06, 0.22  # of the letter size: a thin dark edge, and a soft shadow
FINER = 4  # how much larger they are drawn first, so that letters need not stand on whole pixels
PAPER, INK = "#fbf9f4", "#0b0c0e"


def letter(timeline: Timeline) -> Overlay:
    """The captions of a film, once it is sure that all their letters can be drawn."""
    for segment in timeline.segments:
        if missing := find_missing(" ".join(text for text, _, _ in captions(segment))):
            raise NextSceneError(
                f"Scene {segment.number}'s caption has {' '.join(sorted(missing))}, which no typeface here can write: "
                "choose soft captions, which players draw, or give the scene another caption."
            )
    cues = cache(lambda columns: make_cues(timeline, columns))

    def overlay(time: Fraction, size: Size) -> Image.Image | None:
        fitting = cues(count_columns(size))
        at = bisect(fitting, time, key=lambda cue: cue.start) - 1
        return draw_caption(fitting[at].text, size) if at >= 0 and time < fitting[at].end else None

    return overlay


def count_columns(size: Size) -> int:
    """How many letters a line at the foot of a picture of this size has room for, on average."""
    return min(int(size[0] * (1 - 2 * SAFE) / (LETTER * _em(size))), COLUMNS)


@lru_cache(maxsize=2)
def draw_caption(text: str, size: Size) -> Image.Image:
    """The lines on nothing: as wide as the picture, and as high as they reach up from its foot."""
    width, em, lines = size[0], _em(size), text.split("\n")
    foot = round(SAFE * size[1])
    height = min(round(len(lines) * LEADING * em) + foot + em, size[1])
    finer, direction = (width * FINER, height * FINER), find_direction(text)
    letters, edges, pool = (Image.new("L", finer) for _ in range(3))
    for number, words in enumerate(reversed(lines)):
        line = _fitting(words, em * FINER, round(finer[0] * (1 - 2 * SAFE)), direction)
        place = (finer[0] / 2, finer[1] - foot * FINER - line.descent - number * LEADING * em * FINER)
        for layer, stroke in ((letters, 0.0), (edges, EDGE), (pool, POOL)):
            line.draw(ImageDraw.Draw(layer), place, 255, "middle", stroke * em * FINER)
    letters, edges, pool = (layer.reduce(FINER) for layer in (letters, edges, pool))
    edges = edges.filter(ImageFilter.GaussianBlur(EDGE * em / 2)).point(lambda value: round(value * 0.9))
    pool = pool.filter(ImageFilter.GaussianBlur(POOL * em)).point(lambda value: round(value * 0.6))
    caption = Image.new("RGBA", (width, height))
    for colour, layer in ((INK, pool), (INK, edges), (PAPER, letters)):
        coat = Image.new("RGBA", (width, height), colour)
        coat.putalpha(layer)
        caption.alpha_composite(coat)
    return caption


def _em(size: Size) -> int:
    return max(round(min(EM * size[1], WIDEST * size[0])), SMALLEST)


def _fitting(words: str, em: int, width: int, direction: Direction) -> Line:
    """The line, smaller where its letters are wider than usual."""
    line = Line(words, em, direction)
    return line if line.width <= width else Line(words, max(int(em * width / line.width), 1), direction)

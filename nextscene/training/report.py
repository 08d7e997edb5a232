"""What a person looks at: the loss curve, and strips of samples. Numbers and pictures in, one picture out."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw

from nextscene.faces import Anchor, Line, shorten

BACKGROUND, WORDS, QUIET, LINES = "#14161a", "#f2f0ea", "#8d929c", "#2a2e36"
EACH, MEAN, VALIDATION = "#3b4b66", "#7fb0ff", "#ffb454"
WIDTH, HEIGHT, GAP = 960, 540, 24  # pixels
LARGE, SMALL = 22, 13  # pixels: sizes of letters
LEFT, TOP, RIGHT, BOTTOM = 84, 84, WIDTH - 2 * GAP, HEIGHT - 64
FINE = 2  # everything is drawn so many times as large, then brought down: smooth lines

Point = tuple[float, float]


class Row(NamedTuple):
    """One sample: its words, the picture that it starts from, what is drawn, and what should be."""

    words: str
    before: Image.Image | None  # of a pair
    drawn: Image.Image
    truth: Image.Image

    @property
    def pictures(self) -> dict[str, Image.Image]:
        """By what is written above them."""
        before = {"before": self.before} if self.before else {}
        return before | {"drawn": self.drawn, "wanted": self.truth}


def draw_curve(losses: Sequence[float], validation_losses: Mapping[int, float], title: str, what: str) -> Image.Image:
    """The loss of each step, its running mean, and at intervals the loss of the validation examples.

    what: which examples those are, in words.
    """
    picture = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    top = 1.05 * max([*_bulk(losses), *validation_losses.values()])
    steps = len(losses)

    def at(step: float, loss: float) -> Point:
        right = LEFT + (RIGHT - LEFT) * step / steps
        return right * FINE, (BOTTOM - (BOTTOM - TOP) * min(loss / top, 1)) * FINE

    for loss in _ticks(top):
        draw.line([at(0, loss), at(steps, loss)], LINES, FINE)
        _text(draw, at(0, loss), f"{loss:g}", anchor="right", shift=(-10, 4))
    for step in _ticks(steps):
        _text(draw, at(step, 0), f"{step:g}", anchor="middle", shift=(0, 24))
    for step, loss in enumerate(losses, 1):
        _dot(draw, at(step, loss), EACH, 1.5)
    draw.line([at(step, loss) for step, loss in enumerate(_running_mean(losses), 1)], MEAN, 3 * FINE, "curve")
    draw.line([at(*point) for point in sorted(validation_losses.items())], VALIDATION, 2 * FINE, "curve")
    for point in validation_losses.items():
        _dot(draw, at(*point), VALIDATION, 5)
    _text(draw, (LEFT * FINE, 40 * FINE), f"Loss: {title}", LARGE, WORDS)
    legend = {f"each step, {losses[-1]:.3f} at the end": EACH, "their running mean": MEAN}
    legend |= (
        {f"{what}, {validation_losses[max(validation_losses)]:.3f} at the end": VALIDATION} if validation_losses else {}
    )
    right: float = LEFT * FINE
    for words, colour in legend.items():
        _dot(draw, (right + 5 * FINE, 64 * FINE), colour, 5)
        _text(draw, (right + 16 * FINE, 68 * FINE), words)
        right += (16 + 24) * FINE + Line(words, SMALL * FINE).width
    return picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def draw_samples(rows: Sequence[Row], title: str) -> Image.Image:
    """Each sample's pictures side by side: before (of a pair), as drawn now, as it should be."""
    widths = [sum(each.width + GAP for each in row.pictures.values()) for row in rows]
    heights = [row.drawn.height + 3 * GAP for row in rows]
    whole = Image.new("RGB", (max(*widths, 400) + GAP, sum(heights) + 3 * GAP), BACKGROUND)
    draw = ImageDraw.Draw(whole)
    Line(title, LARGE).draw(draw, (GAP, 2 * GAP), WORDS)
    upper = 3 * GAP
    for row, height in zip(rows, heights, strict=True):
        left = GAP
        for name, picture in row.pictures.items():
            Line(name, SMALL).draw(draw, (left, upper + SMALL), QUIET)
            whole.paste(picture, (left, upper + GAP))
            left += picture.width + GAP
        words = shorten(row.words, SMALL, whole.width - 2 * GAP)
        Line(words, SMALL).draw(draw, (GAP, upper + GAP + row.drawn.height + SMALL + 6), QUIET)
        upper += height
    return whole


def _bulk(losses: Sequence[float]) -> list[float]:
    """All but the largest, which would press the others down."""
    return sorted(losses)[: max(math.ceil(0.99 * len(losses)), 1)]


def _running_mean(losses: Sequence[float]) -> list[float]:
    means: list[float] = []
    keep = 1 - 1 / max(len(losses) / 20, 4)
    total = weight = 0.0
    for loss in losses:
        total, weight = keep * total + loss, keep * weight + 1
        means.append(total / weight)
    return means


def _ticks(top: float) -> list[float]:
    """Round numbers from 0 to `top`, 4 to 10 of them."""
    size = 10 ** math.floor(math.log10(top))
    every = next(size * part for part in (0.1, 0.2, 0.5, 1) if top / (size * part) <= 10)
    return [round(every * number, 10) for number in range(int(top / every) + 1)]


def _dot(draw: ImageDraw.ImageDraw, at: Point, colour: str, radius: float) -> None:
    draw.circle(at, radius * FINE, colour)


def _text(
    draw: ImageDraw.ImageDraw,
    at: Point,
    words: str,
    size: int = SMALL,
    colour: str = QUIET,
    anchor: Anchor = "left",
    shift: tuple[int, int] = (0, 0),
) -> None:
    place = at[0] + shift[0] * FINE, at[1] + shift[1] * FINE
    Line(words, size * FINE).draw(draw, place, colour, anchor)

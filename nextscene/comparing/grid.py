"""The grid as a picture: prompts down, looks across, figures under each cell. Cells in, one picture out."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from PIL import Image, ImageDraw

from nextscene.comparing.definition import Comparison
from nextscene.faces import Line, shorten, wrap

CARD, GAP, TEXT, SIDE = 320, 16, 26, 240  # pixels: a cell's width, the space around, below it, and beside the rows
BACKGROUND, WORDS, QUIET = "#14161a", "#f2f0ea", "#8d929c"
LARGE, MEDIUM, SMALL = 22, 15, 13  # pixels: sizes of letters
LINES, LEADING = 6, 20


class Shown(Protocol):
    """A cell, as far as it is shown."""

    @property
    def row(self) -> int: ...
    @property
    def look(self) -> str: ...
    @property
    def picture(self) -> Image.Image: ...
    @property
    def figures(self) -> Mapping[str, float]: ...


def draw_grid(comparison: Comparison, seed: int, cells: Sequence[Shown]) -> Image.Image:
    """All cells of one seed. The tallest picture gives all cells their height."""
    looks = list(comparison.looks)
    heights = [round(CARD * cell.picture.height / cell.picture.width) for cell in cells]
    tall = max(heights)
    top = 2 * GAP + LARGE + MEDIUM + GAP
    width = SIDE + len(looks) * (CARD + GAP) + GAP
    whole = Image.new("RGB", (width, top + len(comparison.prompts) * (tall + TEXT + GAP) + GAP), BACKGROUND)
    draw = ImageDraw.Draw(whole)
    Line(f"Looks, seed {seed}", LARGE).draw(draw, (GAP, GAP + LARGE), WORDS)
    for at, look in enumerate(looks):
        Line(shorten(look, MEDIUM, CARD), MEDIUM).draw(draw, (SIDE + at * (CARD + GAP), top - GAP // 2), WORDS)
    for at, prompt in enumerate(comparison.prompts):
        upper = top + at * (tall + TEXT + GAP)
        for number, words in enumerate(wrap(prompt, MEDIUM, SIDE - 2 * GAP, LINES)):
            Line(words, MEDIUM).draw(draw, (GAP, upper + MEDIUM + number * LEADING), QUIET)
    for cell, height in zip(cells, heights, strict=True):
        left = SIDE + looks.index(cell.look) * (CARD + GAP)
        upper = top + cell.row * (tall + TEXT + GAP)
        whole.paste(cell.picture.resize((CARD, height), Image.Resampling.LANCZOS), (left, upper))
        Line(shorten(in_words(cell.figures), SMALL, CARD), SMALL).draw(draw, (left, upper + tall + SMALL + 4), QUIET)
    return whole


def in_words(figures: Mapping[str, float]) -> str:
    return " · ".join(f"{name} {figure:.2f}" for name, figure in figures.items())

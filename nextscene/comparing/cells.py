"""The cells: each look's and each seed's rows are a run of their own, in a folder that goes on where it stopped."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nextscene import NextSceneError, pictures
from nextscene.comparing.definition import Comparison, as_text
from nextscene.comparing.grid import draw_grid
from nextscene.comparing.html import write_page
from nextscene.files import typed_path, write_whole
from nextscene.film import Grade
from nextscene.hub import Weights
from nextscene.measures import Closeness, decibels, structure
from nextscene.production import Load, Production
from nextscene.request import Request
from nextscene.settings import FilmSettings
from nextscene.story import from_data

NAME = re.compile(r"[^\w.-]+")
SHAPES, DECIBELS, AWAY = "shapes", "dB", "from yours"  # the figures of a cell; docs/looks.md says what they are


@dataclass(frozen=True)
class Cell:
    """One picture of the grid, as it is shown, and what is known of it.

    figures: how far it is from the first look's picture of the same row, and from the pictures to be like.
    """

    row: int
    look: str
    seed: int
    file: Path
    picture: Image.Image
    facts: dict[str, Any]
    figures: dict[str, float]


class Comparing:
    """A comparison on its way."""

    def __init__(self, comparison: Comparison, folder: Path, weights: Weights) -> None:
        """Reads and plans everything, so that what is wrong is said before anything is drawn."""
        self.comparison, self.folder = comparison, folder
        self.productions = {
            (look, seed): Production(self._request(look, seed), weights)
            for seed in comparison.seeds
            for look in comparison.looks
        }
        self._grades = {name: _grade(each.film) for name, each in comparison.looks.items()}

    def run(self, load: Load) -> Iterator[Path]:
        """Yields each cell's picture as it is drawn; then a grid for each seed, the page, and the file to run again."""
        for production in self.productions.values():
            yield from production.run(load)
        cells = self.cells
        for number, seed in enumerate(self.comparison.seeds, 1):
            of_seed = [cell for cell in cells if cell.seed == seed]
            file = self.folder / f"compare{f'_{number}' if number > 1 else ''}.png"
            pictures.write(draw_grid(self.comparison, seed, of_seed), file, {})
            yield file
        text = as_text(self.comparison, [self._as_data(cell) for cell in cells])
        write_page(self.comparison, cells, text, self.folder / "compare.html")
        yield self.folder / "compare.html"
        write_whole(self.folder / "compare.json", text)
        yield self.folder / "compare.json"

    def _request(self, look: str, seed: int) -> Request:
        comparison = self.comparison
        story = from_data({"title": look, "scenes": [{"prompt": each, "after": None} for each in comparison.prompts]})
        column = f"{list(comparison.looks).index(look) + 1}_{NAME.sub('_', look)}"
        folder = self.folder / "cells" / column / str(seed)
        settings = comparison.settings_of(look, seed)
        return Request(story=story, folder=folder, settings=settings, keep_takes=True, at_home=True)

    @cached_property
    def cells(self) -> list[Cell]:
        """Every cell, as it was drawn."""
        return list(self._cells())

    def _cells(self) -> Iterator[Cell]:
        first: dict[tuple[int, int], Image.Image] = {}
        for (look, seed), production in self.productions.items():
            for row, shot in enumerate(production.shots):
                file = production.request.folder / f"scene_{row + 1:03d}.png"
                shown = self._graded(look, pictures.read(file))
                base = first.setdefault((row, seed), shown)
                facts = pictures.facts(file) or {}
                yield Cell(row, look, seed, file, shown, facts | {"seed": shot.story_seed}, self._figures(shown, base))

    def _graded(self, look: str, picture: Image.Image) -> Image.Image:
        return Image.fromarray(self._grades[look](np.asarray(picture), 0))

    def _figures(self, picture: Image.Image, base: Image.Image) -> dict[str, float]:
        figures = {}
        if picture is not base:
            figures = {SHAPES: structure(picture, base)}
            figures |= {DECIBELS: decibels(picture, base)} if picture.size == base.size else {}
        if self._like:
            figures[AWAY] = self._like.of(picture)
        return {name: round(figure, 3) for name, figure in figures.items()}

    @cached_property
    def _like(self) -> Closeness | None:
        """The pictures to be like, if any are named."""
        if not self.comparison.like:
            return None
        folder = typed_path(self.comparison.like, "like")
        files = [file for file in sorted(folder.glob("*")) if file.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp")]
        if not files:
            raise NextSceneError(f"There is no picture in {str(folder)!r}, which the cells are to be like.")
        return Closeness(map(pictures.read, files))

    def _as_data(self, cell: Cell) -> dict[str, object]:
        file = cell.file.relative_to(self.folder).as_posix()
        place = {"prompt": self.comparison.prompts[cell.row], "look": cell.look, "seed": cell.seed}
        return {**place, "file": file, **cell.figures}


def _grade(film: FilmSettings) -> Grade:
    return Grade.of(film)

"""Plots of chains: a curve for each column and way over the scenes, and stories to look at, scene by scene.

It knows only what it is given, and how to make it plain to the eye.
"""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from PIL import Image, ImageDraw, ImageFont

from bench.columns import COLUMNS, Column, Ways, near_one, near_zero, spread, values
from bench.figures import write_whole
from bench.stories import STEPS, THINGS
from storybook.world import HEIGHT, WIDTH, State

Story = tuple[str, Sequence[State], Mapping[str, Image.Image]]  # its name, its truth, strips of pictures by who drew

INK, FAINT = "#22303c", "#c9d1d9"
COLOURS = ("#0a7d78", "#d9572b")
ROWS = ("It follows the words", "It keeps what should stay", "It keeps its looks")
IDEAL = {near_one: 1.0, near_zero: 0.0}
LABEL, HEAD, GAP = 96, 58, 24  # pixels, on the sheet of stories
DIRECTIONS = {"pan": ("left", "right"), "tilt": ("down", "up"), "zoom": ("back", "closer")}
STYLE: Any = {"font.family": "DejaVu Sans", "text.color": INK, "xtick.color": INK, "ytick.color": INK, "font.size": 8.5}


def curves(ways: Ways, title: str, path: Path) -> None:
    """A panel for each column: each way's mean of all stories, and the band in which the true mean lies, to 95 %."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(15, 9), layout="constrained", facecolor="white")
        rows = figure.subfigures(len(ROWS) + 1, 1, height_ratios=(0.28, 1, 1, 1), squeeze=False)[:, 0]
        _head(rows[0], title, list(ways))
        each = len(COLUMNS) // len(ROWS)
        for number, (row, what) in enumerate(zip(rows[1:], ROWS, strict=True)):
            row.suptitle(what, x=0.008, ha="left", size=11, weight="bold")
            for panel, column in zip(row.subplots(1, each), COLUMNS[number * each :], strict=False):
                _panel(panel, column, ways)
        _write(figure.savefig, path, dpi=120)


def _head(row: SubFigure, title: str, names: Sequence[str]) -> None:
    row.text(0.008, 0.72, title, size=16, weight="bold", va="center")
    for at, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        row.text(0.008 + 0.06 * at, 0.3, f"\N{EM DASH} {name}", size=12.5, weight="bold", color=colour, va="center")
    row.text(0.15, 0.3, "means of all stories, and where the true mean lies 95 times of 100", size=9.5, va="center")


def _panel(panel: Axes, column: Column, ways: Ways) -> None:
    panel.set_title(f"{column.name}{', ' * bool(column.unit)}{column.unit}", loc="left", size=9.5)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.spines["bottom"].set_color(FAINT)
    panel.tick_params(length=0)
    panel.grid(axis="y", color=FAINT, linewidth=0.6, alpha=0.6)
    panel.set_axisbelow(True)
    if column.worth in IDEAL:
        panel.axhline(IDEAL[column.worth], color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
    for chains, colour in zip(ways.values(), COLOURS, strict=False):
        middle, each_side = spread(values(column, chains))
        scenes = np.arange(1, len(middle) + 1)
        panel.fill_between(scenes, middle - each_side, middle + each_side, color=colour, alpha=0.14, linewidth=0)
        panel.plot(scenes, middle, color=colour, linewidth=2, solid_capstyle="round")
        panel.plot(scenes[-1], middle[-1], "o", color=colour, markersize=4.5)
    panel.set_xticks([1, *range(4, len(scenes) + 1, 4)])
    panel.set_xlim(0.6, len(scenes) + 0.4)
    if column.unit == "%" and column.worth not in IDEAL:
        panel.set_ylim(-3, 103)


def stories(told: Sequence[Story], path: Path) -> None:
    """Stories to look at: for each its name, its truth, and strips of its pictures by who drew them."""
    font, bold = ImageFont.load_default(15), ImageFont.load_default(19)
    scenes, rows = len(told[0][1]), len(told[0][2])
    block = HEAD + rows * HEIGHT + GAP
    sheet = Image.new("RGB", (LABEL + scenes * WIDTH, len(told) * block), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (name, truth, strips) in enumerate(told):
        top = number * block
        pen.text((8, top + 4), name, INK, bold)
        for at, words in enumerate(_changes(truth)):
            pen.text((LABEL + (at + 0.5) * WIDTH, top + HEAD - 6), f"{at + 1}  {words}", INK, font, anchor="ms")
        for row, (who, strip) in enumerate(strips.items()):
            y = top + HEAD + row * HEIGHT
            pen.text((8, y + HEIGHT / 2), who, INK, bold, anchor="lm")
            sheet.paste(strip, (LABEL, y))
    _write(sheet.save, path)


def _changes(truth: Sequence[State]) -> list[str]:
    """What each scene's words ask for, in short."""
    said = ["opening"]
    for before, after in pairwise(truth):
        (name,) = (each for each in THINGS if getattr(before, each) != getattr(after, each))
        new, old = getattr(after, name), getattr(before, name)
        said.append(f"{DIRECTIONS[name][new > old]}{' far' * (abs(new - old) > 1)}" if name in STEPS else new)
    return said


def _write(save: Callable[..., object], path: Path, **how: object) -> None:
    encoded = BytesIO()
    save(encoded, format="png", **how)
    write_whole(path, encoded.getvalue())

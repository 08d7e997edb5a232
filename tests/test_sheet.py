"""The contact sheet: every scene where it belongs, whatever its shape and words."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from takes import made_of, shot_of

from nextscene.output import Sheet
from nextscene.output.sheet import BACKGROUND, CARD, COLUMNS, GAP
from nextscene.story import Shot


def sheet_of(
    colours: list[str], size: tuple[int, int] = (64, 48), prompt: str = "a harbour", title: str = ""
) -> Image.Image:
    sheet = Sheet(title)
    for colour in colours:
        sheet.add(Image.new("RGB", size, colour), made_of(replace(shot_of(), prompt=f"Next Scene: {prompt}")))
    return sheet.picture()


def test_a_sheet_says_that_its_scenes_are_enlarged() -> None:
    def foot(shot: Shot) -> bytes:
        sheet = Sheet()
        sheet.add(Image.new("RGB", (64, 48), "red"), made_of(shot))
        return sheet.picture().tobytes()

    assert foot(replace(shot_of(), draw_width=64)) != foot(shot_of())


def test_a_sheet_says_how_long_a_scenes_clip_is() -> None:
    def card(seconds: float | None) -> bytes:
        sheet = Sheet()
        sheet.add(Image.new("RGB", (64, 48), "red"), made_of(), seconds=seconds)
        return sheet.picture().tobytes()

    assert card(None) == card(made_of().shot.duration) != card(2.125)


def columns_of(sheet: Image.Image) -> int:
    return (sheet.width - GAP) // (CARD + GAP)


@pytest.mark.parametrize(("scenes", "columns", "rows"), [(1, 1, 1), (5, 5, 1), (6, 3, 2), (7, 4, 2), (16, 4, 4)])
def test_scenes_stand_in_order_in_rows_of_nearly_equal_length(scenes: int, columns: int, rows: int) -> None:
    colours = [f"#{16 * n + 15:02x}4080" for n in range(scenes)]
    sheet = sheet_of(colours)
    assert columns_of(sheet) == columns
    found = np.asarray(sheet)[:, GAP + 9 :: CARD + GAP].reshape(-1, 3).tolist()
    shown = list(dict.fromkeys(tuple(colour) for colour in found if colour[1:] == [0x40, 0x80]))
    assert shown == [(16 * n + 15, 0x40, 0x80) for n in range(scenes)]
    assert -(-scenes // columns) == rows


@pytest.mark.parametrize("size", [(2048, 64), (64, 2048), (1, 1)])
def test_any_shape_of_picture_fits(size: tuple[int, int]) -> None:
    assert sheet_of(["red", "blue"], size).width == 2 * (CARD + GAP) + GAP


@pytest.mark.parametrize("prompt", ["", "x" * 4000, "W" * 400, "word " * 800, "霧の港 🌊", "two\nlines"])
def test_any_words_stay_below_their_own_picture(prompt: str) -> None:
    sheet = np.asarray(sheet_of(["red", "blue"], prompt=prompt, title="t" * 200))
    between = sheet[:, GAP + CARD + 2 : 2 * GAP + CARD - 2]
    ground = np.array(Image.new("RGB", (1, 1), BACKGROUND).getpixel((0, 0)))
    cards = slice(2 * GAP + 24, sheet.shape[0] - 2 * GAP)
    assert (between[cards] == ground).all()


def test_more_columns_than_fit_are_never_made() -> None:
    assert columns_of(sheet_of(["red"] * 300)) == COLUMNS

"""Letters that we draw are read: none is a box, each stands where it is read, lines fit."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from nextscene.faces import Line, find_missing, shorten, wrap

UNKNOWN = "ཀ"  # no face here has Tibetan


def ink(text: str, size: int = 32) -> NDArray[np.bool_]:
    """Where the line is dark, without the empty space around it."""
    picture = Image.new("L", (1200, 120))
    Line(text, size).draw(ImageDraw.Draw(picture), (10, 80), 255)
    return np.asarray(picture.crop(picture.getbbox())) > 100


@pytest.mark.parametrize(
    "text",
    [
        "é ü ñ — “…” №",
        "東京の夜",
        "한국어",
        "Город",
        "Αθήνα",
        "مرحبا",
        "שלום",
        "नमस्ते",
        "สวัสดี",
        "🌊 👩‍🚀 🇫🇷 ❤️ 1️⃣",
        "→ ♪ ½",
    ],
)
def test_no_letter_of_these_is_a_box(text: str) -> None:
    assert find_missing(text) == set()
    letters = [ink(letter) for letter in text.split()]
    assert all(not np.array_equal(letter, ink("…")) for letter in letters)
    assert all(not np.array_equal(letter, ink("\U0010ffff")) for letter in letters)


def test_a_letter_that_no_face_has_is_an_ellipsis_and_never_a_box() -> None:
    assert find_missing(f"a {UNKNOWN} b") == {UNKNOWN}
    assert np.array_equal(ink(UNKNOWN), ink("…"))


def test_an_accent_is_drawn() -> None:
    assert ink("é").sum() > ink("e").sum()


def test_arabic_letters_are_joined() -> None:
    assert Line("مرحبا", 32).width < 0.9 * sum(Line(letter, 32).width for letter in "مرحبا")


def begins_with(line: NDArray[np.bool_], part: NDArray[np.bool_]) -> bool:
    """Whether the left end of a line looks like this, to a few points."""
    height, width = part.shape
    return any((line[top : top + height, :width] != part).mean() < 0.02 for top in range(line.shape[0] - height + 1))


@pytest.mark.parametrize(
    ("text", "leftmost"),
    [
        ("A 🌊", "A"),
        ("שלום 🌊", "🌊"),  # read from right to left: what comes last stands left
        ("שלום, עולם 🌊", "🌊"),
        ("New York שלום 🌊", "N"),
        ("שלום New York", "N"),
        ("שלום 24", "24"),
    ],
)
def test_words_of_several_faces_stand_in_the_order_in_which_they_are_read(text: str, leftmost: str) -> None:
    assert begins_with(ink(text), ink(leftmost))


def test_a_line_stands_by_its_left_end_its_middle_or_its_right_end() -> None:
    ends = {}
    for anchor in ("left", "middle", "right"):
        picture = Image.new("L", (400, 60))
        Line("harbour", 32).draw(ImageDraw.Draw(picture), (200, 40), 255, anchor)
        drawn = picture.getbbox()
        assert drawn
        ends[anchor] = drawn
    assert ends["left"][0] == pytest.approx(200, abs=4)
    assert ends["right"][2] == pytest.approx(200, abs=4)
    assert (ends["middle"][0] + ends["middle"][2]) / 2 == pytest.approx(200, abs=4)


def test_a_word_with_a_hyphen_stays_whole() -> None:
    lines = wrap("blue-hour light over the well-known harbour", 14, 90, 9)
    assert " ".join(lines) == "blue-hour light over the well-known harbour"
    assert len(lines) > 2


WORDS = st.text("abcé Wi-,.東🌊ש\n\x1b", max_size=80)


@settings(max_examples=60, deadline=None)
@given(WORDS, st.integers(40, 300))
@example("aaca東", 42)
def test_wrapped_lines_fit_and_lose_nothing_but_what_is_too_much(text: str, width: int) -> None:
    every = wrap(text, 14, width, 999)
    assert all(Line(line, 14).width <= width + 1 for line in every)
    assert "".join("".join(every).split()) == "".join(text.replace("\x1b", " ").split())
    few = wrap(text, 14, width, 2)
    assert few == every[:2] if len(every) <= 2 else few[-1].endswith("…")


@settings(max_examples=60, deadline=None)
@given(WORDS, st.integers(40, 300))
def test_a_shortened_text_fits_on_its_line(text: str, width: int) -> None:
    short = shorten(text, 14, width)
    assert Line(short, 14).width <= width
    assert short.endswith("…") or short == " ".join(text.replace("\x1b", " ").split())

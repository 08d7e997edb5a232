"""Drift: each number finds its own fault, painted into a picture to a known amount, and no other."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, replace
from functools import lru_cache, partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from nextscene.shooting import Drift
from nextscene.shooting.drift import BLURRED, Bars, badges, bars, compare

WIDTH, HEIGHT = 256, 192
UNCHANGED = Drift(0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, near_copy=True)
SEEDS = st.integers(0, 3)

few = settings(max_examples=12, deadline=None)


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@lru_cache
def world(seed: int = 0) -> Image.Image:
    """Bright shapes on smooth noise, twice as wide and high as a picture of it."""
    chance = np.random.default_rng(seed)
    noise = Image.fromarray(chance.integers(90, 190, (24, 32, 3), np.uint8))
    drawn = noise.resize((2 * WIDTH, 2 * HEIGHT), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(drawn)
    for x, y, size, *colour in chance.integers(
        (0, 0, 5, 60, 60, 60), (2 * WIDTH, 2 * HEIGHT, 40, 255, 255, 255), (90, 6)
    ):
        shape = draw.ellipse if size % 2 else draw.rectangle
        shape((int(x), int(y), int(x + size), int(y + size)), tuple(map(int, colour)))
    return drawn


def view(seed: int = 0, zoom: float = 1, right: int = 0, down: int = 0) -> Image.Image:
    """The middle of a world, from closer by `zoom` and then with the scene moved by whole pixels."""
    x, y = WIDTH - right / zoom, HEIGHT - down / zoom
    wide, high = WIDTH / zoom / 2, HEIGHT / zoom / 2
    box = (x - wide, y - high, x + wide, y + high)
    return world(seed).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box)


def noisy(picture: Image.Image, sigma: float) -> Image.Image:
    pixels = np.asarray(picture) + np.random.default_rng(7).normal(0, sigma, (picture.height, picture.width, 3))
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def any_picture() -> st.SearchStrategy[Image.Image]:
    """Noise, flat colour or a view, in RGB or grey, of any size from a single pixel."""

    def make(kind: str, mode: str, size: tuple[int, int], seed: int) -> Image.Image:
        chance = np.random.default_rng(seed)
        if kind == "view":
            return view(seed % 4).resize(size).convert(mode)
        shape = (size[1], size[0], 3) if kind == "noise" else (1, 1, 3)
        pixels = np.broadcast_to(chance.integers(0, 256, shape, np.uint8), (size[1], size[0], 3))
        return Image.fromarray(pixels).convert(mode)

    sides = st.integers(1, 90)
    kinds = st.sampled_from(("noise", "flat", "view"))
    return st.builds(make, kinds, st.sampled_from(("RGB", "L")), st.tuples(sides, sides), st.integers(0, 99))


# What is the same


@given(picture=any_picture())
@few
def test_a_picture_has_not_changed_from_itself(picture: Image.Image) -> None:
    assert astuple(compare(picture, picture.copy())) == pytest.approx(astuple(UNCHANGED), abs=1e-6)


@given(before=any_picture(), after=any_picture())
@settings(max_examples=25, deadline=None)
def test_any_two_pictures_have_numbers_within_their_ranges(before: Image.Image, after: Image.Image) -> None:
    drift = compare(before, after)
    assert all(math.isfinite(number) for number in astuple(drift))
    assert 0 <= drift.change <= 1
    assert 0 <= drift.structure <= 1
    assert drift.colour_shift >= 0
    assert drift.sharpness > 0
    assert drift.steepness > 0
    assert 0.6 < drift.zoom < 1.7
    assert max(abs(drift.shift_x), abs(drift.shift_y)) <= 0.5
    assert drift == compare(before, after)


def test_the_same_picture_at_another_size_is_the_same_picture() -> None:
    for size in ((2 * WIDTH, 2 * HEIGHT), (WIDTH // 2, HEIGHT // 2)):
        drift = compare(view(), view().resize(size, Image.Resampling.LANCZOS))
        assert drift.near_copy
        assert drift.structure > 0.97
        assert (drift.zoom, drift.shift_x, drift.shift_y) == pytest.approx((1, 0, 0), abs=0.002)


def test_a_later_picture_of_another_shape_is_cropped_not_stretched() -> None:
    wider = Image.new("RGB", (WIDTH + 80, HEIGHT))
    wider.paste(view(), (40, 0))
    assert compare(view(), wider) == compare(view(), view())


# The camera


@given(seed=SEEDS, right=st.integers(-51, 51), down=st.integers(-38, 38))
@few
def test_a_shift_is_found_to_a_three_hundredth_of_the_side(seed: int, right: int, down: int) -> None:
    drift = compare(view(seed), view(seed, right=right, down=down))
    assert (drift.shift_x, drift.shift_y) == pytest.approx((right / WIDTH, down / HEIGHT), abs=0.0033)
    assert drift.zoom == pytest.approx(1, abs=0.006)
    assert drift.structure > 0.9


@given(seed=SEEDS, zoom=st.floats(1 / 1.5, 1.5))
@few
def test_a_zoom_is_found_to_half_a_hundredth(seed: int, zoom: float) -> None:
    drift = compare(view(seed), view(seed, zoom))
    assert drift.zoom == pytest.approx(zoom, rel=0.005)
    assert (drift.shift_x, drift.shift_y) == pytest.approx((0, 0), abs=0.003)


@given(seed=SEEDS, zoom=st.floats(0.8, 1.25), right=st.integers(-40, 40), down=st.integers(-30, 30))
@few
def test_zoom_and_shift_are_told_apart_and_undone_by_going_back(seed: int, zoom: float, right: int, down: int) -> None:
    before, after = view(seed), view(seed, zoom, right, down)
    there, back = compare(before, after), compare(after, before)
    assert there.zoom == pytest.approx(zoom, rel=0.008)
    assert (there.shift_x, there.shift_y) == pytest.approx((right / WIDTH, down / HEIGHT), abs=0.006)
    assert back.zoom * there.zoom == pytest.approx(1, abs=0.012)
    assert (back.shift_x * zoom, back.shift_y * zoom) == pytest.approx((-there.shift_x, -there.shift_y), abs=0.006)
    assert back.change == pytest.approx(there.change)
    assert back.sharpness * there.sharpness == pytest.approx(1)


@pytest.mark.parametrize("zoom", [0.98, 0.99, 1.01, 1.02])
def test_even_a_creeping_zoom_is_seen(zoom: float) -> None:
    assert compare(view(), view(zoom=zoom)).zoom == pytest.approx(zoom, abs=0.003)


@pytest.mark.parametrize("seed", range(1, 9))
def test_another_picture_keeps_no_structure_and_shows_no_move(seed: int) -> None:
    drift = compare(view(0), view(seed))
    assert drift.structure < 0.15
    assert (drift.zoom, drift.shift_x, drift.shift_y) == (1, 0, 0)
    assert drift.change > 0.05
    assert not drift.near_copy


# Light and colour


@given(seed=SEEDS, levels=st.integers(1, 60))
@few
def test_darkening_is_a_change_by_just_so_much_and_nothing_else(seed: int, levels: int) -> None:
    bright = view(seed).point(lambda level: max(level, 60))
    drift = compare(bright, bright.point(lambda level: level - levels))
    assert drift.change == pytest.approx(levels / 255, abs=1e-6)
    assert drift.structure == pytest.approx(1, abs=0.01)
    assert drift.sharpness == pytest.approx(1, abs=0.01)
    assert (drift.zoom, drift.shift_x, drift.shift_y) == pytest.approx((1, 0, 0), abs=0.001)


def test_half_the_light_keeps_structure_and_sharpness() -> None:
    drift = compare(view(), view().point(lambda level: level / 2))
    assert drift.structure > 0.95
    assert drift.sharpness == pytest.approx(1, abs=0.03)
    assert drift.colour_shift > 15


def from_lab(lab: np.ndarray) -> Image.Image:
    """Lab under D65 as an sRGB picture: the inverse of what drift uses, from the standard's own numbers."""
    y = (lab[..., 0] + 16) / 116
    parts = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(parts > 6 / 29, parts**3, (parts - 4 / 29) * 3 * (6 / 29) ** 2) * (0.95047, 1.0, 1.08883)
    turn = ((3.2404542, -1.5371385, -0.4985314), (-0.9692660, 1.8760108, 0.0415560), (0.0556434, -0.2040259, 1.0572252))
    linear = xyz @ np.array(turn).T
    assert linear.min() > 0
    assert linear.max() < 1
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return Image.fromarray((255 * srgb).round().astype(np.uint8))


@given(seed=SEEDS, offset=st.tuples(*[st.floats(-9, 9)] * 3))
@few
def test_a_tint_is_found_as_the_distance_by_which_all_colours_moved(seed: int, offset: tuple[float, ...]) -> None:
    smooth = np.asarray(view(seed).resize((16, 16), Image.Resampling.BOX).resize((128, 128), Image.Resampling.NEAREST))
    lab = smooth / 255 * (35, 20, 20) + (35, -10, -10)
    drift = compare(from_lab(lab), from_lab(lab + offset))
    assert drift.colour_shift == pytest.approx(math.hypot(*offset), abs=0.4)
    assert drift.structure == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("white", "black", 100.0), ("red", "lime", 170.57), ("red", "blue", 176.31), ("#777777", "#787878", 0.39)],
)
def test_colours_are_as_far_apart_as_the_books_say(one: str, other: str, distance: float) -> None:
    size = (40, 30)
    drift = compare(Image.new("RGB", size, one), Image.new("RGB", size, other))
    assert drift.colour_shift == pytest.approx(distance, abs=0.02)


def test_colours_that_only_lie_elsewhere_have_not_shifted() -> None:
    drift = compare(view(), view().transpose(Image.Transpose.ROTATE_180))
    assert drift.change > 0.05
    assert drift.colour_shift < 0.5


# Sharpness


def gratings(fine: float) -> Image.Image:
    """A coarse grating of 16 pixels and a fine one of 4, of brightness 0.2 and `fine` about the middle."""
    x = np.arange(WIDTH)
    row = 0.5 + 0.2 * np.sin(2 * np.pi * x / 16) + fine * np.sin(2 * np.pi * (x + 0.5) / 4)
    return Image.fromarray(np.broadcast_to((255 * row).round().astype(np.uint8), (HEIGHT, WIDTH)).copy())


def energy_for_contrast(fine: float) -> float:
    waves = ((0.2, 16), (fine, 4))
    energy = sum(2 * (height * math.sin(math.pi / length)) ** 2 for height, length in waves)
    return energy / sum(height**2 / 2 for height, _ in waves)


@pytest.mark.parametrize("kept", [0, 0.25, 0.5, 0.9, 1.5])
def test_sharpness_falls_as_fine_detail_is_taken_away(kept: float) -> None:
    found = compare(gratings(0.15), gratings(0.15 * kept)).sharpness
    assert found == pytest.approx(energy_for_contrast(0.15 * kept) / energy_for_contrast(0.15), rel=0.02)


@pytest.mark.parametrize("radius", [1.5, 2, 3, 5])
def test_blur_softens_the_strongest_edges_whatever_else_comes_into_the_picture(radius: float) -> None:
    rainy = with_rain(view())
    assert compare(view(), rainy.filter(ImageFilter.GaussianBlur(radius))).steepness < BLURRED
    assert compare(rainy, view().filter(ImageFilter.GaussianBlur(radius))).steepness < BLURRED
    assert min(compare(view(), rainy).steepness, compare(rainy, view()).steepness) > BLURRED


def test_rain_is_detail_and_no_noise() -> None:
    assert compare(view(), with_rain(view())).sharpness > 1.2
    assert compare(view(), with_rain(view())).noise < 0.5


@pytest.mark.parametrize("sigma", [3, 6, 12])
def test_noise_is_found_by_its_own_deviation(sigma: float) -> None:
    grey = view().convert("L").convert("RGB")
    weights = (0.299, 0.587, 0.114)
    expected = sigma * math.sqrt(sum(weight**2 for weight in weights))
    assert compare(grey, noisy(grey, sigma)).noise == pytest.approx(expected, rel=0.25)


def with_rain(picture: Image.Image) -> Image.Image:
    drawn = picture.copy()
    draw = ImageDraw.Draw(drawn)
    for x in range(0, WIDTH, 24):
        for y in range(0, HEIGHT, 24):
            draw.line((x + y % 48 // 2, y, x + y % 48 // 2 - 4, y + 11), "silver", 2)
    return drawn


def test_the_more_blur_the_less_sharpness_and_the_picture_stays_where_it_is() -> None:
    drifts = [compare(view(), view().filter(ImageFilter.GaussianBlur(radius))) for radius in (0.3, 0.6, 1, 2, 4)]
    found = [drift.sharpness for drift in drifts]
    assert found == sorted(found, reverse=True)
    assert found[0] < 1
    assert found[-1] < 0.3
    for drift in drifts:
        assert (drift.zoom, drift.shift_x, drift.shift_y) == pytest.approx((1, 0, 0), abs=0.006)
        assert drift.colour_shift < 3


def test_noise_raises_the_gradient_energy_by_its_own() -> None:
    before, sigma = view().convert("L").convert("RGB"), 8
    drift = compare(before, noisy(before, sigma))
    grey = np.asarray(before.convert("L"), float) / 255
    weights = (0.299, 0.587, 0.114)
    power = (sigma / 255) ** 2 * sum(weight**2 for weight in weights)
    energy = sum((np.diff(grey, axis=axis) ** 2).sum() for axis in (0, 1)) / grey.size
    assert drift.sharpness == pytest.approx((energy + 4 * power) / energy / (1 + power / grey.var()), rel=0.05)


# Near-copies


@pytest.mark.parametrize(
    "copy",
    [
        partial(noisy, sigma=6),
        lambda picture: picture.filter(ImageFilter.UnsharpMask(1, 150, 0)),
        lambda picture: picture.filter(ImageFilter.GaussianBlur(1)),
        lambda picture: picture.point(lambda level: level + 3),
    ],
    ids=["noise", "halos", "blur", "a little light"],
)
def test_a_copy_with_faint_faults_is_a_near_copy(copy: Callable[[Image.Image], Image.Image]) -> None:
    assert compare(view(), copy(view())).near_copy


def with_balloon(picture: Image.Image) -> Image.Image:
    drawn = picture.copy()
    ImageDraw.Draw(drawn).ellipse((115, 55, 150, 90), "red")
    return drawn


@pytest.mark.parametrize(
    "after",
    [with_balloon(view()), view(right=6), view(zoom=1.03), view().point(lambda level: level * 0.8), view(1)],
    ids=["a balloon", "a step aside", "a step closer", "dusk", "another place"],
)
def test_a_picture_in_which_something_happened_is_no_near_copy(after: Image.Image) -> None:
    assert not compare(view(), after).near_copy


# Bars


def barred(picture: Image.Image, sides: Sequence[int], colour: str = "black") -> Image.Image:
    width, height = picture.size
    top, bottom, left, right = sides
    framed = Image.new("RGB", picture.size, colour)
    inside = (left, top, width - right, height - bottom)
    framed.paste(picture.crop(inside), inside)
    return framed


COLOURS = st.sampled_from(["black", "#0a0a0c", "white"])


@given(seed=SEEDS, tall=st.integers(0, 70), wide=st.integers(0, 90), colour=COLOURS)
@settings(max_examples=40, deadline=None)
def test_the_bars_found_are_the_bars_painted(seed: int, tall: int, wide: int, colour: str) -> None:
    tall, wide = (side if side > 3 else 0 for side in (tall, wide))
    found = bars(barred(view(seed), (tall, tall, wide, wide), colour))
    assert found == Bars(tall / HEIGHT, tall / HEIGHT, wide / WIDTH, wide / WIDTH)
    assert bool(found) == bool(tall or wide)


@pytest.mark.parametrize("side", range(4))
def test_one_bar_alone_is_found_on_its_side(side: int) -> None:
    sides = [20 if at == side else 0 for at in range(4)]
    found = astuple(bars(barred(view(), sides)))
    assert found == pytest.approx(np.divide(sides, (HEIGHT, HEIGHT, WIDTH, WIDTH)))


def test_bars_that_a_model_drew_are_found_though_soft_and_noisy() -> None:
    drawn = barred(view().resize((1024, 768)), (90, 96, 0, 0), "#080808").filter(ImageFilter.GaussianBlur(3))
    found = bars(noisy(drawn, 3))
    assert (found.top, found.bottom) == pytest.approx((90 / 768, 96 / 768), abs=0.01)
    assert (found.left, found.right) == (0, 0)


def test_a_pair_of_bars_is_found_though_the_scene_is_as_dark_along_some_of_it() -> None:
    scene = view()
    for box in ((30, 0, 100, 60), (120, 140, 190, HEIGHT)):
        scene.paste("black", box)
    assert bars(barred(scene, (20, 20, 0, 0))) == Bars(20 / HEIGHT, 20 / HEIGHT)
    assert bars(barred(scene, (20, 23, 0, 0)))
    assert not bars(barred(scene, (20, 0, 0, 0)))
    assert not bars(barred(scene, (20, 40, 0, 0)))


def skyline(sky: str, town: str) -> Image.Image:
    """A plain sky over roofs of many heights."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), sky)
    draw = ImageDraw.Draw(picture)
    heights = np.random.default_rng(3).integers(20, 150, 16)
    for at, height in enumerate(heights):
        draw.rectangle((16 * at, HEIGHT - int(height), 16 * at + 15, HEIGHT), town)
    return picture


def horizon(sky: str, ground: str, at: float) -> Image.Image:
    picture = Image.new("RGB", (WIDTH, HEIGHT), sky)
    picture.paste(Image.new("RGB", (WIDTH, HEIGHT), ground), (0, round(HEIGHT * at)))
    return picture


@pytest.mark.parametrize(
    "picture",
    [
        view(),
        skyline("#04040a", "#806020"),
        skyline("white", "#404850"),
        horizon("#87b5e0", "#2060a0", 0.3),
        horizon("#0a0e28", "#10182c", 0.7),
        horizon("black", "#c0c0c0", 0.5),
        Image.linear_gradient("L"),
        Image.new("RGB", (WIDTH, HEIGHT)),
        Image.new("RGB", (WIDTH, HEIGHT), "white"),
        barred(view(), (1, 1, 1, 1)),
        barred(view(), (40, 40, 0, 0), "#707070"),
        Image.new("RGB", (1, 1)),
    ],
    ids=["scene", "night", "bright sky", "sea", "night sea", "half", "dawn", "dark", "snow", "line", "grey", "pixel"],
)  # fmt: skip
def test_what_belongs_to_the_scene_is_no_bar(picture: Image.Image) -> None:
    assert not bars(picture)


@given(picture=any_picture())
@few
def test_any_picture_can_be_looked_at_for_bars(picture: Image.Image) -> None:
    assert all(0 <= side <= 0.4 for side in astuple(bars(picture)))


# Badges


@pytest.mark.parametrize(
    ("drift", "asked", "expected"),
    [
        (UNCHANGED, True, ["near-copy"]),
        (UNCHANGED, False, []),
        (replace(UNCHANGED, near_copy=False, zoom=1.3, shift_x=0.2, change=0.3, colour_shift=5), True, []),
        (replace(UNCHANGED, structure=0.02, near_copy=False, colour_shift=40, sharpness=4), True, []),
        (replace(UNCHANGED, noise=3), True, ["near-copy", "noisy"]),
        (None, True, []),
    ],
)
def test_badges_name_what_is_worth_a_look(drift: Drift | None, asked: bool, expected: list[str]) -> None:
    assert badges(drift, Bars(), asked) == expected
    assert badges(drift, Bars(top=0.1, bottom=0.1), asked) == ["bars", *expected]


def test_a_redrawn_copy_is_a_near_copy_though_small_things_lie_elsewhere() -> None:
    before, after = view(), view()
    for x, y in ((20, 20), (200, 40), (120, 160)):
        ImageDraw.Draw(after).ellipse((x, y, x + 10, y + 10), "gray")
    assert badges(compare(before, after), Bars(), True) == ["near-copy"]

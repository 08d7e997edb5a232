"""Things taken out of a picture and put elsewhere: exact where no model is needed, and within a mask where one is."""

import numpy as np
import pytest
from conftest import noise, photo, pixels, plain_look, same
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from nextscene import NextSceneError
from nextscene.model import Flow, Model
from nextscene.moves.between import Latents, by_flow
from nextscene.moves.composing import cut_out, fill, narrow, put, widen
from nextscene.moves.editing import edit
from nextscene.moves.placing import settle
from nextscene.moves.removal import cover, remove
from storybook.placed import Spot, draw_placed, spot_of
from storybook.world import State

STATE = State("desert", "noon", "clear", "balloon", "red")
LOOK = plain_look(steps=2, guidance=1.0, strength=0.7)


def box_mask(left: int, top: int, right: int, bottom: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
    mask = Image.new("L", size)
    mask.paste(255, (left, top, right, bottom))
    return mask


def centre(mask: Image.Image) -> tuple[float, float]:
    values = np.asarray(mask, float)
    rows, columns = (np.arange(side) + 0.5 for side in values.shape)
    return float((values.sum(0) * columns).sum() / values.sum()), float((values.sum(1) * rows).sum() / values.sum())


@given(x=st.integers(20, 76), y=st.integers(20, 60))
@settings(max_examples=10, deadline=None)
def test_what_is_moved_by_whole_pixels_keeps_every_one_of_them(x: int, y: int) -> None:
    picture, mask = photo(96, 80), box_mask(30, 30, 50, 44)
    moved, seen = put(cut_out(picture, mask), photo(96, 80, 2), x, y)
    place = (x - 10, y - 7, x + 10, y + 7)
    assert same(moved.crop(place), picture.crop((30, 30, 50, 44)))
    assert seen.getbbox() == place
    assert np.array_equal(pixels(moved)[pixels(seen) == 0], pixels(photo(96, 80, 2))[pixels(seen) == 0])


@pytest.mark.parametrize("spot", [Spot(40.25, 50.75), Spot(80, 40, 90), Spot(64, 48, -35, 0.5), Spot(50, 40, 20, 1.3)])
def test_a_thing_that_is_moved_turned_and_resized_is_where_the_drawn_world_has_it(spot: Spot) -> None:
    first, mask = draw_placed(STATE, spot_of(STATE))
    behind, _ = draw_placed(STATE, None)
    truth, true_mask = draw_placed(STATE, spot)
    own = spot_of(STATE)
    drawn, seen = put(cut_out(first, mask, (own.x, own.y), behind), behind, spot.x, spot.y, spot.angle, spot.size)
    assert centre(seen) == pytest.approx(centre(true_mask), abs=0.2)
    assert pixels(seen).sum() == pytest.approx(pixels(true_mask).sum(), rel=0.03)
    assert np.abs(pixels(drawn) - pixels(truth))[pixels(true_mask) > 0].mean() < 10


def test_at_its_edge_a_thing_has_its_own_colour_and_not_that_of_what_was_behind_it() -> None:
    red, green, mask = Image.new("RGB", (9, 9), "red"), Image.new("RGB", (9, 9), "lime"), Image.new("L", (9, 9), 102)
    thing = cut_out(Image.composite(red, green, mask), mask, behind=green)
    moved, _ = put(thing, Image.new("RGB", (9, 9), "blue"), 4.5, 4.5)
    assert moved.getpixel((4, 4)) == (102, 0, 153)


def test_nothing_can_be_cut_out_of_an_empty_mask_and_nothing_be_filled_under_a_full_one() -> None:
    with pytest.raises(NextSceneError, match="the mask is black everywhere"):
        cut_out(photo(), Image.new("L", photo().size))
    with pytest.raises(NextSceneError, match="The mask covers the whole picture"):
        fill(photo(), Image.new("L", photo().size, 255))


@given(left=st.integers(0, 60), top=st.integers(0, 50), wide=st.integers(1, 40), high=st.integers(1, 33))
@settings(max_examples=10, deadline=None)
def test_a_hole_is_filled_with_what_is_around_it_whatever_it_hid(left: int, top: int, wide: int, high: int) -> None:
    hole = box_mask(left, top, left + wide, top + high, (97, 79))
    plain = Image.new("RGB", (97, 79), (30, 90, 200))
    hidden = plain.copy()
    hidden.paste(photo(97, 79), mask=hole)
    assert np.abs(pixels(fill(hidden, hole)) - pixels(plain)).max() <= 1
    filled, outside = pixels(fill(photo(97, 79), hole)), pixels(hole) == 0
    assert np.array_equal(filled[outside], pixels(photo(97, 79))[outside])


def test_a_mask_is_widened_and_narrowed_by_so_many_pixels() -> None:
    mask = box_mask(30, 30, 50, 44)
    assert same(widen(mask, 3), box_mask(27, 27, 53, 47))
    assert same(widen(mask, 3, 9), box_mask(27, 27, 53, 53))
    assert same(narrow(mask, 3), box_mask(33, 33, 47, 41))


def test_what_is_removed_leaves_no_trace_and_nothing_else_changes(small: Model) -> None:
    mask = box_mask(30, 20, 50, 34)
    one = photo(96, 80)
    other = one.copy()
    other.paste(photo(96, 80, 7), mask=mask)
    without, again = (remove(small, each, mask, "a city", look=LOOK, seed=3) for each in (one, other))
    assert same(without, again)
    outside = pixels(cover(mask)) == 0
    assert outside.any()
    assert np.array_equal(pixels(without)[outside], pixels(one)[outside])
    assert np.abs(pixels(without) - pixels(one))[~outside].mean() > 5


def test_what_is_placed_keeps_its_inside_and_its_background_and_is_drawn_into_it_at_its_edge(small: Model) -> None:
    composite, mask = photo(100, 70), box_mask(30, 20, 60, 50, (100, 70))
    settled = settle(small, composite, mask, "a city", look=LOOK, seed=3, edge=0.1)
    kept = (pixels(widen(mask, 8)) == 0) | (pixels(narrow(mask, 3)) > 0)
    assert np.array_equal(pixels(settled)[kept], pixels(composite)[kept])
    assert np.abs(pixels(settled) - pixels(composite))[~kept].mean() > 5
    whole = settle(small, composite, mask, "a city", look=LOOK, seed=3, edge=None)
    assert np.abs(pixels(whole) - pixels(composite))[pixels(narrow(mask, 4)) > 0].mean() > 5


def test_a_picture_off_the_models_grid_is_edited_where_it_is(small: Model) -> None:
    """As on a sheet on the grid, whose margin repeats its last column and row."""
    sheet = Image.fromarray(np.pad(np.asarray(photo(90, 70)), ((0, 10), (0, 6), (0, 0)), mode="edge"))
    mask = box_mask(70, 50, 96, 80, (96, 80))
    small.use_look(LOOK)
    drawn = small.pipe("a city", [sheet], mask=mask, look=LOOK, width=96, height=80, generator=noise(3))
    found = edit(small, photo(90, 70), mask.crop((0, 0, 90, 70)), "a city", look=LOOK, seed=3)
    assert same(found.crop((0, 0, 86, 66)), drawn.crop((0, 0, 86, 66)))
    assert found.size == (90, 70)


def test_a_thing_shifted_in_noise_goes_by_whole_cells_and_the_background_stays(small: Model) -> None:
    keyframe, behind, mask = photo(90, 70), photo(90, 70, 2), box_mask(24, 24, 40, 40, (90, 70))
    way = Latents(small, keyframe, mask, behind, "a city", steps=3)
    drawn, seen = way.at(13, -5)
    assert seen.getbbox() == (40, 16, 56, 32)
    outside = pixels(widen(seen, 16)) == 0
    assert np.array_equal(pixels(drawn)[outside], pixels(behind)[outside])
    assert np.abs(pixels(drawn) - pixels(behind))[~outside].mean() > 5


def test_a_thing_that_is_not_shifted_in_noise_is_the_keyframes_as_the_codec_has_it(small: Model) -> None:
    keyframe, mask = photo(96, 64), box_mask(0, 0, 96, 64, (96, 64))
    drawn, _ = Latents(small, keyframe, mask, keyframe, "a city", steps=6).at(0, 0)
    flow = Flow(small.pipe, "", [], 96, 64, steps=2)
    assert np.abs(pixels(drawn) - pixels(flow.decode(flow.encode(keyframe)))).mean() < 2.5


def disc(wide: int, high: int) -> Image.Image:
    mask = Image.new("L", (96, 80))
    ImageDraw.Draw(mask).ellipse((48 - wide, 40 - high, 48 + wide, 40 + high), fill=255)
    return mask


def test_a_shape_on_its_way_to_another_is_between_the_two_and_the_background_stays() -> None:
    behind, red = Image.new("RGB", (96, 80), (60, 120, 90)), Image.new("RGB", (96, 80), (220, 40, 30))
    round_one, flat = (cut_out(red, disc(*sides)) for sides in ((16, 16), (22, 10)))
    widths = []
    for share in (0.0, 0.5, 1.0):
        drawn, hole = by_flow(behind, round_one, flat, 40, 36, 0, 1, share)
        outside = pixels(hole) == 0
        assert np.array_equal(pixels(drawn)[outside], pixels(behind)[outside])
        widths.append(int((np.abs(pixels(drawn) - pixels(behind)).max((0, 2)) > 60).sum()))
    assert widths[0] + 2 < widths[1] < widths[2] - 2

"""A model draws at a size that it can draw, of the wanted shape; the picture is then brought to the wanted size."""

import math

import numpy as np
import pytest
from conftest import photo, pixels, same
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from nextscene.card import Limits
from nextscene.model import Model
from nextscene.settings import MAX_SIDE, MIN_SIDE, StorySettings
from nextscene.shooting import Studio
from nextscene.story import IMAGE, Shot, advice, drawing_size, from_data, plan
from nextscene.story.sizes import GRID

OWN = (128, 96)
LIMITS = Limits(0.7, 1.5, (32, 16))
SIDES = st.integers(MIN_SIDE // GRID, MAX_SIDE // GRID).map(lambda steps: steps * GRID)


@pytest.mark.parametrize(
    ("wanted", "drawn"),
    [
        ((1024, 768), OWN),
        (OWN, OWN),
        ((64, 48), OWN),
        ((768, 1024), (96, 128)),
        ((1280, 720), (160, 96)),
        ((1024, 1024), (96, 96)),
        ((1024, 512), (160, 80)),
    ],
)
def test_a_model_with_limits_draws_the_wanted_shape_near_its_own_area(
    wanted: tuple[int, int], drawn: tuple[int, int]
) -> None:
    assert drawing_size(wanted, OWN, LIMITS) == drawn


@given(SIDES, SIDES)
@example(608, 336)
def test_what_is_drawn_lies_on_the_models_grid_and_within_its_limits(width: int, height: int) -> None:
    drawn = drawing_size((width, height), OWN, LIMITS)
    assert drawn[0] % 32 == drawn[1] % 16 == 0
    assert LIMITS.smallest <= math.prod(drawn) / math.prod(OWN) <= LIMITS.largest
    if 0.4 <= width / height <= 2.5:
        assert abs(math.log(drawn[0] / drawn[1] * height / width)) < 0.11  # 608x336 has the farthest of all


@given(SIDES, SIDES)
def test_a_model_without_limits_draws_what_is_wanted(width: int, height: int) -> None:
    assert drawing_size((width, height), (1024, 768)) == (width, height)


def shots(width: int, height: int, limits: Limits | None = LIMITS) -> list[Shot]:
    story = from_data({"scenes": ["a house", {"prompt": "night falls", "strength": 0.5}], "steps": 2})
    return plan(story, StorySettings(width=width, height=height), 1, OWN, image=(width, height), limits=limits)


def test_the_picture_is_enlarged_and_its_shot_says_so(small: Model) -> None:
    (take,) = Studio(small).shoot(shots(256, 192)[:1], {IMAGE: photo(256, 192)})
    reduced = photo(256, 192).resize(OWN, Image.Resampling.LANCZOS)
    (native,) = Studio(small).shoot(shots(*OWN, None)[:1], {IMAGE: reduced})
    assert same(take.picture, native.picture.resize((256, 192), Image.Resampling.LANCZOS))
    assert "256x192 (drawn at 128x96, enlarged)" in str(take.shot)
    assert (take.provenance.shot.draw_width, take.provenance.shot.draw_height) == OWN


def test_a_shot_of_the_models_own_size_says_nothing_of_it(small: Model) -> None:
    assert "drawn at" not in str(shots(*OWN)[0])


def test_a_picture_smaller_than_the_model_draws_is_said_to_be_reduced() -> None:
    assert shots(96, 64)[0].resizing == "drawn at 128x80, reduced"


def test_nobody_is_warned_of_a_size_that_is_not_drawn() -> None:
    assert any("times the area" in said for said in advice(shots(1024, 768, None)[0], OWN))
    assert not any("times the area" in said for said in advice(shots(1024, 768)[0], OWN))


def test_handed_on_enlarged_a_scene_is_what_it_was(small: Model) -> None:
    """Enlarged and brought back, a picture is the same but for a level here and there: nothing builds up."""
    picture = photo(*OWN)
    for _ in range(20):
        again = picture.resize((1024, 768), Image.Resampling.LANCZOS).resize(OWN, Image.Resampling.LANCZOS)
        assert np.abs(pixels(again) - pixels(picture)).max() <= 4
        picture = again
    assert np.abs(pixels(picture) - pixels(photo(*OWN))).mean() < 1

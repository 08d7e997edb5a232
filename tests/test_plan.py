"""Plans: everything decided, from the story alone."""

import dataclasses
import subprocess
import sys

import pytest
from conftest import ROOT
from hypothesis import given as for_any
from hypothesis import strategies as st

from nextscene import NextSceneError
from nextscene.settings import MAX_SIDE, MIN_SIDE, StorySettings
from nextscene.story import (
    GRID,
    Reference,
    Shot,
    choose_seed,
    from_data,
    from_prompts,
    plan,
    scenes_needed_after,
    shot_seed,
)

OWN = (1024, 768)


def shots_of(data: object, image: tuple[int, int] | None = None, seed: int = 42, **wanted: object) -> list[Shot]:
    return plan(from_data(data), StorySettings.checked(**wanted), seed, OWN, image)


def test_each_scene_grows_from_the_one_before_and_the_first_from_the_image() -> None:
    shots = shots_of(["a", "b", "c"], image=(800, 600))
    assert [shot.references for shot in shots] == [
        (Reference("picture", "image"),),
        (Reference("scene", "scene_001"),),
        (Reference("scene", "scene_002"),),
    ]


def test_without_an_image_the_first_scene_is_made_from_words_alone() -> None:
    first, second = shots_of(["a", "b"], strength=0.5)
    assert (first.references, first.look.strength) == ((), 1.0)
    assert second.look.strength == 0.5


def test_defaults_are_the_seed_documents() -> None:
    (shot,) = shots_of(["a"], image=(1024, 768))
    assert (shot.look.strength, shot.look.lora_scale, shot.width, shot.height, shot.duration) == (
        0.6,
        0.75,
        1024,
        768,
        0.5,
    )
    assert (shot.look.negative_prompt, shot.look.steps, shot.look.guidance) == (
        "black bars, letterbox, borders",
        40,
        4.0,
    )


def test_a_scenes_own_value_wins_then_the_users_then_the_storys_then_the_default() -> None:
    data = {"scenes": [{"prompt": "a", "strength": 0.9}, "b"], "strength": 0.8, "steps": 8, "fps": 4}
    image = (1024, 768)
    assert [shot.look.strength for shot in shots_of(data, image)] == [0.9, 0.8]
    assert [shot.look.strength for shot in shots_of(data, image, strength=0.3)] == [0.9, 0.3]
    assert [shot.look.steps for shot in shots_of(data, image)] == [8, 8]
    assert [shot.duration for shot in shots_of(data, image, fps=8)] == [1 / 8, 1 / 8]


def test_what_a_user_says_counts_even_if_it_equals_the_default() -> None:
    said = {"scenes": ["a", "b"], "strength": 0.8, "guidance": 2}
    shot = shots_of(said, strength=0.6, guidance=4.0)[1]
    assert (shot.look.strength, shot.look.guidance) == (0.6, 4.0)


def test_either_pace_takes_the_place_of_the_other() -> None:
    slow = {"scenes": ["a"], "seconds_per_scene": 3}
    assert shots_of(slow)[0].duration == 3
    assert shots_of(slow, fps=4)[0].duration == 0.25
    assert shots_of({"scenes": ["a"], "fps": 4}, seconds_per_scene=3)[0].duration == 3
    with pytest.raises(NextSceneError, match="fps and seconds_per_scene both say how long a scene stands"):
        shots_of({"scenes": ["a"], "fps": 4, "seconds_per_scene": 3})


def test_a_cleared_negative_prompt_stays_a_space_so_that_guidance_stays_on() -> None:
    (shot,) = shots_of(["a"], negative_prompt="")
    assert shot.look.negative_prompt == " "


def test_a_scenes_duration_is_its_own_or_one_over_fps() -> None:
    assert [s.duration for s in shots_of(["a", {"prompt": "b", "duration": 2.5}], fps=4)] == [0.25, 2.5]


@pytest.mark.parametrize(
    ("image", "wanted", "size"),
    [
        (None, {}, (1024, 768)),
        ((1000, 1000), {}, (880, 880)),
        ((4000, 1000), {}, (1776, 448)),
        ((1, 100), {}, (96, 2048)),
        (None, {"width": 512}, (512, 384)),
        (None, {"height": 400}, (528, 400)),
        ((100, 50), {"width": 600}, (608, 304)),
        (None, {"width": 70, "height": 2000}, (64, 2000)),
        (None, {"aspect": "16:9"}, (1184, 672)),
        (None, {"aspect": "2.39:1"}, (1376, 576)),
        (None, {"aspect": " 9:16 "}, (672, 1184)),
        ((1000, 1000), {"aspect": "4:3"}, (1024, 768)),
        (None, {"aspect": "2:1", "width": 512}, (512, 256)),
        (None, {"aspect": "2:1", "height": 512}, (1024, 512)),
    ],
)
def test_the_size_is_the_models_area_with_the_images_aspect_on_the_grid(
    image: tuple[int, int] | None, wanted: dict[str, object], size: tuple[int, int]
) -> None:
    (shot,) = plan(from_data(["a"]), StorySettings.checked(**wanted), 42, OWN, image)
    assert (shot.width, shot.height) == size


@pytest.mark.parametrize(
    ("story", "wanted", "size"),
    [
        ({"aspect": "2:1"}, {"aspect": "1:1"}, (880, 880)),
        ({"width": 512, "height": 512}, {"aspect": "4:3"}, (1024, 768)),
        ({"width": 512, "aspect": "2:1"}, {"height": 512}, (1024, 512)),
        ({"aspect": "2:1"}, {"width": 512, "height": 512}, (512, 512)),
        ({"width": 512}, {"aspect": "2:1"}, (512, 256)),
    ],
)
def test_a_shape_for_a_run_takes_the_place_of_the_storys(
    story: dict[str, object], wanted: dict[str, object], size: tuple[int, int]
) -> None:
    (shot,) = plan(from_data({"scenes": ["a"], **story}), StorySettings.checked(**wanted), 42, OWN)
    assert (shot.width, shot.height) == size


@pytest.mark.parametrize("aspect", ["wide", "16x9", "0:1", "1:0", "5:1", "nan:1", "1:2:3", ""])
def test_what_is_no_shape_is_refused(aspect: str) -> None:
    with pytest.raises(NextSceneError, match=rf"^aspect: input should be a shape such as 16:9 .*, not '{aspect}'\.$"):
        shots_of(["a"], aspect=aspect)


def test_a_shape_that_is_said_twice_is_refused() -> None:
    with pytest.raises(NextSceneError, match="width, height and aspect together say the shape twice: keep two"):
        shots_of({"scenes": ["a"], "width": 512, "height": 512, "aspect": "1:1"})


sides = st.integers(MIN_SIDE, MAX_SIDE) | st.none()
sizes = st.tuples(st.integers(1, 20_000), st.integers(1, 20_000)) | st.none()


@for_any(width=sides, height=sides, image=sizes)
def test_every_size_is_allowed_and_on_the_grid(
    width: int | None, height: int | None, image: tuple[int, int] | None
) -> None:
    (shot,) = shots_of(["a"], image, width=width, height=height)
    assert all(MIN_SIDE <= side <= MAX_SIDE and side % GRID == 0 for side in (shot.width, shot.height))


@for_any(st.integers(0, 2**31 - 1), st.integers(2, 40))
def test_no_two_shots_share_noise_nor_do_retakes(seed: int, scenes: int) -> None:
    shots = plan(from_prompts(["same words"] * scenes), StorySettings(), seed, OWN)
    seeds = {shot_seed(seed, shot.id, take) for shot in shots for take in range(1, 4)}
    assert len(seeds) == 3 * scenes
    assert {shot.seed for shot in shots} <= seeds
    assert all(0 <= each < 2**31 for each in seeds)


def test_two_scenes_with_the_same_seed_of_their_own_still_differ_in_noise() -> None:
    first, second = shots_of([{"prompt": "a", "seed": 7}, {"prompt": "b", "seed": 7}])
    assert first.story_seed == second.story_seed == 7
    assert first.seed != second.seed


def test_the_seed_is_the_users_else_the_storys_else_random() -> None:
    story = from_data({"scenes": ["a"], "seed": 5})
    assert choose_seed(story, StorySettings.checked(seed=0)) == 0
    assert choose_seed(story, StorySettings()) == 5
    blank = [choose_seed(from_prompts(["a"]), StorySettings()) for _ in range(8)]
    assert len(set(blank)) > 1
    assert all(0 <= seed < 2**31 for seed in blank)


def test_a_plan_is_pure_and_its_shots_cannot_be_changed() -> None:
    assert shots_of(["a", "b"]) == shots_of(["a", "b"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        shots_of(["a"])[0].seed = 1  # type: ignore[misc]


def test_only_pictures_that_are_still_looked_at_are_needed() -> None:
    shots = shots_of(["a", "b", "c"])
    kept = [{f"scene_{n:03d}" for n in range(1, shot.number + 1)} & scenes_needed_after(shots, shot) for shot in shots]
    assert kept == [{"scene_001"}, {"scene_002"}, set()]


def test_story_and_plan_import_no_torch() -> None:
    code = "import sys, nextscene.story.story, nextscene.story.planning; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def seen_by(data: object, image: tuple[int, int] | None = None, references: int = 0) -> list[str]:
    """What each scene looks at, by name."""
    shots = plan(from_data(data).with_cast(references), StorySettings(), 1, OWN, image)
    return ["+".join(reference.name for reference in shot.references) for shot in shots]


def test_a_story_is_a_tree_a_scene_may_grow_from_any_earlier_one_or_from_none() -> None:
    scenes = [
        {"prompt": "a", "id": "hill"},
        "b",
        {"prompt": "c", "after": "hill"},
        "d",
        {"prompt": "e", "after": None},
        "f",
    ]
    assert seen_by(scenes) == ["", "hill", "hill", "scene_003", "", "scene_005"]
    assert seen_by([{"prompt": "a", "after": None}, "b"], image=(100, 100)) == ["", "scene_001"]


def test_a_fresh_start_has_no_picture_to_keep_and_so_full_strength() -> None:
    first, second, third = shots_of(["a", "b", {"prompt": "c", "after": None}])
    assert (first.look.strength, second.look.strength, third.look.strength) == (1.0, 0.6, 1.0)


def test_an_anchor_rides_along_as_soon_as_it_is_there_and_no_picture_twice() -> None:
    scenes = {"scenes": ["a", "b", "c", {"prompt": "d", "anchor": None}, {"prompt": "e", "anchor": "scene_002"}]}
    assert seen_by(scenes | {"anchor": "scene_001"}) == [
        "",
        "scene_001",
        "scene_002+scene_001",
        "scene_003",
        "scene_004+scene_002",
    ]


def test_the_cast_rides_along_for_all_scenes_or_as_each_says() -> None:
    scenes = ["a", {"prompt": "b", "cast": ["hero"]}, {"prompt": "c", "cast": []}]
    assert seen_by({"scenes": scenes, "cast": ["hero", "castle"]}, references=2) == [
        "hero+castle",
        "scene_001+hero",
        "scene_002",
    ]
    assert seen_by(["a", "b"], image=(64, 64), references=1) == ["image+reference_1", "scene_001+reference_1"]
    assert seen_by({"scenes": ["a", "b"], "cast": ["hero"], "anchor": "hero"}, references=1)[1] == "scene_001+hero"


def test_more_than_three_pictures_for_a_scene_are_refused_by_name() -> None:
    with pytest.raises(
        NextSceneError, match=r"Scene 3 \(scene_003\) would look at scene_002, scene_001, x, y: at most 3"
    ):
        seen_by({"scenes": ["a", "b", "c"], "cast": ["x", "y"], "anchor": "scene_001"}, references=2)


def test_a_cast_and_the_pictures_that_come_along_have_to_agree() -> None:
    with pytest.raises(NextSceneError, match=r"a cast of 2 \(hero, castle\) and 1 picture\(s\) were given"):
        seen_by({"scenes": ["a"], "cast": ["hero", "castle"]}, references=1)


def test_a_story_that_opens_with_a_picture_wants_it_given_along() -> None:
    with pytest.raises(NextSceneError, match=r"opens with the picture 'dog\.png': give it along"):
        seen_by({"scenes": ["a"], "image": "dog.png"})

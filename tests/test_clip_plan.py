"""Which scenes move, from where to where, and in what: a pure plan."""

from typing import Any

import pytest
from clips import planned
from conftest import ROOT

from nextscene import NextSceneError
from nextscene.cli import main
from nextscene.hub.clip_models import CLIP_MODELS
from nextscene.hub.clip_weights import find_engines
from nextscene.settings import StorySettings
from nextscene.story import ClipPlan, EngineFacts, clip_size, from_data, plan, plan_clips

WAN, LIGHT, JOINER, SVD, LTX = (
    CLIP_MODELS[name].facts for name in ("wan", "wan-light", "wan-light-join", "svd", "ltx")
)
SEA = {"place": "the quay", "subject": "a boat"}


def clips_of(
    *scenes: Any, facts: EngineFacts = WAN, size: tuple[int, int] = (1024, 768), **story: Any
) -> list[ClipPlan]:
    told = from_data({"clips": "join", "clip_engine": "wan", "scenes": list(scenes), **story})
    return plan_clips(told, plan(told, StorySettings(), 5, (1024, 768)), {"wan": facts})


@pytest.mark.parametrize(
    ("scenes", "joined", "why"),
    [
        (["a red house by the sea", "the camera pans right"], True, "ends on scene 2, which shows the same place"),
        (["a red house by the sea", "a blue tower in the desert"], False, "another place (sea, then desert)"),
        (["a red house by the sea", "Ann laughs"], False, "not known that scene 2 shows the same place"),
        (
            [{"prompt": "Ann on the quay", "shows": SEA}, {"prompt": "Ann laughs", "shows": SEA}],
            True,
            "ends on scene 2",
        ),
        (
            [{"prompt": "Ann", "shows": SEA}, {"prompt": "Ann", "shows": SEA, "after": None}],
            False,
            "not known that scene 2",
        ),
        (
            ["a red house by the sea", {"prompt": "the camera pans right", "transition": "fade"}],
            False,
            "comes in with a fade",
        ),
    ],
)
def test_scenes_are_joined_where_they_share_their_place_and_it_is_said_why(
    scenes: list[Any], joined: bool, why: str
) -> None:
    first, last = clips_of(*scenes)
    assert first.last == ("scene_002" if joined else None)
    assert why in first.why
    assert (last.last, last.why) == (None, "It moves by itself: it is the last scene.")


def test_an_engine_without_a_last_picture_joins_nothing_and_says_so() -> None:
    first, _ = clips_of("a red house by the sea", "the camera pans right", facts=SVD)
    assert (first.last, first.why) == (None, "It moves by itself: svd takes no last picture.")


def test_what_wan_light_cannot_join_another_engine_joins_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXT_SCENE_CLIP_MODEL", raising=False)
    monkeypatch.setattr("nextscene.hub.gpu.total_memory", lambda: 24e9)
    scenes = "a red house by the sea", "the camera pans right"
    for clips, names in (("join", ["wan-light-join", "wan-light"]), ("each", ["wan-light"] * 2)):
        engines, plans = planned(*scenes, clips=clips, clip_engine="wan-light", clip_seconds=5)
        assert [plan.engine for plan in plans] == names
        assert list(engines._weights) == sorted(set(names)), "no other is fetched"
    assert [clips_of(*scenes, facts=facts)[0].seconds for facts in (JOINER, LIGHT)] == [81 / 16, 121 / 24]


def test_a_story_that_is_not_to_move_has_no_clips() -> None:
    assert clips_of("a", clips="none") == []


@pytest.mark.parametrize(
    ("facts", "wanted", "frames"),
    [(WAN, 80, 81), (WAN, 50, 49), (WAN, 200, 81), (WAN, 2, 5), (LTX, 100, 97), (LTX, 60, 57), (SVD, 14, 14)],
)
def test_frames_are_brought_to_what_the_engine_makes_and_that_is_said(
    facts: EngineFacts, wanted: int, frames: int
) -> None:
    (clip,) = clips_of({"prompt": "a", "clip": {"frames": wanted}}, facts=facts)
    assert clip.frames == frames
    assert any(f"{wanted} frames become {frames}" in note for note in clip.notes) == (wanted != frames)


def test_seconds_become_frames_at_the_engines_own_rate() -> None:
    assert [clips_of("a", clip_seconds=3, facts=facts)[0].frames for facts in (WAN, LIGHT, SVD)] == [49, 73, 21]


@pytest.mark.parametrize(
    ("facts", "still", "size"),
    [
        (WAN, (1024, 768), (704, 528)),
        (WAN, (1280, 720), (848, 480)),
        (WAN, (768, 1024), (528, 704)),
        (LIGHT, (1024, 768), (1120, 832)),
        (SVD, (768, 512), (960, 640)),
    ],
)
def test_a_clip_has_its_stills_shape_on_the_engines_grid_and_about_its_area(
    facts: EngineFacts, still: tuple[int, int], size: tuple[int, int]
) -> None:
    assert clip_size(still, facts) == size
    assert abs(size[0] / size[1] / (still[0] / still[1]) - 1) < 0.02


def test_what_an_engine_does_not_take_is_named_and_left_aside() -> None:
    (clip,) = clips_of({"prompt": "a", "clip": {"motion_bucket_id": 90, "fps": 6, "steps": 7}})
    assert "wan does not take fps, motion_bucket_id: left aside." in clip.notes
    assert (clip.steps, clip.fps) == (7, 16)


def test_words_are_the_scenes_motion_or_else_its_prompt() -> None:
    one, other = clips_of({"prompt": "Next Scene: a", "motion": "snow falls"}, "Next Scene: b")
    assert (one.words, other.words) == ("snow falls", "b")
    assert clips_of({"prompt": "a", "motion": "snow falls"}, facts=SVD)[0].words == ""


def test_what_a_picture_shows_already_does_not_happen_again_where_an_engine_moves_things_by_itself() -> None:
    own = CLIP_MODELS["storybook"].facts
    scenes = ("night falls", "snow falls", "the camera pans left", "a boat crosses")
    clips = clips_of(*scenes, facts=own, clips="each")
    assert [clip.words for clip in clips] == ["", "", "the camera pans left", "a boat crosses"]
    assert clips_of("night falls", clips="each")[0].words == "night falls"
    assert clips_of({"prompt": "night falls", "motion": "dawn breaks"}, facts=own)[0].words == "dawn breaks"


def test_where_a_clip_leads_to_the_next_scene_its_words_are_what_that_one_says() -> None:
    one, other = clips_of("a red house by the sea", "the camera pans right")
    assert (one.words, other.words) == ("the camera pans right", "the camera pans right")
    assert clips_of({"prompt": "a red house", "motion": "it snows"}, "night falls")[0].words == "it snows"


def test_each_clip_has_noise_of_its_own_and_a_seed_that_is_said_counts() -> None:
    one, other, third = clips_of("a", "b", {"prompt": "c", "clip": {"seed": 9}})
    assert len({one.seed, other.seed, third.seed}) == 3
    assert third.seed == 9


def test_a_scenes_clip_lies_over_the_storys() -> None:
    one, other = clips_of("a", {"prompt": "b", "clip": {"steps": 4}}, clip={"steps": 9, "guidance": 2})
    assert [(clip.steps, clip.guidance) for clip in (one, other)] == [(9, 2), (4, 2)]


def test_go_fast_is_four_steps_without_guidance_for_wan_alone() -> None:
    (fast,), (light,) = clips_of("a", go_fast=True), clips_of("a", go_fast=True, facts=LIGHT)
    assert (fast.fast, fast.steps, fast.guidance) == (True, 4, 1)
    assert (light.fast, light.steps) == (False, 50)


@pytest.mark.parametrize(("memory", "engine"), [(80e9, "wan"), (48e9, "wan"), (24e9, "wan-light"), (12e9, "wan-light")])
def test_auto_takes_the_best_engine_that_the_gpu_holds(
    memory: float, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEXT_SCENE_CLIP_MODEL", raising=False)
    monkeypatch.setattr("nextscene.hub.gpu.total_memory", lambda: int(memory))
    assert find_engines(["auto"])["auto"].facts.name == engine


@pytest.mark.parametrize(
    ("engine", "memory", "sentence"),
    [
        (
            "wan",
            None,
            r"wan needs a GPU of at least 6 GB, .* \(it has no GPU\): choose the engine storybook or replicate",
        ),
        ("svd", 2e9, r"svd needs a GPU of at least 3 GB, .* \(its GPU has 2 GB\)"),
        ("svd", 24e9, "licence of its own .* set NEXT_SCENE_ACCEPT_LICENCE=svd"),
        ("replicate", None, "needs REPLICATE_API_TOKEN in the environment"),
    ],
)
def test_what_cannot_work_here_is_refused_before_anything_is_fetched(
    engine: str, memory: float | None, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NEXT_SCENE_CLIP_MODEL", "REPLICATE_API_TOKEN", "NEXT_SCENE_ACCEPT_LICENCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("nextscene.hub.gpu.total_memory", lambda: memory)
    with pytest.raises(NextSceneError, match=sentence):
        planned("a", clip_engine=engine)


def test_a_hosted_model_that_is_not_known_is_refused_before_anything_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "secret")
    with pytest.raises(NextSceneError, match="Scene 1, clip: how me/mine calls its inputs is not known here"):
        planned({"prompt": "a", "clip": {"model": "me/mine"}}, clip_engine="replicate")
    with pytest.raises(NextSceneError, match="lightricks/ltx-video takes no last picture"):
        planned(
            "a red house by the sea",
            "the camera pans right",
            clips="join",
            clip_engine="replicate",
            clip={"model": "lightricks/ltx-video"},
        )


def test_engines_are_listed_and_one_with_a_licence_of_its_own_is_not_fetched_unasked(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NEXT_SCENE_ACCEPT_LICENCE", raising=False)
    assert main(["weights", "list"]) == 0
    shown = capfd.readouterr().out
    assert all(name in shown for name in ("wan-light", "stable-video-diffusion-img2vid-xt", "wan-low-noise-4-steps"))
    assert main(["weights", "fetch", "svd"]) == 1
    assert "svd has a licence of its own" in capfd.readouterr().err


def test_a_folder_with_a_model_that_makes_no_clips_is_refused_by_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXT_SCENE_CLIP_MODEL", str(ROOT / "storybook" / "model"))
    with pytest.raises(NextSceneError, match=r"model \(it is a \w+\): name a folder with one of WanImageToVideo"):
        find_engines(["auto"])


def test_a_scene_that_says_what_moves_is_planned_at_its_own_size_by_no_model() -> None:
    engines, (moving, other) = planned(
        {"prompt": "a red balloon", "moves": "a red balloon drifts up"}, "a house", clip_engine="storybook"
    )
    assert (moving.engine, moving.moves, (moving.width, moving.height)) == (
        "planned",
        "a red balloon drifts up",
        (128, 96),
    )
    assert other.engine == "storybook"
    assert "moves" not in other.to_json()
    assert engines.identities["planned"]["engine"] == "planned"


def test_what_moves_is_understood_before_anything_is_drawn() -> None:
    with pytest.raises(NextSceneError, match="Scene 1, moves: Nothing in 'a ball dreams'"):
        planned({"prompt": "a ball", "moves": "a ball dreams"})

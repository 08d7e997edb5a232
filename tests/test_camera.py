"""A scene's `camera`: said in the phrases of a LoRA for camera angles, which acts on that scene alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import same

from nextscene import hub, pictures
from nextscene.cli import main
from nextscene.hub import LORAS
from nextscene.model import Model
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import Shot, advice, from_data, plan

SIZE = (64, 64)
PHRASES = LORAS["multiple-angles"].phrases
LEFT = "将镜头向左旋转45度 Rotate the camera 45 degrees to the left."


def shots_of(*scenes: object, **wanted: object) -> list[Shot]:
    return plan(from_data(list(scenes)), StorySettings.checked(**wanted), 1, SIZE, phrases=PHRASES)


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        ({"rotate": -45}, LEFT),
        (
            {"rotate": 90, "forward": 2},
            "Rotate the camera 90 degrees to the right. 将镜头向前移动 Move the camera forward.",
        ),
        ({"forward": 6, "lens": "close"}, "将镜头转为特写镜头 Turn the camera to a close-up."),
        (
            {"forward": -1, "tilt": 1},
            "Move the camera backward. 将相机切换到仰视视角 Turn the camera to a worm's-eye view.",
        ),
        ({"tilt": -2, "lens": "wide"}, "bird's-eye view. 将镜头转为广角镜头 Turn the camera to a wide-angle lens."),
    ],
)
def test_a_scenes_camera_is_said_in_the_loras_phrases_before_its_own_words(camera: object, said: str) -> None:
    _, shot = shots_of("a harbour", {"prompt": "Next Scene: a boat", "camera": camera})
    assert shot.words.startswith("Next Scene: 将")
    assert shot.words.endswith(f"{said} a boat")
    assert shot.prompt == "Next Scene: a boat"
    assert shot.camera_lora
    assert "drawn as: Next Scene: 将" in str(shot)
    assert "+ camera angles" in str(shot)
    assert Shot.from_json(shot.to_json()) == shot
    assert not any("neither a camera move" in said for said in advice(shot, SIZE))


@pytest.mark.parametrize("continuity", ["chain", "tree", "auto"])
def test_it_grows_from_the_scene_that_its_camera_is_counted_from(continuity: str) -> None:
    scenes = ["a house", "the camera pushes in", {"prompt": "the camera pulls back", "camera": {"forward": -1}}]
    shot = shots_of(*scenes, continuity=continuity)[-1]
    assert shot.grows_from
    assert shot.grows_from.name == "scene_002"
    assert shot.words.endswith("Move the camera backward. the camera pulls back")


def test_a_camera_that_stays_or_has_nothing_to_move_in_is_not_said() -> None:
    moved = {"prompt": "a harbour", "camera": {"rotate": 45}}
    opening, still, anew = shots_of(moved, {**moved, "camera": {"rotate": 0}}, {**moved, "after": None})
    assert {(shot.words, shot.camera_lora) for shot in (opening, still, anew)} == {("Next Scene: a harbour", False)}


def test_where_a_model_has_no_such_lora_the_scenes_own_words_are_drawn() -> None:
    scenes = ["a harbour", {"prompt": "a boat", "camera": {"rotate": 45}}]
    shots = plan(from_data(scenes), StorySettings(), 1, SIZE)
    assert [(shot.words, shot.camera_lora) for shot in shots] == [(shot.prompt, False) for shot in shots]
    assert "camera_lora" not in shots[1].to_json()


def test_the_lora_acts_on_that_scene_alone_and_all_others_are_the_same_to_the_bit(
    small: Model, weights_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "angles.safetensors"
    file.symlink_to(weights_folder / hub.OWN_FAST_LORA)
    turned = {"prompt": "a boat", "camera": {"rotate": -45}}
    shots = shots_of("a harbour", turned, {"prompt": "night falls", "after": "scene_001"}, steps=2)
    small.use_camera_lora(file)
    first, second, third = Studio(small).shoot(shots, {})
    without = [replace(shot, camera_lora=False) for shot in shots]
    for drawn_beside in (True, False):
        small.use_camera_lora(file if drawn_beside else None)
        plain = list(Studio(small).shoot(without, {}))
        pairs = zip((first, second, third), plain, strict=True)
        assert [same(one.picture, other.picture) for one, other in pairs] == [True, False, True]
    assert second.provenance.camera_lora
    assert second.provenance.camera_lora.file == file.name
    assert first.provenance.camera_lora is None


def test_a_scene_that_gets_a_camera_is_drawn_anew_and_those_before_it_are_kept(
    weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = tmp_path / "model", tmp_path / "out"
    model.mkdir()
    for part in weights_folder.iterdir():
        (model / part.name).symlink_to(part)
    (model / hub.OWN_CAMERA_LORA).symlink_to(weights_folder / hub.OWN_FAST_LORA)
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(model))
    file = tmp_path / "story.json"
    story = {"seed": 3, "width": 64, "height": 64, "steps": 2, "scenes": ["a harbour", {"prompt": "a boat"}]}
    file.write_text(json.dumps(story))
    assert main(["sequence", str(file), "--output-dir", str(out)]) == 0
    story["scenes"] = ["a harbour", {"prompt": "a boat", "camera": {"rotate": -45}}]
    file.write_text(json.dumps(story))
    assert main(["sequence", str(file), "--output-dir", str(out)]) == 0
    assert "1 of 2 scenes are made already" in capsys.readouterr().err
    scenes = json.loads((out / "run.json").read_text())["scenes"]
    assert [len(scene["takes"]) for scene in scenes] == [1, 2]
    assert main(["explain", str(out / "scene_002.png")]) == 0
    said = capsys.readouterr().out
    assert f"drawn as  Next Scene: {LEFT} a boat" in said
    assert f"angles    {hub.OWN_CAMERA_LORA}" in said
    assert "camera_lora" not in (pictures.facts(out / "scene_001.png") or {})

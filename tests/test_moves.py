"""Planned motion through its door: a picture and words in, a folder with plan, frames, film and checks out."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import planned
from PIL import Image, ImageDraw, ImageOps

from nextscene import NextSceneError, pictures
from nextscene.cli import main
from nextscene.film import read_clip
from nextscene.model import Model
from nextscene.moves import ByModel, Composite, Found, Making, plan_motion, read_plan, read_sayings
from nextscene.moves.composing import fill, widen
from nextscene.moves.drawing import Drawing, hole_of
from nextscene.moves.finding import find_by_box, find_things
from nextscene.moves.patches import fill_from_around
from nextscene.moves.sayings import Who
from nextscene.settings import Look, MoveSettings
from storybook.placed import draw_placed, spot_of
from storybook.world import State

WORDS = "A red ball bounces five times on a wooden table"
CENTRE, RADIUS = (60, 61), 9


def draw_table(ball: bool = True, cube: bool = False) -> Image.Image:
    """A ball on a table before a wall, perhaps with a cube beside it, drawn finely."""
    whole = Image.new("RGB", (512, 384), (190, 200, 210))
    brush = ImageDraw.Draw(whole)
    brush.rectangle((0, 268, 512, 384), fill=(150, 100, 60))
    for y in (290, 320, 350):
        brush.line((0, y, 512, y), fill=(128, 82, 48), width=6)
    if ball:
        x, y, far = 4 * CENTRE[0], 4 * CENTRE[1], 4 * RADIUS
        brush.ellipse((x - far, y - far, x + far, y + far), fill=(200, 35, 35))
    if cube:
        brush.rectangle((400, 220, 456, 276), fill=(45, 90, 215))
    return whole.resize((128, 96), Image.Resampling.BOX)


def run(folder: Path, *more: str, words: str = WORDS, picture: Image.Image | None = None) -> int:
    if picture or not (folder / "first.png").is_file():
        folder.mkdir(exist_ok=True)
        (picture or draw_table()).save(folder / "first.png")
    return main(["move", str(folder / "first.png"), words, "--output-dir", str(folder / "out"), *more])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moves")
    assert run(folder) == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of what was made, to be changed."""
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def checks(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["check"], each["of"]): each for each in json.loads((folder / "out" / "checks.json").read_text())}


def frame(folder: Path, number: int, kind: str = "frames/frame") -> np.ndarray:
    return np.asarray(Image.open(folder / "out" / f"{kind}_{number:03d}.png")).astype(int)


def test_words_and_a_picture_become_plan_frames_and_film(made: Path) -> None:
    out = made / "out"
    named = {str(file.relative_to(out)) for file in out.rglob("*.*")}
    assert {
        "trajectory_plan.json", "paths.png", "background.png", "final_video.mp4", "preview_collage.png", "checks.json",
        "tracks.npy", "masks/red_ball.png", "frames/frame_015.png", "keyframes/keyframe_000.png",
    } <= named  # fmt: skip
    clip = read_clip(out / "final_video.mp4")
    assert (len(clip.frames), clip.fps, clip.frames[0].shape) == (16, 15, (96, 128, 3))
    assert np.load(out / "tracks.npy").shape == (16, 1, 2)
    keyframes = {int(file.stem[-3:]) for file in out.glob("keyframes/*.png")}
    assert keyframes == set(read_plan(out / "trajectory_plan.json").keyframes)


def test_every_check_of_a_good_run_is_good(made: Path) -> None:
    found = checks(made)
    assert {each["verdict"] for each in found.values()} == {"good"}
    assert found["bounces", "red ball"]["value"] == 5
    assert found["background", "frames"]["value"] == 0


def test_in_each_frame_the_ball_is_where_it_was_planned_and_nothing_else_has_changed(made: Path) -> None:
    plan = read_plan(made / "out" / "trajectory_plan.json")
    background = np.asarray(Image.open(made / "out" / "background.png")).astype(int)
    for number, place in enumerate(plan.places("red ball")):
        seen, mask = frame(made, number), frame(made, number, "masks/frame")
        assert (seen[mask == 0] == background[mask == 0]).all()
        red = (seen[..., 0] > 150) & (seen[..., 1] < 90)
        down, across = np.argwhere(red).mean(0) + 0.5
        assert np.hypot(across - place.x, down - place.y) < 1


def test_the_same_command_again_makes_nothing_anew(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file: file.stat().st_mtime_ns for file in (made / "out").rglob("*") if file.name != "checks.json"}
    folders = {file for file in before if file.is_dir()}
    assert run(made) == 0
    said = capsys.readouterr().err
    assert all(f"{stage}: made already" in said for stage in ("Trajectory", "Keyframes", "Frames", "Film"))
    assert all(file.stat().st_mtime_ns == time for file, time in before.items() if file not in folders)


def test_a_plan_that_was_changed_by_hand_is_taken_as_it_stands(folder: Path) -> None:
    file = folder / "out" / "trajectory_plan.json"
    plan = json.loads(file.read_text())
    for row in plan["frames"]:
        row["x"] += 20
    file.write_text(json.dumps(plan))
    before = frame(folder, 3)
    assert run(folder) == 0
    assert read_plan(file).places("red ball")[3].x == pytest.approx(CENTRE[0] + 20, abs=1)
    assert (frame(folder, 3) != before).any()


def test_a_plan_by_hand_is_set_aside_before_another_is_made(folder: Path) -> None:
    file = folder / "out" / "trajectory_plan.json"
    file.write_text(file.read_text() + " ")
    assert run(folder, "--only", "trajectory", words="A red ball jumps") == 0
    assert read_plan(folder / "out" / "trajectory_plan_by_hand.json").prompt == WORDS
    assert read_plan(file).prompt == "A red ball jumps"


def test_stages_are_taken_as_they_stand_where_they_fit(folder: Path) -> None:
    touched = folder / "out" / "keyframes" / "keyframe_000.png"
    Image.new("RGB", (128, 96), "green").save(touched)
    assert run(folder, "--skip-steps", "trajectory", "keyframes") == 1  # the background is not what it was
    assert (frame(folder, 0) == (0, 128, 0)).all()
    assert checks(folder)["background", "frames"]["verdict"] == "bad"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--skip-steps", "trajectory", "--num-frames", "20"), "trajectory .* made of another settings"),
        (("--skip-steps", "keyframes", "--num-frames", "20"), "keyframes .* made of another plan"),
        (("--only", "frames", "--num-frames", "20"), "trajectory .* made of another settings"),
    ],
)
def test_a_stale_stage_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], says: str
) -> None:
    assert run(folder, *more) == 1
    assert says.split(" .* ")[1] in capsys.readouterr().err


def test_only_the_plan_is_made_before_anything_is_drawn(tmp_path: Path) -> None:
    assert run(tmp_path / "a", "--only", "trajectory", words="a red ball rolls left while a blue cube spins",
               picture=draw_table(cube=True)) == 0  # fmt: skip
    out = tmp_path / "a" / "out"
    assert {file.name for file in out.iterdir()} == {
        "trajectory_plan.json", "paths.png", "masks", "stages.json", "tracks.npy", "tracks_visible.npy",
    }  # fmt: skip
    assert [thing.id for thing in read_plan(out / "trajectory_plan.json").objects] == ["red ball", "blue cube"]


def test_a_run_that_does_not_come_out_as_planned_fails_and_keeps_its_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "out" / "trajectory_plan.json"
    plan = json.loads(file.read_text())
    for row in plan["frames"][4:]:
        row["x"] = 300
    file.write_text(json.dumps(plan))
    assert run(folder) == 1
    said = capsys.readouterr().err
    assert "The red ball is out of the picture in 75% of the frames" in said
    assert "checks failed, and all files are kept" in said
    assert (folder / "out" / "final_video.mp4").is_file()


def test_a_seeds_plan_of_bare_rows_is_drawn(tmp_path: Path) -> None:
    rows = [{"frame": at, "x": CENTRE[0] + 5 * at, "y": CENTRE[1], "radius": RADIUS, "angle": 0, "keyframe": True,
             "confidence": 1.0} for at in range(4)]  # fmt: skip
    (tmp_path / "plan.json").write_text(json.dumps({"frames": rows}))
    assert run(tmp_path / "b", "--trajectory", str(tmp_path / "plan.json")) == 0
    assert len(read_clip(tmp_path / "b" / "out" / "final_video.mp4").frames) == 4


def test_what_lies_before_hides_what_goes_behind_it_and_the_camera_moves_both(tmp_path: Path) -> None:
    words = "a red ball rolls behind the blue cube while the camera pushes in"
    assert run(tmp_path / "c", "--num-frames", "8", words=words, picture=draw_table(cube=True)) == 0
    plan = read_plan(tmp_path / "c" / "out" / "trajectory_plan.json")
    depths = {thing.id: thing.depth for thing in plan.objects}
    assert depths["red ball"] > depths["blue cube"]
    assert plan.camera == "push_in"
    last = frame(tmp_path / "c", 7)
    assert ((last[..., 2] > 150) & (last[..., 0] < 100)).sum() > 14 * 14  # the cube, whole, and larger than it was


@pytest.mark.parametrize(
    ("more", "words", "says"),
    [
        ((), "a ball does something odd", "Known motions|words that are known"),
        ((), "a green ball bounces", "The green ball was not found"),
        (("--num-frames", "4"), WORDS, "ask for 13 frames or more"),
        (("--num-frames", "0"), WORDS, "num_frames"),
        (("--box", "1,2"), WORDS, "left,top,right,bottom"),
        (("--box", "1,2,500,600"), WORDS, "does not lie in the picture, which is 128x96"),
        (("--mask", "nowhere.png"), WORDS, "There is no file 'nowhere.png'"),
        ((), "the camera pans left", "Only the camera moves"),
        ((), " ", "The words are empty"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], words: str, says: str
) -> None:
    assert run(tmp_path / "d", *more, words=words) == 1
    said = capsys.readouterr().err
    assert any(each in said for each in says.split("|"))
    assert "Traceback" not in said


@pytest.mark.parametrize("size", [(8, 8), (1, 300)])
def test_a_picture_that_is_too_small_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    assert run(tmp_path / "e", picture=Image.new("RGB", size)) == 1


def test_a_transparent_picture_has_nothing_that_moves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "f", picture=Image.new("RGBA", (64, 64))) == 1
    assert "was not found" in capsys.readouterr().err


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_thing_is_cut_out_by_its_box_and_by_its_colour() -> None:
    down, across = np.mgrid[:96, :128] + 0.5
    ball = np.hypot(across - CENTRE[0], down - CENTRE[1]) < RADIUS
    boxed = find_by_box(draw_table(), (49, 50, 71, 72)).mask
    named = find_things(draw_table(cube=True), [Who("red ball", "red")])["red ball"].mask
    assert overlap(np.asarray(boxed) > 127, ball) > 0.9
    assert overlap(np.asarray(named) > 127, ball) > 0.9


def test_in_the_drawn_world_a_landmark_is_cut_out_by_its_box() -> None:
    found = []
    for landmark, place in (("house", "sea"), ("tower", "forest"), ("balloon", "mountains"), ("windmill", "desert")):
        state = State(place=place, landmark=landmark)
        picture, mask = draw_placed(state, spot_of(state))
        left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
        cut = find_by_box(picture, (left - 2, max(top - 2, 0), right + 2, bottom + 2))
        found.append(overlap(np.asarray(cut.mask) > 127, np.asarray(mask) > 127))
    assert np.median(found) > 0.85


def test_lines_go_on_through_a_hole_that_is_filled() -> None:
    down, across = np.mgrid[:96, :128] + 0.5
    mask = Image.fromarray((np.hypot(across - CENTRE[0], down - CENTRE[1]) < RADIUS + 1).astype(np.uint8) * 255)
    hole, truth = hole_of({"ball": mask}), np.asarray(draw_table(ball=False)).astype(int)
    off = [np.abs(np.asarray(way(draw_table(), hole)).astype(int) - truth)[np.asarray(hole) > 0].mean()
           for way in (fill, fill_from_around)]  # fmt: skip
    assert off[1] < off[0] / 2
    kept = np.asarray(fill_from_around(draw_table(), hole))[np.asarray(hole) == 0]
    assert (kept == np.asarray(draw_table())[np.asarray(hole) == 0]).all()


def test_a_box_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(NextSceneError, match="nothing stands out"):
        find_by_box(Image.new("RGB", (64, 64), "white"), (20, 20, 40, 40))


def test_between_keyframes_the_flow_of_both_is_drawn_where_it_was_planned(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "g")
    assert run(tmp_path / "g", "--between", "flow") == 0
    assert checks(tmp_path / "g")["place", "frames"]["verdict"] == "good"
    assert json.loads((tmp_path / "g" / "out" / "stages.json").read_text())["frames"]["made_of"]["way"] == {
        "between": "flow"
    }


def test_a_way_that_cannot_turn_is_refused_for_what_rolls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "h", "--between", "latent", words="a red ball rolls left") == 1
    assert "neither turns nor resizes, as the red ball does" in capsys.readouterr().err


def test_an_engine_for_clips_follows_the_composed_film(folder: Path) -> None:
    """Whatever it makes takes the place of the frames."""
    seen: list[int] = []

    def lead(frames: Sequence[Image.Image], masks: Sequence[Image.Image], words: str) -> list[Image.Image]:
        seen.extend((len(frames), len(masks)))
        return [ImageOps.invert(frame) for frame in frames]

    picture = pictures.read(folder / "first.png")
    settings = MoveSettings(engine="wan")
    making = Making(folder / "out", picture, WORDS, settings, lambda plan: Composite(), lead=lead)
    before = frame(folder, 4)
    list(making.run())
    assert seen == [16, 16]
    assert (frame(folder, 4) == 255 - before).all()


def test_the_model_draws_where_things_are_and_nowhere_else(small: Model, tmp_path: Path) -> None:
    plan = read_sayings("a red ball moves right")
    cuts = find_things(draw_table(), plan.things)
    found = {name: Found(cut.box) for name, cut in cuts.items()}
    motion = plan_motion(plan, found, (128, 96), 3, 15, prompt="a red ball moves right")
    painter = ByModel(lambda: small, "small", motion, Look(steps=2), 1)
    masks = {name: cut.mask for name, cut in cuts.items()}
    background = painter.background(draw_table(), masks)
    composite, mask = Drawing(motion, draw_table(), masks, background).frame(2)
    settled = painter.settle(composite, mask, True, ())
    far = np.asarray(widen(mask, 24)) == 0
    assert (np.asarray(settled)[far] == np.asarray(composite)[far]).all()
    assert (np.asarray(settled) != np.asarray(composite)).any()


def test_a_scenes_clip_is_what_it_says_that_moves() -> None:
    engines, (plan,) = planned({"prompt": "a table", "moves": "a red ball rolls right", "clip": {"frames": 5}})
    with engines.open(plan.engine, [plan]) as engine:
        clip = engine.make(plan, draw_table(), None)
    assert (len(clip.frames), clip.fps, clip.frames[0].shape) == (5, 15, (96, 128, 3))
    middles = [np.argwhere((each[..., 0] > 150) & (each[..., 1] < 90)).mean(0)[1] for each in clip.frames]
    assert middles == sorted(middles)
    assert middles[-1] - middles[0] > 30


def test_a_scene_in_which_nothing_is_found_that_moves_is_named() -> None:
    engines, (plan,) = planned({"prompt": "a table", "moves": "a green ball rolls right"})
    with (
        engines.open(plan.engine, [plan]) as engine,
        pytest.raises(NextSceneError, match="Scene 1, moves: The green ball"),
    ):
        engine.make(plan, draw_table(), None)


def test_a_scene_that_says_what_moves_in_a_story_that_stands_still_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("story.json").write_text('{"scenes": [{"prompt": "a ball", "moves": "a ball rolls right"}, "night"]}')
    assert main(["sequence", "story.json", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("its field moves does nothing while clips is none") == 1
    assert main(["sequence", "story.json", "--clips", "each", "--clip-engine", "storybook", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "does nothing" not in shown
    assert "clip: a ball rolls right · planned" in shown

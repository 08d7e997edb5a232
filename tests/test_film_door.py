"""script/film: the film of an earlier run, made from run.json and takes/ without the model."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import opentimelineio
import pytest
from conftest import ROOT, photo
from takes import made_of, run_in

from nextscene.cli import main
from nextscene.film import CuttingRoom
from nextscene.story import from_data


def frames(path: Path) -> int:
    with av.open(str(path)) as opened:
        return sum(1 for _ in opened.decode(video=0))


def test_the_film_of_a_run_is_made_of_its_record_and_its_takes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = run_in(tmp_path / "run", "a", {"prompt": "b", "duration": 1})
    assert main(["film", str(folder)]) == 0
    assert capfd.readouterr().out == f"{folder / 'sequence.mp4'}\n"
    assert frames(folder / "sequence.mp4") == 36
    with av.open(str(folder / "sequence.mp4")) as opened:
        assert opened.metadata["title"] == "T"
        assert opened.metadata["comment"] == "Next Scene 1: m, l.safetensors at 0.75, seed 5"


def test_what_a_flag_says_wins_over_the_story_and_the_rest_stays(tmp_path: Path) -> None:
    folder = run_in(tmp_path, "a", "b", fps=1, film={"transition": "fade", "move": "auto"})
    assert main(["film", str(folder), "--transition", "crossfade", "--video-fps", "12"]) == 0
    film = json.loads((folder / "run.json").read_text())["stages"]["film"]["about"]
    assert film["settings"] == {"transition": "crossfade", "move": "auto", "video_fps": 12}
    assert (film["file"], film["frames"], film["notes"]) == ("sequence.mp4", 24, [])
    assert "crossfade" not in json.dumps(json.loads((folder / "run.json").read_text())["story"])


def test_a_morph_that_could_not_be_is_said_and_recorded(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = run_in(tmp_path, "a", "b")
    assert main(["film", str(folder), "--transition", "morph"]) == 0
    note = "Scene 2 is crossfaded: it has too little in common with the one before to morph."
    assert note in capfd.readouterr().err
    assert json.loads((folder / "run.json").read_text())["stages"]["film"]["about"]["notes"] == [note]


@pytest.mark.parametrize("suffix", ["gif", "webm"])
def test_its_format_goes_by_its_name(tmp_path: Path, suffix: str) -> None:
    folder = run_in(tmp_path / "run", "a", "b")
    assert main(["film", str(folder), "--output", str(tmp_path / f"a.{suffix}"), "--fps", "4"]) == 0
    with av.open(str(tmp_path / f"a.{suffix}")) as opened:
        assert opened.duration == 500_000


def timeline_of(folder: Path, *scenes: Any) -> opentimelineio.schema.Timeline:
    """What the reference library reads in the file for editors."""
    run = run_in(folder / "run", *scenes)
    assert main(["film", str(run), "--otio", "--output", str(folder / "film.mp4")]) == 0
    return opentimelineio.adapters.read_from_file(str(folder / "film.otio"))


DOOR = {"prompt": "b", "id": "door", "duration": 2, "transition": "fade", "move": "push_in"}


def test_an_editor_takes_over_with_opentimelineio(tmp_path: Path) -> None:
    film = timeline_of(tmp_path, {"prompt": "a", "duration": 2}, DOOR)
    first, transition, second = film.tracks[0]
    assert (film.name, film.duration().to_seconds(), film.duration().rate) == ("T", 4, 24)
    assert (first.name, second.name) == ("scene_001", "door")
    assert (first.duration().to_frames(), second.markers[0].name) == (48, "b")
    assert (transition.in_offset.to_frames(), transition.out_offset.to_frames()) == (6, 6)
    assert (transition.name, second.metadata["next_scene"]["move"]) == ("fade", "push_in")
    assert (tmp_path / first.media_reference.target_url).samefile(tmp_path / "run" / "takes" / "scene_001.1.png")


def test_each_clip_has_more_of_its_picture_than_is_shown_for_the_dissolves_to_lie_on(tmp_path: Path) -> None:
    film = timeline_of(tmp_path, {"prompt": "a", "duration": 2}, DOOR, {"prompt": "c", "transition": "cut"})
    first, _, second, third = film.tracks[0]
    ranges = [(clip.available_range(), clip.trimmed_range()) for clip in (first, second, third)]
    frames = [[each.to_frames() for found in pair for each in (found.start_time, found.duration)] for pair in ranges]
    assert frames == [[0, 54, 0, 48], [0, 54, 6, 48], [0, 12, 0, 12]]


@pytest.mark.parametrize("form", ["cmx_3600", "fcp_xml", "fcpx_xml"])
def test_the_editors_of_the_trade_take_it_on(tmp_path: Path, form: str) -> None:
    film = timeline_of(tmp_path, {"prompt": "Café — “a”", "duration": 2}, DOOR, "c")
    handed_on = opentimelineio.adapters.write_to_string(film, form)
    assert all(name in handed_on for name in ("scene_001", "door", "scene_003"))


def test_our_process_never_loads_the_binding_that_locks_up_servers(tmp_path: Path) -> None:
    folder = run_in(tmp_path, "a", "b")
    code = (
        "import sys; from nextscene.cli import main; main(['film', sys.argv[1], '--otio']);"
        "sys.exit('opentimelineio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT).returncode == 0
    assert (folder / "sequence.otio").exists()


def test_the_model_is_not_needed(tmp_path: Path) -> None:
    folder = run_in(tmp_path, "a", "b")
    code = "import sys; from nextscene.cli import main; main(['film', sys.argv[1]]); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT).returncode == 0


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--fps", "0"], "fps: input should be greater than or equal to 0.1, not 0.0."),
        (["--fps", "99"], "fps: input should be less than or equal to 24, not 99.0."),
        (["--output", "a.avi"], "a.avi has no known film format: name it .mp4, .webm or .gif."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], flags: list[str], sentence: str
) -> None:
    assert main(["film", str(run_in(tmp_path, "a")), *flags]) == 1
    assert capfd.readouterr().err == f"error: {sentence}\n"


def test_a_folder_without_a_run_and_a_run_without_all_scenes_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["film", str(tmp_path)]) == 1
    assert "There is no run in" in capfd.readouterr().err
    assert main(["film", str(run_in(tmp_path, "a", "b", "c", drawn=1))]) == 1
    assert "scene_002, scene_003 is still to be drawn: script/sequence goes on with it." in capfd.readouterr().err


def test_a_film_that_fails_leaves_neither_itself_nor_what_goes_along(tmp_path: Path) -> None:
    story = from_data({"film": {"otio": True}, "scenes": ["a", "b"]})

    def interrupted() -> None:
        with CuttingRoom(story, tmp_path / "a.mp4") as room:
            room.add(photo(), made_of(), tmp_path / "a.png")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []

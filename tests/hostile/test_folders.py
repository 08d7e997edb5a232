"""Folders: what a person, a stranger, another process or a full disk does to them loses nothing and leads nowhere."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import warm
from conftest import ROOT, files_of_at_most, photo
from PIL import Image

from nextscene import NextSceneError, pictures
from nextscene.cli import main
from nextscene.files import sha256
from nextscene.output import Record

QUICK = ["--width", "64", "--height", "64", "--steps", "2", "--guidance", "1"]

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def small_model(weights_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))


@pytest.fixture(scope="module")
def made(weights_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three scenes with seed 7."""
    folder = tmp_path_factory.mktemp("made") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
        assert sequence(folder, "a harbour|the camera pans left|night falls", "--seed", "7") == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """The same, for a test of its own."""
    return shutil.copytree(made, tmp_path / "run", symlinks=True)


def sequence(folder: Path, *arguments: str) -> int:
    return main(["sequence", *arguments, *QUICK, "--output-dir", str(folder)])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def pixels_of(file: Path) -> bytes:
    return Image.open(file).tobytes()


def record_of(folder: Path) -> Any:
    return json.loads((folder / "run.json").read_text())


def rewrite(folder: Path, change: Callable[[Any], None]) -> None:
    """Changes a record, as a person with an editor can."""
    record = record_of(folder)
    change(record)
    (folder / "run.json").write_text(json.dumps(record))


# Takes


def test_new_words_make_a_new_take_that_a_fresh_folder_would_draw_too_and_the_old_one_stays(
    folder: Path, tmp_path: Path, capsys: Said
) -> None:
    before = contents(folder / "takes")
    words = "a harbour|the camera pans right|night falls"
    assert sequence(folder, words) == 0
    after = contents(folder / "takes")
    assert before.items() < after.items()
    assert sorted(after.keys() - before.keys()) == ["scene_002.2.png", "scene_003.2.png"]
    second = record_of(folder)["scenes"][1]
    assert [(take["number"], take["prompt"]) for take in second["takes"]] == [
        (1, "Next Scene: the camera pans left"),
        (2, "Next Scene: the camera pans right"),
    ]
    assert sequence(tmp_path / "fresh", words, "--seed", "7") == 0
    for number in (1, 2, 3):
        name = f"scene_{number:03d}.png"
        assert pixels_of(folder / name) == pixels_of(tmp_path / "fresh" / name)

    capsys.readouterr()
    assert sequence(folder, "a harbour|the camera pans left|night falls") == 0
    assert "3 of 3 scenes are made already" in capsys.readouterr().err
    assert contents(folder / "takes") == after
    assert pixels_of(folder / "scene_002.png") == pixels_of(folder / "takes" / "scene_002.1.png")


def test_words_that_return_have_the_take_again_that_was_chosen_for_them(folder: Path, capsys: Said) -> None:
    assert sequence(folder, "--retake", "3") == 0
    assert sequence(folder, "--use", "3:1") == 0
    assert sequence(folder, "a harbour|the camera pans left|dawn breaks") == 0
    capsys.readouterr()
    assert sequence(folder, "a harbour|the camera pans left|night falls") == 0
    assert "3 of 3 scenes are made already" in capsys.readouterr().err
    assert pixels_of(folder / "scene_003.png") == pixels_of(folder / "takes" / "scene_003.1.png")


def test_a_take_of_other_words_is_not_passed_off_as_one_of_these(folder: Path, capsys: Said) -> None:
    assert sequence(folder, "a harbour|the camera pans left|dawn breaks") == 0
    assert sequence(folder, "--use", "3:1") == 1
    assert (
        "Take 1 of scene 3 was made of other words or settings ('Next Scene: night falls')" in capsys.readouterr().err
    )


def test_a_cascade_overwrites_no_take_and_the_earlier_ones_can_be_chosen_again(folder: Path, capsys: Said) -> None:
    before = contents(folder / "takes")
    assert sequence(folder, "--retake", "1") == 0
    assert sequence(folder, "--cascade") == 0
    after = contents(folder / "takes")
    assert before.items() < after.items()
    assert len(after) == 6
    capsys.readouterr()
    assert sequence(folder, "--use", "1:1", "--cascade") == 0
    assert "3 of 3 scenes are made already" in capsys.readouterr().err
    assert contents(folder / "takes") == after
    for number in (1, 2, 3):
        assert pixels_of(folder / f"scene_{number:03d}.png") == pixels_of(folder / f"takes/scene_{number:03d}.1.png")


def test_a_take_that_was_changed_by_hand_stays_as_it_is_and_its_scene_is_drawn_under_a_new_number(
    folder: Path, made: Path, capsys: Said
) -> None:
    mine = folder / "takes" / "scene_002.1.png"
    photo(64, 64).save(mine)
    changed = mine.read_bytes()
    assert sequence(folder, "a harbour|the camera pans left|night falls") == 0
    said = capsys.readouterr().err
    assert f"{mine} was changed since it was drawn: it is left as it is, and not used." in said
    assert "2 of 3 scenes are made already" in said
    assert mine.read_bytes() == changed
    assert (folder / "takes" / "scene_002.2.png").read_bytes() == (made / "takes" / "scene_002.1.png").read_bytes()
    assert main(["film", str(folder)]) == 0


def test_a_film_shows_a_take_that_was_changed_by_hand_and_says_so(folder: Path, capsys: Said) -> None:
    photo(64, 64).save(folder / "takes" / "scene_001.1.png")
    assert main(["film", str(folder)]) == 0
    assert "scene_001.1.png was changed since it was drawn: it is shown as it is now." in capsys.readouterr().err


def test_clean_removes_what_the_story_does_not_use_and_nothing_else(folder: Path) -> None:
    assert sequence(folder, "a harbour|the camera pans right|night falls", "--retake", "1") == 0
    (folder / "takes" / "notes.txt").write_text("mine")
    photo().save(folder / "takes" / "mine.png")
    before, record = contents(folder), Record(folder)
    unused = [folder / "takes" / f"scene_{number:03d}.1.png" for number in (1, 2, 3)]
    assert record.unused_files() == unused
    assert record.clean() == unused
    gone = {str(file.relative_to(folder)) for file in unused}
    assert contents(folder).keys() == before.keys() - gone
    assert Record(folder).takes_of("scene_002") == [2]
    assert sequence(folder, "--retake", "2") == 0
    assert (folder / "takes" / "scene_002.3.png").exists()


# Other stories


def test_another_story_sets_the_earlier_run_aside_whole_and_does_not_take_its_seed(folder: Path, capsys: Said) -> None:
    before = contents(folder)
    assert main(["film", str(folder)]) == 0
    film = contents(folder)["sequence.mp4"]
    (folder / "notes.txt").write_text("mine")
    assert sequence(folder, "a red tower|fog rolls in") == 0
    (kept,) = (folder / "earlier").iterdir()
    assert f"The run that was in {folder} is kept in {kept}." in capsys.readouterr().err
    aside = contents(kept)
    assert aside.pop("sequence.mp4") == film
    assert {name: aside[name] for name in before if name != "run.json"} == {
        name: before[name] for name in before if name != "run.json"
    }
    assert record_of(folder)["story"]["seed"] != 7
    assert sorted(path.name for path in folder.iterdir()) == [
        *("contact_sheet.png", "earlier", "notes.txt", "run.json", "scene_001.png", "scene_002.png", "takes"),
    ]

    assert sequence(kept) == 0  # it goes on where it is
    assert "3 of 3 scenes are made already" in capsys.readouterr().err


def test_a_story_goes_on_while_it_keeps_its_title_or_the_words_of_a_scene(tmp_path: Path) -> None:
    folder, story = tmp_path / "run", tmp_path / "story.json"
    for title, scenes in (("A", ["a", "b"]), ("A", ["c", "d"]), ("B", ["c", "e"])):
        story.write_text(json.dumps({"title": title, "scenes": scenes}))
        assert sequence(folder, str(story)) == 0
        assert not (folder / "earlier").exists()
    assert len(list((folder / "takes").iterdir())) == 5
    story.write_text(json.dumps({"title": "C", "scenes": ["e", "c"]}))
    assert sequence(folder, str(story)) == 0
    (kept,) = (folder / "earlier").iterdir()
    assert kept.name.endswith("_B")


def test_fresh_sets_aside_what_is_there_and_damaged_records_too(folder: Path) -> None:
    before = contents(folder)
    assert sequence(folder, "a harbour", "--fresh") == 0
    (first,) = (folder / "earlier").iterdir()
    assert contents(first) == before
    (folder / "run.json").write_text("{")
    assert sequence(folder, "a harbour") == 1
    assert sequence(folder, "a harbour", "--fresh") == 0
    (second,) = set((folder / "earlier").iterdir()) - {first}
    assert (second / "run.json").read_text() == "{"
    assert (second / "takes" / "scene_001.1.png").exists()
    assert contents(first) == before


def test_a_run_that_is_set_aside_lends_its_pictures_to_the_next_one(folder: Path) -> None:
    first = folder / "scene_001.png"
    before = first.read_bytes()
    assert sequence(folder, "a red tower|fog rolls in", "--input-image", str(folder / "scene_003.png")) == 0
    assert sequence(folder, "a red tower|fog rolls in", "--input-image", str(folder / "scene_003.png")) == 0
    (kept,) = (folder / "earlier").iterdir()
    assert (kept / "scene_001.png").read_bytes() == before
    assert (kept / "scene_003.png").read_bytes() == (folder / "scene_003.png").read_bytes()


def test_nothing_is_set_aside_before_the_model_has_taken_what_it_is_asked_for(folder: Path, tmp_path: Path) -> None:
    before = contents(folder)
    (tmp_path / "wrong.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    assert sequence(folder, "a red tower", "--lora-weights", str(tmp_path / "wrong.safetensors")) == 1
    assert sequence(folder, "a red tower", "--dry-run") == 0
    assert contents(folder) == before


# A person's own files


def test_pictures_of_a_persons_own_are_refused_and_kept(tmp_path: Path, capsys: Said) -> None:
    for number in range(1, 6):
        photo(seed=number).save(tmp_path / f"scene_{number:03d}.png")
    before = contents(tmp_path)
    assert sequence(tmp_path, "a|b") == 1
    assert f"{tmp_path / 'scene_001.png'} is in the way, and it was not made here: move it," in capsys.readouterr().err
    assert contents(tmp_path) == before
    for number in (1, 2):
        (tmp_path / f"scene_{number:03d}.png").unlink()
    assert sequence(tmp_path, "a|b") == 0
    kept = {name: data for name, data in before.items() if name > "scene_003"}
    assert contents(tmp_path).items() > kept.items()


@pytest.mark.parametrize("name", ["scene_002.png", "contact_sheet.png"])
@pytest.mark.parametrize("what", ["folder", "text", "link", "broken link"])
def test_whatever_is_in_the_way_is_refused_before_the_model_is_loaded(
    tmp_path: Path, capsys: Said, name: str, what: str
) -> None:
    folder, mine = tmp_path / "run", tmp_path / "mine.png"
    folder.mkdir()
    pictures.write(photo(), mine, {"prompt": "a"})
    put = {
        "folder": lambda path: path.mkdir(),
        "text": lambda path: path.write_text("mine"),
        "link": lambda path: path.symlink_to(mine),
        "broken link": lambda path: path.symlink_to(tmp_path / "nowhere"),
    }
    put[what](folder / name)
    assert sequence(folder, "a|b") == 1
    said = capsys.readouterr().err
    assert f"error: {folder / name} is in the way, and it was not made here" in said
    assert "Loading the model" not in said
    assert [path.name for path in folder.iterdir()] == [name]


def test_one_picture_does_not_take_the_place_of_a_persons_own(tmp_path: Path, capsys: Said) -> None:
    mine = tmp_path / "holiday.png"
    photo().save(mine)
    before = mine.read_bytes()
    assert main(["predict", "a", *QUICK, "--output", str(mine)]) == 1
    assert "holiday.png is in the way, and it was not made here" in capsys.readouterr().err
    assert mine.read_bytes() == before
    for _ in range(2):
        assert main(["predict", "a", *QUICK, "--output", str(tmp_path / "mine.png")]) == 0


def test_a_scene_that_is_the_only_one_of_its_kind_is_set_aside_and_not_overwritten(tmp_path: Path) -> None:
    assert main(["predict", "a", *QUICK, "--output", str(tmp_path / "scene_001.png")]) == 0
    before = (tmp_path / "scene_001.png").read_bytes()
    assert sequence(tmp_path, "b") == 0
    (kept,) = (tmp_path / "earlier").rglob("scene_001.png")
    assert kept.read_bytes() == before


def test_a_shorter_story_removes_only_copies_of_takes(folder: Path) -> None:
    shutil.copy(folder / "scene_003.png", folder / "scene_008.png")
    assert main(["predict", "a", *QUICK, "--output", str(folder / "scene_009.png")]) == 0
    assert sequence(folder, "a harbour|the camera pans left") == 0
    assert sorted(file.name for file in folder.glob("scene_*.png")) == [
        "scene_001.png",
        "scene_002.png",
        "scene_009.png",
    ]
    assert (folder / "takes" / "scene_003.1.png").exists()


# Other processes


def test_a_folder_in_use_is_refused_with_the_process_that_uses_it_and_free_when_that_is_killed(
    tmp_path: Path, capsys: Said
) -> None:
    words = "|".join("abcdef")
    read, write = os.pipe()
    command = ["-m", "nextscene.cli", "sequence", words, *QUICK, "--steps", "100", "--output-dir", str(tmp_path)]
    run = warm.start(*command, cwd=tmp_path, env=warm.ENVIRONMENT | dict(os.environ), stdout=write)
    os.close(write)
    with os.fdopen(read) as lines:
        lines.readline()  # its first scene
        assert sequence(tmp_path, words) == 1
        assert main(["film", str(tmp_path)]) == 1
        assert capsys.readouterr().err.count(f"{tmp_path} is in use by another run (process {run.pid})") == 2
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
    assert sequence(tmp_path, words, "--steps", "100") == 0
    assert not list(tmp_path.glob(".*"))


def test_a_record_that_another_run_has_changed_meanwhile_is_not_written_over(folder: Path) -> None:
    record, other = Record(folder), Record(folder)
    with other.locked():
        other.finish("film", "", [], 1)
    before = contents(folder)
    changed = r"Another run has just changed .*run\.json: give the same command again"
    with pytest.raises(NextSceneError, match=changed), record.locked():
        raise AssertionError("it was given")
    assert contents(folder) == before


# A stranger's folder


@pytest.mark.parametrize("where", ["absolute", "../secret.png", "takes/../../secret.png", "takes/\0.png", "link"])
def test_a_record_that_names_files_outside_of_its_folder_is_not_opened(folder: Path, capsys: Said, where: str) -> None:
    secret = folder.parent / "secret.png"
    pictures.write(photo(64, 64), secret, {"prompt": "a"})
    (folder / "takes" / "link.png").symlink_to(secret)
    name = {"absolute": str(secret), "link": "takes/link.png"}.get(where, where)
    rewrite(folder, lambda record: record["scenes"][0]["takes"][0].update(file=name))
    before = contents(folder.parent)
    for command in (["sequence"], ["sequence", "--retake", "1"], ["sequence", "a harbour"]):
        assert main([*command, *QUICK, "--output-dir", str(folder)]) == 1
        assert f"names {name!r}, which is not in its folder: it is not opened." in capsys.readouterr().err
    assert main(["film", str(folder)]) == 1
    assert contents(folder.parent) == before


def test_a_withheld_take_of_a_strangers_record_deletes_nothing_that_was_not_made_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXT_SCENE_SAFETY_THRESHOLD", "0")
    mine = folder / "mine.png"
    photo().save(mine)
    rewrite(folder, lambda record: record["scenes"][0]["takes"][0].update(file="mine.png", sha256=sha256(mine)))
    assert sequence(folder, "--safety-checker") == 1
    assert mine.exists()
    assert not list((folder / "takes").glob("scene_00*.png"))[1:]


@pytest.mark.parametrize("name", ["takes", "earlier", "run.json"])
def test_links_that_lead_out_of_the_folder_are_not_followed(folder: Path, capsys: Said, name: str) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    for file in ("takes", "run.json"):
        (folder / file).rename(outside / file)
    (folder / name).symlink_to(outside / name if name != "earlier" else outside)
    for file in {"takes", "run.json"} - {name}:
        (outside / file).rename(folder / file)
    before = contents(outside)
    assert sequence(folder, "a red tower|fog rolls in") == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: ")
    assert name in said
    assert contents(outside) == before


@pytest.mark.parametrize(
    "part", [".run.json.part", ".run.json.lock", ".scene_001.png.part", "takes/.scene_001.2.png.part"]
)
def test_hidden_links_in_the_place_of_parts_overwrite_nothing(folder: Path, part: str) -> None:
    outside = folder.parent / "outside.txt"
    outside.write_text("secret")
    (folder / part).symlink_to(outside)
    sequence(folder, "--retake", "1")
    assert outside.read_text() == "secret"


# Damaged records

DAMAGED = "is no record of a run, or a damaged one: script/sequence --fresh sets it aside and starts anew."


def without(*path: str | int) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        for step in path[:-1]:
            record = record[step]
        del record[path[-1]]

    return change


def with_value(value: object, *path: str | int) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        for step in path[:-1]:
            record = record[step]
        record[path[-1]] = value

    return change


TAKE: tuple[str | int, ...] = ("scenes", 0, "takes", 0)


@pytest.mark.parametrize(
    "change",
    [
        without("scenes"),
        without("story"),
        without("made_with"),
        without("scenes", 1),
        without("scenes", 0, "shot", "prompt"),
        without(*TAKE, "sha256"),
        without(*TAKE, "file"),
        with_value(None, "scenes"),
        with_value({}, "scenes"),
        with_value([[]], "scenes"),
        with_value("wide", "scenes", 0, "shot", "width"),
        with_value([{}], "scenes", 0, "shot", "references"),
        with_value(9, "scenes", 0, "chosen"),
        with_value([], "scenes", 0, "chosen"),
        with_value(10**4000, *TAKE, "number"),
        with_value(-1, *TAKE, "number"),
        with_value(5, *TAKE, "file"),
        with_value("x", *TAKE, "seconds"),
        with_value([], "stages"),
        with_value({"film": 1}, "stages"),
        with_value({"scenes": [""]}, "story"),
        with_value("two", "version"),
        with_value(0, "version"),
        with_value([], "version"),
    ],
)
def test_a_damaged_record_is_refused_in_a_sentence_and_stays(
    folder: Path, capsys: Said, change: Callable[[Any], None]
) -> None:
    rewrite(folder, change)
    refused(
        folder,
        capsys,
        "is no record of a run, or a damaged one: script/sequence --fresh sets it aside and starts anew.",
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"3", b"{", b"\xff\xfe{}", b"[" * 100_000, b'{"version": ' + b"9" * 5000 + b"}", b"\0" * 99],
    ids=["empty", "null", "list", "number", "half", "no UTF-8", "deep", "huge number", "zeros"],
)
def test_what_is_no_record_is_refused_in_a_sentence_and_stays(folder: Path, capsys: Said, data: bytes) -> None:
    (folder / "run.json").write_bytes(data)
    refused(
        folder,
        capsys,
        "is no record of a run, or a damaged one: script/sequence --fresh sets it aside and starts anew.",
    )


def test_a_record_that_is_a_folder_is_refused_in_a_sentence_and_set_aside_by_fresh(folder: Path, capsys: Said) -> None:
    (folder / "run.json").unlink()
    (folder / "run.json" / "mine").mkdir(parents=True)
    refused(folder, capsys, "cannot be read (it is no file): move it, or choose another folder.")
    assert sequence(folder, "a", "--fresh") == 0
    assert list((folder / "earlier").glob("*/run.json/mine"))


def test_a_record_of_a_newer_version_is_left_to_that(folder: Path, capsys: Said) -> None:
    rewrite(folder, with_value(3, "version"))
    refused(folder, capsys, "was written by a newer version of Next Scene: go on with that one, or choose another")


def refused(folder: Path, capsys: Said, sentence: str) -> None:
    before = contents(folder)
    capsys.readouterr()
    for command in (["sequence", "--output-dir"], ["sequence", "a|b", "--output-dir"], ["film"]):
        assert main([*command, str(folder)]) == 1
        said = capsys.readouterr().err.splitlines()
        assert said[-1].startswith(f"error: {folder / 'run.json'} {sentence}")
    assert contents(folder) == before


# Numbers and names


@pytest.mark.parametrize("flags", [["--retake", "9" * 5000], ["--use", "1:" + "9" * 5000], ["--use", "x" * 5000]])
def test_a_take_of_any_name_is_asked_for_in_vain(folder: Path, capsys: Said, flags: list[str]) -> None:
    assert sequence(folder, *flags) == 1
    assert "error: " in capsys.readouterr().err


def test_scenes_may_have_names_that_are_too_long_for_files(tmp_path: Path) -> None:
    story = tmp_path / "story.json"
    names = ["霧" * 80, "霧" * 79 + "雨", "/" * 80, "a" * 80]
    story.write_text(json.dumps({"scenes": [{"prompt": "a", "id": name} for name in names]}))
    assert sequence(tmp_path / "run", str(story)) == 0
    assert len(list((tmp_path / "run" / "takes").iterdir())) == 4


# Disks


@pytest.mark.parametrize("most", [0, 3000, 12000])
def test_on_a_full_disk_what_was_made_stays_and_the_run_goes_on_when_there_is_room(
    folder: Path, capsys: Said, most: int
) -> None:
    before = contents(folder / "takes")
    with files_of_at_most(most):
        assert sequence(folder, "--retake", "2") == 1
    assert "cannot be written (File too large): make room or choose another folder." in capsys.readouterr().err
    assert before.items() <= contents(folder / "takes").items()
    assert not list(folder.rglob(".*"))
    assert sequence(folder, "--retake", "2") == 0
    assert (folder / "takes" / "scene_002.2.png").exists()


def test_a_film_of_a_run_that_nobody_may_write_in_is_made_elsewhere(folder: Path, weights_folder: Path) -> None:
    film = folder.parent / "film.mp4"
    for output, code, said in ((film, 0, "its record does not name this film."), (folder / "a.mp4", 1, "error: ")):
        run = where_nothing_may_be_written(folder, "film", str(folder), "--output", str(output))
        assert (run.returncode, said in run.stderr, "Traceback" in run.stderr) == (code, True, False), run.stderr
        assert output.exists() == (code == 0)


def where_nothing_may_be_written(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command with a folder as on a disk that can only be read."""
    ask = [sys.executable, "-m", "nextscene.cli", *command]
    if os.geteuid() == 0:  # who may write everywhere
        mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
        if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
            pytest.skip("root may write everywhere here, and may not mount")
        ask = ["unshare", "-m", "sh", "-c", mount, str(folder), *ask]
    else:
        folder.chmod(0o500)
    try:
        return subprocess.run(ask, cwd=ROOT, capture_output=True, text=True)
    finally:
        folder.chmod(0o700)


def test_a_strangers_story_opens_no_file_outside_its_folder(tmp_path: Path) -> None:
    story = tmp_path / "from a stranger" / "story.json"
    story.parent.mkdir()
    for music in (str(tmp_path / "private.mp3"), "../private.mp3", "/etc/hostname"):
        story.write_text(json.dumps({"scenes": ["a"], "film": {"music": music}}))
        run = warm.run(
            *("-m", "nextscene.cli", "sequence", str(story), "--output-dir", "out", "--output-video", "film.mp4"),
            cwd=tmp_path,
        )
        assert run.returncode == 1
        assert f"This story names the file {music!r}, which is not in its folder: give it with --music." in run.stderr


def test_a_strangers_story_is_not_at_home(tmp_path: Path) -> None:
    (tmp_path / "mine.safetensors").touch()
    story = tmp_path / "story.json"
    for lora in ("mine.safetensors", "https://127.0.0.1:1/lora.safetensors"):
        story.write_text(json.dumps({"scenes": ["a"], "lora_weights": lora}))
        arguments = ("-m", "nextscene.cli", "sequence", str(story), "--output-dir", "out")
        run = warm.run(*arguments, cwd=tmp_path)
        assert run.returncode == 1
        assert "There is no LoRA 'mine" in run.stderr or "is an address in a private network" in run.stderr

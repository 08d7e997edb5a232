"""A batch kept elsewhere than in a folder of this machine: at an address that fsspec knows."""

import json
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from conftest import photo
from fsspec.implementations.memory import MemoryFileSystem

from nextscene.batch import open_place
from nextscene.batch.place import Changes
from nextscene.cli import main

QUICK = ["--steps", "2", "--width", "64", "--height", "64", "--seed", "3"]


@pytest.fixture
def memory(weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryFileSystem]:
    """Empty storage, and a folder that commands run in, with a tiny model."""
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    monkeypatch.chdir(tmp_path)
    yield fsspec.filesystem("memory")
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def test_stories_come_from_an_address_and_go_to_one(
    memory: MemoryFileSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo().save(tmp_path / "door.png")
    memory.pipe_file("/in/door.png", (tmp_path / "door.png").read_bytes())
    memory.pipe_file("/in/door.json", b'{"scenes": ["a"], "image": "door.png"}')
    memory.pipe_file("/in/two.txt", b"a | b")
    memory.pipe_file("/in/notes/no_story.txt", b"c")
    command = ["batch", "memory://in", *QUICK, "--output-dir", "memory://bucket/out"]
    put, breaks_off = MemoryFileSystem.pipe_file, True

    def put_once_in_part(self: MemoryFileSystem, path: str, value: bytes, **more: object) -> None:
        """Of the first scene, half is kept."""
        nonlocal breaks_off
        half = breaks_off and path.endswith("scene_001.1.png")
        breaks_off = breaks_off and not half
        put(self, path, value[: len(value) // 2] if half else value, **more)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", put_once_in_part)
    assert main(command) == 0
    assert not breaks_off
    kept = memory.find("/bucket/out")
    assert {"/bucket/out/batch.json", "/bucket/out/two/run.json", "/bucket/out/two/scene_002.png"} < {*kept}
    assert not [file for file in kept if "notes" in file or file.endswith((".part", ".lock"))]
    assert "two: 2 scene(s), 2 drawn now" in capsys.readouterr().out

    photo().save("door.png")
    Path("door.json").write_text('{"scenes": ["a"], "image": "door.png"}')
    Path("two.txt").write_text("a | b")
    assert main(["batch", "door.json", "two.txt", *QUICK, "--output-dir", f"file://{tmp_path}/alone"]) == 0
    for name in ("door/scene_001.png", "two/scene_001.png", "two/scene_002.png", "two/contact_sheet.png"):
        assert memory.cat_file(f"/bucket/out/{name}") == (tmp_path / "alone" / name).read_bytes()

    memory.rm_file("/bucket/out/two/scene_002.png")
    memory.rm_file("/bucket/out/two/takes/scene_002.1.png")
    capsys.readouterr()
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "two: 2 scene(s), 1 drawn now" in said
    assert "door: 1 scene(s), 0 drawn now" in said
    assert memory.cat_file("/bucket/out/two/scene_002.png") == (tmp_path / "alone/two/scene_002.png").read_bytes()
    assert json.loads(memory.cat_file("/bucket/out/batch.json"))["stories"]["two"]["state"] == "made"


def test_storage_that_does_not_keep_what_it_is_given_is_no_place(
    memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = open_place("memory://out", "--output-dir")
    monkeypatch.setattr(MemoryFileSystem, "cat_file", lambda *_, **__: b"something else")
    with pytest.raises(OSError, match="was not kept as it was written"):
        place.write("story", Changes({"scene.png": b"a picture"}))


def test_where_half_a_file_can_be_seen_it_takes_its_place_when_it_is_whole(
    memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextscene.batch.place.WHOLE", {"s3"})
    steps: list[str] = []
    put, move = MemoryFileSystem.pipe_file, MemoryFileSystem.mv

    def put_and_note(self: MemoryFileSystem, path: str, *args: object, **more: object) -> None:
        steps.append(f"put {path}")
        put(self, path, *args, **more)

    def move_and_note(self: MemoryFileSystem, path: str, to: str, **more: object) -> None:
        steps.append(f"move {path}")
        move(self, path, to, **more)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", put_and_note)
    monkeypatch.setattr(MemoryFileSystem, "mv", move_and_note)
    open_place("memory://out", "--output-dir").write("story", Changes({"run.json": b"{}", "b.png": b"b"}))
    there = [f"/out/story/{name}" for name in ("b.png", "run.json")]  # the record last
    assert steps == [f"{step} {file}.part" for file in there for step in ("put", "move")]
    assert memory.find("/out") == there


@pytest.mark.parametrize("address", ["moon://out", "s3://bucket/out"])
def test_an_address_that_cannot_be_opened_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    (tmp_path / "a.txt").write_text("a")
    assert main(["batch", str(tmp_path / "a.txt"), "--output-dir", address]) == 1
    assert f"error: --output-dir: {address} cannot be opened here (" in capsys.readouterr().err


def test_what_is_gone_here_is_gone_there(tmp_path: Path, memory: MemoryFileSystem) -> None:
    for place in (open_place(str(tmp_path / "out"), "--output-dir"), open_place("memory://out", "--output-dir")):
        place.write("story", Changes({"a/b.png": b"b", "c.png": b"c"}))
        place.write("story", Changes({}, frozenset({"a/b.png"})))
        assert place.read("story") == {"c.png": b"c"}


def test_there_are_no_stories_at_an_empty_address(memory: MemoryFileSystem, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "memory://nothing", "--output-dir", "out"]) == 1
    assert "There is no story here" in capsys.readouterr().err

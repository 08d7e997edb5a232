"""A process's own temporary folder."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT

from nextscene import files

ANOTHER = """
import sys
from nextscene.files import own_folder
folder = own_folder("next-scene-trial")
(folder / "scene_001.png").write_text("")
print(folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the machine's, and no folder that this process has already."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(files, "_own_folders", {})
    return tmp_path


def another_process() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ANOTHER]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_an_own_folder_is_closed_to_others_and_empty_each_time(temporary: Path) -> None:
    folder = files.own_folder("next-scene-trial")
    (folder / "outputs").mkdir()
    (folder / "outputs" / "scene_001.png").write_text("a")
    (folder / "link").symlink_to(temporary)
    assert files.own_folder("next-scene-trial") == folder
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent == temporary


def test_what_a_killed_process_left_behind_is_removed_and_what_is_in_use_stays(temporary: Path) -> None:
    with another_process() as killed, another_process() as living:
        left, used = (Path(each.stdout.readline().strip()) for each in (killed, living) if each.stdout)
        killed.kill()
        killed.wait()
        others = [temporary / "next-scene-trials", temporary / "next-scene-trial-link"]
        others[0].mkdir()
        others[1].symlink_to(others[0])
        own = files.own_folder("next-scene-trial")
        assert not left.exists()
        assert (used / "scene_001.png").exists()
        assert sorted(temporary.iterdir()) == sorted([*others, used, own])
        living.kill()

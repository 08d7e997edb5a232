"""What the container is built from: every package pinned, and cog.yaml as Cog takes it."""

import re
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

REFUSED_BY_COG = re.compile(r"HF_ENDPOINT|HF_HUB_ENABLE_HF_TRANSFER|CUDA_\w+|PYTHONPATH|PGET_\w+")
CONFIG = yaml.safe_load((ROOT / "cog.yaml").read_text())


def pins(name: str) -> dict[str, str]:
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    wanted = [line for line in lines if line and not line.startswith("-r ")]
    for line in wanted:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9.]*", line), f"{name}: {line!r} is not pinned"
    return dict(line.split("==") for line in wanted)


def test_every_package_is_pinned_once() -> None:
    assert not set(pins("requirements.txt")) & set(pins("requirements-dev.txt"))


def test_cog_yaml_has_what_cog_needs_and_nothing_that_it_refuses() -> None:
    build = CONFIG["build"]
    assert set(CONFIG) <= {"build", "environment", "run", "train"}
    assert set(build) <= {"gpu", "cuda", "python_version", "python_requirements", "run", "sdk_version"}
    assert (build["gpu"], build["cuda"], build["python_version"]) == (True, "13.0", "3.11")
    assert build["sdk_version"] == pins("requirements-dev.txt")["cog"]
    assert not [line for line in CONFIG["environment"] if REFUSED_BY_COG.match(line)]


def test_the_container_has_what_is_used_without_its_dependencies() -> None:
    alone = " ".join(f"{name}=={pin}" for name, pin in pins("requirements-alone.txt").items())
    assert CONFIG["build"]["run"] == [f"pip install --no-deps {alone}"]


def test_the_predictor_and_the_training_that_cog_yaml_names_are_there() -> None:
    for door, keyword in {"run": "class", "train": "def"}.items():
        file, _, name = CONFIG[door].partition(":")
        assert f"{keyword} {name}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("folder", ["nextscene", "nextscene/training", "storybook", "tests", "bench", "."])
def test_no_module_imports_what_is_not_pinned_or_not_ours_to_use(folder: str) -> None:
    """GPL, AGPL and non-commercial packages, and those that need torchvision, stay out."""
    imported = {
        match
        for file in Path(ROOT / folder).glob("*.py")
        for match in re.findall(r"^\s*(?:from|import) (\w+)", file.read_text(), re.MULTILINE)
    }
    assert not imported & {"torchvision", "cv2", "nudenet", "piper", "pyiqa", "ultralytics"}

"""What the container is built from: every package pinned, and cog.yaml as Cog takes it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

REFUSED_BY_COG = re.compile(r"HF_ENDPOINT|HF_HUB_ENABLE_HF_TRANSFER|CUDA_\w+|PYTHONPATH|PGET_\w+")
CONFIG = yaml.safe_load((ROOT / "cog.yaml").read_text())


PINNED = ["requirements.txt", "requirements-dev.txt", "requirements-alone.txt"]
PINNED += ["requirements-fleet.txt", "bench/requirements.txt"]


def pins(name: str) -> dict[str, str]:
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    wanted = [line for line in lines if line]
    for line in wanted:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9.]*(\.post[0-9]+)?", line), f"{name}: {line!r} is not pinned"
    names = [line.split("==")[0] for line in wanted]
    assert sorted(names) == sorted(set(names)), f"{name}: a package is pinned twice"
    return dict(zip(names, (line.split("==")[1] for line in wanted), strict=True))


@pytest.mark.parametrize("name", PINNED)
def test_every_package_is_pinned_once(name: str) -> None:
    assert pins(name)


def test_a_checkout_has_the_very_packages_of_the_container() -> None:
    assert pins("requirements-dev.txt").items() >= pins("requirements.txt").items()


@pytest.mark.parametrize("name", PINNED)
def test_torch_is_left_to_choose_its_cuda_packages(name: str) -> None:
    assert not [package for package in pins(name) if package.startswith(("nvidia", "cuda", "triton"))]


@pytest.mark.parametrize(
    ("changed", "before", "after", "noticed"),
    [
        ("requirements/dev.in", "ruff\n", "", "requirements-dev.txt: ruff is pinned, and nothing needs it"),
        (
            "requirements/container.in",
            "peft ",
            "peft>=99 ",
            "requirements.txt: peft is pinned to .* needs >=99",
        ),
        (
            "requirements/sound.in",
            "rapidocr",
            "rapidfuzz",
            "bench/requirements.txt: rapidfuzz is not pinned",
        ),
        ("requirements.txt", "mpmath==", "old-mpmath==", "requirements.txt: mpmath is not pinned, and sympy needs it"),
        ("requirements.txt", "tqdm==4", "tqdm==5", "requirements.txt: tqdm is pinned to 5.*requirements-dev.txt has 4"),
    ],
)
def test_lint_notices_pins_that_do_not_fit_the_lists(
    changed: str, before: str, after: str, noticed: str, tmp_path: Path
) -> None:
    for name in [*PINNED, *(str(file.relative_to(ROOT)) for file in (ROOT / "requirements").glob("*.*"))]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    text = (tmp_path / changed).read_text()
    assert before in text
    (tmp_path / changed).write_text(text.replace(before, after, 1))
    check = [sys.executable, str(tmp_path / "requirements/check.py")]
    found = subprocess.run(check, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert re.search(noticed, found.stderr)


def test_cog_yaml_has_what_cog_needs_and_nothing_that_it_refuses() -> None:
    build = CONFIG["build"]
    assert set(CONFIG) <= {"build", "environment", "run", "train"}
    assert set(build) <= {"gpu", "cuda", "python_version", "python_requirements", "run", "sdk_version"}
    assert (build["gpu"], build["cuda"], build["python_version"]) == (True, "13.0", "3.11")
    assert build["sdk_version"] == pins("requirements-dev.txt")["cog"]
    assert not [line for line in CONFIG["environment"] if REFUSED_BY_COG.match(line)]


def test_the_container_has_what_is_used_without_its_dependencies() -> None:
    alone = " ".join(f"{name}=={pin}" for name, pin in pins("requirements-alone.txt").items())
    assert CONFIG["build"]["run"][0] == f"pip install --no-deps {alone}"


def test_the_predictor_and_the_training_that_cog_yaml_names_are_there() -> None:
    for door, keyword in {"run": "class", "train": "def"}.items():
        file, _, name = CONFIG[door].partition(":")
        assert f"{keyword} {name}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("folder", ["nextscene", "storybook", "tests", "bench", "."])
def test_no_module_imports_what_is_not_pinned_or_not_ours_to_use(folder: str) -> None:
    """GPL, AGPL and non-commercial packages, and those that need torchvision, stay out."""
    files = list((ROOT / folder).glob("*.py" if folder == "." else "**/*.py"))
    assert files
    imported = {
        match for file in files for match in re.findall(r"^\s*(?:from|import) (\w+)", file.read_text(), re.MULTILINE)
    }
    assert not imported & {"torchvision", "cv2", "nudenet", "piper", "pyiqa", "ultralytics"}

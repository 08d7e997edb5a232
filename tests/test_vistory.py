"""ViStoryBench's stories: read as that project writes them, drawn both ways, laid out as its evaluator reads them."""

import json
from pathlib import Path

import pytest
from conftest import photo
from PIL import Image

from bench import vistory
from bench.vistory import BenchStory
from nextscene import NextSceneError

SHOTS: tuple[list[str], ...] = (["Ann", "Bob"], ["Ann", "Bob", "Cid"], [])


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A story of three shots and three characters, of whom one has no picture."""
    folder = tmp_path / "ViStory" / "01"
    people = ("Ann", "Bob", "Cid", "Dan")
    characters = {name: {"prompt_en": f"{name} in a hat", "prompt_ch": "x", "name_en": name} for name in people}
    shots = [
        {
            "index": number,
            "Setting Description": {"en": "A quay.", "ch": "x"},
            "Plot Correspondence": {"en": "They wait", "ch": "x"},
            "Static Shot Description": {"en": "", "ch": "x"},
            "Shot Perspective Design": {"en": "Wide shot", "ch": "x"},
            "Characters Appearing": {"en": there, "ch": there},
        }
        for number, there in enumerate(SHOTS, 1)
    ]
    for name in people[:3]:
        (folder / "image" / name).mkdir(parents=True)
        photo(64, 64, seed=len(name)).save(folder / "image" / name / "00.jpg")
    (folder / "story.json").write_text(json.dumps({"Characters": characters, "Shots": shots}), encoding="utf-8-sig")
    return folder.parent


def test_a_shot_looks_at_the_characters_that_the_one_before_does_not_show(dataset: Path) -> None:
    story = BenchStory.read(dataset / "01")
    assert [scene.cast for scene in story.told("ours").scenes] == [("Ann", "Bob"), ("Cid", "Ann"), ()]
    assert [scene.cast for scene in story.told("plain").scenes] == [("Ann", "Bob"), ("Ann", "Bob"), ()]
    assert story.told("ours").scenes[1].prompt == (
        "Wide shot. They wait. Ann: Ann in a hat. Bob: Bob in a hat. Cid: Cid in a hat. A quay."
    )


def test_what_is_no_story_of_it_is_refused(dataset: Path) -> None:
    with pytest.raises(NextSceneError, match=r"^There is no story .*02/story.json: name the folder ViStory"):
        BenchStory.read(dataset / "02")
    (dataset / "01" / "story.json").write_text('{"Shots": []}')
    with pytest.raises(NextSceneError, match=r"is no story of ViStoryBench: Shots is not as expected\.$"):
        BenchStory.read(dataset / "01")


def test_its_evaluator_finds_every_shot_of_both_ways_and_its_findings_become_a_table(
    dataset: Path,
    weights_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    command = ["bench", str(dataset), "--stories", "01", "--steps", "2", "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", command)
    vistory.main()
    assert "bench_run.py --method next-scene --language en" in capsys.readouterr().err
    for way in ("ours", "plain"):
        folder = tmp_path / "out" / "outputs" / "next-scene" / way / "en" / vistory.TIMESTAMP / "01" / "shots"
        assert sorted(path.name for path in folder.iterdir()) == ["shot_01.png", "shot_02.png", "shot_03.png"]
        for path in folder.iterdir():
            Image.open(path).verify()
    results = tmp_path / "results"
    monkeypatch.setattr("sys.argv", [*command, "--results", str(results)])
    with pytest.raises(SystemExit, match=r"run bench_run\.py first"):
        vistory.main()
    for way, value in (("ours", 0.75), ("plain", 0.5)):
        folder = results / "next-scene" / way / "en" / "20260101_000000"
        folder.mkdir(parents=True)
        metrics = {"csd": {"metrics": {"self_csd": value, "note": "none"}}}
        (folder / "summary.json").write_text(json.dumps({"run": {}, "metrics": metrics}))
    vistory.main()
    assert "| csd, self_csd | 0.750 | 0.500 |" in capsys.readouterr().out

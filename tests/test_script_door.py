"""A script at the doors: what it comes to is shown before anything is drawn, and only what changed is drawn again."""

import json
import re
from pathlib import Path

import pytest
from conftest import ROOT, photo
from test_cli import script

from nextscene.cli import main
from nextscene.hub import BUILT_IN, find, gpu, guess_seconds
from nextscene.hub.models import FULL_MODEL
from nextscene.script import break_down, compile_story, invent, read_script
from nextscene.settings import StorySettings
from nextscene.story import from_prompts, plan, unknown_words

TOWER = ROOT / "samples" / "tower.fountain"
SMALL = ["--steps", "2", "--width", "128", "--height", "96", "--guidance", "1", "--seed", "3"]


@pytest.fixture
def story_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEXT_SCENE_MODEL", raising=False)
    return tmp_path


def test_a_dry_run_shows_what_a_script_comes_to_and_draws_nothing(
    story_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sequence", str(TOWER), "--plates", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    for line in (
        "fountain script, broken down by rules: 3 scenes",
        "  s1   EXT. SEA - DAWN · 4 shots · dawn",
        "  sea: a white tower by the sea · 2 scenes",
        "9 pictures to draw, 2 of them places and people to look at; 0 clips to make",
        "(a guess, from the model's size and the steps)",
        "the film: 22 s, and as much more",
        "breakdown: outputs/sequence/breakdown.json",
        "   - Next Scene: A white tower by the sea. At dawn, under a clear sky.",
        "  2. Next Scene: The camera moves closer. A white tower by the sea. At dawn, under a clear sky.",
    ):
        assert line in shown
    assert [str(file) for file in Path().rglob("*.*")] == ["outputs/sequence/breakdown.json"]


def test_a_breakdown_that_was_changed_is_given_back_and_only_what_changed_is_drawn_again(story_folder: Path) -> None:
    run = script("sequence", str(TOWER), "--max-shots", "4", *SMALL, cwd=story_folder)
    assert [Path(line).name for line in run.stdout.split()][:3] == ["scene_001.png", "scene_002.png", "scene_003.png"]
    file = story_folder / "outputs" / "sequence" / "breakdown.json"
    breakdown = json.loads(file.read_text())
    breakdown["scenes"][2]["shots"][0]["picture"] = "Dawn breaks"
    breakdown["scenes"][0]["shots"][0]["seconds"] = 9
    file.write_text(json.dumps(breakdown))
    again = script("sequence", str(file), *SMALL, cwd=story_folder)
    assert "3 of 4 scenes are made already." in again.stderr
    assert re.findall(r"^(\w+ ?\d*) drawn", again.stderr, re.MULTILINE) == ["Scene 4"]
    assert json.loads(file.read_text()) == breakdown  # it is not written over
    record = json.loads((story_folder / "outputs" / "sequence" / "run.json").read_text())
    assert record["stages"]["break"]["files"].keys() == {"breakdown.json"}


def test_a_breakdown_that_is_in_the_way_is_kept(story_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sequence", str(TOWER), "--dry-run"]) == 0
    before = Path("outputs/sequence/breakdown.json").read_text()
    assert main(["sequence", str(TOWER), "--dry-run", "--max-shots", "3"]) == 0
    shown = capsys.readouterr().err
    assert "To make at most 3 shots, these were put together: s1a to s1d, s2a to s2b." in shown
    (kept,) = Path("outputs/sequence").glob("breakdown-*.json")
    assert f"is kept as {kept.name}" in shown
    assert kept.read_text() == before


def test_how_long_drawing_takes_is_guessed_by_steps_and_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    def guess(speed: float | None, memory: float, **look: object) -> float:
        monkeypatch.setattr(gpu, "speed", lambda: speed)
        monkeypatch.setattr(gpu, "total_memory", lambda: memory)
        story = from_prompts(["a harbour", "the camera pans left"])
        return guess_seconds(find(FULL_MODEL), plan(story, StorySettings.checked(**look), 1, (1024, 768)))

    h200 = guess(989e12, 141e9)
    assert 20 < h200 < 40  # two scenes; the second, which looks at the first, takes 12 s at the very least
    assert guess(989e12, 141e9, steps=20) == pytest.approx(h200 / 2, rel=0.1)
    assert guess(989e12, 141e9, guidance=1) == pytest.approx(h200 / 2, rel=0.1)
    assert guess(989e12, 141e9, width=2048, height=1536) > 4 * h200
    assert guess(989e12, 10e9) > 2 * h200  # whose memory the weights come to from elsewhere, block by block
    assert guess(None, 0) > 100 * h200


def test_prose_is_a_script_where_it_is_named_as_one(story_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("tale.txt").write_text("A red house by the sea at night.\n\nFog rolls in.\n")
    assert main(["sequence", "--script", "tale.txt", "--dry-run"]) == 0
    assert "prose script, broken down by rules: 1 scene" in capsys.readouterr().out
    assert main(["sequence", "tale.txt", "--dry-run"]) == 0
    assert "script" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.fountain"], "There is no script 'nowhere.fountain'."),
        (["--script", "a.txt", "b"], "Both scenes and a script were given"),
        (["a|b", "--max-shots", "3"], "--max-shots is for scripts"),
        (["far.json"], "The picture '../mara.png' of the breakdown does not lie beside it"),
        (["broken.json"], "This breakdown is not right: scene 1, heading: "),
        (["--script", "broken.json", "--max-shots", "0"], "max_shots: input should be greater than or equal to 1"),
    ],
)
def test_what_is_wrong_with_a_script_is_said_in_a_sentence(
    story_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["sequence", str(ROOT / "samples" / "harbour.fountain"), "--dry-run"]) == 0
    breakdown = json.loads(Path("outputs/sequence/breakdown.json").read_text())
    breakdown["people"][0]["picture"] = "../mara.png"
    Path("far.json").write_text(json.dumps(breakdown))
    breakdown["scenes"][0]["heading"] = 3
    Path("broken.json").write_text(json.dumps(breakdown))
    capsys.readouterr()
    assert main(["sequence", *arguments, "--dry-run"]) == 1
    assert sentence in capsys.readouterr().err


def test_a_picture_of_a_person_that_lies_beside_the_breakdown_is_looked_at(
    story_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sequence", str(ROOT / "samples" / "harbour.fountain"), "--dry-run"]) == 0
    breakdown = json.loads(Path("outputs/sequence/breakdown.json").read_text())
    breakdown["people"][0]["picture"] = "mara.png"
    Path("mine.json").write_text(json.dumps(breakdown))
    photo(64, 64).save("mara.png")
    capsys.readouterr()
    assert main(["sequence", "mine.json", "--dry-run"]) == 0
    assert "s1b, take 1 · from s1a with mara ·" in capsys.readouterr().out


def test_a_story_is_made_up_in_words_that_the_built_in_model_draws(
    story_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = find(BUILT_IN).card.world
    assert world
    for seed in range(40):
        text = invent(seed)
        story = compile_story(break_down(read_script(text.encode()))).story
        told = [scene for _, scene in story.filmed]
        assert [name for _, scene in story.filmed for name in unknown_words(scene.prompt, world)] == []
        assert sum(bool(scene.narration) for scene in told) >= 3
        assert told[0].prompt.split()[1:3] == [word.lower() for word in (story.title or "").split()[1:3]]
        assert invent(seed) == text
    assert (
        main(["write", "--seed", "7", "--about", "a dragon, a blue windmill by the sea", "--output", "a.fountain"]) == 0
    )
    shown = capsys.readouterr()
    assert shown.out == "a.fountain\n"
    assert "The built-in model draws nothing for: dragon" in shown.err
    assert Path("a.fountain").read_text().startswith("Title: The blue windmill\n")
    assert main(["write", "--max-scenes", "0"]) == 1
    assert "--max-scenes: give 1 to 20, not 0." in capsys.readouterr().err


@pytest.mark.parametrize(("scenes", "places"), [(1, 1), (2, 3), (3, 1), (5, 2), (20, 5)])
def test_a_story_that_is_made_up_is_no_longer_than_asked_for(scenes: int, places: int) -> None:
    breakdown = break_down(read_script(invent(3, "", scenes, places).encode()))
    assert len(breakdown.scenes) <= scenes
    assert len(breakdown.places) <= places

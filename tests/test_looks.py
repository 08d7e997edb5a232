"""A look as a file: what a story and the user say counts before it; pictures drawn by it are those of its values."""

import json
from pathlib import Path

import pytest
from conftest import same

from nextscene import NextSceneError, pictures
from nextscene.cli import main
from nextscene.story import from_data, look_of, read_look

LOOK = {"negative_prompt": "neon", "guidance": 3.0, "strength": 0.8, "film": {"grade": "noir", "grain": 0.2}}
QUICK = ["--steps", "2", "--width", "64", "--height", "64", "--seed", "3"]


@pytest.fixture
def look(tmp_path: Path) -> Path:
    (tmp_path / "noir.json").write_text(json.dumps(LOOK))
    return tmp_path / "noir.json"


def test_a_look_says_what_the_story_does_not_say_itself(look: Path) -> None:
    story = from_data(
        {"scenes": ["a"], "look": "noir.json", "strength": 0.5, "film": {"grade": "warm", "move": "auto"}}
    )
    drawn = read_look(look).under(story)
    assert drawn.as_data() == {
        "scenes": [{"prompt": "a"}],
        "strength": 0.5,
        "guidance": 3.0,
        "negative_prompt": "neon",
        "film": {"grade": "warm", "grain": 0.2, "move": "auto"},
    }
    assert look_of(read_look(look).under(from_data(["a"]))).as_data() == LOOK


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[1]", "is not right"),
        ('{"strenght": 1}', "strenght: there is no such field"),
        ('{"strength": 7}', "strength: input should be less than or equal to 1, not 7"),
        ('{"film": {"music": "a.mp3"}}', "music is no part of a look: keep grade, vignette, grain"),
        ("{", "The look file 'noir.json' is not JSON"),
    ],
)
def test_what_is_no_look_is_refused_in_a_sentence(look: Path, text: str, why: str) -> None:
    look.write_text(text)
    with pytest.raises(NextSceneError, match=why):
        read_look(look)


def test_a_look_saved_from_a_picture_gives_another_story_the_same_look(
    weights_folder: Path, look: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    monkeypatch.chdir(look.parent)
    flags = ["--negative-prompt", "neon", "--guidance", "3", "--strength", "0.8"]
    assert main(["sequence", "a|b", *QUICK, *flags, "--output-dir", "typed"]) == 0
    capsys.readouterr()
    assert main(["explain", "typed/scene_002.png", "--look"]) == 0
    Path("saved.json").write_text(capsys.readouterr().out)
    (look.parent / "story.json").write_text('{"scenes": ["a", "b"], "look": "saved.json"}')
    for command in (["a|b", "--look", "saved.json"], ["story.json"]):
        assert main(["sequence", *command, *QUICK, "--output-dir", "named", "--fresh"]) == 0
        assert main(["sequence", *QUICK, "--output-dir", "named"]) == 0  # goes on, and asks for no look
        one, other = (pictures.read(Path(folder, "scene_002.png")) for folder in ("typed", "named"))
        assert same(one, other)
    assert "2 of 2 scenes are made already." in capsys.readouterr().err


def test_a_strangers_story_opens_no_look_outside_its_folder(look: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (look.parent / "story").mkdir()
    story = look.parent / "story" / "story.json"
    story.write_text('{"scenes": ["a"], "look": "../noir.json"}')
    assert main(["sequence", str(story), "--output-dir", str(look.parent / "out")]) == 1
    assert "which is not in its folder: give it with --look" in capsys.readouterr().err

"""The side door: the very commands of the seed document, typed."""

import re
import signal
import subprocess
import time
from pathlib import Path

import av
import numpy as np
import pytest
import warm
from conftest import ROOT, photo
from PIL import Image
from safetensors.numpy import save_file

from nextscene import hub, pictures
from nextscene.provenance import Provenance
from nextscene.story import IMAGE

QUICK = ["--steps", "2", "--width", "128", "--height", "96"]
FOUR_SCENES = "Wide shot of a city,Camera zooms to a window,Inside view of a character,Close-up of their hands"


ENVIRONMENT = {name: value for name, value in warm.ENVIRONMENT.items() if name != "NEXT_SCENE_MODEL"}


def script(name: str, *arguments: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs what script/NAME runs."""
    run = warm.run("-m", "nextscene.cli", name, *arguments, cwd=cwd, env=ENVIRONMENT)
    assert run.returncode == code, run.stderr
    return run


def typed(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs the very words, as in a terminal in the project's folder."""
    command = command.replace("script/", f"{ROOT}/script/")
    return subprocess.run(command, shell=True, check=True, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)


def planned(output: str) -> list[str]:
    return re.findall(r"^ *\d+\. Next Scene: (.*)$", output, re.MULTILINE)


def test_one_scene_goes_where_the_seed_document_says(tmp_path: Path) -> None:
    run = script("predict", "The camera moves forward revealing a mysterious doorway", *QUICK, cwd=tmp_path)
    assert run.stdout == "outputs/scene.png\n"
    assert "built-in storybook model" in run.stderr
    assert re.search(r"^Seed: \d+$", run.stderr, re.MULTILINE)
    facts = pictures.facts(tmp_path / "outputs/scene.png")
    assert facts
    assert facts["prompt"] == "Next Scene: The camera moves forward revealing a mysterious doorway"


def test_the_record_of_one_scene_lies_beside_it_and_is_a_story_that_makes_it_again(tmp_path: Path) -> None:
    script("predict", "a harbour", "--seed", "4", *QUICK, cwd=tmp_path)
    script("sequence", "outputs/scene.run.json", "--output-dir", "outputs", cwd=tmp_path)
    assert (tmp_path / "outputs/scene.png").read_bytes() == (tmp_path / "outputs/scene_001.png").read_bytes()
    script("predict", "night", *QUICK, cwd=tmp_path)
    assert "1 of 1 scenes are made already." in script("sequence", "--output-dir", "outputs", cwd=tmp_path).stderr
    assert "night" in (tmp_path / "outputs/scene.run.json").read_text()


def test_every_flag_of_generate_scene_works_under_its_name(tmp_path: Path) -> None:
    photo(300, 200).save(tmp_path / "previous_scene.png")
    arguments = ["--prompt", "Camera pans revealing a hidden garden", "--input-image", "previous_scene.png"]
    arguments += ["--output", "outputs/next_scene.webp", "--lora-scale", "0.8", "--strength", "0.5", "--width", "160"]
    arguments += ["--height", "128", "--negative-prompt", "black bars", "--seed", "42", "--steps", "2"]
    script("predict", *arguments, cwd=tmp_path)
    picture = tmp_path / "outputs/next_scene.webp"
    shot = Provenance.from_json(pictures.facts(picture) or {}, picture.name).shot
    assert (shot.look.lora_scale, shot.look.strength, shot.look.negative_prompt) == (0.8, 0.5, "black bars")
    assert (shot.story_seed, shot.references) == (42, (IMAGE,))
    assert Image.open(tmp_path / "outputs/next_scene.webp").size == (160, 128)


def test_a_sequence_goes_where_the_seed_document_says_with_its_film(tmp_path: Path) -> None:
    run = script("sequence", FOUR_SCENES, "--output-video", "outputs/narrative.mp4", "--fps", "3", *QUICK, cwd=tmp_path)
    scenes = [f"outputs/sequence/scene_{n:03d}.png" for n in range(1, 5)]
    assert run.stdout.split() == [*scenes, "outputs/sequence/contact_sheet.png", "outputs/narrative.mp4"]
    assert sum(1 for _ in av.open(tmp_path / "outputs/narrative.mp4").decode(video=0)) == 4 * 8


def test_every_flag_of_generate_sequence_works_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "scenes.json").write_text('{"scenes": ["First scene", "Second scene"]}')
    arguments = ["--scenes", "scenes.json", "--output-dir", "outputs/mine", "--output-video", "outputs/sequence.mp4"]
    arguments += ["--lora-scale", "0.75", "--fps", "2", "--seed", "42", "--strength", "0.6", *QUICK]
    script("sequence", *arguments, cwd=tmp_path)
    made = sorted(file.name for file in (tmp_path / "outputs/mine").iterdir())
    assert made == ["contact_sheet.png", "run.json", "scene_001.png", "scene_002.png", "takes"]
    assert (tmp_path / "outputs/sequence.mp4").exists()


def test_the_dry_run_shows_how_a_text_is_split_and_draws_nothing(tmp_path: Path) -> None:
    run = script("sequence", FOUR_SCENES, "--dry-run", "--seed", "7", cwd=tmp_path)
    assert planned(run.stdout) == FOUR_SCENES.split(",")
    width, height = hub.find("storybook").own_size
    for decided in ("from words alone", "from scene_001", f"{width}x{height}", "strength 0.6", "seed 7 (noise "):
        assert decided in run.stdout
    assert not list(tmp_path.iterdir())


def test_several_texts_are_one_scene_each_whatever_they_hold(tmp_path: Path) -> None:
    run = script("sequence", "a city,at night", "b | c", "--dry-run", cwd=tmp_path)
    assert planned(run.stdout) == ["a city,at night", "b | c"]


def test_a_text_of_one_scene_is_never_split_by_predict(tmp_path: Path) -> None:
    run = script("predict", "a city,at night | or day", "--dry-run", cwd=tmp_path)
    assert planned(run.stdout) == ["a city,at night | or day"]


@pytest.mark.parametrize("sample", sorted((ROOT / "samples").glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_story_is_a_story(sample: Path, tmp_path: Path) -> None:
    assert planned(script("sequence", str(sample), "--dry-run", cwd=tmp_path).stdout)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.json"], "error: There is no story file 'nowhere.json'."),
        (["a", "--strength", "3"], "error: strength: input should be less than or equal to 1, not 3.0."),
        (["a", "--input-image", "no.png"], "error: There is no picture no.png"),
        ([" | "], "error: A story has 1 to 300 scenes; this one has 0."),
        (["a", "--output-dir", "/proc/nowhere", *QUICK], "error: /proc/nowhere/scene_001.png cannot be written"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    run = script("sequence", *arguments, cwd=tmp_path, code=1)
    assert sentence in run.stderr
    assert "Traceback" not in run.stderr


def test_an_output_that_is_no_picture_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    run = script("predict", "a", "--output", "scene.bmp", cwd=tmp_path, code=1)
    assert "scene.bmp has no known picture format" in run.stderr
    assert "drawn" not in run.stderr


@pytest.mark.parametrize("command", ["predict", "sequence"])
def test_the_help_explains_every_flag_and_gives_examples(command: str, tmp_path: Path) -> None:
    text = typed(f"script/{command} --help", tmp_path).stdout
    flags = re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE)
    assert {"--input-image", "--lora-scale", "--strength", "--seed", "--negative-prompt", "--dry-run"} <= set(flags)
    assert "examples:" in text
    assert f"script/{command}" in text


def test_another_story_sets_the_earlier_run_aside_but_for_the_picture_it_began_with(tmp_path: Path) -> None:
    script("sequence", "a|b|c|d", *QUICK, cwd=tmp_path)
    folder = tmp_path / "outputs/sequence"
    (folder / "mine.png").touch()
    script("sequence", "e", "--input-image", "outputs/sequence/scene_003.png", *QUICK, cwd=tmp_path)
    assert sorted(file.name for file in folder.iterdir()) == [
        "contact_sheet.png",
        "earlier",
        "mine.png",
        "run.json",
        "scene_001.png",
        "scene_003.png",
        "takes",
    ]


def test_a_scene_is_taken_again_chosen_again_and_explained_from_the_folder_alone(tmp_path: Path) -> None:
    scene = tmp_path / "outputs/sequence/scene_002.png"
    script("sequence", "a|b|c", "--seed", "4", *QUICK, cwd=tmp_path)
    first = scene.read_bytes()
    run = script("sequence", "--retake", "2", cwd=tmp_path)
    assert "2 of 3 scenes are made already." in run.stderr
    assert re.search(r"Scene 2 drawn \(1 of 1, .* about 0 s left\)", run.stderr)
    assert "Grew from another take of an earlier scene: scene_003; --cascade" in run.stderr
    assert scene.read_bytes() != first
    assert "take 2" in script("explain", str(scene), cwd=tmp_path).stdout
    script("sequence", "--use", "scene_002:1", cwd=tmp_path)
    assert scene.read_bytes() == first
    assert "has no take '9' (there: 1, 2)" in script("sequence", "--use", "2:9", cwd=tmp_path, code=1).stderr


@pytest.mark.slow
def test_what_explain_prints_makes_the_very_picture_again(tmp_path: Path) -> None:
    photo(90, 70).save(tmp_path / "first picture.png")
    photo(50, 80, 1).save(tmp_path / "hero.png")
    along = ["--input-image", "first picture.png", "--references", "hero.png"]
    (tmp_path / "told.json").write_text('{"scenes": ["a", "b"], "cast": ["hero.png"]}')
    script("sequence", "told.json", *along, "--seed", "4", *QUICK, cwd=tmp_path)
    scene = "outputs/sequence/scene_002.png"
    told = script("explain", scene, cwd=tmp_path).stdout
    assert re.search(r"^seed +4 \(of its noise: \d+\)$", told, re.MULTILINE)
    first, second = (line.strip() for line in told.splitlines()[-2:])
    for command in (first, second):
        typed(command, tmp_path)
    assert (tmp_path / "outputs/again/scene_002.png").read_bytes() == (tmp_path / scene).read_bytes()


def test_a_lora_of_ones_own_is_a_file_from_the_terminal_and_part_of_the_scene(tmp_path: Path) -> None:
    lora = tmp_path / "mine.safetensors"
    lora.write_bytes(hub.find("storybook").lora.read_bytes())
    own = ["a|b", "--lora-weights", "mine.safetensors", "--lora-weights-scale", "0.5", "--seed", "4", *QUICK]
    shown = script("sequence", *own, "--dry-run", cwd=tmp_path).stdout
    assert "lora 0.75 + mine.safetensors 0.5" in shown
    script("sequence", *own, cwd=tmp_path)
    told = script("explain", "outputs/sequence/scene_002.png", cwd=tmp_path).stdout
    assert re.search(r"^with +mine\.safetensors at 0\.5, sha256 [0-9a-f]{64}$", told, re.MULTILINE)
    assert "2 of 2 scenes are made already." in script("sequence", cwd=tmp_path).stderr

    before = (tmp_path / "outputs/sequence/run.json").read_text()
    save_file({"other.lora_A.weight": np.zeros((2, 3), np.float32)}, lora)
    refused = script("sequence", *own, cwd=tmp_path, code=1).stderr
    assert refused.splitlines()[-1].startswith("error: The LoRA file 'mine.safetensors' is not for this model: ")
    assert "Traceback" not in refused
    assert (tmp_path / "outputs/sequence/run.json").read_text() == before
    assert (
        "There is no LoRA 'none.safetensors'"
        in script("predict", "a", "--lora-weights", "none.safetensors", *QUICK, cwd=tmp_path, code=1).stderr
    )


def test_a_picture_from_elsewhere_is_not_explained(tmp_path: Path) -> None:
    photo().save(tmp_path / "mine.png")
    assert "mine.png does not say how it was made" in script("explain", "mine.png", cwd=tmp_path, code=1).stderr


def test_an_interrupted_run_keeps_its_finished_scenes(tmp_path: Path) -> None:
    command = ["sequence", "|".join("a" * 40), *QUICK, "--steps", "50", "--output-video", "film.mp4"]
    with (tmp_path / "errors").open("w") as stderr:
        run = warm.start("-m", "nextscene.cli", *command, cwd=tmp_path, env=ENVIRONMENT, stderr=stderr)
    first = tmp_path / "outputs/sequence/scene_001.png"
    while not first.exists():
        assert run.poll() is None, (tmp_path / "errors").read_text()
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    assert run.wait() == 130
    assert "What was finished is kept" in (tmp_path / "errors").read_text()
    assert pictures.facts(first)
    assert not list(tmp_path.glob("*film*"))

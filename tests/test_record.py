"""The record: a run goes on where it stopped, one scene is taken again, and nothing else is touched."""

import hashlib
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import diffusers
import pytest
import warm
from conftest import ROOT, photo
from PIL import Image

from nextscene import NextSceneError, pictures
from nextscene.cli.explain import explain
from nextscene.model import Model
from nextscene.output import Record, deliver, numbered
from nextscene.output.record import scene_named
from nextscene.provenance import Provenance
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import IMAGE, Shot, from_data, from_file, plan
from nextscene.take import Take

WANTED = StorySettings.checked(width=64, height=64, steps=2, guidance=1)
MADE_WITH = {"model": "small"}


class Runner:
    """Runs stories in one folder, and remembers which scenes were really drawn."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.studio, self.folder = Studio(model), folder
        self.drawn: list[str] = []

    def __call__(
        self,
        scenes: Sequence[object],
        retake: Sequence[str] = (),
        use: Sequence[str] = (),
        cascade: bool = False,
        stop_after: int | None = None,
        image: Image.Image | None = None,
        made_with: dict[str, str] = MADE_WITH,
        suffix: str = "png",
        lora_weights: str | None = None,
    ) -> Record:
        record = Record(self.folder)
        story = from_data({"title": "a story", "scenes": list(scenes), "lora_weights": lora_weights})
        record.turn_to(story)
        story = story.with_takes(record.wanted_takes(story, retake, use))
        shots = plan(story, WANTED, 7, (64, 64), image.size if image else None)
        along = {IMAGE: image} if image else {}
        record.begin(story.complete(WANTED, 7, "photo" if image else None), shots, made_with, along, cascade=cascade)
        self.drawn = []
        for number, _ in enumerate(deliver(record.takes(shots, self._shoot(record)), numbered(self.folder, suffix)), 1):
            if number == stop_after:
                break
        return record

    def _shoot(self, record: Record) -> Any:
        def shoot(shots: Sequence[Shot]) -> Iterator[Take]:
            for take in self.studio.shoot(shots, record):
                self.drawn.append(take.shot.id)
                yield take

        return shoot

    def files(self) -> dict[str, tuple[str, int]]:
        """Each file by its name, with its content's hash and when it was written."""
        return {
            str(file.relative_to(self.folder)): (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns)
            for file in self.folder.rglob("*.*")
        }


@pytest.fixture
def run(small: Model, tmp_path: Path) -> Runner:
    return Runner(small, tmp_path)


SCENES = ["a", "b", "c", "d"]
IDS = [f"scene_{n:03d}" for n in range(1, 5)]


def test_the_record_says_what_was_made_and_how(run: Runner) -> None:
    run(["a", {"prompt": "b", "id": "door"}])
    record = json.loads((run.folder / "run.json").read_text())
    assert record["made_by"].startswith("Next Scene ")
    assert record["made_with"] == MADE_WITH
    assert [scene["id"] for scene in record["scenes"]] == ["scene_001", "door"]
    first, second = (scene["takes"][0] for scene in record["scenes"])
    assert second["grew_from"] == {"scene_001": first["sha256"]}
    assert hashlib.sha256((run.folder / first["file"]).read_bytes()).hexdigest() == first["sha256"]
    assert record["scenes"][1]["shot"]["prompt"] == "Next Scene: b"
    assert first["device"] == "CPU"
    assert first["versions"]["diffusers"] == diffusers.__version__
    assert first["seconds"] > 0
    assert datetime.fromisoformat(first["made_at"]).tzinfo


def test_where_no_takes_are_kept_the_record_speaks_of_the_pictures_beside_it(small: Model, tmp_path: Path) -> None:
    (tmp_path / "scene.run.json").write_text("of an earlier run")
    story, folder = from_data(["a", "b"]), tmp_path
    shots = plan(story, WANTED, 7, (64, 64))
    record = Record(folder, name="scene.run.json", keeps_takes=False)
    record.begin(story.complete(WANTED, 7, None), shots, MADE_WITH, {})
    for number, path in enumerate(deliver(Studio(small).shoot(shots, {}), numbered(folder, "jpg"), record=record)):
        told = json.loads((folder / "scene.run.json").read_text())["scenes"][number]["takes"][0]
        assert told["file"] == path.name
        assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(file.name for file in folder.iterdir()) == ["scene.run.json", "scene_001.jpg", "scene_002.jpg"]
    assert from_file(folder / "scene.run.json").complete(WANTED, 7, None) == record.story


def test_the_record_is_itself_a_story_that_makes_the_same_pictures(run: Runner, small: Model, tmp_path: Path) -> None:
    run(["a", {"prompt": "b", "take": 3}, "c", "d"])
    story = from_file(tmp_path / "run.json")
    shots = plan(story, StorySettings(), story.seed or 0, (999, 999))
    again = [take.picture for take in Studio(small).shoot(shots, {})]
    for number, picture in enumerate(again, 1):
        assert Image.open(tmp_path / f"scene_{number:03d}.png").tobytes() == picture.tobytes()


def test_the_same_run_again_draws_nothing_and_touches_no_scene(run: Runner) -> None:
    run(SCENES)
    before = run.files()
    run(SCENES)
    assert run.drawn == []
    after = run.files()
    assert {name: after[name] for name in after if name != "run.json"} == {
        n: before[n] for n in before if n != "run.json"
    }


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_run_that_stopped_goes_on_to_the_very_pictures_of_an_undisturbed_one(
    run: Runner, small: Model, tmp_path_factory: pytest.TempPathFactory, suffix: str
) -> None:
    whole = Runner(small, tmp_path_factory.mktemp("whole"))
    whole(SCENES, suffix=suffix)
    run(SCENES, stop_after=2, suffix=suffix)
    run(SCENES, suffix=suffix)
    assert run.drawn == IDS[2:]
    for number in range(1, 5):
        name = f"scene_{number:03d}.{suffix}"
        assert (run.folder / name).read_bytes() == (whole.folder / name).read_bytes()


def test_a_changed_scene_and_what_grew_from_it_are_drawn_again(run: Runner) -> None:
    run(SCENES)
    run(["a", "b", "other", "d"])
    assert run.drawn == IDS[2:]


def test_a_change_that_was_cut_short_is_finished_with_all_that_grew_from_it(run: Runner) -> None:
    run(SCENES)
    run(["a", "other", "c", "d"], stop_after=2)
    run(["a", "other", "c", "d"])
    assert run.drawn == IDS[2:]


def test_a_branch_is_drawn_again_only_with_its_own_root(run: Runner) -> None:
    def story(third: str, second: str = "b") -> list[object]:
        branch = {"prompt": "d", "after": "scene_002"}
        return ["a", second, third, branch, {"prompt": "e", "after": None}]

    run(story("c"))
    run(story("other"))
    assert run.drawn == ["scene_003"]
    run(story("other", "changed"))
    assert run.drawn == ["scene_002", "scene_003", "scene_004"]


def test_another_image_model_or_size_is_another_story(run: Runner) -> None:
    run(SCENES, image=photo(64, 64, 0))
    run(SCENES, image=photo(64, 64, 0))
    assert run.drawn == []
    run(SCENES, image=photo(64, 64, 1))
    assert run.drawn == IDS
    run(SCENES, image=photo(64, 64, 1), made_with={"model": "other"})
    assert run.drawn == IDS


def test_a_scene_that_was_damaged_is_drawn_again_alone(run: Runner) -> None:
    run(SCENES)
    (run.folder / "takes/scene_002.1.png").write_bytes(b"")
    record = run(SCENES)
    assert run.drawn == ["scene_002"]
    assert record.stale == []


def test_a_retake_touches_no_other_scene_and_marks_what_grew_from_the_old_one(run: Runner) -> None:
    run(SCENES)
    before = run.files()
    record = run(SCENES, retake=["2"])
    assert run.drawn == ["scene_002"]
    assert record.stale == ["scene_003"]
    changed = {name for name, state in run.files().items() if before.get(name) != state}
    assert changed == {"run.json", "scene_002.png", "takes/scene_002.2.png"}
    run(SCENES)
    assert run.drawn == []


def test_with_cascade_what_grew_from_the_old_take_is_drawn_again(run: Runner) -> None:
    run(SCENES)
    run(SCENES, retake=["2"])
    record = run(SCENES, cascade=True)
    assert run.drawn == IDS[2:]
    assert record.stale == []


def test_an_earlier_take_can_be_chosen_again(run: Runner) -> None:
    run(SCENES)
    first = (run.folder / "scene_002.png").read_bytes()
    run(SCENES, retake=["2"])
    assert (run.folder / "scene_002.png").read_bytes() != first
    record = run(SCENES, use=["2:1"])
    assert run.drawn == []
    assert (run.folder / "scene_002.png").read_bytes() == first
    assert record.stale == []
    assert record.takes_of("scene_002") == [1, 2]


def test_a_scene_that_retook_itself_goes_on_from_the_take_that_was_kept(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([["bars"], [], [], [], []])
    monkeypatch.setattr("nextscene.shooting.studio._noticed", lambda *_: next(found))
    shoot = run.studio.shoot
    monkeypatch.setattr(run.studio, "shoot", lambda shots, seen: shoot(shots, seen, auto_retake=1))
    record = run(SCENES)
    assert record.story
    assert record.story.scenes[0].take == 2
    run(SCENES)
    assert run.drawn == []


def test_a_scene_that_retook_itself_is_told_with_that_take_in_record_and_picture(
    run: Runner, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that either, alone, makes the very pictures again."""
    found = iter([["bars"], [], [], [], [], []])
    monkeypatch.setattr("nextscene.shooting.studio._noticed", lambda *_: next(found))
    shoot, story = run.studio.shoot, from_data(SCENES).complete(WANTED, 7, None)
    monkeypatch.setattr(run.studio, "shoot", lambda shots, seen: shoot(shots, seen, story=story, auto_retake=1))
    run(SCENES)
    monkeypatch.undo()
    last = pictures.facts(run.folder / "scene_004.png")
    assert last
    for told in (from_file(run.folder / "run.json"), from_data(last["story"])):
        assert [scene.take for scene in told.scenes] == [2, 1, 1, 1]
        again = [take.picture for take in Studio(small).shoot(plan(told, StorySettings(), 7, (9, 9)), {})]
        assert Image.open(run.folder / "scene_004.png").tobytes() == again[3].tobytes()


def test_another_lora_of_ones_own_is_another_scene_and_the_same_under_another_name_is_not(run: Runner) -> None:
    def made_with(sha256: str) -> dict[str, str]:
        return MADE_WITH | {"lora_weights_sha256": sha256}

    run(["a", "b"])
    run(["a", "b"], lora_weights="me/lora", made_with=made_with("1"))
    assert run.drawn == IDS[:2]
    run(["a", "b"], lora_weights="lora.safetensors", made_with=made_with("1"))
    assert run.drawn == []
    run(["a", "b"], lora_weights="lora.safetensors", made_with=made_with("2"))
    assert run.drawn == IDS[:2]


def test_takes_of_words_that_are_gone_are_kept(run: Runner) -> None:
    run(SCENES)
    run(["a", "b"])
    assert sorted(file.name for file in (run.folder / "takes").iterdir()) == [f"{name}.1.png" for name in IDS]
    run(SCENES)
    assert run.drawn == []


def test_ids_that_look_the_same_as_file_names_are_told_apart(run: Runner) -> None:
    record = run([{"prompt": "a", "id": "x/y"}, {"prompt": "b", "id": "x_y"}, {"prompt": "c", "id": "../up"}])
    assert record.run
    assert len({scene.takes[0].file for scene in record.run.scenes}) == 3
    assert len(list((run.folder / "takes").iterdir())) == 3


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"scenes": [{}]}', "null"])
def test_a_damaged_record_is_refused_in_a_sentence_and_fresh_starts_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(NextSceneError, match=r"is no record of a run, or a damaged one: script/sequence --fresh"):
        Record(tmp_path)
    assert Record(tmp_path, fresh=True).story is None


def test_scenes_are_named_by_number_or_id() -> None:
    story = from_data(
        [{"prompt": "a", "id": "a"}, {"prompt": "b", "id": "b", "filmed": False}, {"prompt": "c", "id": "door"}]
    )
    assert [scene_named(name, story) for name in ("2", "door", "1", "b")] == ["door", "door", "a", "b"]
    for name in ("0", "3", "window", ""):
        with pytest.raises(NextSceneError, match="There is no scene"):
            scene_named(name, story)


def test_what_is_not_filmed_is_drawn_and_kept_and_looked_at_but_not_delivered(run: Runner) -> None:
    plate = {"prompt": "the sea", "id": "plate", "filmed": False}
    record = run([plate, {"prompt": "a", "after": "plate"}, {"prompt": "b", "after": None, "anchor": "plate"}])
    assert run.drawn == ["plate", "scene_002", "scene_003"]
    assert sorted(path.name for path in run.folder.glob("*.png")) == ["scene_001.png", "scene_002.png"]
    assert (run.folder / "takes" / "plate.1.png").is_file()
    assert record.run
    assert [scene.shot.number for scene in record.run.scenes] == [0, 1, 2]
    assert [reference.name for reference in record.run.scenes[2].shot.references] == ["plate"]
    assert [file.name for *_, file in record.scenes() if file] == ["scene_002.1.png", "scene_003.1.png"]
    with pytest.raises(NextSceneError, match="none of them is filmed"):
        from_data([plate])


@pytest.mark.slow
def test_killed_at_any_moment_a_run_loses_nothing_finished(tmp_path: Path) -> None:
    """The whole command, killed with no chance to tidy up."""
    words = "a|b|c|d|e|f"
    command = ["-m", "nextscene.cli", "sequence", words, "--steps", "12", "--width", "128", "--height", "96"]
    command += ["--seed", "3", "--output-dir"]
    assert warm.run(*command, "whole", cwd=tmp_path).returncode == 0
    folder = tmp_path / "killed"
    chance = random.Random(0)
    kept: dict[str, bytes] = {}
    for _ in range(3):
        reader, writer = os.pipe()
        run = warm.start(*command, "killed", cwd=tmp_path, stdout=writer)
        os.close(writer)
        with os.fdopen(reader) as said:
            said.readline()  # a scene is there
            time.sleep(chance.uniform(0, 0.3))
            run.send_signal(signal.SIGKILL)
        run.wait()
        for file in folder.glob("scene_*.png"):
            assert file.read_bytes() == kept.setdefault(file.name, file.read_bytes())
    assert warm.run(*command, "killed", cwd=tmp_path).returncode == 0
    for number in range(1, 7):
        name = f"scene_{number:03d}.png"
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list(folder.rglob(".*.part"))


# Folders and pictures of other versions


def test_a_folder_of_the_first_version_goes_on_where_it_is(tmp_path: Path) -> None:
    """Drawn by commit 16d481c: three scenes from a picture, and a second take of the second."""
    folder = shutil.copytree(ROOT / "tests/runs/version_1", tmp_path / "run")
    record = Record(folder)
    assert (record.takes_of("door"), record.stale) == ([1, 2], ["scene_003"])
    given = record.given_pictures()
    assert given[IMAGE].size == (64, 64)
    story = from_data({"title": "The door", "scenes": ["a", {"prompt": "b", "id": "door"}, "c"]})
    record.turn_to(story)
    shots = plan(story.with_takes(record.wanted_takes(story)), WANTED, 7, (64, 64), (64, 64))
    assert [shot.take for shot in shots] == [1, 2, 1]
    assert record.begin(story.complete(WANTED, 7, "first.png"), shots, MADE_WITH, given) == []
    takes = list(record.takes(shots, None))
    second = folder / "takes" / "door.2.png"
    assert takes[1].picture.tobytes() == Image.open(second).tobytes()
    assert takes[1].provenance == Provenance.from_json(pictures.facts(second), second.name)
    about = json.loads((folder / "run.json").read_text())
    assert about["version"] == 2
    assert about["stages"]["film"]["about"]["settings"] == {"transition": "fade"}
    assert Record(folder).wanted_takes(story, use=["door:1"])["door"] == 1


def test_a_stage_is_done_until_what_it_was_made_of_or_what_it_made_changes(run: Runner) -> None:
    record = run(SCENES)
    film = run.folder / "film.mp4"
    film.write_text("a film")
    made_of = record.made_of("crossfade")
    record.finish("film", made_of, [film], 1.5)
    record = Record(run.folder)
    assert record.is_done("film", record.made_of("crossfade"))
    assert not record.is_done("film", record.made_of("cut"))
    film.write_text("another film")
    assert not record.is_done("film", record.made_of("crossfade"))
    film.write_text("a film")
    record = run(SCENES, retake=["2"])
    assert not record.is_done("film", record.made_of("crossfade"))
    record = run(SCENES, use=["2:1"])
    assert record.is_done("film", record.made_of("crossfade"))
    film.unlink()
    assert not record.is_done("film", record.made_of("crossfade"))


def test_what_a_scene_shows_is_for_the_plan_and_draws_nothing_again(run: Runner) -> None:
    run(SCENES)
    run(["a", {"prompt": "b", "shows": {"light": "night"}}, *SCENES[2:]])
    assert run.drawn == []


def test_a_record_of_before_trees_goes_on_as_the_chain_that_it_was(run: Runner) -> None:
    """Such a record says nothing of continuity, of what scenes show, nor of words that differ from their prompts."""
    run(SCENES)
    before = run.folder / "run.json"
    record = json.loads(before.read_text())
    del record["story"]["continuity"]
    for scene in record["scenes"]:
        assert "words" not in scene["shot"]
        del scene["shot"]["shows"]
    before.write_text(json.dumps(record))
    assert from_data(record).continuity == "chain"
    run(SCENES)
    assert run.drawn == []


def test_a_scene_that_grows_from_another_one_keeps_its_prompt_and_says_the_words_that_are_drawn(run: Runner) -> None:
    story = from_data({"scenes": ["a house", "the camera pans left", "night falls"], "continuity": "tree"})
    *_, take = run.studio.shoot(plan(story, WANTED, 7, (64, 64)), {})
    assert take.provenance.to_json()["prompt"] == "Next Scene: night falls"
    assert take.provenance.shot.words == "Next Scene: the camera pans left as night falls"
    assert take.provenance.shot.shows.light == "night"
    own_words = replace(take.shot, words=take.shot.prompt)
    (opening,) = run.studio.shoot(plan(story, WANTED, 7, (64, 64))[:1], {})
    (other,) = run.studio.shoot([own_words], {take.shot.references[0]: opening.picture})
    assert other.picture != take.picture


def test_explain_shows_the_words_that_were_drawn_and_what_the_scene_shows(run: Runner) -> None:
    story = from_data({"scenes": ["a house", "the camera pans left", "night falls"], "continuity": "tree"})
    *_, take = run.studio.shoot(plan(story, WANTED, 7, (64, 64)), {})
    file = run.folder / "night.png"
    pictures.write(take.picture, file, take.provenance.to_json())
    rows = explain(file, story=False)
    assert "prompt    Next Scene: night falls\n" in rows
    assert "drawn as  Next Scene: the camera pans left as night falls\n" in rows
    assert "shows     house, night, camera 2 left of scene_001\n" in rows

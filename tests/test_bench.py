"""The bench: that it compares like with like, and that it runs; what it measures is judged by people."""

import json
import random
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from bench import ablation, batch, chains, continuity, parents, ways, work
from bench import chain as bench_chain
from bench.columns import AGREEMENT, ASKED, COLUMNS, better
from bench.figures import Row, in_turn, percent_over
from bench.sight import Sight, look
from bench.stories import OTHERS, STEPS, THINGS, tell
from nextscene import hub, pictures
from nextscene.model import Model
from nextscene.shooting import Studio
from storybook.oracle import VALUES, shown
from storybook.words import FARTHEST
from storybook.world import State, draw, is_held_out, random_state

ROOT = Path(__file__).resolve().parent.parent


def test_the_chain_and_the_bare_calls_draw_the_same_pictures(
    small: Model, weights_folder: Path, tmp_path: Path
) -> None:
    weights, prompts, size = hub.find(str(weights_folder)), work.a_story(3), (64, 64)
    drawn = list(work.bare(small.pipe, work.production(weights, prompts, 2, size, tmp_path).shots))
    delivered = work.chain(Studio(small), weights, prompts, 2, size, tmp_path)
    assert [pictures.read(path) for path in delivered] == drawn


def test_ways_are_measured_in_turn() -> None:
    clock = iter(range(6))
    assert in_turn(3, one=lambda: next(clock), other=lambda: next(clock)) == {"one": [0, 2, 4], "other": [1, 3, 5]}


def test_a_row_shows_the_median_and_the_middle_half() -> None:
    values = percent_over([102, 103, 104, 105, 126], [100] * 5)
    assert str(Row("chain", values, "{:+.1f} %", "5 pairs")) == "| chain | +4.0 % | +3.0 % to +5.0 % | 5 pairs |"


def test_a_single_value_has_no_spread() -> None:
    assert str(Row("memory", [712.4], "{:.0f} MB", "one process")) == "| memory | 712 MB |  | one process |"


def test_quick_prints_the_table_of_the_chain_and_writes_its_values(
    weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "values.json"
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    monkeypatch.setattr("sys.argv", ["bench", "--quick", "--json", str(values)])
    bench_chain.main()
    assert "| The whole chain over them, PNG files |" in capsys.readouterr().out
    rows = json.loads(values.read_text())["rows"]
    assert [len(row["values"]) for row in rows] == [2, 2, 2]


def test_what_cannot_be_measured_is_refused() -> None:
    done = subprocess.run([ROOT / "script" / "bench", "beauty"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "There is no beauty to measure: see script/bench --help.\n")


@pytest.mark.parametrize("number", range(1, 25))
def test_each_scene_of_a_story_changes_one_thing_that_its_words_name(number: int) -> None:
    told = tell(number)
    changed = [
        next(iter(differing))
        for one, other in pairwise(told.truth)
        if len(differing := {name for name in THINGS if getattr(one, name) != getattr(other, name)}) == 1
    ]
    assert sorted(changed) == sorted([*STEPS, *OTHERS] * 3)
    assert is_held_out(told.truth[0])
    assert all(abs(getattr(state, axis)) <= far for state in told.truth for axis, far in FARTHEST.items())


def test_a_picture_shows_the_state_that_it_was_drawn_of() -> None:
    chance = random.Random(0)
    for _ in range(6):
        state = random_state(chance).but(pan=chance.randint(-2, 2), zoom=chance.randint(-1, 1))
        name = chance.choice(THINGS)
        likely = state.but(**{name: chance.choice(VALUES[name])})
        assert shown(draw(state), {likely}) == state


def test_a_chain_of_drawn_truths_is_right_in_every_column() -> None:
    truth = tell(1, 6).truth
    scenes = look([draw(state) for state in truth], truth)
    wanted = {
        "nearness to the truth": 60,
        "structure": 1,
        "colour shift": 0,
        "sharpness": 1,
        "zoom creep": 0,
        "bars": 0,
    }
    for column in COLUMNS:
        assert column.of(scenes)[1:] == pytest.approx([wanted.get(column.name, 100)] * 5, abs=1.5), column.name


def seen(truth: State, shown: State) -> Sight:
    return Sight(truth, shown, decibels=20, structure=0.5, colour_shift=5, sharpness=1, zoom=1, bars=False)


def test_a_camera_that_goes_the_wrong_way_does_not_do_what_the_words_ask() -> None:
    straight, right, left = (State(pan=pan) for pan in (0, 1, -1))
    assert ASKED.of([seen(straight, straight), seen(right, right)])[1] == 100
    assert ASKED.of([seen(straight, straight), seen(right, left)])[1] == 0
    assert ASKED.of([seen(straight, left), seen(right, straight)])[1] == 100  # from where it was, the right way


def test_a_way_is_better_only_if_its_stories_say_so_together() -> None:
    scene = seen(State(), State())
    bad = replace(scene, shown=State(place="city", light="night"))
    assert better(AGREEMENT, [[scene, scene]] * 5, [[scene, bad]] * 5) == 1
    assert better(AGREEMENT, [[scene, bad]] * 5, [[scene, scene]] * 5) == -1
    assert better(AGREEMENT, [[scene, scene], [scene, bad]], [[scene, bad], [scene, scene]]) == 0


SMALL = (64, 64)


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "STEPS", 12)  # enough to tell all strengths from each other


@pytest.mark.usefixtures("few_steps")
def test_our_way_is_what_the_studio_does(small: Model) -> None:
    told = tell(1, 3)
    drawn = ways.chain(small, told, ways.OURS, ways.opening(small, told, SMALL))
    assert drawn == [take.picture for take in Studio(small).shoot(ways.planned(told, ways.OURS, SMALL), {})]


@pytest.mark.usefixtures("few_steps")
@pytest.mark.slow
def test_every_other_way_draws_other_pictures_from_the_same_opening(
    small: Model, weights_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))  # whose fast LoRA it is
    told = tell(1, 3)
    first = ways.opening(small, told, SMALL)
    drawn = {way.name: ways.chain(small, told, way, first) for way in (ways.OURS, ways.PLAIN, *ways.CHANGES)}
    assert all(chain[0] == first for chain in drawn.values())
    del drawn["first-block cache 0.1"]  # random blocks change too much from step to step for it to skip one
    alike: dict[bytes, list[str]] = {}
    for name, chain in drawn.items():
        alike.setdefault(chain[-1].tobytes(), []).append(name)
    assert [names for names in alike.values() if len(names) > 1] == []


def test_every_chain_has_files_of_its_own(tmp_path: Path) -> None:
    options = chains.Options(stories=2, scenes=3, processes=1, work=tmp_path, out=tmp_path)
    every = [(number, way) for number in (1, 2) for way in (ways.OURS, ways.PLAIN, *ways.CHANGES)]
    tasks = [chains.task_of(number, way, options) for number, way in every]
    assert len({task.sights for task in tasks} | {task.pictures for task in tasks}) == 2 * len(tasks)


@pytest.mark.slow
@pytest.mark.usefixtures("few_steps")
def test_continuity_and_ablation_write_their_pages_and_draw_nothing_twice(
    weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    monkeypatch.setattr(ablation, "CHANGES", ())
    given = f"--stories 2 --scenes 2 --processes 1 --work {tmp_path} --out {tmp_path}".split()
    monkeypatch.setattr("sys.argv", ["bench", *given])
    continuity.main()
    drawn = capfd.readouterr()
    assert "4 of 4" in drawn.err
    ablation.main()
    assert "2 of 2" in capfd.readouterr().err
    ablation.main()
    page, nothing_drawn = capfd.readouterr()
    assert "| chain |" in page
    assert not nothing_drawn
    parents.main()
    page, drawn_besides = capfd.readouterr()
    assert "6 of 6" in drawn_besides
    assert "| agreement with the truth |" in page
    assert list(json.loads((tmp_path / "parents.json").read_text())["ways"]) == [
        "chain",
        "chain, reworded",
        "tree",
        "same view first",
    ]
    assert drawn.out.strip() == (tmp_path / "continuity.md").read_text().strip()
    assert list(json.loads((tmp_path / "continuity.json").read_text())["ways"]) == ["ours", "plain"]
    for name in ("continuity.png", "continuity-stories.png"):
        Image.open(tmp_path / name).verify()


def test_a_batch_is_compared_picture_by_picture_with_its_stories_alone(tmp_path: Path) -> None:
    for part, pictures_there in {"alone": b"12345", "local": b"1x34", "ray": b"12345"}.items():
        (tmp_path / part / "story").mkdir(parents=True)
        takes = [{"takes": [1, 2] if part == "ray" and not number else [1]} for number in range(5)]
        (tmp_path / part / "story/run.json").write_text(json.dumps({"scenes": takes}))
        for number, picture in enumerate(pictures_there):
            (tmp_path / part / "story" / f"scene_00{number}.png").write_bytes(bytes([picture]))
    told: batch.Figures = {"drawn": 6, "failed": 0, "kills": 1, "cpu": 134, "rays": 0}
    found: dict[str, batch.Figures] = {"alone": {"cpu": 100, "start": 10}, "local": told, "ray": told}
    local, ray = (list(batch.compare(tmp_path, part, found, 5).values()) for part in ("local", "ray"))
    assert local == ["0", "1", "1", "0", "1", "+4.0 %", "3, 10.0 s each", "0 s"]
    assert ray[1:4] == ["0", "0", "1"]

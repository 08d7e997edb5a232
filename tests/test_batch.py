"""Many stories: read from wherever they lie, made one by one or side by side, and what became of each."""

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import batch_workers
import pytest
import warm
from conftest import photo

from nextscene import NextSceneError, pictures
from nextscene.batch import Batch, Folder, Job, Outcome, Task, Wanted, read_jobs, table
from nextscene.batch.branches import branches
from nextscene.batch.line import Line
from nextscene.batch.workers import Here, Processes, settings_of
from nextscene.cli import main
from nextscene.settings import StorySettings
from nextscene.story import from_prompts, plan

QUICK = ["--steps", "2", "--width", "64", "--height", "64", "--seed", "3"]


@pytest.fixture
def batch(weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that commands run in, with a tiny model."""
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stories_in(folder: str) -> dict[str, dict[str, object]]:
    return dict(json.loads(Path(folder, "batch.json").read_text())["stories"])


def test_stories_are_files_lines_and_rows(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("a | b")
    (tmp_path / "a.json").write_text('{"scenes": ["a"], "seed": 3}')
    (tmp_path / "notes.md").write_text("no story")
    (tmp_path / "many.jsonl").write_text('{"name": "harbour", "scenes": ["a", "b", "c"]}\n\n["x, y"]\n')
    (tmp_path / "rows.csv").write_text('name,prompts,strength,seed\nmill,"a, at noon | b",0.8,4\n,c,,\n')
    jobs = {job.name: job.story for job in read_jobs([tmp_path])}
    assert list(jobs) == ["a", "b", "harbour", "many_0003", "mill", "rows_0002"]
    assert [len(story.scenes) for story in jobs.values() if story] == [1, 2, 3, 1, 2, 1]
    mill, last = jobs["mill"], jobs["rows_0002"]
    assert mill
    assert (mill.scenes[0].prompt, mill.strength, mill.seed) == ("a, at noon", 0.8, 4)
    assert last
    assert last.given.keys() == {"scenes"}


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("a.jsonl", '{"scenes": ["a"]', "is not JSON"),
        ("a.jsonl", '{"scenes": ["a"], "strenght": 1}', "strenght: there is no such field"),
        ("a.csv", "prompts,strength\na,strong", "strength: input should be"),
        ("a.json", "[]", "A story has 1 to"),
    ],
)
def test_a_story_that_is_not_right_keeps_its_place_with_what_is_wrong(
    tmp_path: Path, file: str, text: str, why: str
) -> None:
    (tmp_path / file).write_text(text)
    (job,) = read_jobs([tmp_path])
    assert job.story is None
    assert why in job.problem


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "There is no story here"),
        ({"a.json": '["a"]', "a.txt": "a"}, "2 stories are named 'a'"),
        ({"a.csv": "name,seed\na,1"}, "has no column 'prompts'"),
        ({"a.jsonl": '{"name": "../a", "scenes": ["a"]}'}, "'../a' cannot name a story's folder"),
        ({"a.jsonl": '{"name": "batch", "scenes": ["a"]}'}, "'batch' cannot name a story's folder"),
    ],
)
def test_what_is_no_batch_is_said_before_anything_is_made(tmp_path: Path, files: dict[str, str], why: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(NextSceneError, match=why):
        read_jobs([tmp_path])


def test_every_story_is_made_in_its_folder_and_one_that_fails_stops_no_other(
    batch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (batch / "more").mkdir()
    photo().save(batch / "more" / "door.png")
    (batch / "more" / "door.json").write_text('{"scenes": ["a"], "image": "door.png", "cast": ["door.png"]}')
    (batch / "more" / "lost.json").write_text('{"scenes": ["a"], "image": "lost.png"}')
    (batch / "two.txt").write_text("a | b")
    command = ["batch", "more", "two.txt", *QUICK, "--output-dir", "out", "--film", ".gif"]
    assert main([*command, "--dry-run"]) == 0
    assert "2 of 3 stories can be made, 4 scenes in all." in capsys.readouterr().out
    assert not Path("out").exists()

    assert main(command) == 1
    said = capsys.readouterr()
    assert "error: 1 of 3 stories failed (lost)" in said.err
    assert "two: 2 scene(s), 2 drawn now (3 of 3, 1 failed, about 0 s left)." in said.out
    states = {name: story["state"] for name, story in stories_in("out").items()}
    assert states == {"door": "made", "lost": "failed", "two": "made"}
    assert "lost.png" in str(stories_in("out")["lost"]["reason"])
    assert {file.name for file in Path("out/two").iterdir()} > {"scene_002.png", "film.gif", "run.json", "log.txt"}
    assert "Scene 2 drawn" in Path("out/two/log.txt").read_text()

    photo().save(batch / "more" / "lost.png")
    assert main(command) == 0
    assert "two: 2 scene(s), 0 drawn now" in capsys.readouterr().out
    assert stories_in("out")["lost"]["state"] == "made"


@pytest.mark.parametrize(
    ("flag", "number", "why"),
    [
        ("--workers", "0", "--workers: give 1 to 64, not 0."),
        ("--workers", "65", "--workers: give 1 to 64, not 65."),
        ("--retries", "-1", "--retries: give 0 to 100, not -1."),
        ("--price", "nan", "--price: give what an hour of a worker costs, not nan."),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_in_a_sentence(
    batch: Path, capsys: pytest.CaptureFixture[str], flag: str, number: str, why: str
) -> None:
    (batch / "a.txt").write_text("a")
    assert main(["batch", "a.txt", f"{flag}={number}", "--dry-run"]) == 1
    assert capsys.readouterr().err == f"error: {why}\n"


def test_its_pictures_are_those_of_a_run_alone(weights_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_text("a | b")
    environment = warm.ENVIRONMENT | {"NEXT_SCENE_MODEL": str(weights_folder)}
    for command, out in (("batch", "out"), ("sequence", "alone")):
        arguments = ("-m", "nextscene.cli", command, "two.txt", *QUICK, "--output-dir", out)
        assert warm.run(*arguments, cwd=tmp_path, env=environment).returncode == 0
    for name in ("scene_001.png", "scene_002.png"):
        assert pictures.read(tmp_path / "out/two" / name) == pictures.read(tmp_path / "alone" / name)


def forked(folder: Path) -> None:
    """A story whose third and fourth scene both grow from its first, and a second root."""
    scenes = ["a", "b", {"prompt": "c", "after": "scene_001"}, {"prompt": "d"}, {"prompt": "e", "after": None}]
    (folder / "forked.json").write_text(json.dumps({"scenes": scenes, "continuity": "chain"}))


def test_a_story_has_branches_where_scenes_do_not_depend_on_each_other(tmp_path: Path) -> None:
    forked(tmp_path)
    (job,) = read_jobs([tmp_path])
    assert job.story
    assert [
        (branch.scenes, set(branch.needs)) for branch in branches(plan(job.story, StorySettings(), 1, (64, 64)))
    ] == [
        (("scene_001",), set()),
        (("scene_002",), {"scene_001"}),
        (("scene_003", "scene_004"), {"scene_001"}),
        (("scene_005",), set()),
    ]
    chain = plan(from_prompts(["a", "b", "c"]), StorySettings(), 1, (64, 64))
    assert branches(chain) == branches(chain[1:]) == []


def test_branches_are_drawn_side_by_side_when_there_are_more_workers_than_stories(
    weights_folder: Path, tmp_path: Path
) -> None:
    forked(tmp_path)
    environment = warm.ENVIRONMENT | {"NEXT_SCENE_MODEL": str(weights_folder)}
    (tmp_path / "drawn.py").write_text(BRANCHES)
    run = warm.run(str(tmp_path / "drawn.py"), cwd=tmp_path, env=environment)
    assert run.returncode == 0, run.stderr
    arguments = ("-m", "nextscene.cli", "sequence", "forked.json", *QUICK, "--output-dir", "alone")
    assert warm.run(*arguments, cwd=tmp_path, env=environment).returncode == 0
    for number in range(1, 6):
        name = f"scene_{number:03d}.png"
        assert (tmp_path / "out/forked" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert not (tmp_path / "out/forked/parts").exists()
    assert stories_in(str(tmp_path / "out"))["forked"]["state"] == "made"
    assert json.loads(run.stdout) == {"together": True, "drawn": 5}


# Three workers in one process, which take turns: that two branches are under way at once is seen with one model.
BRANCHES = """
import json
from pathlib import Path

from nextscene.batch import Batch, Folder, Outcome, Wanted, read_jobs
from nextscene.batch.workers import Maker
from nextscene.settings import StorySettings


class InTurn:
    size, divides = 3, True

    def __init__(self, make):
        self.make, self.at_work, self.most = make, [], 0

    @property
    def free(self):
        return len(self.at_work) < 3

    def give(self, task):
        self.at_work.append(self.make(task))
        self.most = max(self.most, len(self.at_work))

    def take(self):
        event = next(self.at_work[0])
        if isinstance(event, Outcome):
            self.at_work.pop(0)
        return event

    def close(self):
        pass


wanted = Wanted(StorySettings(steps=2, width=64, height=64, seed=3))
batch = Batch(read_jobs(["forked.json"]), Folder(Path("out")), wanted)
workers = InTurn(Maker(batch.place.path, wanted))
*_, last = batch.run(lambda: workers)
print(json.dumps({"together": workers.most > 1, "drawn": last.drawn}))
"""


def test_what_a_branch_could_not_draw_the_story_draws_itself(tmp_path: Path) -> None:
    forked(tmp_path)
    (job,) = read_jobs([tmp_path])
    assert job.story
    found = branches(plan(job.story, StorySettings(), 1, (64, 64)))
    line = Line([job], 3, lambda _: (found, 5), retries=1)
    trunk, other = line.next(), line.next()
    assert trunk
    assert other
    assert [trunk.branch, other.branch, line.next()] == [found[0], found[3], None]
    assert not line.end(Outcome("forked", "failed", 0, again=True, branch=found[0]))
    second, third = line.next(), line.next()
    for branch in (found[3], found[1], found[2]):
        assert line.next() is None
        assert not line.end(Outcome("forked", "made", 0, branch=branch))
    assert second
    assert third
    whole = line.next()
    assert whole == Task(job, None, 5)
    assert not line.end(Outcome("forked", "failed", 0, again=True))
    assert line.next() == Task(job)
    assert line.end(Outcome("forked", "failed", 0, again=True))
    assert not line


def test_the_manifest_is_also_a_table_with_a_row_for_each_scene(batch: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not here: requirements-fleet.txt")
    (batch / "two.txt").write_text("a | b")
    (batch / "lost.json").write_text('{"scenes": ["a"], "image": "lost.png"}')
    assert main(["batch", "two.txt", "lost.json", *QUICK, "--output-dir", "out", "--parquet"]) == 1
    rows = parquet.read_table("out/batch.parquet").to_pylist()
    assert [(row["story"], row["state"], row["scene"], row["file"]) for row in rows] == [
        ("two", "made", "scene_001", "two/scene_001.png"),
        ("two", "made", "scene_002", "two/scene_002.png"),
        ("lost", "failed", None, None),
    ]
    made = stories_in("out")["two"]["scenes"]
    assert isinstance(made, list)
    assert [(row["sha256"], row["seed"], row["seconds"]) for row in rows[:2]] == [
        (scene["sha256"], scene["seed"], scene["seconds"]) for scene in made
    ]
    assert "lost.png" in rows[2]["reason"]


def test_without_pyarrow_a_table_is_refused_before_anything_is_drawn(
    batch: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "find_spec", lambda _: None)
    (batch / "a.txt").write_text("a")
    assert main(["batch", "a.txt", *QUICK, "--output-dir", "out", "--parquet"]) == 1
    assert "--parquet needs the package pyarrow" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_dry_run_says_how_long_it_takes_and_what_it_costs(batch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (batch / "a.txt").write_text("a | b")
    command = ["batch", *QUICK, "--output-dir", "out", "--price", "3600", "a.txt"]
    assert main([*command, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "To draw: 2 of 2 scenes, 8 forward passes of the model." in said
    assert "at the least, on H200s" in said
    assert main(command) == 0
    (batch / "more.txt").write_text("c | d | e")
    capsys.readouterr()
    assert main([*command, "more.txt", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "a: 2 scene(s), 2 of them drawn already, 64x64, 2 steps" in said
    assert "To draw: 3 of 5 scenes" in said
    seconds = [scene["seconds"] for scene in stories_in("out")["a"]["scenes"]]  # type: ignore[attr-defined]
    cost = float(said.split("Cost: about ")[1].split(",")[0])  # at 1 a second
    assert cost == pytest.approx(sum(seconds) * 5 / 3, rel=0.01, abs=0.01)  # by references: 1 and 2, then 1, 2 and 2


def test_what_no_batch_wrote_is_not_written_over(batch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (batch / "a.txt").write_text("a")
    (batch / "batch.json").write_text("mine")
    assert main(["batch", "a.txt", *QUICK, "--output-dir", "."]) == 1
    assert "batch.json is in the way" in capsys.readouterr().err
    assert (batch / "batch.json").read_text() == "mine"


def test_a_worker_that_dies_is_replaced_and_its_story_tried_again(tmp_path: Path) -> None:
    story = from_prompts(["a"])
    jobs = [Job(name, tmp_path, story) for name in ("one", "weak", "deadly", "two")]
    many = Batch(jobs, Folder(tmp_path / "out"), Wanted(), retries=2)
    for _ in many.run(lambda: Processes(partial(batch_workers.make, tmp_path), settings_of(2, 0))):
        pass
    ended = {name: (outcome.state, outcome.reason) for name, outcome in many.outcomes.items()}
    assert ended.pop("deadly") == ("failed", "its worker ended with 9")
    assert ended == dict.fromkeys(("one", "weak", "two"), ("made", ""))
    assert len(list(tmp_path.glob("deadly-*"))) == 3
    assert (tmp_path / "one-0").read_text() == str(max(1, (os.cpu_count() or 1) // 2))


def test_a_batch_that_is_stopped_says_what_was_done(tmp_path: Path) -> None:
    def make(task: Task) -> Iterator[Outcome]:
        if task.job.name == "third":
            raise KeyboardInterrupt
        yield Outcome(task.job.name, "made", 0)

    jobs = [Job(name, tmp_path, from_prompts(["a"])) for name in ("first", "second", "third")]
    stopped = Batch(jobs, Folder(tmp_path), Wanted()).run(lambda: Here(make))
    with pytest.raises(KeyboardInterrupt):
        list(stopped)
    states = {name: story["state"] for name, story in stories_in(str(tmp_path)).items()}
    assert states == {"first": "made", "second": "made", "third": "waiting"}


def test_each_worker_sees_one_of_the_gpus_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [each["CUDA_VISIBLE_DEVICES"] for each in settings_of(3, 2)] == ["0", "1", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert [each["CUDA_VISIBLE_DEVICES"] for each in settings_of(2, 2)] == ["2", "5"]

"""A batch on a Ray cluster of two nodes, one of which is lost, and a worker with it."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import warm

from nextscene import NextSceneError
from nextscene.batch import Batch, Folder, Wanted, read_jobs, workers_on
from nextscene.batch.on_ray import OnRay
from nextscene.settings import StorySettings

ray = pytest.importorskip("ray", reason="ray is not here: install what requirements-fleet.txt lists")

# Nodes that are gone are noticed soon; workers do not give way to all else that runs here.
QUICK = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000, "health_check_timeout_ms": 5000}
QUICK |= {"health_check_failure_threshold": 3, "worker_niceness": 0}
WANTED = Wanted(StorySettings(steps=2, width=64, height=64, seed=3))
FORKED = ["a", "b", {"prompt": "c", "after": "scene_001"}, "d", {"prompt": "e", "after": None}]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that makes nothing, and two nodes; each of a core."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": QUICK}
    made = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        made.add_node(num_cpus=1)
    yield made
    made.shutdown()


@pytest.mark.slow
def test_nothing_is_lost_with_a_worker_and_a_node_and_nothing_whole_is_drawn_twice(
    cluster: Any, weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    (tmp_path / "stories").mkdir()
    for name in ("one", "two", "three"):
        (tmp_path / "stories" / f"{name}.txt").write_text("a | b | c")
    (tmp_path / "stories/zoo.json").write_text(json.dumps({"scenes": FORKED, "continuity": "chain"}))
    place = Folder(tmp_path / "out")
    batch = Batch(read_jobs([tmp_path / "stories"]), place, WANTED, retries=3)
    drawn = 0
    for progress in batch.run(workers_on(f"ray:{cluster.address}", place, WANTED)):
        drawn = progress.drawn
        if progress.outcome is None and drawn == 1:
            os.kill(next(iter(workers())).pid, signal.SIGKILL)
        if progress.outcome is None and drawn == 5:
            cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
            cluster.add_node(num_cpus=1)
    assert {name: outcome.state for name, outcome in batch.outcomes.items()} == dict.fromkeys(
        ("one", "two", "three", "zoo"), "made"
    )
    assert drawn <= 14 + 2  # all scenes, and those that were under way

    environment = warm.ENVIRONMENT | {"NEXT_SCENE_MODEL": str(weights_folder)}
    flags = ("--steps", "2", "--width", "64", "--height", "64", "--seed", "3", "--output-dir", "alone")
    arguments = ("-m", "nextscene.cli", "batch", "stories", *flags)
    assert warm.run(*arguments, cwd=tmp_path, env=environment).returncode == 0
    for file in (tmp_path / "alone").rglob("scene_*.png"):
        ours_too = tmp_path / "out" / file.relative_to(tmp_path / "alone")
        assert ours_too.read_bytes() == file.read_bytes(), file
    ours, theirs = (json.loads((tmp_path / name / "batch.json").read_text())["stories"] for name in ("out", "alone"))
    for name, story in ours.items():
        assert [scene | {"seconds": 0} for scene in story["scenes"]] == [
            scene | {"seconds": 0} for scene in theirs[name]["scenes"]
        ]
        run = json.loads((tmp_path / "out" / name / "run.json").read_text())
        assert [len(scene["takes"]) for scene in run["scenes"]] == [1] * len(run["scenes"])


def workers() -> Iterator[psutil.Process]:
    """The actors' processes that have loaded the model."""
    for process in psutil.process_iter():
        if process.name().startswith("ray::_Actor"):
            yield process


def test_a_cluster_that_does_not_answer_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NextSceneError, match=r"no cluster answers at 127\.0\.0\.1:9"):
        OnRay("127.0.0.1:9", Folder(tmp_path), Wanted())

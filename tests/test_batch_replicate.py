"""A batch on Replicate: as the stand-in with the real model gives it, and through all that goes wrong on the way."""

import json
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
import server as servers
from conftest import ROOT
from predicted import Predicted

from nextscene import NextSceneError, pictures, replicate_client
from nextscene.api import load
from nextscene.batch import Batch, Folder, Outcome, Task, Wanted, production, read_jobs, workers_on
from nextscene.hub import find
from nextscene.model import Model
from nextscene.production import Production
from nextscene.request import Request
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import from_prompts

WANTED = Wanted(StorySettings(steps=2, width=64, height=64, seed=3))


@pytest.fixture(scope="module")
def files(loaded: Model, weights_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What a container gives of the story "a | b"."""
    folder = tmp_path_factory.mktemp("container")
    request = Request(
        story=from_prompts(["a", "b"]),
        folder=folder,
        settings=WANTED.settings,
        sheet=folder / "contact_sheet.png",
        deliver_record=True,
    )
    return [file.read_bytes() for file in Production(request, find(str(weights_folder))).run(lambda: Studio(loaded))]


@pytest.fixture
def api(files: list[bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Predicted]:
    with Predicted(files) as served:
        monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_a-secret")
        monkeypatch.setenv("REPLICATE_API_BASE_URL", served.url)
        yield served


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Those that would have been made."""
    made: list[float] = []
    monkeypatch.setattr(replicate_client, "sleep", made.append)
    return made


def make(folder: Path, *names: str, retries: int = 1, on: str = "replicate:me/scenes") -> dict[str, Outcome]:
    """Makes stories "a | b" of these names; how each one ended."""
    for name in names:
        (folder / f"{name}.txt").write_text("a | b")
    place = Folder(folder / "out")
    batch = Batch(read_jobs([folder / f"{name}.txt" for name in names]), place, WANTED, retries)
    for _ in batch.run(workers_on(on, place, WANTED)):
        pass
    return batch.outcomes


def test_a_prediction_becomes_a_folder_like_any_runs(
    api: Predicted, weights_folder: Path, tmp_path: Path, files: list[bytes]
) -> None:
    made = make(tmp_path, "one", "two")
    assert [(outcome.state, [scene.new for scene in outcome.scenes]) for outcome in made.values()] == [
        ("made", [True, True])
    ] * 2
    assert {order["version"] for order in api.orders} == {"v7"}
    for name in ("one", "two"):
        folder = tmp_path / "out" / name
        assert [(folder / f"scene_00{number}.png").read_bytes() for number in (1, 2)] == files[:2]
        assert (folder / "contact_sheet.png").read_bytes() == files[2]
    (job,) = read_jobs([tmp_path / "one.txt"])
    run = production(Task(job), tmp_path / "out/one", WANTED, find(str(weights_folder)))
    assert run.still_to_draw() == []  # it goes on like any other
    assert make(tmp_path, "one", "two")["two"].scenes[0].new is False
    assert len(api.orders) == 2


def test_throttled_and_cut_off_it_is_tried_until_all_is_there(
    api: Predicted, tmp_path: Path, pauses: list[float], files: list[bytes]
) -> None:
    api.refusals, api.cuts = iter([429, 0, 429, 429, 0, 503, 429]), iter([True, False, True, True])
    assert make(tmp_path, "one")["one"].state == "made"
    assert max(pauses) >= 4  # what was asked for, less the pause that is made in any case
    assert (tmp_path / "out/one/scene_002.png").read_bytes() == files[1]
    assert len(api.orders) == 1


def test_what_fails_for_no_reason_of_its_own_is_ordered_again(api: Predicted, tmp_path: Path) -> None:
    api.endings = iter(["failed", "succeeded"])
    assert make(tmp_path, "one")["one"].state == "made"
    assert len(api.orders) == 2
    api.endings = repeat("failed")
    assert make(tmp_path, "two", retries=2)["two"].reason == "the GPU is on fire"
    assert len(api.orders) == 5


def test_what_the_model_refuses_is_not_ordered_again(api: Predicted, tmp_path: Path) -> None:
    api.endings, api.error = repeat("failed"), "Next Scene: Scene 1 is too long: shorten it."
    outcome = make(tmp_path, "one", retries=3)["one"]
    assert (outcome.state, outcome.reason) == ("failed", "Scene 1 is too long: shorten it.")
    assert len(api.orders) == 1


def test_files_that_expired_are_made_anew(api: Predicted, tmp_path: Path) -> None:
    api.endings = iter(["expired", "succeeded"])
    assert make(tmp_path, "one")["one"].state == "made"
    assert len(api.orders) == 2


class KilledError(BaseException):
    """As by kill -9: nothing is caught on the way."""


def test_a_client_that_was_killed_takes_up_what_runs(
    api: Predicted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_seconds: float) -> None:
        if api.orders and api.orders[-1]["looks"]:
            raise KilledError

    api.looks = 3
    with monkeypatch.context() as patched:
        patched.setattr(replicate_client, "sleep", die)
        with pytest.raises(KilledError):
            make(tmp_path, "one")
    assert json.loads((tmp_path / "out/one/prediction.json").read_text())["id"] == "p0"
    assert make(tmp_path, "one")["one"].state == "made"
    assert len(api.orders) == 1


def test_a_client_that_was_killed_before_it_knew_the_prediction_finds_it(
    api: Predicted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = replicate_client.ReplicateClient.ask

    def ask_and_die(self: replicate_client.ReplicateClient, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = ask(self, method, path, **more)
        if method == "POST":
            raise KilledError
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(replicate_client.ReplicateClient, "ask", ask_and_die)
        with pytest.raises(KilledError):
            make(tmp_path, "one")
    assert "placing" in json.loads((tmp_path / "out/one/prediction.json").read_text())
    assert make(tmp_path, "one")["one"].state == "made"
    assert len(api.orders) == 1


@pytest.mark.parametrize(
    ("on", "why"),
    [
        ("replicate:me", "name the model as replicate:OWNER/NAME"),
        ("moon", "--on: give local, ray"),
    ],
)
def test_where_it_is_to_run_is_said_so_that_it_can_be(tmp_path: Path, on: str, why: str) -> None:
    with pytest.raises(NextSceneError, match=why):
        make(tmp_path, "one", on=on)


def test_without_a_token_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN", raising=False)
    with pytest.raises(NextSceneError, match="set REPLICATE_API_TOKEN"):
        make(tmp_path, "one")


def test_the_stand_in_gives_what_this_machine_draws(
    server: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", servers.TOKEN)
    monkeypatch.setenv("REPLICATE_API_BASE_URL", server.api)
    monkeypatch.setenv("SSL_CERT_FILE", str(ROOT / ".cog/replicate-api.pem"))
    monkeypatch.setattr(replicate_client, "sleep", time.sleep)
    made = make(tmp_path, "one", "two")
    assert {outcome.state for outcome in made.values()} == {"made"}
    (job,) = read_jobs([tmp_path / "one.txt"])
    alone = production(Task(job), tmp_path / "alone", WANTED, find("storybook"))
    drawn = list(alone.run(lambda: load("storybook", lasting=False)))
    assert [file.name for file in drawn] == ["scene_001.png", "scene_002.png", "contact_sheet.png"]
    for file in drawn:
        assert pictures.read(file) == pictures.read(tmp_path / "out/one" / file.name)

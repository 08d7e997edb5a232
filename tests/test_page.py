"""The page's server, by plain HTTP: what it refuses, what it shows, and that it draws what was asked for."""

import base64
import http.client
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from conftest import ROOT, photo

from nextscene import NextSceneError
from nextscene.cli import main
from nextscene.hub import find
from nextscene.model import Model
from nextscene.page import Director, Server
from nextscene.shooting import Studio

STORY = {"scenes": ["a house", "the camera pans left", "night falls"], "seed": 5, "steps": 2, "width": 64, "height": 64}


class Page:
    """A page's server, and one who asks it."""

    def __init__(self, server: Server) -> None:
        self.server, self.folder = server, server.director.folder

    def ask(self, path: str, body: Any = None, method: str | None = None, **headers: str) -> tuple[int, Any, Any]:
        """Its status, what it says, and its headers. What is asked is asked as our own page does it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=60)
        own = {"X-Token": self.server.token} if body is not None else {}
        data = None if body is None else json.dumps(body).encode() if not isinstance(body, bytes) else body
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, data, own | headers)
            answer = connection.getresponse()
            raw = answer.read()
            kind = answer.getheader("Content-Type") == "application/json"
            return answer.status, json.loads(raw) if kind else raw, dict(answer.getheaders())
        finally:
            connection.close()

    def draw(self, **order: Any) -> Any:
        """Has it drawn, to its end; the folder then."""
        status, answer, _ = self.ask("/api/draw", {"film": False, **order})
        assert status == 200, answer
        self.server.director.work.wait()
        assert self.server.director.work.status.stage == "done", self.server.director.work.status
        return self.ask("/api/state")[1]

    @contextmanager
    def events(self) -> Iterator[Iterator[tuple[str, Any]]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=60)
        connection.request("GET", "/api/events")
        with closing(connection), closing(connection.getresponse()) as answer:
            yield (
                (block[0].removeprefix("event: "), json.loads(block[1].removeprefix("data: ")))
                for block in iter(lambda: [answer.readline().decode().strip() for _ in range(3)], None)
            )


@contextmanager
def serving(folder: Path, weights: Path, model: Model) -> Iterator[Page]:
    with Server(Director(folder, find(str(weights)), lambda: Studio(model)), 0) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield Page(server)
        finally:
            server.director.stop()
            server.director.work.wait()
            server.shutdown()
            thread.join()


@pytest.fixture
def page(tmp_path: Path, weights_folder: Path, small: Model) -> Iterator[Page]:
    with serving(tmp_path / "run", weights_folder, small) as page:
        yield page


def test_another_host_another_origin_and_another_token_are_refused(page: Page) -> None:
    port = page.server.server_port
    assert page.ask("/", Host="evil.example")[0] == 421  # a name that was made to point here
    assert page.ask("/", Host=f"127.0.0.1:{port + 1}")[0] == 421
    assert page.ask("/api/state", Origin="http://evil.example")[0] == 403
    assert page.ask("/api/state", Origin=f"http://127.0.0.1:{port}")[0] == 200
    assert page.ask("/api/state", Host=f"localhost:{port}")[0] == 200
    for wrong in ("", "x", "é", page.server.token[:-1]):
        status, answer, _ = page.ask("/api/draw", {"story": STORY}, X_Token=wrong)
        assert (status, "token" in answer["problem"]) == (403, True)
    assert not page.folder.exists()


def test_only_the_page_itself_has_the_token_and_nothing_from_elsewhere_may_run_in_it(page: Page) -> None:
    _, html, headers = page.ask("/")
    assert page.server.token in html.decode()
    assert page.server.token not in json.dumps(page.ask("/api/state")[1])
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert not re.search(rb"(src|href)=.?(http|//)", html)
    for name in ("/page.js", "/page.css"):
        assert page.ask(name)[0] == 200
    assert b"http:" not in page.ask("/page.js")[1] + page.ask("/page.css")[1]


def test_only_files_of_the_run_are_given_whatever_a_link_says(page: Page, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    (page.folder / "takes").mkdir(parents=True)
    (page.folder / "link.json").symlink_to(secret)
    (page.folder / "out").symlink_to(tmp_path)
    (page.folder / ".hidden.json").write_text("{}")
    (page.folder / "page.html").write_text("<script>")
    photo().save(page.folder / "takes/a.png")
    assert page.ask("/files/takes/a.png")[0] == 200
    refused = ["../secret.json", "%2e%2e/secret.json", "..%2fsecret.json", "link.json", "out/secret.json", str(secret)]
    refused += [".hidden.json", "page.html", "takes", "takes/", "", "a%00.png", "x" * 5000 + ".png", "/etc/passwd"]
    for name in refused:
        assert page.ask(f"/files/{name}")[0] == 404, name
    assert [file["name"] for file in page.ask("/api/state")[1]["files"]] == []


def test_a_part_of_a_file_can_be_asked_for(page: Page) -> None:
    page.folder.mkdir()
    (page.folder / "sequence.mp4").write_bytes(bytes(range(100)))

    def part(wanted: str) -> tuple[int, bytes, str | None]:
        status, body, headers = page.ask("/files/sequence.mp4", Range=wanted)
        return status, body, headers.get("Content-Range")

    whole = bytes(range(100))
    assert part("bytes=10-19") == (206, whole[10:20], "bytes 10-19/100")
    assert part("bytes=90-") == (206, whole[90:], "bytes 90-99/100")
    assert part("bytes=-7") == (206, whole[93:], "bytes 93-99/100")
    assert part("bytes=50-1000") == (206, whole[50:], "bytes 50-99/100")
    assert part("bytes=100-") == (416, b"", "bytes */100")
    assert part("bytes=9-3")[0] == 416
    for not_one_part in ("bytes=1-2,4-5", "bytes=-", "lines=1-2", ""):
        assert part(not_one_part) == (200, whole, None)


def test_what_is_wrong_is_said_in_a_sentence(page: Page) -> None:
    wrong: list[tuple[Any, int, str]] = [
        ({"story": {"scenes": ["a", {"prompt": "b", "strength": 7}]}}, 400, "scene 2, strength"),
        ({"text": "  "}, 400, "A story has 1 to 300 scenes"),
        ({"paint": True}, 400, "paint: there is no such field"),
        ({}, 400, "No story was begun"),
        (b"{", 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
    ]
    for body, code, words in wrong:
        status, answer, _ = page.ask("/api/plan", body)
        assert (status, words in answer["problem"]) == (code, True), answer
    assert page.ask("/api/plan", b"", Content_Length="99999999999")[0] == 413
    assert page.ask("/api/nothing")[0] == page.ask("/api/nothing", {})[0] == 404


def test_a_plan_says_what_would_be_drawn_and_why_before_anything_is(page: Page) -> None:
    status, plan, _ = page.ask("/api/plan", {"text": "a house | the camera pans left"})
    assert status == 200
    assert [shot["why"] for shot in plan["shots"]] == ["not drawn yet"] * 2
    assert (plan["to_draw"], plan["guessed"], plan["film_seconds"]) == (2, True, 1.0)
    assert plan["seconds"] > 0
    assert [scene["id"] for scene in plan["story"]["scenes"]] == ["scene_001", "scene_002"]
    assert not page.folder.exists()

    story = page.draw(story=STORY)["story"]
    same = page.ask("/api/plan", {"story": story})[1]
    assert (same["to_draw"], same["seconds"]) == (0, 0)
    story["scenes"][1]["prompt"] = "the camera pans right"
    changed = page.ask("/api/plan", {"story": story})[1]
    whys = ["", "its words changed", "grows from scene_002"]
    assert ([shot["why"] for shot in changed["shots"]], changed["to_draw"]) == (whys, 2)
    assert (changed["seconds"] > 0, changed["guessed"]) == (True, False)
    story["scenes"][1] = {"prompt": "the camera pans left", "id": "scene_002", "strength": 0.9}
    changed = page.ask("/api/plan", {"story": story})[1]
    assert [shot["why"] for shot in changed["shots"]] == ["", "its settings changed", "grows from scene_002"]
    assert page.ask("/api/plan", {"text": "a tower"})[1]["sets_aside"]
    state = page.ask("/api/state")[1]
    assert [len(scene["takes"]) for scene in state["scenes"]] == [1, 1, 1]  # nothing was drawn for all these questions


def test_a_first_picture_is_given_and_a_breakdown_comes_back(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (ROOT / "samples" / "tower.fountain").read_text()
    plan = page.ask("/api/plan", {"text": script, "script": True})[1]
    breakdown = json.loads(plan["breakdown"])
    breakdown["scenes"][0]["shots"][1]["picture"] = "a blue tower"
    data = BytesIO()
    photo(64, 64).save(data, "PNG")
    first = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    given = {"text": json.dumps(breakdown), "script": True, "image": first}
    plan = page.ask("/api/plan", given)[1]
    assert [shot["grows_from"] for shot in plan["shots"]][:2] == ["image", "s1a"]
    assert "a blue tower" in plan["shots"][1]["words"]
    assert not page.folder.exists()

    drawn = page.draw(story={**STORY, "scenes": ["a house"]}, image=first)
    assert drawn["scenes"][0]["grows_from"] == "image"
    assert page.ask("/api/plan", {"story": drawn["story"]})[1]["to_draw"] == 0  # the folder has it now
    wrong = [
        ({"story": STORY, "image": "data:image/png;base64,####"}, "The first picture is no picture"),
        ({"story": STORY, "image": "/etc/passwd"}, "The first picture is no picture"),
        ({"text": script, "script": True, "writer": "http://localhost/v1"}, "There is no writer 'http://localhost/v1'"),
    ]
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    wrong += [({"text": script, "script": True, "writer": "openai"}, "The writer openai needs a key")]
    for body, words in wrong:
        status, answer, _ = page.ask("/api/plan", body)
        assert (status, words in answer["problem"]) == (400, True), answer
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-this-machine")
    state = page.ask("/api/state")[1]
    assert "openai" in state["writers"]
    assert "sk-of-this-machine" not in json.dumps(state)


def test_what_the_plan_says_is_what_is_drawn(page: Page) -> None:
    story = page.draw(story=STORY)["story"]
    scenes = story["scenes"]
    swapped = {**story, "scenes": [scenes[0], scenes[2], scenes[1]]}
    expected = {shot["id"] for shot in page.ask("/api/plan", {"story": swapped})[1]["shots"] if shot["why"]}
    drawn = page.draw(story=swapped)["scenes"]
    assert {scene["id"] for scene in drawn if len(scene["takes"]) == 2} == expected == {"scene_002", "scene_003"}
    back = page.ask("/api/plan", {"story": story})[1]
    assert back["to_draw"] == 0  # their first takes are found again
    assert [scene["chosen"] for scene in page.draw(story=story)["scenes"]] == [1, 1, 1]


def test_scenes_are_taken_again_and_chosen_and_what_is_stale_is_drawn_again(page: Page) -> None:
    page.draw(story=STORY)
    state = page.draw(retake=["scene_002"])
    assert [len(scene["takes"]) for scene in state["scenes"]] == [1, 2, 1]
    assert (state["scenes"][1]["chosen"], state["stale"]) == (2, ["scene_003"])
    assert page.draw(use=["scene_002:1"])["stale"] == []
    state = page.draw(use=["scene_002:2"])
    assert state["stale"] == ["scene_003"]
    assert page.draw(cascade=True)["stale"] == []
    take = page.ask("/api/state")[1]["scenes"][1]["takes"][1]["picture"]
    assert page.ask(take)[1][:4] == b"\x89PNG"
    with zipfile.ZipFile(BytesIO(page.ask("/pictures.zip")[1])) as pack:
        assert pack.namelist() == ["scene_001.png", "scene_002.png", "scene_003.png"]


def test_scenes_and_progress_come_as_events_while_the_model_draws(page: Page) -> None:
    page.draw(story={**STORY, "scenes": ["a house"]})
    scenes, stages = {}, set()
    with page.events() as events:
        assert next(data["stage"] for name, data in events if name == "status") == "done"
        assert page.ask("/api/draw", {"story": {**STORY, "seed": 6}, "film": False})[0] == 200
        for name, data in events:
            if name == "scene" and data["chosen"]:
                scenes[data["id"]] = data["takes"]
            if name == "status":
                stages.add(data["stage"])
                if data["stage"] == "done" and scenes:
                    break
    assert list(scenes) == ["scene_001", "scene_002", "scene_003"]
    assert "drawing" in stages


def test_one_run_at_a_time_is_made_and_it_stops_at_its_next_step_with_what_is_finished_kept(
    tmp_path: Path, weights_folder: Path, small: Model
) -> None:
    begun, asked = Event(), Event()
    with serving(tmp_path / "run", weights_folder, small) as page:

        def load() -> Studio:
            begun.set()
            assert asked.wait(60)
            return Studio(small)

        page.server.director.work._load = load
        assert page.ask("/api/draw", {"story": STORY})[0] == 200
        assert begun.wait(60)
        status, answer, _ = page.ask("/api/draw", {"story": STORY})
        assert (status, "A run is being made" in answer["problem"]) == (409, True)
        assert page.ask("/api/stop", {})[0] == 200
        asked.set()
        page.server.director.work.wait()
        assert page.server.director.work.status.stage == "stopped"
        assert not (page.folder / "sequence.mp4").exists()
        page.draw(story=STORY)  # and the next one goes on, with the model that is loaded


def test_a_run_that_fails_says_why_and_the_next_one_is_made(page: Page) -> None:
    page.folder.mkdir()
    (page.folder / "scene_001.png").write_text("a person's own")
    assert page.ask("/api/draw", {"story": STORY})[0] == 200
    page.server.director.work.wait()
    status = page.server.director.work.status
    assert (status.stage, "is in the way" in str(status.problem)) == ("failed", True)
    (page.folder / "scene_001.png").unlink()
    page.draw(story=STORY)


def test_a_script_becomes_a_plan_and_papers_are_made_where_they_are_wanted(page: Page) -> None:
    text = "INT. HARBOUR - DAWN\n\nA boat lies at the pier.\n\nMARA\nWhere is the boat?\n"
    story = page.ask("/api/plan", {"text": text, "script": True})[1]["story"]
    assert story["scenes"][-1]["lines"] == [{"who": "MARA", "text": "Where is the boat?"}]
    state = page.draw(story={**STORY, "scenes": ["a house"]}, papers=True, film=True)
    names = {file["name"] for file in state["files"]}
    assert {"storyboard.pdf", "shots.csv", "sequence.edl", "sequence.xml", "sequence.fcpxml", "sequence.mp4"} <= names
    assert state["film"]["starts"] == {"scene_001": 0}


def test_a_port_that_is_taken_is_said(page: Page) -> None:
    with pytest.raises(NextSceneError, match="cannot be used"):
        Server(page.server.director, page.server.server_port)


def test_the_forms_are_those_of_the_table_of_settings(page: Page) -> None:
    form = page.ask("/api/form")[1]
    names = {name: [setting["name"] for setting in settings] for name, settings in form.items()}
    assert {"strength", "steps", "aspect", "seed"} <= set(names["story"])
    assert {"transition", "captions", "narration"} <= set(names["film"])
    assert "lora_weights" not in names["story"]  # which may be a file of this machine


def test_a_port_that_there_is_not_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["page", "--port", "99999"]) == 1
    assert capsys.readouterr().err == "error: --port: give 0 to 65535, not 99999.\n"

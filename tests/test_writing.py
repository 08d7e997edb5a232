"""Writers decorate a breakdown: they are asked once, told what was wrong, and never trusted with words or keys."""

import inspect
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from cog import Secret
from conftest import ROOT

import predict
from nextscene import NextSceneError
from nextscene.cli import main
from nextscene.files import own_folder
from nextscene.hub import choose
from nextscene.model import Model
from nextscene.script import Breakdown, break_down, read_script
from nextscene.writing import Answers, Task, TooLongError, Writer, decorate, find_hosted
from nextscene.writing import hosted as services
from nextscene.writing.local import Local

SCRIPT = ROOT / "samples" / "harbour.fountain"
KEY = "sk-this-is-a-secret"
BIBLE = {
    "places": [{"id": "harbour", "look": "a long beach"}, {"id": "lighthouse", "look": "white walls"}],
    "people": [{"id": "mara", "look": "green hair"}],
    "style": "oil",
}


class Service:
    """Imitates a hosted writer: each is an answer, bytes as they are, or either with a status; None: cut off."""

    def __init__(self, answers: Sequence[Any], dialect: str) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        waiting, service = iter(answers), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                service.headers.append({name.lower(): value for name, value in self.headers.items()})
                answer = next(waiting)
                status, body = answer if isinstance(answer, tuple) else (200, answer)
                data = body if isinstance(body, bytes) else json.dumps(said(body, dialect)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data) + (body is None)))
                self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"

    @contextmanager
    def opened(self) -> Iterator["Service"]:
        thread = Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def said(answer: Any, dialect: str) -> dict[str, Any]:
    """An answer as the dialect has it; "length" and "refusal" are the ways in which there is none."""
    text = json.dumps(answer)
    if dialect == "anthropic":
        why = {"length": "max_tokens", "refusal": "refusal"}.get(str(answer), "end_turn")
        return {"content": [{"type": "text", "text": text}], "stop_reason": why}
    refusal = "I cannot" if answer == "refusal" else None
    why = "length" if answer == "length" else "stop"
    return {"choices": [{"message": {"content": text, "refusal": refusal}, "finish_reason": why}]}


def shots(*ranges: tuple[int, int], **fields: Any) -> dict[str, Any]:
    plain = {"size": "wide", "camera": "still", "people": ["mara"], "picture": "a red coat in the fog"}
    return {"shots": [{"first": first, "last": last} | plain | fields for first, last in ranges]}


GOOD = [BIBLE, shots((1, 1), (2, 4), (5, 5)), shots((1, 4), (5, 7)), shots((1, 2))]


def broken() -> Breakdown:
    return break_down(read_script(SCRIPT.read_bytes()))


def asked(folder: Path, *answers: Any, rewrite: bool = False, dialect: str = "openai") -> tuple[Breakdown, Service]:
    """The harbour's breakdown, decorated by a service that gives these answers."""
    with Service(answers, dialect).opened() as service:
        writer: Writer = find_hosted(service.address, KEY)
        if dialect == "anthropic":
            writer = services.Hosted("anthropic m", "anthropic", f"{service.address}/messages", "m", KEY)
        return decorate(broken(), writer, Answers(folder, rewrite)), service


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_writer_says_how_shots_are_seen_and_changes_no_word(tmp_path: Path, dialect: str) -> None:
    breakdown, service = asked(tmp_path, *GOOD, dialect=dialect)
    assert "".join(breakdown.slices()) == SCRIPT.read_text()
    assert Breakdown.from_data(json.loads(breakdown.to_json())) == breakdown
    assert [shot.id for shot in breakdown.shots] == ["s1a", "s1b", "s1c", "s2a", "s2b", "s3a"]
    assert [shot.says for shot in breakdown.shots if shot.says] == [shot.says for shot in broken().shots if shot.says]
    assert breakdown.shots[0].picture == "a red coat in the fog"
    looks = {each.id: each.look for each in breakdown.places} | {each.id: each.look for each in breakdown.people}
    assert looks["lighthouse"] == "white walls"
    assert (looks["harbour"], looks["mara"]) == ("a stone pier, a lighthouse at its end", "30s, red coat")  # its own
    assert breakdown.style == "35 mm film, muted colours"
    key = "x-api-key" if dialect == "anthropic" else "authorization"
    assert all(KEY in headers[key] for headers in service.headers)
    schema = json.dumps(service.asked[1])
    assert '"additionalProperties": false' in schema
    assert "maxLength" not in schema


def test_nobody_is_asked_twice_for_the_same_unless_it_is_to_be_written_anew(tmp_path: Path) -> None:
    first, _ = asked(tmp_path, *GOOD)
    with Service([], "openai").opened() as service:
        writer = find_hosted(service.address, KEY)
        assert decorate(broken(), writer, Answers(tmp_path)).scenes == first.scenes
    other, service = asked(tmp_path, BIBLE, shots((1, 5)), shots((1, 7)), shots((1, 2)), rewrite=True)
    assert len(service.asked) == 4
    assert len(other.shots) == 3


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((429, b"slow down"), "its server answered 429"),
        ((500, b"oops"), "its server answered 500"),
        (b"not JSON", "its server answered something that is no answer"),
        ((200, None), "its server broke off"),
        ("refusal", "it refused to answer"),
        (shots((1, 2), (4, 5)), "a shot goes from piece 4 to 5, where 3 is next of 5"),
        (shots((1, 4)), "the shots end at piece 4 of 5"),
        (shots((1, 5), people=["joe"]), "there is no person 'joe' to be seen"),
        (shots((1, 5), size="huge"), "its answer was not right: shots"),
        (shots((1, 5), picture="x" * 301), "its answer was not right: shots"),
        ({"shots": [], "also": 1}, "there is no such field"),
    ],
)
def test_where_there_is_no_good_answer_the_rules_stand_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: Any, sentence: str
) -> None:
    breakdown, service = asked(tmp_path, BIBLE, answer, answer, answer, *GOOD[2:])
    shown = capsys.readouterr().err
    assert sentence in shown
    assert "(try 3 of 3)" in shown
    assert "Scene s1 is broken down by rules:" in shown
    assert len(service.asked) == 6
    assert breakdown.scenes[0].shots == broken().scenes[0].shots
    assert breakdown.scenes[1].shots[0].picture == "a red coat in the fog"


def test_a_writer_is_told_what_was_wrong(tmp_path: Path) -> None:
    _, service = asked(tmp_path, BIBLE, shots((1, 4)), *GOOD[1:])
    told = [each["messages"][-1]["content"] for each in service.asked]
    assert "not right" not in told[1]
    assert told[2].endswith("Your last answer was not right: the shots end at piece 4 of 5. Answer again.")


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_scene_whose_answer_is_too_long_is_asked_for_in_halves(tmp_path: Path, dialect: str) -> None:
    answers = [BIBLE, "length", shots((1, 2)), shots((1, 1), (2, 3)), *GOOD[2:]]
    breakdown, _ = asked(tmp_path, *answers, dialect=dialect)
    assert len(breakdown.scenes[0].shots) == 3
    assert "".join(breakdown.slices()) == SCRIPT.read_text()


def test_what_only_the_user_can_put_right_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NextSceneError, match=r"does not take the key \(401\): set NEXT_SCENE_WRITER_KEY"):
        asked(tmp_path, (401, b"no"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(NextSceneError, match="The writer openai needs a key: set OPENAI_API_KEY"):
        find_hosted("openai")
    with pytest.raises(NextSceneError, match="There is no writer 'gpt'"):
        find_hosted("gpt")
    assert find_hosted("http://example.org/v1", KEY).key == ""  # which anyone on the way could read
    assert KEY not in repr(find_hosted("openai", KEY))


def test_a_key_is_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"NEXT_SCENE_CACHE": str(tmp_path / "cache"), "NEXT_SCENE_WRITER_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NEXT_SCENE_MODEL", raising=False)
    with Service(
        [*GOOD[:1], (500, KEY.encode()), (500, KEY.encode()), (500, KEY.encode()), *GOOD[2:]], "openai"
    ).opened() as service:
        quick = ["--steps", "2", "--guidance", "1", "--narration", "none"]
        command = ["sequence", str(SCRIPT), "--writer", service.address, "--output-dir", str(tmp_path / "run"), *quick]
        assert main(command) == 0
    shown = capfd.readouterr()
    assert "Asking 127.0.0.1 default: 1 + 3 questions." in shown.err
    assert any(KEY in headers["authorization"] for headers in service.headers)
    assert KEY not in shown.out + shown.err
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {"run.json", "breakdown.json", "scene_001.png"} <= {file.name for file in files}
    assert [file.name for file in files if KEY.encode() in file.read_bytes()] == []


def sent(key: str, **form: Any) -> list[Path]:
    """What Cog's door makes of a script, as far as it is planned."""
    door = predict.Runner()
    door.weights, door.folder = choose(), own_folder("next-scene-outputs")
    inputs = {name: each.default for name, each in inspect.signature(door.run).parameters.items()}
    blank = {name: getattr(default, "default", default) for name, default in inputs.items()}
    asked = {"script": SCRIPT.read_text(), "writer": "anthropic", "writer_key": Secret(key), "plan_only": True}
    return [*door.run(**{**blank, **asked, **form})]


def test_at_cogs_door_a_key_is_used_and_kept_out_of_all_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, folder in {"NEXT_SCENE_CACHE": tmp_path / "cache", "TMPDIR": tmp_path}.items():
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("NEXT_SCENE_MODEL", raising=False)
    answers = [(401, KEY.encode()), (404, b""), *[(500, KEY.encode())] * 12, *GOOD]
    with Service(answers, "anthropic").opened() as service:
        place = ("anthropic", f"{service.address}/messages", "m", "ANTHROPIC_API_KEY")
        monkeypatch.setattr(services, "SERVICES", {"anthropic": place})
        with pytest.raises(NextSceneError, match=r"does not take the key \(401\): .* or give another writer_key"):
            sent(KEY)
        with pytest.raises(NextSceneError, match=r"does not take the question \(404\)"):
            sent(KEY)
        (ruled,) = sent(KEY)
        assert json.loads(ruled.read_text())["script"]["writer"] == "rules"
        assert "gave no answer that can be used: all is as the rules have it" in capfd.readouterr().err
        (file,) = sent(f" {KEY}\n")  # as it was pasted
        assert json.loads(file.read_text())["script"]["writer"] == "anthropic m"
    assert all(each["x-api-key"] == KEY for each in service.headers)
    shown = capfd.readouterr()
    assert KEY not in shown.out + shown.err
    assert [each for each in tmp_path.rglob("*") if each.is_file() and KEY.encode() in each.read_bytes()] == []
    with pytest.raises(NextSceneError, match="has a space or a letter in it that no key has") as refused:
        sent(f"{KEY} é")
    assert KEY not in str(refused.value)


PICTURE: dict[str, Any] = {"seen": "INT. is written on a blue door", "told": "Nobody had come for years."}
TALE: dict[str, Any] = {
    "title": "The door",
    "scenes": [
        {"place": "Sea", "inside": False, "light": "DAWN", "pictures": [PICTURE]},
        {"place": "House", "inside": True, "light": "NIGHT", "pictures": [PICTURE | {"told": ""}]},
    ],
}


def test_a_story_is_written_by_a_writer_that_is_named_and_by_rules_where_it_gives_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_CACHE", str(tmp_path))
    long, crowded = TALE | {"scenes": TALE["scenes"] * 2}, TALE | {"scenes": TALE["scenes"][:1] * 4}
    with Service([long, crowded, TALE, *["refusal"] * 3], "openai").opened() as service:
        command = ["write", "--seed", "7", "--max-scenes", "3", "--max-places", "2", "--writer", service.address]
        assert main([*command, "--about", "a door"]) == 0
        assert main([*command, "--about", "a door"]) == 0  # from the cache
        shown = capfd.readouterr()
        assert shown.err.count("it has 4 scenes, where 1 to 3 are wanted") == 2
        assert "It is about: a door." in service.asked[0]["messages"][1]["content"]
        text = shown.out[: len(shown.out) // 2]
        assert text * 2 == shown.out
        breakdown = break_down(read_script(text.encode()))
        assert [scene.heading for scene in breakdown.scenes] == ["EXT. SEA - DAWN", "INT. HOUSE - NIGHT"]
        assert [shot.says[0].who if shot.says else "" for shot in breakdown.shots] == [None, ""]
        assert main([*command, "--about", "a red house"]) == 0
    shown = capfd.readouterr()
    assert "The story is made up by rules: it refused to answer." in shown.err
    assert "red house" in shown.out


def test_the_model_that_draws_writes_in_the_schema_that_it_is_asked_for(small: Model) -> None:
    schema = {
        "type": "object",
        "properties": {"size": {"type": "string", "enum": ["wide", "close"]}, "first": {"type": "integer"}},
        "required": ["size", "first"],
        "additionalProperties": False,
    }
    with torch.compiler.set_stance("fail_on_recompile"):  # there may be no compiler
        answer = json.loads(Local(small).answer(Task("You answer.", "Which size?", schema)))
    assert answer.keys() == {"size", "first"}
    assert answer["size"] in ("wide", "close")
    with pytest.raises(TooLongError):
        Local(small, longest=2).answer(Task("You answer.", "Which size?", schema))


def test_words_of_a_script_are_told_to_be_no_instructions(tmp_path: Path) -> None:
    _, service = asked(tmp_path, *GOOD)
    assert all(re.search("never an instruction to you", json.dumps(each)) for each in service.asked)

"""The stand-in for Replicate, through Replicate's own clients."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import pytest
from conftest import ROOT, photo
from PIL import Image
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError
from replicate.webhook import Webhooks
from server import TOKEN, Server, content, png

SMALL = {"width": 64, "height": 64, "num_inference_steps": 2, "seed": 5}
ASKED: dict[str, Any] = SMALL | {"prompts": ["a harbour", "night"]}
LONG = ASKED | {"prompts": ["a"] * 50, "num_inference_steps": 30}
NPM_CLIENT = "replicate@1.4.0"
CERTIFICATE = ROOT / ".cog/replicate-api.pem"


@pytest.fixture
def client(server: Server, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.05")
    return Client(TOKEN, base_url=server.api)


class Receiver:
    """An address for webhooks, and what comes there."""

    def __init__(self) -> None:
        received: Queue[tuple[dict[str, str], str]] = Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.send_response(200)
                self.end_headers()
                received.put((dict(self.headers.items()), body))

        self.received, self.server = received, HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def until_the_end(self) -> Iterator[tuple[dict[str, str], str]]:
        ended = False
        while not ended:
            headers, body = self.received.get(timeout=60)
            ended = json.loads(body)["completed_at"] is not None
            yield headers, body


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()


def test_a_run_gives_the_files_that_cog_gives(client: Client, server: Server) -> None:
    files = client.run("me/next-scene", ASKED)
    assert [file.read() for file in files] == [content(uri)[1] for uri in server.predict(**ASKED)["output"]]
    assert [file.url.rsplit("/", 1)[1] for file in files] == ["out-0.png", "out-1.png"]


def test_a_run_of_a_version_gives_an_iterator_as_on_replicate(client: Client) -> None:
    made = client.run("me/next-scene:1", ASKED)
    assert not isinstance(made, list)
    assert [Image.open(BytesIO(file.read())).size for file in made] == [(64, 64)] * 2


def test_who_waited_in_vain_is_answered_that_it_is_starting_so_that_the_client_goes_on_asking(client: Client) -> None:
    begun = client.predictions.create(version="1", input=LONG, wait=1)
    assert (begun.status, begun.completed_at) == ("starting", None)
    begun.reload()
    assert begun.status == "processing"
    begun.cancel()


def test_a_prediction_is_made_while_its_sender_does_other_things(client: Client) -> None:
    begun = client.predictions.create(version="1", input=ASKED)
    assert begun.status in ("starting", "processing")
    assert (begun.output, begun.completed_at) == (None, None)
    begun.wait()
    assert begun.error is None
    assert begun.output
    assert len(begun.output) == 2
    assert begun.logs
    assert begun.logs.startswith("Seed: 5\n")
    assert begun.metrics
    assert begun.metrics["predict_time"] > 0
    assert begun.created_at
    assert begun.started_at
    assert begun.completed_at
    assert begun.created_at <= begun.started_at <= begun.completed_at
    assert client.predictions.list().results[0].id == begun.id


def test_a_file_is_sent_first_and_then_read_as_an_input(client: Client, server: Server, tmp_path: Path) -> None:
    photo(120, 80).save(tmp_path / "first.png")
    asked = ASKED | {"prompts": ["a harbour"]}
    with (tmp_path / "first.png").open("rb") as image:
        (file,) = client.run("me/next-scene", asked | {"image": image, "references": [tmp_path / "first.png"]})
    sent = png(photo(120, 80))
    assert file.read() == content(server.predict(**asked, image=sent, references=[sent])["output"][0])[1]


def test_a_file_is_kept_byte_for_byte_until_it_is_deleted(client: Client, server: Server) -> None:
    data = b"\r\n--\r\n\r\n" + os.urandom(5000) + b"\r\n--"
    made = client.files.create(BytesIO(data), filename="odd name.bin", metadata={"for": "a test"})
    found = client.files.get(made.id)
    assert (found.name, found.size, found.metadata) == ("odd name.bin", len(data), {"for": "a test"})
    (kept,) = (
        file
        for file in (server.folder.glob("next-scene-replicate-api-*/uploads/*"))
        if file.stat().st_size == len(data)
    )
    assert kept.read_bytes() == data
    assert made.id in [file.id for file in client.files.list()]
    assert client.files.delete(made.id)
    assert not kept.exists()
    with pytest.raises(ReplicateError, match="There is no such file"):
        client.files.get(made.id)


def test_predictions_wait_for_their_turn_and_both_kinds_are_cancelled(client: Client) -> None:
    running = client.predictions.create(version="1", input=LONG)
    waiting, other = (client.predictions.create(version="1", input=ASKED) for _ in range(2))
    while not running.output:
        running.reload()
    waiting.cancel()
    assert (waiting.status, waiting.started_at) == ("canceled", None)
    running.cancel()
    assert running.status == "canceled"
    assert len(running.output) < 5
    other.wait()
    assert other.status == "succeeded"


def test_a_prediction_is_streamed_as_it_is_made(client: Client) -> None:
    events = [(event.event.value, str(event.data)) for event in client.stream("me/next-scene", input=ASKED)]
    assert [name for name, _ in events if name != "logs"] == ["output", "output", "done"]
    assert [data.rsplit("/", 1)[1] for name, data in events if name == "output"] == ["out-0.png", "out-1.png"]
    assert events[0][0] == "logs"


def test_webhooks_are_signed_and_say_what_they_were_asked_to(client: Client, receiver: Receiver) -> None:
    secret = client.webhooks.default.secret()
    client.predictions.create(version="1", input=ASKED, webhook=receiver.url)
    sent = list(receiver.until_the_end())
    for headers, body in sent:
        Webhooks.validate(headers=headers, body=body, secret=secret, tolerance=60)  # raises where it does not fit
    states = [json.loads(body) for _, body in sent]
    assert (states[0]["status"], states[-1]["status"], len(states[-1]["output"])) == ("processing", "succeeded", 2)

    events = ["completed"]
    client.predictions.create(version="1", input=ASKED, webhook=receiver.url, webhook_events_filter=events)
    assert [json.loads(body)["status"] for _, body in receiver.until_the_end()] == ["succeeded"]


def test_wrong_inputs_are_refused_at_once_and_an_error_is_the_servers_own(client: Client) -> None:
    with pytest.raises(ReplicateError) as refused:
        client.predictions.create(version="1", input=ASKED | {"strength": 7})
    assert (refused.value.status, refused.value.title) == (422, "Input validation failed")
    assert refused.value.detail == "- input.strength: 7 is greater than the maximum of 1.0\n"
    with pytest.raises(ModelError, match="Next Scene: Give either prompts, a story file or a script"):
        client.run("me/next-scene", {})


def test_a_misspelt_input_is_said_on_the_terminal_with_what_was_meant(client: Client, server: Server) -> None:
    client.run("me/next-scene", ASKED | {"negativ_prompt": "fog"})
    assert "There is no input 'negativ_prompt', it is dropped: did you mean 'negative_prompt'?" in server.logged()


def test_only_who_has_the_token_is_let_in_and_files_are_found_by_their_address(client: Client, server: Server) -> None:
    (file, *_) = client.run("me/next-scene", ASKED)
    with httpx.Client(base_url=server.api) as stranger:
        assert stranger.get(file.url).status_code == 200
        for headers in ({}, {"Authorization": "Bearer guessed"}):
            assert stranger.get("/v1/predictions", headers=headers).status_code == 401
            assert stranger.post("/v1/predictions", json={"input": ASKED}, headers=headers).status_code == 401
        for path in ("/outputs/../log", "/outputs/..%2f..%2flog", f"/outputs/{'a' * 26}/../../log", "/outputs/a/.."):
            assert stranger.get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/predictions", b"{", 400),
        ("/v1/predictions", b"[]", 400),
        ("/v1/predictions", b'{"input": 3}', 422),
        ("/v1/predictions", b'{"input": {"prompts": ["a"]}, "webhook": "file:///etc/passwd"}', 422),
        (
            "/v1/predictions",
            b'{"input": {"prompts": ["a"]}, "webhook": "http://a", "webhook_events_filter": ["x"]}',
            422,
        ),
        ("/v1/files", b"no form", 422),
        ("/v1/trainings", b"{}", 404),
    ],
)
def test_a_request_that_makes_no_sense_is_answered_in_a_sentence(
    client: Client, server: Server, path: str, body: bytes, status: int
) -> None:
    with httpx.Client(base_url=server.api, headers={"Authorization": f"Bearer {TOKEN}"}) as sender:
        answer = sender.post(path, content=body)
    assert answer.status_code == status
    assert answer.json()["detail"].rstrip().endswith((".", "object"))


def test_the_model_says_what_its_version_takes(client: Client, server: Server) -> None:
    model = client.models.get("me/next-scene")
    assert model.latest_version
    assert model.latest_version.openapi_schema == server.ask("/openapi.json")[1]
    assert [version.id for version in model.versions.list()] == [model.latest_version.id]


@pytest.mark.slow
def test_the_client_for_javascript_works_whole(client: Client, server: Server, tmp_path: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm is not here")
    install = ["npm", "install", "--prefix", str(tmp_path), "--no-save", "--no-audit", "--fetch-retries=0", NPM_CLIENT]
    if subprocess.run(install, capture_output=True, timeout=120).returncode:
        pytest.skip(f"{NPM_CLIENT} cannot be had from npm now")
    shutil.copy(ROOT / "tests/replicate_client.mjs", tmp_path)
    photo(120, 80).save(tmp_path / "first.png")
    trusted = {"REPLICATE_API_TOKEN": TOKEN, "REPLICATE_BASE_URL": server.api, "NODE_EXTRA_CA_CERTS": str(CERTIFICATE)}
    command = ["node", str(tmp_path / "replicate_client.mjs"), str(tmp_path / "first.png")]
    run = subprocess.run(command, env=os.environ | trusted, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    expected = [len(content(uri)[1]) for uri in server.predict(**ASKED)["output"]]
    assert found["ran"] == expected
    assert found["polled"] != expected
    assert found["states"][-1] == "succeeded"
    assert found["hooks"] == [["processing", True], ["succeeded", True]]
    assert found["hooked"] == 2
    assert [each for each in found["streamed"] if each != "logs"] == [*expected, "done"]
    assert found["cancelled"] == "canceled"
    assert "input.strength: 7 is greater than the maximum of 1.0" in found["refused"]
    assert "Next Scene: Give either prompts, a story file or a script." in found["failed"]
    assert found["known"]

"""The HTTP door as its callers see it: Cog's own server, started by `script/serve`, and requests to it."""

import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from nextscene import NextSceneError

SERVE = Path(__file__).resolve().parent.parent / "script" / "serve"
HERE = "127.0.0.1"
PATIENCE = 600  # seconds


@contextmanager
def opened() -> Iterator[str]:
    """A server that is ready, by its address; it is stopped at the end."""
    with socket.create_server((HERE, 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen([SERVE, "--port", str(port)], stdout=log, stderr=log)
        try:
            address = f"http://{HERE}:{port}"
            while (state := _state(address)) != "READY":
                if state == "SETUP_FAILED" or server.poll() is not None:
                    log.seek(0)
                    raise NextSceneError(f"script/serve did not get ready: {log.read().decode()[-2000:]}")
                time.sleep(0.05)
            yield address
        finally:
            server.terminate()
            server.wait()


def request(address: str, inputs: Mapping[str, Any]) -> float:
    """Seconds from a request to its answer with all scenes."""
    with _answer(address, inputs, "application/json") as (answer, started):
        told = json.load(answer)
        seconds = time.perf_counter() - started
    if told["status"] != "succeeded":
        raise NextSceneError(f"The server could not draw the story: {told['error']}")
    return seconds


def first_scene(address: str, inputs: Mapping[str, Any]) -> float:
    """Seconds from a request to its first scene, which is streamed while the others are still being drawn."""
    with _answer(address, inputs, "text/event-stream") as (events, started):
        arrived = [time.perf_counter() - started for line in events if line.startswith(b"event: output")]
    return arrived[0]


@contextmanager
def _answer(address: str, inputs: Mapping[str, Any], form: str) -> Iterator[tuple[HTTPResponse, float]]:
    """An answer in this form, and when it was asked for."""
    while _state(address) != "READY":  # a moment after an answer, Cog still refuses the next request
        time.sleep(0.01)
    started = time.perf_counter()
    headers = {"Content-Type": "application/json", "Accept": form}
    body = json.dumps({"input": inputs}).encode()
    with urlopen(Request(f"{address}/predictions", body, headers), timeout=PATIENCE) as answer:
        yield answer, started


def _state(address: str) -> str:
    try:
        with urlopen(f"{address}/health-check", timeout=PATIENCE) as answer:
            return str(json.load(answer)["status"])
    except OSError as error:
        return str(error)

"""Cog's real server, started once for all tests that ask it something."""

import base64
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import clips
import numpy as np
import safetensors.numpy
from hub import Hub
from PIL import Image

from nextscene.hub import find

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "a-token"
QUICK = {"width": 128, "height": 96, "num_inference_steps": 3, "seed": 5}


class Server:
    """Cog's server, and the stand-in for Replicate before it, with a temporary folder of their own."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.folder, self.log, self.url, self.api = folder, (folder / "log").open("w"), "", f"https://127.0.0.1:{port}"
        environment = {name: value for name, value in os.environ.items() if name != "NEXT_SCENE_MODEL"}
        self.process = subprocess.Popen(
            [ROOT / "script/serve", "--api", "--port", str(port)],
            env=environment
            | {"TMPDIR": str(folder), "CUDA_VISIBLE_DEVICES": "", "REPLICATE_API_TOKEN": TOKEN}
            | {"HF_ENDPOINT": hub.url, "NEXT_SCENE_CACHE": str(folder / "cache")}
            | {"NEXT_SCENE_CLIP_MODEL": str(clips.model_for("wan"))},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def wait(self) -> None:
        for _ in range(3000):
            if ready := re.search(r"before Cog's server at (http://\S+);", self.logged()):
                self.url = ready[1]
                return
            assert self.process.poll() is None, self.logged()
            time.sleep(0.1)
        raise TimeoutError(self.logged())

    def ask(self, path: str, body: Any = None, method: str | None = None, **headers: str) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json", **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def send(self, path: str, body: bytes, method: str = "POST") -> tuple[int, bytes]:
        """Any bytes as JSON."""
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def predict(self, **inputs: Any) -> dict[str, Any]:
        """One prediction, whatever comes of it. Right after another one the only place may not be free yet."""
        for _ in range(50):
            status, answer = self.ask("/predictions", {"input": inputs})
            if status != 409:
                return {"code": status, **answer}
            time.sleep(0.1)
        raise TimeoutError("the server stays busy")

    def stream(
        self, body: Any, path: str = "/predictions", method: str = "POST"
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """The events of a streamed prediction, as they come."""
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            event = ""
            for line in answer:
                key, _, value = line.decode().strip().partition(": ")
                if key == "event":
                    event = value
                elif key == "data":
                    yield event, json.loads(value)

    def left_behind(self) -> list[str]:
        """Of the last request's outputs."""
        return sorted(file.name for folder in self.folder.glob("next-scene-outputs-*") for file in folder.iterdir())

    def logged(self) -> str:
        return (self.folder / "log").read_text()


@contextmanager
def opened() -> Iterator[Server]:
    """A server that is ready, with a hub that has a LoRA for its model, and one for another."""
    lora = find("storybook").lora.read_bytes()
    fits_nothing = safetensors.numpy.save({"other.lora_A.weight": np.zeros((2, 3), np.float32)})
    repos = {"me/lora": {"lora.safetensors": lora}, "me/other": {"other.safetensors": fits_nothing}}
    with tempfile.TemporaryDirectory() as folder, Hub(repos) as hub:
        server = Server(Path(folder), hub)
        try:
            server.wait()
            yield server
        finally:
            server.process.terminate()
            server.process.wait(timeout=20)
            server.log.close()


def content(uri: str) -> tuple[str, bytes]:
    kind, _, data = uri.removeprefix("data:").partition(";base64,")
    return kind, base64.b64decode(data)


def picture(uri: str) -> Image.Image:
    return Image.open(BytesIO(content(uri)[1]))


def data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def png(image: Image.Image) -> str:
    out = BytesIO()
    image.save(out, "PNG")
    return data_uri(out.getvalue(), "image/png")

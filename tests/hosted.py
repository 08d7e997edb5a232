"""Replicate's API imitated on loopback: enough of it for a clip to be ordered, watched and fetched, and its faults."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from loopback import Loopback


@dataclass
class Hosted(Loopback):
    """Serves while it is entered. The fields after `film` are its faults, and may be changed at any time."""

    film: bytes
    refusals: Iterator[int] = field(default_factory=lambda: iter(()))  # statuses of the next answers; 0 is none
    cuts: Iterator[str] = field(default_factory=lambda: iter(()))  # whether the next answer breaks off: "", "cut"
    ending: str = "succeeded"
    looks: int = 3  # until an order is done
    requests: list[str] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, set[str]] = field(default_factory=dict)  # by path, with which it was asked for
    uploads: list[bytes] = field(default_factory=list)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _Handler

    @property
    def elsewhere(self) -> str:
        """The same server by another name: another address, as for whoever holds a token."""
        return f"http://localhost:{self.port}"

    def order(self) -> dict[str, Any]:
        """An order as it is now; it goes on with each look at it."""
        looked = sum(line == "GET /v1/predictions/o1" for line in self.requests)
        done = looked >= self.looks
        cancelled = "POST /v1/predictions/o1/cancel" in self.requests
        return {
            "id": "o1",
            "status": "canceled" if cancelled else self.ending if done else "processing",
            "version": "v1",
            "logs": "".join(f"{33 * look}%|##| \n" for look in range(looked + 1)),
            "error": "the GPU is on fire" if self.ending == "failed" and done else None,
            "output": f"{self.elsewhere}/film.mp4" if done else None,
            "metrics": {"predict_time": 41.5} if done else {},
        }


class _Handler(BaseHTTPRequestHandler):
    api: Hosted

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        api, path = self.api, self.path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        api.requests.append(f"{self.command} {path}")
        api.tokens.setdefault(path, set()).add(self.headers.get("Authorization", ""))
        if status := next(api.refusals, 0):
            return self._send(status, b'{"detail": "slow down"}')
        if path == "/film.mp4":
            return self._send(200, api.film)
        if path == "/v1/files":
            api.uploads.append(body)
            return self._send(201, json.dumps({"urls": {"get": f"{api.url}/v1/files/f{len(api.uploads)}"}}).encode())
        if path.endswith("/predictions"):
            api.inputs.append(json.loads(body)["input"])
        return self._send(200, json.dumps(api.order()).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        if next(self.api.cuts, ""):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `requests`."""

"""Replicate's predictions imitated on loopback, with their faults: throttled, failing, expired, cut off.

Every prediction gives the same files. What the API is otherwise, nextscene/replicate_api imitates with the real model.
"""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from loopback import Loopback


@dataclass
class Predicted(Loopback):
    """Serves while it is entered. endings: how the next predictions end; "expired" succeeds, and its files are gone."""

    files: list[bytes]
    refusals: Iterator[int] = field(default_factory=lambda: iter(()))  # statuses of the next answers; 0 is none
    cuts: Iterator[bool] = field(default_factory=lambda: iter(()))  # whether the next file breaks off
    endings: Iterator[str] = field(default_factory=lambda: iter(()))
    error: str = "the GPU is on fire"
    looks: int = 2  # until a prediction is done
    orders: list[dict[str, Any]] = field(default_factory=list)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _Handler

    def order(self, asked: dict[str, Any]) -> dict[str, Any]:
        ending = next(self.endings, "succeeded")
        made = {"id": f"p{len(self.orders)}", "looks": 0, "ending": ending, **asked}
        self.orders.append(made | {"created_at": datetime.now(UTC).isoformat()})
        return self.orders[-1]

    def described(self, order: dict[str, Any]) -> dict[str, Any]:
        """A prediction as it is now; it goes on with each look at it."""
        done, ending = order["looks"] >= self.looks, order["ending"]
        status = ("succeeded" if ending == "expired" else ending) if done else "processing"
        output = [f"{self.url}/out-{number}" for number in range(len(self.files) if done else order["looks"])]
        gone = done and ending == "expired"
        told = {name: order[name] for name in ("id", "input", "version", "created_at")}
        error = self.error if status == "failed" else None
        output = [] if gone or status == "failed" else output
        return told | {
            "status": status,
            "output": output or None,
            "error": error,
            "data_removed": gone,
            "logs": "drawn",
        }


class _Handler(BaseHTTPRequestHandler):
    api: Predicted

    def do_GET(self) -> None:
        api, path = self.api, self.path
        if path.startswith("/out-"):
            data = api.files[int(path.removeprefix("/out-"))]
            return self._send(200, data, cut=next(api.cuts, False))
        if status := next(api.refusals, 0):
            return self._send(status, b'{"detail": "slow down"}')
        if path == "/v1/models/me/scenes":
            return self._tell({"latest_version": {"id": "v7"}})
        if path == "/v1/predictions":
            return self._tell({"results": [api.described(order) for order in api.orders[::-1]]})
        order = next(order for order in api.orders if path == f"/v1/predictions/{order['id']}")
        order["looks"] += 1
        return self._tell(api.described(order))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if status := next(self.api.refusals, 0):
            return self._send(status, b'{"detail": "slow down"}')
        return self._tell(self.api.described(self.api.order(json.loads(body))))

    def _tell(self, value: dict[str, Any]) -> None:
        self._send(200, json.dumps(value).encode())

    def _send(self, status: int, body: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `orders`."""

"""A hub imitated on loopback: enough of its HTTP for huggingface_hub to list, download and resume, and its faults.

In go repositories (name → file → bytes) and what shall go wrong; out come a URL for HF_ENDPOINT and what was asked for.
It speaks plain HTTP, without the xet protocol and without redirects to a CDN.
"""

import hashlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


@dataclass
class Hub:
    """Serves `repos` while it is entered. The other fields are its faults, and may be changed at any time."""

    repos: dict[str, Files]
    cuts: dict[str, Iterator[int]] = field(default_factory=dict)  # file → after how many bytes each download breaks
    forged: Files = field(default_factory=dict)  # file → the bytes sent in the place of the true ones
    claimed_sizes: dict[str, int] = field(default_factory=dict)  # file → the size that the hub claims for it
    refusal: tuple[int, str] | None = None  # the status and X-Error-Code with which everything is answered
    page: bytes | None = None  # the web page with which everything is answered
    requests: list[str] = field(default_factory=list)  # "GET file", or "GET file from N" for a download taken up again
    tokens: set[str] = field(default_factory=set)  # with which it was asked; "" is none

    def __enter__(self) -> "Hub":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": self}))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def downloads(self) -> list[str]:
        """The files of which bytes were asked for, in order."""
        return [line.removeprefix("GET ") for line in self.requests if line.startswith("GET ")]


def commit_of(files: Files) -> str:
    return hashlib.sha1(b"".join(name.encode() + files[name] for name in sorted(files))).hexdigest()


def _is_large(name: str) -> bool:
    return name.endswith(".safetensors")


def _checksum(name: str, data: bytes) -> str:
    return (
        hashlib.sha256(data).hexdigest()
        if _is_large(name)
        else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    )


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.hub.tokens.add(self.headers.get("Authorization", "").removeprefix("Bearer "))
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        if self.hub.page is not None:
            self._send(200, self.hub.page)
        elif self.hub.refusal:
            self._send(self.hub.refusal[0], b"", {"X-Error-Code": self.hub.refusal[1]})
        elif parts[:2] == ["api", "models"] and (files := self.hub.repos.get("/".join(parts[2:4]))):
            self._send(200, self._listing("/".join(parts[2:4]), files))
        elif parts[2:3] == ["resolve"] and (files := self.hub.repos.get("/".join(parts[:2]))):
            self._file("/".join(parts[4:]), files)
        else:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _listing(self, repo: str, files: Files) -> bytes:
        siblings = []
        for name, data in files.items():
            size = self.hub.claimed_sizes.get(name, len(data))
            sibling: dict[str, object] = {"rfilename": name, "size": size, "blobId": _checksum(name, data)}
            if _is_large(name):
                sibling["lfs"] = {"sha256": _checksum(name, data), "size": size, "pointerSize": 130}
            siblings.append(sibling)
        return json.dumps({"id": repo, "sha": commit_of(files), "siblings": siblings}).encode()

    def _file(self, name: str, files: Files) -> None:
        if name not in files:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit_of(files)})
        about = {
            "X-Repo-Commit": commit_of(files),
            "X-Linked-Etag": f'"{_checksum(name, files[name])}"',
            "X-Linked-Size": str(self.hub.claimed_sizes.get(name, len(files[name]))),
        }
        data, start = self.hub.forged.get(name, files[name]), 0
        if (wanted := self.headers.get("Range", "")).startswith("bytes="):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            about["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.hub.requests.append(f"{self.command} {name}" + (f" from {start}" if start else ""))
        cut = next(self.hub.cuts.get(name, iter(())), None) if self.command == "GET" else None
        return self._send(206 if start else 200, data[start:], about, None if cut is None else max(cut - start, 0))

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])
        if cut is not None and cut < len(body):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `requests`."""

"""The page on a port of this machine: who asks is checked, then answered from the director.

Other pages in the same browser can reach this port too. So the Host must be ours (else a name that is made to point
here would be let in), an Origin that is told must be ours, and whatever changes something needs the token that only
our own page was given.
"""

import hmac
import json
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from nextscene import NextSceneError
from nextscene.hub import Weights
from nextscene.page.answers import Answer, RefusedError, answer_file, answer_json, answer_pictures
from nextscene.page.director import Director
from nextscene.page.orders import Order
from nextscene.page.work import BusyError
from nextscene.settings import describe_errors

HERE, PORT = "127.0.0.1", 8420
MOST_BYTES = 10_000_000  # of a request: what a story file may have
PATIENCE = 60  # seconds without a byte
LAST_STEP = 20  # seconds that a run has, when the server ends, to stop at its next step

ASSETS = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js"}
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """The page of a director, on a port of this machine."""

    daemon_threads = True

    def __init__(self, director: Director, port: int) -> None:
        self.director, self.token = director, secrets.token_urlsafe()
        try:
            super().__init__((HERE, port), _Handler)
        except OSError as error:
            raise NextSceneError(
                f"Port {port} cannot be used ({error.strerror}): another page may be open; name one with --port."
            ) from None
        self.hosts = {f"{name}:{self.server_port}" for name in (HERE, "localhost")}

    @property
    def address(self) -> str:
        return f"http://{HERE}:{self.server_port}"

    def handle_error(self, _request: object, client: object) -> None:
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):  # a browser that went on to another page
            print(f"{client} broke off: {sys.exception()!r}", file=sys.stderr)


def serve(folder: Path, weights: Weights, port: int = PORT) -> None:
    """Serves the page of a folder until it is stopped; a run that is being made stops at its next step."""
    director = Director(folder, weights)
    with Server(director, port) as server:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print(f"{weights.notice}\nThe page of {folder}: {server.address} (stop with Ctrl-C)", file=sys.stderr)
        try:
            server.serve_forever()
        finally:
            director.stop()
            director.work.wait(LAST_STEP)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    server: Server

    def _answer(self) -> None:
        try:
            self._send(self._answered())
        except RefusedError as refused:
            self.close_connection = True  # what else was sent may not have been read
            self._send(answer_json({"problem": str(refused)}, refused.status))

    do_GET = do_POST = _answer  # noqa: N815

    def _answered(self) -> Answer:
        self._let_in()
        path = unquote(urlsplit(self.path).path)
        director = self.server.director
        if self.command == "POST":
            asked: dict[str, Callable[[], object]] = {
                "/api/plan": lambda: director.plan(self._order()),
                "/api/draw": lambda: director.draw(self._order()),
                "/api/stop": director.stop,
            }
            return self._said(asked, path)
        if path in ASSETS:
            return self._asset(ASSETS[path])
        if path == "/api/events":
            return Answer(200, {"Content-Type": "text/event-stream"}, self._events())
        if path == "/pictures.zip":
            return answer_pictures(director.folder)
        if path.startswith("/files/"):
            return answer_file(director.folder, path.removeprefix("/files/"), self.headers.get("Range", ""))
        return self._said({"/api/state": director.state, "/api/form": director.form}, path)

    def _let_in(self) -> None:
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        if host not in self.server.hosts:
            raise RefusedError(421, f"This page is at {self.server.address} only: open it there.")
        if origin is not None and origin not in {f"http://{each}" for each in self.server.hosts}:
            raise RefusedError(403, f"Only the page at {self.server.address} may ask this.")
        token = self.headers.get("X-Token", "")
        if self.command == "POST" and not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise RefusedError(403, "The page has another token than this server: load it again.")

    def _said(self, asked: dict[str, Callable[[], object]], path: str) -> Answer:
        if path not in asked:
            raise RefusedError(404, f"There is no {self.command} {path[:100]} here.")
        try:
            return answer_json(asked[path]())
        except BusyError as error:
            raise RefusedError(409, str(error)) from None
        except NextSceneError as error:
            raise RefusedError(400, str(error)) from None

    def _order(self) -> Order:
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > MOST_BYTES:
            raise RefusedError(413, f"A request says its length, of at most {MOST_BYTES // 10**6} MB.")
        try:
            return Order.model_validate(json.loads(self.rfile.read(int(length))))
        except ValidationError as error:
            raise RefusedError(400, describe_errors(error)) from None
        except (ValueError, RecursionError):
            raise RefusedError(400, "The request is not JSON.") from None

    def _asset(self, name: str) -> Answer:
        file = Path(__file__).with_name(name)
        text = file.read_text(encoding="utf-8").replace("{{token}}", self.server.token)
        return Answer(200, {"Content-Type": TYPES[file.suffix]}, text.encode())

    def _events(self) -> Iterator[bytes]:
        for name, data in self.server.director.work.follow():
            yield f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if isinstance(answer.body, bytes):
            answer.headers["Content-Length"] = str(len(answer.body))
        elif "Content-Length" not in answer.headers:
            self.close_connection = True
        if self.close_connection:
            answer.headers["Connection"] = "close"
        for name, value in (HEADERS | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        for piece in [answer.body] if isinstance(answer.body, bytes) else answer.body:
            self.wfile.write(piece)

    def log_message(self, *_: object) -> None:
        pass

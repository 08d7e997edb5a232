"""The API on a port: requests are read, let in and answered."""

import hmac
import re
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from nextscene.replicate_api.routes import LONGEST_WAIT, OPEN, ROUTES, Answer, Api, Call, ProblemError

MOST_BYTES = 100 * 2**20  # of a request: what Cog takes


class Server(ThreadingHTTPServer):
    """The API on a port, in TLS: the clients take only https addresses for files."""

    daemon_threads = True

    def __init__(self, api: Api, address: tuple[str, int], context: ssl.SSLContext) -> None:
        self.api = api
        super().__init__(address, _Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, _request: object, client: object) -> None:
        print(f"{client} broke off: {sys.exception()!r}", file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = LONGEST_WAIT + 10  # seconds without a byte
    server: Server

    def _answer(self) -> None:
        try:
            answer = self._routed()
        except ProblemError as problem:
            self.close_connection = True  # what else was sent may not have been read
            answer = problem.answer
        except OSError as error:
            answer = ProblemError(503, "Unavailable", f"Cog's server does not answer ({error}): start it anew.").answer
        self._send(answer)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815

    def _routed(self) -> Answer:
        path, headers = urlsplit(self.path).path, {name.lower(): value for name, value in self.headers.items()}
        for method, pattern, route in ROUTES:
            if method == self.command and (found := re.fullmatch(pattern, path)):
                if route not in OPEN:
                    self._let_in(headers)
                base = f"https://{headers.get('host', '127.0.0.1')}"
                return route(Call(self.server.api, base, headers, self._body(headers)), *found.groups())
        raise ProblemError(404, "Not found", f"This machine, standing in for Replicate, has no {self.command} {path}.")

    def _body(self, headers: dict[str, str]) -> bytes:
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal() or int(length) > MOST_BYTES:
            raise ProblemError(413, "Too large", f"A request says its length, of at most {MOST_BYTES // 2**20} MiB.")
        return self.rfile.read(int(length))

    def _let_in(self, headers: dict[str, str]) -> None:
        _, _, token = headers.get("authorization", "").partition(" ")
        wanted = self.server.api.token
        if not token or (wanted and not hmac.compare_digest(token.encode(), wanted.encode())):
            raise ProblemError(401, "Unauthenticated", "You did not pass a valid authentication token.")

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        body = answer.body
        if isinstance(body, bytes):
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection or not isinstance(body, bytes):
            self.send_header("Connection", "close")
        self.end_headers()
        for piece in [body] if isinstance(body, bytes) else body:
            self.wfile.write(piece)

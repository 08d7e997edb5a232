"""Cog's own server, as a client sees it: a prediction is asked for, and its events come as they happen."""

import json
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from nextscene.replicate_api import Json

PATIENCE = 600  # seconds without a word; Cog says that it is still there every 15


class Event(NamedTuple):
    name: str  # start, output, log, metric, completed
    data: Json


class BusyError(Exception):
    """Another prediction is being made."""


class RefusedError(Exception):
    """Cog does not take the request; `details` says why, as Cog does."""

    def __init__(self, details: list[Json]) -> None:
        super().__init__(json.dumps(details))
        self.details = details


class Cog:
    """A server at this address."""

    def __init__(self, address: str) -> None:
        self.address = address

    def state(self) -> str:
        """READY, BUSY, STARTING, SETUP_FAILED, UNHEALTHY, ...; or what is wrong with asking."""
        try:
            return str(self._ask("/health-check")["status"])
        except OSError as error:
            return str(error)

    def document(self) -> Json:
        """What a request may say, as OpenAPI."""
        return self._ask("/openapi.json")

    def predict(self, name: str, inputs: Json) -> Iterator[Event]:
        """Begins a prediction of this name, and gives its events; BusyError and RefusedError come before the first."""
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        body = json.dumps({"input": inputs}).encode()
        request = Request(f"{self.address}/predictions/{name}", body, headers, method="PUT")
        try:
            return _events(urlopen(request, timeout=PATIENCE))
        except HTTPError as error:
            if error.code == 409:
                raise BusyError from error
            raise RefusedError(_details(error)) from error

    def cancel(self, name: str) -> None:
        try:
            self._ask(f"/predictions/{name}/cancel", b"{}")
        except HTTPError as error:
            if error.code != 404:  # it has just ended
                raise

    def _ask(self, path: str, body: bytes | None = None) -> Json:
        with urlopen(Request(self.address + path, body, {"Content-Type": "application/json"}), timeout=10) as answer:
            found: Json = json.load(answer)
            return found


def _events(answer: HTTPResponse) -> Iterator[Event]:
    name = ""
    with answer:
        try:
            for line in answer:
                key, _, value = line.decode().rstrip("\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    yield Event(name, json.loads(value))
        except (OSError, HTTPException) as error:
            yield Event("error", {"error": f"Cog's server broke off: {error!r}."})


def _details(error: HTTPError) -> list[Json]:
    text = error.read().decode(errors="replace")
    try:
        found = json.loads(text)
        return list(found["detail"])
    except (ValueError, KeyError, TypeError):
        return [{"loc": ["body"], "msg": f"{error}: {text}", "type": "error"}]

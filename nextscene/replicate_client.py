"""Replicate's API, asked with patience: what breaks off is tried again, and files come down whole.

The token stands in REPLICATE_API_TOKEN, goes to that API's own address and nowhere else, and is written nowhere. An
order that may have been placed is not placed twice, because it costs money.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx2

from nextscene import NextSceneError

TOKEN, ADDRESS = "REPLICATE_API_TOKEN", "REPLICATE_API_BASE_URL"
TRIES, FIRST_PAUSE, LONGEST_PAUSE = 6, 1.0, 30.0  # seconds; each pause is twice the one before
PATIENCE = 60.0  # seconds for each answer
NOT_HEARD = (429, 503)  # answers that say that nothing was begun
ENDED = ("succeeded", "failed", "canceled", "aborted")


class ReplicateClient:
    """The API, while it is entered."""

    def __enter__(self) -> Self:
        token = os.environ.get(TOKEN)
        if not token:
            raise NextSceneError(f"Replicate wants a token: set {TOKEN}.")
        self._base = os.environ.get(ADDRESS, "https://api.replicate.com").rstrip("/")
        headers = {"Authorization": f"Bearer {token}"}
        self._api = httpx2.Client(base_url=self._base, headers=headers, timeout=PATIENCE, follow_redirects=False)
        self._anybody = httpx2.Client(timeout=PATIENCE, follow_redirects=True)  # without the token
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()
        self._anybody.close()

    def ask(self, method: str, path: str, *, again: bool, **more: Any) -> dict[str, Any]:
        """What the service answers. again: whether the same may be asked twice, where nobody knows if it was heard."""
        last: httpx2.Response | None = None
        for pause in _tries():
            try:
                last = self._api.request(method, path, **more)
            except httpx2.ConnectError:
                last = None
                continue
            except httpx2.TransportError:
                if not again:
                    raise
                continue
            if last.status_code in NOT_HEARD or (again and last.status_code >= 500):
                sleep(max(_asked_pause(last) - pause, 0))
                continue
            break
        if last is None:
            raise httpx2.ConnectError("it cannot be reached")
        if last.status_code >= 400:
            raise NextSceneError(
                f"Replicate answered {last.status_code} ({_reason(last)}): {_advice(last.status_code)}."
            )
        answer: dict[str, Any] = last.json()
        return answer

    def upload(self, data: bytes, name: str, kind: str) -> str:
        """Gives the service a file; its address there."""
        answer = self.ask("POST", "/v1/files", again=True, files={"content": (name, data, kind)})
        return str(answer["urls"]["get"])

    def download(self, address: str, file: Path, largest: int) -> None:
        """Fetches a whole file of at most so many bytes."""
        for _ in _tries():
            if self._fetch(address, file, largest):
                return
        raise httpx2.ReadError("the file broke off each time")

    def cancel(self, order: str) -> None:
        with suppress(httpx2.HTTPError):  # what ended it is what is said
            self._api.post(f"/v1/predictions/{order}/cancel", timeout=5)

    def _fetch(self, address: str, file: Path, largest: int) -> bool:
        """Whether the whole file came down."""
        own = address.startswith(f"{self._base}/")
        try:
            with (self._api if own else self._anybody).stream("GET", address) as answer, file.open("wb") as out:
                if answer.status_code != 200:
                    return False
                for piece in answer.iter_bytes():
                    out.write(piece)
                    if out.tell() > largest:
                        raise NextSceneError(f"A file of more than {largest / 1e6:.0f} MB is not taken.")
        except httpx2.TransportError:
            return False
        return True


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def _tries() -> Iterator[float]:
    """As often as something is tried; each gives the pause that follows it."""
    for number in range(TRIES):
        pause = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
        yield pause
        if number + 1 < TRIES:
            sleep(pause)


def _asked_pause(answer: httpx2.Response) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isdecimal() else 0.0


def _reason(answer: httpx2.Response) -> str:
    with suppress(ValueError, AttributeError):
        said = answer.json()
        return str(said.get("detail") or said.get("title") or said)[:300]
    return answer.reason_phrase


def _advice(status: int) -> str:
    return {
        401: f"{TOKEN} is not a valid token",
        402: "the account has no credit, or no billing",
        404: "there is no such model",
        422: "the model does not take these inputs",
        429: "too much was asked for in too short a time: try again later",
    }.get(status, "try again later")

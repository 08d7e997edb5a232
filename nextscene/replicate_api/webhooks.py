"""Webhooks: what becomes of a prediction, sent to its sender's own address as Replicate sends it, and signed."""

import base64
import hmac
import json
import secrets
import sys
import time
from queue import Queue
from threading import Thread
from urllib.request import Request, urlopen

from nextscene.replicate_api import Json

EVENTS = ("start", "output", "logs", "completed")
APART = 0.5  # seconds between two about outputs or logs
TRIES = 5  # for the last one, each after twice the time

SECRET = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"


class Webhook:
    """The events of one prediction, to be sent to this address with what the prediction then was."""

    def __init__(self, address: str, events: list[str]) -> None:
        self._address, self._wanted = address, events
        self._events: Queue[tuple[str, Json]] = Queue()
        Thread(target=self._run, daemon=True).start()

    def tell(self, event: str, prediction: Json) -> None:
        if event in self._wanted or event == "completed":
            self._events.put((event, prediction))

    def _run(self) -> None:
        event, sent = "", 0.0
        while event != "completed":
            event, prediction = self._events.get()
            if event in ("output", "logs"):
                time.sleep(max(sent + APART - time.monotonic(), 0))
                while event != "completed" and not self._events.empty():  # the latest says it all
                    event, prediction = self._events.get()
            if event in self._wanted:
                self._send(json.dumps(prediction).encode(), TRIES if event == "completed" else 1)
                sent = time.monotonic()

    def _send(self, body: bytes, tries: int) -> None:
        for number in range(tries):
            try:
                with urlopen(Request(self._address, body, _signed(body)), timeout=10):
                    return
            except OSError as error:
                print(f"The webhook {self._address} could not be reached ({error}).", file=sys.stderr)
            if number + 1 < tries:
                time.sleep(2**number)


def _signed(body: bytes) -> dict[str, str]:
    name, when = f"msg_{secrets.token_hex(13)}", str(int(time.time()))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{name}.{when}.".encode() + body, "sha256")).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": when,
        "webhook-signature": f"v1,{signature}",
    }

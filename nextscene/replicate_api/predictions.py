"""Predictions: each one's state as Replicate shows it, drawn one after the other by Cog.

A prediction is offered to Cog at once, so that wrong inputs are refused while its sender waits; when another one is
being made, it waits for its turn. Who wants to know how it goes on waits for its `changed`.
"""

import base64
import mimetypes
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from threading import Condition, Thread

from nextscene.replicate_api import Json, now
from nextscene.replicate_api.cog import BusyError, Cog, Event, RefusedError

ENDED = ("succeeded", "failed", "canceled")
MOST_KEPT = 100  # predictions; of older ones nothing is known any more
TURN = 0.05  # seconds between two looks at whether Cog is free


@dataclass(eq=False)
class Prediction:
    """One prediction. `tell` is called with start, output, logs and completed, as these happen."""

    model: str
    version: str
    input: Json
    folder: Path
    base: str  # the address under which its sender knows this server
    tell: Callable[["Prediction", str], None]
    id: str = field(default_factory=lambda: secrets.token_hex(13))
    status: str = "starting"
    output: list[str] = field(default_factory=list)
    logs: str = ""
    error: str | None = None
    metrics: Json = field(default_factory=dict)
    created_at: str = field(default_factory=now)
    started_at: str | None = None
    completed_at: str | None = None
    changed: Condition = field(default_factory=Condition)

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def wait(self, seconds: float) -> None:
        """Until it has ended, or for that long."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended, seconds)

    def described(self) -> Json:
        address = f"{self.base}/v1/predictions/{self.id}"
        return {
            "id": self.id,
            "model": self.model,
            "version": self.version,
            "input": self.input,
            "output": self.output or None,
            "logs": self.logs,
            "error": self.error,
            "status": self.status,
            "metrics": self.metrics,
            "source": "api",
            "data_removed": False,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "completed_at": self.completed_at,
            "urls": {"get": address, "cancel": f"{address}/cancel", "stream": f"{self.base}/v1/files/{self.id}/stream"},
        }

    def take(self, event: Event) -> None:
        """What an event of Cog's changes."""
        if self.ended:  # it was cancelled as it began
            return
        match event.name:
            case "start":
                self._change("start", status="processing", started_at=now())
            case "output":
                self._change("output", output=[*self.output, self._kept(str(event.data["chunk"]))])
            case "log":
                self._change("logs", logs=self.logs + str(event.data["data"]))
            case "completed":
                metrics = event.data.get("metrics")
                self.end(
                    str(event.data["status"]), event.data.get("error"), metrics if isinstance(metrics, dict) else {}
                )
            case "error":
                self.end("failed", event.data["error"])

    def end(self, status: str, error: object = None, metrics: Json | None = None) -> None:
        if not self.ended:
            error = None if error is None else str(error)
            self._change("completed", status=status, error=error, metrics=metrics or {}, completed_at=now())

    def _change(self, event: str, **values: object) -> None:
        with self.changed:
            for name, value in values.items():
                setattr(self, name, value)
            self.changed.notify_all()
        self.tell(self, event)

    def _kept(self, chunk: str) -> str:
        """Of a file that Cog gives as a data URI, the address at which it is fetched; anything else as it is."""
        head, comma, data = chunk.partition(",")
        if not (comma and head.startswith("data:") and head.endswith(";base64")):
            return chunk
        suffix = mimetypes.guess_extension(head.removeprefix("data:").removesuffix(";base64")) or ""
        file = self.folder / self.id / f"out-{len(self.output)}{suffix}"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(base64.b64decode(data))
        return f"{self.base}/outputs/{self.id}/{file.name}"


class Predictions:
    """All predictions, and whose turn it is."""

    def __init__(self, cog: Cog) -> None:
        self._cog = cog
        self._predictions: dict[str, Prediction] = {}
        self._waiting: Queue[tuple[Prediction, Json]] = Queue()
        Thread(target=self._take_turns, daemon=True).start()

    def begin(self, prediction: Prediction, inputs: Json) -> None:
        """Begins a prediction, or lets it wait for its turn; RefusedError when Cog does not take these inputs."""
        try:
            events = self._cog.predict(prediction.id, inputs)
        except BusyError:
            self._keep(prediction)
            self._waiting.put((prediction, inputs))
        else:
            self._keep(prediction)
            Thread(target=self._follow, args=(prediction, events), daemon=True).start()

    def all(self) -> list[Prediction]:
        return list(self._predictions.values())[::-1]

    def find(self, name: str) -> Prediction | None:
        return self._predictions.get(name)

    def cancel(self, prediction: Prediction) -> None:
        if prediction.started_at is None:
            prediction.end("canceled")
        if not prediction.ended:
            self._cog.cancel(prediction.id)

    def _keep(self, prediction: Prediction) -> None:
        self._predictions[prediction.id] = prediction
        ended = [each for each in self._predictions.values() if each.ended]
        for each in ended[: max(len(self._predictions) - MOST_KEPT, 0)]:
            del self._predictions[each.id]
            for file in (each.folder / each.id).glob("*"):
                file.unlink()

    def _take_turns(self) -> None:
        while True:
            prediction, inputs = self._waiting.get()
            while not prediction.ended:
                try:
                    self._follow(prediction, self._cog.predict(prediction.id, inputs))
                except BusyError:
                    if (state := self._cog.state()) not in ("READY", "BUSY"):
                        prediction.end("failed", f"Cog's server cannot predict any more ({state}): start it anew.")
                    time.sleep(TURN)
                except RefusedError as error:
                    prediction.end("failed", error)
                except OSError as error:
                    prediction.end("failed", f"Cog's server does not answer ({error}): start it anew.")

    def _follow(self, prediction: Prediction, events: Iterator[Event]) -> None:
        for event in events:
            prediction.take(event)
            if prediction.ended and event.name != "completed":
                self._cog.cancel(prediction.id)
        prediction.end("failed", "Cog's server ended before the prediction did: start it anew.")

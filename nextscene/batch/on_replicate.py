"""Workers on Replicate: a prediction for each story, watched until it is done and its files are fetched.

The prediction's id is kept in the story's folder, in prediction.json, before anything else is done with it. Whoever
runs the batch may be killed: predictions go on, and the same command takes them up.
"""

import base64
import hashlib
import json
import mimetypes
import re
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from nextscene import NextSceneError, replicate_client
from nextscene.batch.delivered import is_whole, unpack
from nextscene.batch.jobs import Drawn, Job, Outcome, Task, Wanted, beside, scenes_of
from nextscene.batch.place import Address, Changes, Files, Folder, Mirror
from nextscene.batch.workers import Event
from nextscene.output import Record
from nextscene.replicate_client import ENDED, ReplicateClient
from nextscene.story import Story, read_look

MODEL = re.compile(r"([\w.-]+/[\w.-]+)(?::(\w+))?")
FILE = "prediction.json"
MOST = 8  # predictions under way, where nobody says how many
APART = 0.2  # seconds from one prediction to the next: Replicate takes 600 in a minute
EVERY = 1.0  # seconds from one look at a prediction to the next
LARGEST = 200_000_000  # bytes of one file
AS_ADDRESS = 256_000  # bytes of a file that goes within the request; a larger one is sent up first


@dataclass
class _Order:
    """A prediction under way."""

    task: Task
    id: str
    there: Files
    began: float = field(default_factory=time.monotonic)
    looked: float = -float("inf")
    told: int = 0  # scenes

    @property
    def name(self) -> str:
        return self.task.job.name


class OnReplicate:
    """Predictions of one model."""

    divides = False

    def __init__(self, model: str, place: Folder | Address, wanted: Wanted, workers: int | None = None) -> None:
        named = MODEL.fullmatch(model)
        if not named:
            raise NextSceneError(f"--on: name the model as replicate:OWNER/NAME[:VERSION], not {model!r}.")
        if wanted.output.auto_retake or wanted.output.self_check:
            raise NextSceneError("On Replicate scenes are not taken again: leave out --auto-retake and --self-check.")
        self.size, self._place, self._wanted = workers or MOST, place, wanted
        self._orders: list[_Order] = []
        self._said: deque[Event] = deque()
        self._last = -float("inf")
        self._client = ReplicateClient().__enter__()
        self._version = named[2] or self._latest(named[1])

    @property
    def free(self) -> bool:
        return len(self._orders) + len(self._said) < self.size

    def give(self, task: Task) -> None:
        began = time.monotonic()
        try:
            with _as_outcome():
                self._begin(task)
        except NextSceneError as error:
            self._said.append(Outcome(task.job.name, "failed", time.monotonic() - began, str(error)))
        except OSError as error:
            self._said.append(Outcome(task.job.name, "failed", time.monotonic() - began, str(error), again=True))

    def take(self) -> Event:
        while not self._said:
            order = min(self._orders, key=lambda each: each.looked)
            if (early := order.looked + EVERY - time.monotonic()) > 0:
                replicate_client.sleep(early)
            self._look(order)
        return self._said.popleft()

    def close(self) -> None:
        """Predictions go on without us."""
        self._client.__exit__()

    def _latest(self, model: str) -> str:
        with _as_outcome():
            version = self._client.ask("GET", f"/v1/models/{model}", again=True).get("latest_version") or {}
        if not version:
            raise NextSceneError(f"--on: {model} has no version on Replicate: push it first.")
        return str(version["id"])

    def _begin(self, task: Task) -> None:
        """Takes up what is there of a story: all of it, or a prediction that was begun; else it is begun."""
        job = task.job
        inputs = self._inputs(job)
        asked = hashlib.sha256(json.dumps([self._version, inputs], sort_keys=True).encode()).hexdigest()
        there = self._place.read(job.name)
        noted = json.loads(there.get(FILE, b"{}"))
        if noted.get("asked") != asked:
            noted = {}
        if noted.get("fetched") and is_whole(there):
            with _unpacked(there) as folder:
                self._said.append(Outcome(job.name, "made", 0, scenes=_scenes(folder, self._wanted, there)))
            return
        name = noted.get("id") or (self._find(inputs, noted["placing"]) if "placing" in noted else None)
        if not name or noted.get("fetched"):
            placing = datetime.now(UTC).isoformat()
            self._note(job, {"asked": asked, "placing": placing})
            name = self._order(inputs)
        self._note(job, {"asked": asked, "id": name})
        self._orders.append(_Order(task, name, there))

    def _order(self, inputs: Mapping[str, object]) -> str:
        sent = {name: self._sent(value) for name, value in inputs.items()}
        replicate_client.sleep(max(0, self._last + APART - time.monotonic()))
        order = self._client.ask("POST", "/v1/predictions", again=False, json={"version": self._version, "input": sent})
        self._last = time.monotonic()
        if not re.fullmatch(r"[\w-]{1,100}", str(order.get("id"))):
            raise OSError("Replicate answered without a prediction")
        return str(order["id"])

    def _find(self, inputs: Mapping[str, object], since: str) -> str | None:
        """The prediction that was asked for when the client was killed, if it was heard."""
        sent = {name: self._sent(value) for name, value in inputs.items() if not isinstance(value, list)}
        for order in self._client.ask("GET", "/v1/predictions", again=True)["results"]:
            told = order.get("input") or {}
            if order["created_at"][:19] >= since[:19] and sent.items() <= told.items():
                return str(order["id"])
        return None

    def _look(self, order: _Order) -> None:
        began = order.began
        try:
            with _as_outcome():
                now = self._client.ask("GET", f"/v1/predictions/{order.id}", again=True)
                order.looked = time.monotonic()
                output = now.get("output") or []
                done = min(len(output), order.task.job.scenes)
                self._said += [Drawn(order.name)] * (done - order.told)
                order.told = max(done, order.told)
                if now["status"] not in ENDED:
                    return
                outcome = self._end(order, now, output)
        except (NextSceneError, OSError) as error:
            self._note(order.task.job, {})
            outcome = Outcome(order.name, "failed", time.monotonic() - began, str(error), again=True)
        self._orders.remove(order)
        self._said.append(outcome)

    def _end(self, order: _Order, now: Mapping[str, Any], output: list[str]) -> Outcome:
        """A prediction that has ended: its files fetched, or why there are none."""
        job, seconds = order.task.job, time.monotonic() - order.began
        if now["status"] != "succeeded":
            self._note(job, {})
            reason = str(now.get("error") or f"its prediction was {now['status']}")
            ours = reason.startswith("Next Scene: ") or now["status"] == "canceled"
            return Outcome(order.name, "failed", seconds, reason.removeprefix("Next Scene: "), again=not ours)
        if now.get("data_removed") or not output:
            self._note(job, {})
            return Outcome(order.name, "failed", seconds, "its files had expired before they were fetched", again=True)
        with _unpacked(order.there) as folder:
            mirror = Mirror(folder, order.there)
            unpack([self._fetched(address) for address in output], job, folder, self._wanted)
            (folder / "log.txt").write_text(str(now.get("logs") or ""), encoding="utf-8")
            scenes = _scenes(folder, self._wanted, order.there)
            self._place.write(job.name, mirror.changes())
        noted = json.loads(self._place.read(job.name)[FILE])
        metrics = {"seconds": (now.get("metrics") or {}).get("predict_time")}
        self._note(job, noted | metrics | {"fetched": True})
        return Outcome(order.name, "made", seconds, scenes=scenes)

    def _fetched(self, address: str) -> bytes:
        with tempfile.NamedTemporaryFile(prefix="next-scene-") as file:
            self._client.download(address, Path(file.name), LARGEST)
            return Path(file.name).read_bytes()

    def _note(self, job: Job, noted: Mapping[str, object]) -> None:
        self._place.write(job.name, Changes({FILE: json.dumps({"version": self._version} | dict(noted)).encode()}))

    def _inputs(self, job: Job) -> dict[str, object]:
        """What the form is given: files as paths, which are sent when it is."""
        story = _whole_story(job, self._wanted)
        pictures = {"image": beside(job, story.image)} if story.image else {}
        cast = {"references": [_data(beside(job, name)) for name in story.cast]} if story.cast else {}
        told = story.as_data() | {"film": {}}
        return {
            "story": _as_data("application/json", json.dumps(told).encode()),
            **{name: _data(file) for name, file in pictures.items()},
            **cast,
            "output_format": "png",
            "contact_sheet": True,
            "return_record": True,
        }

    def _sent(self, value: object) -> object:
        """A large file in a request becomes the address under which it was sent up."""
        if isinstance(value, list):
            return [self._sent(each) for each in value]
        if not isinstance(value, str) or len(value) < AS_ADDRESS or not value.startswith("data:"):
            return value
        head, _, data = value.partition(";base64,")
        kind = head.removeprefix("data:")
        return self._client.upload(base64.b64decode(data), f"file{mimetypes.guess_extension(kind) or ''}", kind)


def _whole_story(job: Job, wanted: Wanted) -> Story:
    """The story with all that flags say, and with its look written out."""
    if not job.story:
        raise NextSceneError(job.problem)
    story, look = job.story, wanted.settings.look or job.story.look
    if look:
        story = read_look(Path(look) if wanted.settings.look else beside(job, look)).under(story)
    typed = {name: value for name, value in wanted.settings.given.items() if name != "look"}
    story = story.overlaid(type(wanted.settings)(**typed))
    if story.clips != "none":
        raise NextSceneError("Clips are not made on Replicate by a batch: leave them out, then use script/animate.")
    return story


def _data(file: Path) -> str:
    return _as_data(mimetypes.guess_type(file.name)[0] or "application/octet-stream", file.read_bytes())


def _as_data(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _scenes(folder: Path, wanted: Wanted, there: Files) -> Any:
    before = {hashlib.sha256(data).hexdigest() for data in there.values()}
    return tuple(scenes_of(Record(folder), wanted.output.output_format, before))


@contextmanager
def _unpacked(there: Files) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="next-scene-batch-") as scratch:
        folder = Path(scratch, "story")
        Folder(folder).write("", Changes(there))
        yield folder


@contextmanager
def _as_outcome() -> Iterator[None]:
    """What breaks off between us and Replicate, as an OSError."""
    try:
        yield
    except (httpx2.HTTPError, ValueError, KeyError) as error:
        raise OSError(f"Replicate cannot be understood ({type(error).__name__}: {error})") from None

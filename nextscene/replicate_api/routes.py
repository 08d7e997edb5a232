"""The routes of Replicate's API, and what each answers."""

import difflib
import hashlib
import json
import mimetypes
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from nextscene import NextSceneError
from nextscene.replicate_api import Json, now
from nextscene.replicate_api.cog import Cog, RefusedError
from nextscene.replicate_api.predictions import Prediction, Predictions
from nextscene.replicate_api.streams import streamed
from nextscene.replicate_api.uploads import Upload, Uploads
from nextscene.replicate_api.webhooks import EVENTS, SECRET, Webhook

LONGEST_WAIT = 60  # seconds
CANCEL_WAIT = 10  # seconds until a prediction that is cancelled has ended


class Answer(NamedTuple):
    status: int
    body: bytes | Iterator[bytes] = b""
    content_type: str = "application/json"


class ProblemError(Exception):
    """What Replicate answers when it cannot do as it was asked."""

    def __init__(self, status: int, title: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.answer = Answer(status, _json({"title": title, "detail": detail, "status": status, **more}))


class Api:
    """What is kept from one request to the next."""

    def __init__(self, cog: Cog, folder: Path, token: str | None = None) -> None:
        """token: the only one that is let in; None: any."""
        self.cog, self.folder, self.token = cog, folder, token
        (folder / "uploads").mkdir()
        (folder / "outputs").mkdir()
        self.uploads, self.predictions = Uploads(folder / "uploads"), Predictions(cog)
        self.document, self.began = cog.document(), now()
        self.version = hashlib.sha256(json.dumps(self.document).encode()).hexdigest()


class Call:
    """One request. Its methods are the routes; what a path has in the place of a group is handed to them."""

    def __init__(self, api: Api, base: str, headers: dict[str, str], body: bytes) -> None:
        self.api, self.base, self.headers, self.body = api, base, headers, body

    def account(self) -> Answer:
        return _shown({"type": "user", "username": "local", "name": "This machine", "github_url": None})

    def secret(self) -> Answer:
        return _shown({"key": SECRET})

    def create(self) -> Answer:
        version = str(self._data().get("version") or self.api.version)
        model, _, named = version.rpartition(":")
        return self._create(model or (version if "/" in version else "local/next-scene"), named)

    def create_of_model(self, model: str) -> Answer:
        return self._create(model, self.api.version)

    def predictions(self) -> Answer:
        return _listed([each.described() for each in self.api.predictions.all()])

    def prediction(self, name: str) -> Answer:
        return _shown(self._prediction(name).described())

    def cancel(self, name: str) -> Answer:
        prediction = self._prediction(name)
        self.api.predictions.cancel(prediction)
        prediction.wait(CANCEL_WAIT)
        return _shown(prediction.described())

    def stream(self, name: str) -> Answer:
        return Answer(200, streamed(self._prediction(name)), "text/event-stream")

    def output(self, name: str, file: str) -> Answer:
        path = self.api.folder / "outputs" / name / file
        if not path.is_file():
            raise ProblemError(404, "Not found", "There is no such output.")
        return Answer(200, path.read_bytes(), mimetypes.guess_type(file)[0] or "application/octet-stream")

    def upload(self) -> Answer:
        try:
            upload = self.api.uploads.add(self.headers.get("content-type", ""), self.body)
        except NextSceneError as error:
            raise ProblemError(422, "Invalid file", str(error)) from error
        return _shown(upload.described(self.base), 201)

    def uploads(self) -> Answer:
        return _listed([each.described(self.base) for each in self.api.uploads.all()])

    def uploaded(self, name: str) -> Answer:
        return _shown(self._upload(name).described(self.base))

    def delete(self, name: str) -> Answer:
        self.api.uploads.delete(self._upload(name))
        return Answer(204)

    def model(self, owner: str, name: str) -> Answer:
        links = dict.fromkeys(["github_url", "paper_url", "license_url", "cover_image_url", "default_example"])
        count = len(self.api.predictions.all())
        facts = {"url": f"{self.base}/{owner}/{name}", "owner": owner, "name": name, "visibility": "private"}
        more = {"description": "Next Scene, on this machine", "run_count": count, "latest_version": self._version()}
        return _shown({**facts, **links, **more})

    def versions(self, _owner: str, _name: str) -> Answer:
        return _listed([self._version()])

    def version(self, _owner: str, _name: str, version: str) -> Answer:
        return _shown({**self._version(), "id": version})

    def _version(self) -> Json:
        info = self.api.document["info"]
        cog = info["version"] if isinstance(info, dict) else None
        made = {"id": self.api.version, "created_at": self.api.began}
        return {**made, "cog_version": cog, "openapi_schema": self.api.document}

    def _create(self, model: str, version: str) -> Answer:
        data = self._data()
        inputs = data.get("input") or {}
        if not isinstance(inputs, dict):
            raise ProblemError(422, "Input validation failed", "- input: is not an object\n")
        self._name_unknown(inputs)
        tell = self._webhook(data)
        prediction = Prediction(model, version, inputs, self.api.folder / "outputs", self.base, tell)
        sent = {name: self.api.uploads.in_place(value, self.base) for name, value in inputs.items()}
        try:
            self.api.predictions.begin(prediction, sent)
        except RefusedError as error:
            raise _invalid(error) from error
        wait = _seconds(self.headers.get("prefer", ""))
        prediction.wait(wait)
        shown = prediction.described()
        if wait and not prediction.ended:
            shown["status"] = "starting"  # by this the clients know that they have to go on asking
        return _shown(shown, 201)

    def _name_unknown(self, inputs: Json) -> None:
        """Says on the terminal which inputs are dropped, as Replicate drops them, without a word."""
        known = self.api.document
        for key in ("components", "schemas", "Input", "properties"):
            step = known.get(key)
            known = step if isinstance(step, dict) else {}
        for name in inputs.keys() - known.keys():
            close = difflib.get_close_matches(name, known, 1)
            hint = f": did you mean {close[0]!r}?" if close else "."
            print(f"There is no input {name!r}, it is dropped{hint}", file=sys.stderr)

    def _webhook(self, data: Json) -> Callable[[Prediction, str], None]:
        address, events = data.get("webhook"), data.get("webhook_events_filter") or list(EVENTS)
        if address is None:
            return lambda _prediction, _event: None
        if urlsplit(str(address)).scheme not in ("http", "https"):
            raise ProblemError(422, "Invalid webhook", "webhook is not an http or https address.")
        if not isinstance(events, list) or set(events) - set(EVENTS):
            raise ProblemError(
                422, "Invalid webhook", f"webhook_events_filter has other events than {', '.join(EVENTS)}."
            )
        webhook = Webhook(str(address), events)
        return lambda prediction, event: webhook.tell(event, prediction.described())

    def _data(self) -> Json:
        try:
            data = json.loads(self.body or b"{}")
        except ValueError as error:
            raise ProblemError(400, "Invalid request", f"The request is not JSON: {error}.") from error
        if not isinstance(data, dict):
            raise ProblemError(400, "Invalid request", "The request is not a JSON object.")
        return data

    def _prediction(self, name: str) -> Prediction:
        if prediction := self.api.predictions.find(name):
            return prediction
        raise ProblemError(404, "Not found", "There is no such prediction.")

    def _upload(self, name: str) -> Upload:
        if upload := self.api.uploads.find(name):
            return upload
        raise ProblemError(404, "Not found", "There is no such file.")


MODEL = r"/v1/models/([\w.-]+)/([\w.-]+)"
ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", r"/v1/account", Call.account),
    ("GET", r"/v1/webhooks/default/secret", Call.secret),
    ("POST", r"/v1/predictions", Call.create),
    ("GET", r"/v1/predictions", Call.predictions),
    ("GET", r"/v1/predictions/(\w+)", Call.prediction),
    ("POST", r"/v1/predictions/(\w+)/cancel", Call.cancel),
    ("POST", r"/v1/models/([\w.-]+/[\w.-]+)/predictions", Call.create_of_model),
    ("GET", MODEL, Call.model),
    ("GET", rf"{MODEL}/versions", Call.versions),
    ("GET", rf"{MODEL}/versions/(\w+)", Call.version),
    ("POST", r"/v1/files", Call.upload),
    ("GET", r"/v1/files", Call.uploads),
    ("GET", r"/v1/files/(\w+)", Call.uploaded),
    ("DELETE", r"/v1/files/(\w+)", Call.delete),
    ("GET", r"/v1/files/(\w+)/stream", Call.stream),
    ("GET", r"/outputs/(\w+)/([\w.-]+)", Call.output),
]
OPEN = (Call.stream, Call.output)  # to whoever knows the address, as the clients send no token there


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _shown(value: Json, status: int = 200) -> Answer:
    return Answer(status, _json(value))


def _listed(values: list[Json]) -> Answer:
    return _shown({"previous": None, "next": None, "results": values})


def _invalid(error: RefusedError) -> ProblemError:
    """Inputs that Cog refused, as Replicate says it."""
    fields = []
    for each in error.details:
        place = each.get("loc")
        named = ".".join(str(step) for step in place if step != "body") if isinstance(place, list) else ""
        fields.append({"field": named, "type": each.get("type"), "description": each.get("msg")})
    lines = "".join(f"- {each['field']}: {each['description']}\n" for each in fields)
    return ProblemError(422, "Input validation failed", lines, invalid_fields=fields)


def _seconds(prefer: str) -> float:
    """How long a client wants to wait for its answer: `Prefer: wait`, or `wait=5`."""
    found = re.fullmatch(r"wait(?:=(\d{1,9}))?", prefer.strip())
    return min(int(found[1] or LONGEST_WAIT), LONGEST_WAIT) if found else 0

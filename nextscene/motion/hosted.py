"""A clip by a hosted model, through Replicate's API: the pictures go up, an order is placed, its film comes down.

The token stands in REPLICATE_API_TOKEN, goes to that API's own address and nowhere else, and is written nowhere. What
breaks off is tried again; only an order that may have been placed is not placed twice, because it costs money. Whatever
ends a clip early cancels its order.
"""

import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import httpx2
from PIL import Image

from nextscene import NextSceneError
from nextscene.clip import Clip, OnClipStep
from nextscene.film import read_clip
from nextscene.motion.hosted_models import find_hosted, inputs_of
from nextscene.story import ClipPlan

TOKEN, ADDRESS = "REPLICATE_API_TOKEN", "REPLICATE_API_BASE_URL"
TRIES, FIRST_PAUSE, LONGEST_PAUSE = 6, 1.0, 30.0  # seconds; each pause is twice the one before
PATIENCE = 60.0  # seconds for each answer
LONGEST = 1800.0  # seconds from an order to its clip
LARGEST = 500_000_000  # bytes of a clip
NOT_HEARD = (429, 503)  # answers that say that nothing was begun
EVERY = 1.0  # seconds between two looks at an order
STEPS = 100  # its progress is told in percent


class Hosted:
    """Makes clips by a hosted model, one after another."""

    def __enter__(self) -> Self:
        token = os.environ[TOKEN]  # without which the engine was not chosen
        self._base = os.environ.get(ADDRESS, "https://api.replicate.com").rstrip("/")
        headers = {"Authorization": f"Bearer {token}"}
        self._api = httpx2.Client(base_url=self._base, headers=headers, timeout=PATIENCE, follow_redirects=False)
        self._anybody = httpx2.Client(timeout=PATIENCE, follow_redirects=True)  # without the token
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()
        self._anybody.close()

    def check(self, plan: ClipPlan) -> None:
        find_hosted(plan)

    def make(
        self, plan: ClipPlan, first: Image.Image, last: Image.Image | None, on_step: OnClipStep = lambda *_: None
    ) -> Clip:
        started = time.perf_counter()
        name, model = find_hosted(plan)
        with _said_in_a_sentence(plan, name):
            shape = first.width / first.height
            inputs = inputs_of(model, plan, shape, self._upload(first), self._upload(last) if last else None)
            order = self._order(plan, name, inputs)
            try:
                order = self._wait(plan, name, order, on_step)
            except BaseException:
                self._cancel(order["id"])
                raise
            clip = self._download(plan, name, order)
        on_step(plan, STEPS, STEPS)
        facts = {
            "hosted": name,
            "order": order["id"],
            "version": str(order.get("version") or ""),
            "asked_for": {key: value for key, value in inputs.items() if key not in (model.first, model.last)},
            "metrics": {
                key: value for key, value in (order.get("metrics") or {}).items() if isinstance(value, float | int)
            },
        }
        return Clip(clip.frames, clip.fps, time.perf_counter() - started, facts)

    def _upload(self, picture: Image.Image) -> str:
        """Gives the service a picture; its address there."""
        out = BytesIO()
        picture.save(out, "PNG")
        files = {"content": ("picture.png", out.getvalue(), "image/png")}
        answer = self._ask("POST", "/v1/files", again=True, files=files)
        return str(answer["urls"]["get"])

    def _order(self, plan: ClipPlan, name: str, inputs: Mapping[str, object]) -> dict[str, Any]:
        order = self._ask("POST", f"/v1/models/{name}/predictions", again=False, json={"input": dict(inputs)})
        if not re.fullmatch(r"[\w-]{1,100}", str(order.get("id"))):
            raise NextSceneError(f"Scene {plan.number}'s clip: {name} answered without an order: try again.")
        return order

    def _wait(self, plan: ClipPlan, name: str, order: dict[str, Any], on_step: OnClipStep) -> dict[str, Any]:
        """Looks at an order until it is done; says how far it is by the last percentage in its logs."""
        deadline, shown = time.monotonic() + LONGEST, 0
        while order["status"] not in ("succeeded", "failed", "canceled", "aborted"):
            if time.monotonic() > deadline:
                raise NextSceneError(
                    f"Scene {plan.number}'s clip: {name} was not done in {LONGEST / 60:.0f} minutes: try again later."
                )
            _sleep(EVERY)
            order = self._ask("GET", f"/v1/predictions/{order['id']}", again=True)
            if (done := _percent(order)) > shown:
                shown = done
                on_step(plan, shown, STEPS)
        if order["status"] != "succeeded":
            why = str(order.get("error") or "nothing was said")[:300]
            raise NextSceneError(
                f"Scene {plan.number}'s clip: {name} {order['status']} ({why}): change it or try again."
            )
        return order

    def _cancel(self, name: str) -> None:
        with suppress(httpx2.HTTPError):  # what ended it is what is said
            self._api.post(f"/v1/predictions/{name}/cancel", timeout=5)

    def _download(self, plan: ClipPlan, name: str, order: Mapping[str, Any]) -> Any:
        output = order.get("output")
        address = output[0] if isinstance(output, list) and output else output
        if not isinstance(address, str) or not address.startswith(("https://", "http://")):
            raise NextSceneError(f"Scene {plan.number}'s clip: {name} gave no film: try again.")
        with tempfile.TemporaryDirectory(prefix="next-scene-hosted-") as folder:
            file = Path(folder) / "clip.mp4"
            for _ in _tries():
                if self._fetch(address, file):
                    return read_clip(file)
        raise httpx2.ReadError("the film broke off each time")

    def _fetch(self, address: str, file: Path) -> bool:
        """Whether the whole film came down."""
        own = address.startswith(f"{self._base}/")
        try:
            with (self._api if own else self._anybody).stream("GET", address) as answer, file.open("wb") as out:
                if answer.status_code != 200:
                    return False
                for piece in answer.iter_bytes():
                    out.write(piece)
                    if out.tell() > LARGEST:
                        raise NextSceneError(f"A clip of more than {LARGEST / 1e6:.0f} MB is not taken.")
        except httpx2.TransportError:
            return False
        return True

    def _ask(self, method: str, path: str, *, again: bool, **more: Any) -> dict[str, Any]:
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
                _sleep(max(_asked_pause(last) - pause, 0))
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


def _tries() -> Iterator[float]:
    """As often as something is tried; each gives the pause that follows it."""
    for number in range(TRIES):
        pause = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
        yield pause
        if number + 1 < TRIES:
            _sleep(pause)


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


def _asked_pause(answer: httpx2.Response) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isdecimal() else 0.0


def _percent(order: Mapping[str, Any]) -> int:
    found = re.findall(r"(\d{1,3})%", str(order.get("logs") or ""))
    return min(int(found[-1]), STEPS - 1) if found else 0


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


@contextmanager
def _said_in_a_sentence(plan: ClipPlan, name: str) -> Iterator[None]:
    try:
        yield
    except (httpx2.HTTPError, ValueError, KeyError) as error:
        raise NextSceneError(
            f"Scene {plan.number}'s clip by {name} broke off ({type(error).__name__}: {error}): if it was ordered, "
            "replicate.com/predictions shows it; the same command tries again."
        ) from None

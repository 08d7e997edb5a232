"""A clip by a hosted model, through Replicate's API: the pictures go up, an order is placed, its film comes down.

Whatever ends a clip early cancels its order.
"""

import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import httpx2
from PIL import Image

from nextscene import NextSceneError, replicate_client
from nextscene.clip import Clip, OnClipStep
from nextscene.film import read_clip
from nextscene.motion.hosted_models import find_hosted, inputs_of
from nextscene.replicate_client import ENDED, ReplicateClient
from nextscene.story import ClipPlan

LONGEST = 1800.0  # seconds from an order to its clip
LARGEST = 500_000_000  # bytes of a clip
EVERY = 1.0  # seconds between two looks at an order
STEPS = 100  # its progress is told in percent


class Hosted:
    """Makes clips by a hosted model, one after another."""

    def __enter__(self) -> Self:
        self._api = ReplicateClient().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._api.__exit__()

    def check(self, plan: ClipPlan) -> None:
        find_hosted(plan)

    def make(
        self, plan: ClipPlan, first: Image.Image, last: Image.Image | None, on_step: OnClipStep = lambda *_: None
    ) -> Clip:
        started = time.perf_counter()
        name, model = find_hosted(plan)
        with said_in_a_sentence(plan, name):
            shape = first.width / first.height
            inputs = inputs_of(model, plan, shape, self._upload(first), self._upload(last) if last else None)
            order = self._order(plan, name, inputs)
            try:
                order = self._wait(plan, name, order, on_step)
            except BaseException:
                self._api.cancel(order["id"])
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
        return self._api.upload(out.getvalue(), "picture.png", "image/png")

    def _order(self, plan: ClipPlan, name: str, inputs: Mapping[str, object]) -> dict[str, Any]:
        order = self._api.ask("POST", f"/v1/models/{name}/predictions", again=False, json={"input": dict(inputs)})
        if not re.fullmatch(r"[\w-]{1,100}", str(order.get("id"))):
            raise NextSceneError(f"Scene {plan.number}'s clip: {name} answered without an order: try again.")
        return order

    def _wait(self, plan: ClipPlan, name: str, order: dict[str, Any], on_step: OnClipStep) -> dict[str, Any]:
        """Looks at an order until it is done; says how far it is by the last percentage in its logs."""
        deadline, shown = time.monotonic() + LONGEST, 0
        while order["status"] not in ENDED:
            if time.monotonic() > deadline:
                raise NextSceneError(
                    f"Scene {plan.number}'s clip: {name} was not done in {LONGEST / 60:.0f} minutes: try again later."
                )
            replicate_client.sleep(EVERY)
            order = self._api.ask("GET", f"/v1/predictions/{order['id']}", again=True)
            if (done := _percent(order)) > shown:
                shown = done
                on_step(plan, shown, STEPS)
        if order["status"] != "succeeded":
            why = str(order.get("error") or "nothing was said")[:300]
            raise NextSceneError(
                f"Scene {plan.number}'s clip: {name} {order['status']} ({why}): change it or try again."
            )
        return order

    def _download(self, plan: ClipPlan, name: str, order: Mapping[str, Any]) -> Any:
        output = order.get("output")
        address = output[0] if isinstance(output, list) and output else output
        if not isinstance(address, str) or not address.startswith(("https://", "http://")):
            raise NextSceneError(f"Scene {plan.number}'s clip: {name} gave no film: try again.")
        with tempfile.TemporaryDirectory(prefix="next-scene-hosted-") as folder:
            file = Path(folder) / "clip.mp4"
            self._api.download(address, file, LARGEST)
            return read_clip(file)


def _percent(order: Mapping[str, Any]) -> int:
    found = re.findall(r"(\d{1,3})%", str(order.get("logs") or ""))
    return min(int(found[-1]), STEPS - 1) if found else 0


@contextmanager
def said_in_a_sentence(plan: ClipPlan, name: str) -> Iterator[None]:
    try:
        yield
    except (httpx2.HTTPError, ValueError, KeyError) as error:
        raise NextSceneError(
            f"Scene {plan.number}'s clip by {name} broke off ({type(error).__name__}: {error}): if it was ordered, "
            "replicate.com/predictions shows it; the same command tries again."
        ) from None

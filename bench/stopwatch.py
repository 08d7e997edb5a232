"""Where the seconds of a scene go, and what they are held against: its operations, and the machine's own pace.

It knows pipelines, ours and the stock one, and nothing of stories or ways to draw them.
"""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from diffusers import QwenImageTransformer2DModel
from torch.utils.flop_counter import FlopCounterMode

PARTS = ("text", "VAE", "transformer")


class Call(NamedTuple):
    """The sizes of what the transformer is called with: all that its number of operations depends on."""

    patches: int
    words: int
    pictures: tuple[tuple[int, int, int], ...]


@dataclass
class Watch:
    """Of what was drawn: the seconds that each part took, and the transformer's calls."""

    seconds: dict[str, float] = field(default_factory=dict)
    calls: Counter[Call] = field(default_factory=Counter)


@contextmanager
def watched(pipe: Any) -> Iterator[Watch]:
    """Watches a pipeline draw. On a GPU the marks lie in its own stream, so nothing waits for them."""
    watch, marks = Watch(), []

    def timed(part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if part == "transformer":
                watch.calls[_call(named)] += 1
            started = _mark()
            made = work(*given, **named)
            marks.append((part, started, _mark()))
            return made

        return call

    with ExitStack() as stack:
        for part, owner, name in (
            ("text", pipe, "encode_prompt"),
            ("VAE", pipe.vae, "encode"),
            ("VAE", pipe.vae, "decode"),
            ("transformer", pipe.transformer, "forward"),
        ):
            stack.enter_context(patch.object(owner, name, timed(part, getattr(owner, name))))
        yield watch
    finish()
    watch.seconds = {part: sum(_between(*both) for name, *both in marks if name == part) for part in PARTS}


class Operations:
    """How many operations the transformer's calls are, counted on a twin of it that has shapes and no numbers."""

    def __init__(self, transformer: QwenImageTransformer2DModel) -> None:
        with torch.device("meta"):
            self._twin = type(transformer).from_config(transformer.config)
        self._counted: dict[Call, int] = {}

    def of(self, calls: Counter[Call]) -> int:
        return sum(self._of_one(call) * times for call, times in calls.items())

    def _of_one(self, call: Call) -> int:
        if call not in self._counted:
            config = self._twin.config
            with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
                self._twin(
                    hidden_states=torch.empty(1, call.patches, config.in_channels),
                    encoder_hidden_states=torch.empty(1, call.words, config.joint_attention_dim),
                    timestep=torch.empty(1),
                    img_shapes=[list(call.pictures)],
                )
            self._counted[call] = counter.get_total_flops()
        return self._counted[call]


def ceiling(side: int, times: int, values: int = 5) -> list[float]:
    """The TFLOP/s of multiplying two large random matrices so many times over, in what the model calculates in."""
    on, numbers = ("cuda", torch.bfloat16) if torch.cuda.is_available() else ("cpu", torch.float32)
    one, other = torch.randn(2, side, side, device=on).to(numbers)
    reached = []
    for _ in range(values + 1):  # the first warms up
        finish()
        started = time.perf_counter()
        for _ in range(times):
            torch.mm(one, other)
        finish()
        reached.append(2 * side**3 * times / (time.perf_counter() - started) / 1e12)
    return reached[1:]


def finish() -> None:
    """Waits until the GPU, if there is one, has nothing left to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def tidy() -> None:
    """Gives back the memory that nothing uses any more, and counts the GPU's anew from here."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def alone(work: Callable[..., Any], *given: Any) -> Any:
    """What a function gives in a fresh process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *given).result()


def _call(named: dict[str, Any]) -> Call:
    (pictures,) = named["img_shapes"]
    return Call(named["hidden_states"].shape[1], named["encoder_hidden_states"].shape[1], tuple(pictures))


def _mark() -> Any:
    if not torch.cuda.is_available():
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


def _between(started: Any, ended: Any) -> float:
    """Seconds between two marks."""
    return float(ended - started if isinstance(ended, float) else started.elapsed_time(ended) / 1000)

"""Progress with time left: a bar in a terminal, a line now and then in a log. It knows nothing but numbers of steps."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from tqdm import tqdm

LINES = 50  # in a log, unless they are further apart than this:
PAUSE = 10.0  # seconds


class OnStep(Protocol):
    """Called with the number of steps that are done, and the loss if there is one."""

    def __call__(self, now: int, loss: float | None = None) -> None: ...


@contextmanager
def progress(what: str, total: int, done: int = 0, quiet: bool = False) -> Iterator[OnStep]:
    """Shows how far something is: at once, after its first step, and then now and then."""
    if quiet:
        yield lambda now, loss=None: None
    elif sys.stderr.isatty():
        with _bar(what, total, done) as on_step:
            yield on_step
    else:
        yield _lines(what, total, done)


@contextmanager
def _bar(what: str, total: int, done: int) -> Iterator[OnStep]:
    look = "{l_bar}{bar}| {n_fmt} of {total_fmt}, {elapsed} gone, {remaining} left{postfix}"
    with tqdm(desc=what, initial=done, total=total, bar_format=look, leave=None) as bar:

        def on_step(now: int, loss: float | None = None) -> None:
            if loss is not None:
                bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
            bar.update(now - bar.n)

        yield on_step


def _lines(what: str, total: int, done: int) -> OnStep:
    started = last = time.monotonic()
    printed, every = done, max(math.ceil(total / LINES), 1)
    print(f"{what}: {done} of {total}.", file=sys.stderr)

    def on_step(now: int, loss: float | None = None) -> None:
        nonlocal printed, last
        time_now = time.monotonic()
        if printed == done or now // every > printed // every or now == total or time_now - last > PAUSE:
            printed, last = now, time_now
            gone = time_now - started
            left = gone / max(now - done, 1) * (total - now)
            about = "" if loss is None else f", loss {loss:.4f}"
            print(f"{what}: {now} of {total}{about}, {gone:.0f} s gone, about {left:.0f} s left.", file=sys.stderr)

    return on_step

"""Progress with time left: a bar in a terminal, a line now and then in a log. It knows nothing but numbers of steps."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

LINES = 50  # at most, in a log


@contextmanager
def progress(what: str, done: int, of: int, quiet: bool = False) -> Iterator[Callable[..., None]]:
    """Shows how far `what` is, through the function that it gives: (steps done, loss)."""
    look = "{l_bar}{bar}| {n_fmt} of {total_fmt}, {elapsed} gone, {remaining} left{postfix}"
    hidden = quiet or not sys.stderr.isatty()
    started, every = time.monotonic(), max(of // LINES, 1)
    told = done
    with tqdm(desc=what, initial=done, total=of, bar_format=look, disable=hidden) as bar:

        def on_step(now: int, loss: float | None = None) -> None:
            nonlocal told
            if loss is not None:
                bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
            bar.update(now - bar.n)
            if hidden and not quiet and (now // every > told // every or now == of):
                told = now
                gone = time.monotonic() - started
                left = gone / (now - done) * (of - now)
                about = "" if loss is None else f", loss {loss:.4f}"
                print(f"{what}: {now} of {of}{about}, {gone:.0f} s gone, about {left:.0f} s left.", file=sys.stderr)

        yield on_step

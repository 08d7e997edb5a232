"""Progress with time left: two bars in a terminal, a line for each scene in a log.

It knows nothing but the shots and which step of which shot is done.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tqdm import tqdm

from nextscene.plan import Shot


@contextmanager
def progress(shots: Sequence[Shot]) -> Iterator[Callable[[Shot, int, int], None]]:
    """Shows how far the shots are, through the `on_step` that it gives."""
    started = time.monotonic()
    in_terminal = sys.stderr.isatty()
    bar_format = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed} gone, {remaining} left]"
    with (
        tqdm(total=len(shots), desc="sequence", disable=not in_terminal, bar_format=bar_format) as scenes,
        tqdm(total=1, desc="scene", disable=not in_terminal, bar_format=bar_format, leave=False) as steps,
    ):

        def on_step(shot: Shot, done: int, of: int) -> None:
            if done == 1:
                steps.reset(of)
                steps.set_description(f"scene {shot.number} of {len(shots)}")
            steps.update()
            scenes.n = shot.number - 1 + done / of
            scenes.refresh()
            if done == of and not in_terminal:
                gone = time.monotonic() - started
                left = gone / shot.number * (len(shots) - shot.number)
                print(
                    f"Scene {shot.number} of {len(shots)} drawn, {gone:.0f} s gone, about {left:.0f} s left.",
                    file=sys.stderr,
                )

        yield on_step

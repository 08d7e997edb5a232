"""Progress with time left: two bars in a terminal, a line for each scene in a log.

It knows nothing but the shots and which step of which shot is done.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

from tqdm import tqdm

from nextscene.story.plan import Shot

OnStep = Callable[[Shot, int, int], None]
OnProgress = Callable[[str, float], object]  # what is being made (narration, sound, film), and how much of it is done
EVERY = 5  # seconds from one line of a log to the next


def progress(shots: Sequence[Shot]) -> AbstractContextManager[OnStep]:
    """Shows how far the shots are, through the `on_step` that it gives."""
    return _bars(shots) if sys.stderr.isatty() else _lines(shots)


@contextmanager
def _bars(shots: Sequence[Shot]) -> Iterator[OnStep]:
    look = {"bar_format": "{l_bar}{bar}| {elapsed} gone, {remaining} left"}
    with tqdm(total=len(shots), desc="sequence", **look) as scenes, tqdm(leave=False, **look) as steps:

        def on_step(shot: Shot, done: int, of: int) -> None:
            if done == 1:
                steps.reset(of)
                steps.set_description(f"scene {shot.number}")
            steps.update()
            scenes.update(_before(shots, shot) + done / of - scenes.n)

        yield on_step


@contextmanager
def _lines(shots: Sequence[Shot]) -> Iterator[OnStep]:
    started = time.monotonic()

    def on_step(shot: Shot, done: int, of: int) -> None:
        if done == of:
            drawn, gone = _before(shots, shot) + 1, time.monotonic() - started
            left = gone / drawn * (len(shots) - drawn)
            rest = f"{drawn} of {len(shots)}, {gone:.0f} s gone, about {left:.0f} s left"
            print(f"Scene {shot.number} drawn ({rest}).", file=sys.stderr)

    yield on_step


def filming() -> AbstractContextManager[OnProgress]:
    """Shows how far a film is, through the `on_progress` that it gives."""
    return _film_bars() if sys.stderr.isatty() else _film_lines()


@contextmanager
def _film_bars() -> Iterator[OnProgress]:
    with ExitStack() as bars:
        at: dict[str, tqdm] = {}

        def on_progress(stage: str, share: float) -> None:
            if stage not in at:
                look = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"
                at[stage] = bars.enter_context(tqdm(total=1, desc=stage, bar_format=look))
            at[stage].update(share - at[stage].n)

        yield on_progress


@contextmanager
def _film_lines() -> Iterator[OnProgress]:
    began: dict[str, float] = {}
    due: dict[str, float] = {}  # when to say more of each stage

    def on_progress(stage: str, share: float) -> None:
        now = time.monotonic()
        if now < due.setdefault(stage, now) and share < 1:
            return
        gone, due[stage] = now - began.setdefault(stage, now), now + EVERY
        left = f", {gone:.0f} s gone, about {gone / share - gone:.0f} s left" if share and gone else ""
        print(f"{stage.capitalize()}: {share:.0%}{left}.", file=sys.stderr)

    yield on_progress


class Parts:
    """How long each part of something took: called with a part's name as soon as it is done."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self._seconds: dict[str, float] = {}

    def __call__(self, part: str) -> None:
        now = time.monotonic()
        self._seconds[part], self._last = now - self._last, now

    def __str__(self) -> str:
        parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in self._seconds.items())
        return f"{self._last - self._began:.1f} s: {parts}"


def _before(shots: Sequence[Shot], shot: Shot) -> int:
    """How many shots come before this one, whichever take of it this is."""
    return [each.id for each in shots].index(shot.id)


def say(line: object) -> None:
    """A line on standard output that does not break the bars."""
    tqdm.write(str(line))

"""Progress with time left: two bars in a terminal, a line for each scene in a log.

It knows nothing but the shots and which step of which shot is done.
"""

import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from threading import Event, Thread
from typing import Protocol

from tqdm import tqdm


class Part(Protocol):
    """What is made one after another: shots, clips."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def called(self) -> str: ...


OnStep = Callable[[Part, int, int], None]
OnProgress = Callable[[str, float], object]  # what is being made (narration, sound, film), and how much of it is done
EVERY = 5  # seconds from one line of a log to the next


@dataclass(frozen=True)
class _Watcher:
    on_step: OnStep
    on_progress: OnProgress


_watcher: ContextVar[_Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(on_step: OnStep, on_progress: OnProgress) -> Iterator[None]:
    """Tells somebody else, too, what this thread shows meanwhile. What they raise ends the work."""
    token = _watcher.set(_Watcher(on_step, on_progress))
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def progress(shots: Sequence[Part], done: str = "drawn") -> Iterator[OnStep]:
    """Shows how far the shots, or clips, are, through the `on_step` that it gives. done: what has become of each."""
    watcher = _watcher.get()
    with _bars(shots) if sys.stderr.isatty() else _lines(shots, done) as show:

        def on_step(shot: Part, done: int, of: int) -> None:
            show(shot, done, of)
            if watcher:
                watcher.on_step(shot, done, of)

        yield on_step


@contextmanager
def _bars(shots: Sequence[Part]) -> Iterator[OnStep]:
    look = {"bar_format": "{l_bar}{bar}| {elapsed} gone, {remaining} left"}
    with tqdm(total=len(shots), desc="sequence", **look) as scenes, tqdm(leave=False, **look) as steps:

        def on_step(shot: Part, done: int, of: int) -> None:
            if done <= steps.n or steps.total != of:
                steps.reset(of)
                steps.set_description(shot.called.lower())
            steps.update(done - steps.n)
            scenes.update(_before(shots, shot) + done / of - scenes.n)

        yield on_step


@contextmanager
def _lines(shots: Sequence[Part], word: str) -> Iterator[OnStep]:
    started = time.monotonic()

    def on_step(shot: Part, done: int, of: int) -> None:
        if done == of:
            drawn, gone = _before(shots, shot) + 1, time.monotonic() - started
            left = gone / drawn * (len(shots) - drawn)
            rest = f"{drawn} of {len(shots)}, {gone:.0f} s gone, about {left:.0f} s left"
            print(f"{shot.called} {word} ({rest}).", file=sys.stderr)

    yield on_step


@contextmanager
def filming(hidden: Collection[str] = ()) -> Iterator[OnProgress]:
    """Shows how far a film is, through the `on_progress` that it gives. hidden: stages that are not shown."""
    look = _Bar if sys.stderr.isatty() else _Lines
    stages: dict[str, _Stage] = {}
    watcher = _watcher.get()

    def on_progress(name: str, share: float) -> None:
        if watcher:
            watcher.on_progress(name, share)
        if name not in {*stages, *hidden}:
            stages[name] = look(name)
        if name in stages:
            stages[name].reach(share)

    def go_on() -> None:
        for stage in list(stages.values()):
            stage.go_on()

    with _each_second(go_on):
        yield on_progress


class _Stage:
    """How far a stage of a film is, and how long it takes. Of one that is done nothing more is said."""

    def __init__(self, name: str) -> None:
        self.name, self.share = name, 0.0
        self._began = self._reached = self._due = time.monotonic()

    def reach(self, share: float) -> None:
        self.share, self._reached = share, time.monotonic()
        if share >= 1:
            self._due = self._reached
        self.go_on()

    def go_on(self) -> None:
        """Says how far it is, if that is due."""
        now = time.monotonic()
        if now >= self._due:
            gone = now - self._began
            self._due = now + self.pause(gone) if self.share < 1 else inf
            # A step that takes long lets less time be left, not more.
            left = max((self._reached - self._began) / self.share - gone, self.share < 1) if self.share else None
            self.say(f"{gone:.0f} s gone" + ("" if left is None else f", about {left:.0f} s left"))

    def pause(self, gone: float) -> float:
        """The seconds until more is said."""
        raise NotImplementedError

    def say(self, times: str) -> None:
        raise NotImplementedError


class _Bar(_Stage):
    """In a terminal."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._bar = tqdm(total=1, desc=name, bar_format="{desc}: {percentage:3.0f}%|{bar}|{postfix}")

    def pause(self, gone: float) -> float:
        return 0.1

    def say(self, times: str) -> None:
        self._bar.n = self.share
        self._bar.set_postfix_str(times)
        if self.share >= 1:
            self._bar.close()


class _Lines(_Stage):
    """In a log: a line at once, soon another, then one every few seconds."""

    def pause(self, gone: float) -> float:
        return min(1 + gone, EVERY)

    def say(self, times: str) -> None:
        print(f"{self.name.capitalize()}: {self.share:.0%}, {times}.", file=sys.stderr)


@contextmanager
def _each_second(act: Callable[[], object]) -> Iterator[None]:
    """Does this every second meanwhile: whatever takes long says nothing itself."""
    done = Event()

    def beat() -> None:
        while not done.wait(1):
            act()

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


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


def _before(shots: Sequence[Part], shot: Part) -> int:
    """How many shots come before this one, whichever take of it this is."""
    return [each.id for each in shots].index(shot.id)


def say(line: object) -> None:
    """A line on standard output that does not break the bars."""
    tqdm.write(str(line))

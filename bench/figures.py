"""Figures, and how they are shown: ways of doing a thing measured in turn, and a report of medians as a table."""

import json
import os
import platform
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles

import torch

PACKAGES = ("torch", "diffusers", "transformers", "peft", "cog")


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """The work, as a call that gives the seconds it took."""

    def measure() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return measure


def in_turn(rounds: int, **ways: Callable[[], float]) -> dict[str, list[float]]:
    """Each way's seconds, round by round, so that what disturbs the machine disturbs all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(way())
    return seconds


def percent_over(seconds: Iterable[float], base: Iterable[float]) -> list[float]:
    return [100 * (one / other - 1) for one, other in zip(seconds, base, strict=True)]


def difference(seconds: Iterable[float], base: Iterable[float]) -> list[float]:
    """In milliseconds."""
    return [1000 * (one - other) for one, other in zip(seconds, base, strict=True)]


@dataclass(frozen=True)
class Row:
    """What was measured, and how; `form` is the format of one value."""

    what: str
    values: list[float]
    form: str
    how: str

    def __str__(self) -> str:
        spread = middle_half(self.values, self.form)
        return f"| {self.what} | {self.form.format(median(self.values))} | {spread} | {self.how} |"


def middle_half(values: list[float], form: str) -> str:
    """From where to where the middle half of the values goes; nothing for a single one."""
    if len(values) < 2:
        return ""
    low, _, high = quantiles(values, n=4, method="inclusive")
    return f"{form.format(low)} to {form.format(high)}"


class Report:
    """A table in Markdown, and every value in JSON."""

    def __init__(self, model: str) -> None:
        self.about = about(model)
        self.rows: list[Row] = []

    def add(self, what: str, values: list[float], form: str, how: str) -> None:
        self.rows.append(Row(what, values, form, how))

    def __str__(self) -> str:
        head = "| | Median | Middle half | Of |\n|---|---:|---:|---|"
        return "\n".join([head, *map(str, self.rows), "", self.about])

    def write(self, path: Path) -> None:
        rows = [asdict(row) for row in self.rows]
        write_whole(path, json.dumps({"about": self.about, "rows": rows}, indent=1).encode())


def about(model: str) -> str:
    """When, on what and with what something was measured."""
    versions = " ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"{time.strftime('%Y-%m-%d')}. {model}. {_machine()}. Python {platform.python_version()}, {versions}."


def write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _machine() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} CPU cores ({model[1] if model else platform.machine()})"

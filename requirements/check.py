"""Holds that the pins fit the short lists that `script/pins` resolves: every package that a list names or that another
package needs is pinned once, in a version that all of them take, and nothing else is.

What needs what is read from the packages installed here: no network, and no resolver.
"""

import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "requirements"
INSTALLED = {"requirements.txt": "container.in", "requirements-dev.txt": "dev.in"}
# What these need is not followed: it is not installed in each checkout.
NAMED_ONLY = {
    "requirements-alone.txt": "alone.in",
    "requirements-fleet.txt": "fleet.in",
    "bench/requirements.txt": "sound.in",
}
OVERRIDDEN: dict[str, list[str]] = {
    package["name"]: package["requires-dist"]
    for package in tomllib.loads((HERE / "torch.toml").read_text())["dependency-metadata"]
}
CONTAINER = {"extra": "", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a list or of pins, and of the lists that it includes, without comments."""
    for line in path.read_text().splitlines():
        text = line.split("#")[0].strip()
        if text.startswith("-r "):
            yield from read_lines(path.parent / text.removeprefix("-r "))
        elif text:
            yield text


def read_pins(name: str) -> dict[str, str]:
    pins = [line.partition("==") for line in read_lines(ROOT / name)]
    return {package: version for package, _, version in pins}


def list_needs(package: str, extras: set[str]) -> Iterator[Requirement]:
    """What a package needs in the container, as it says itself."""
    for text in OVERRIDDEN.get(package, distribution(package).requires or []):
        need = Requirement(text)
        if not need.marker or any(need.marker.evaluate(CONTAINER | {"extra": extra}) for extra in {"", *extras}):
            yield need


def find_misfits(pins_name: str, list_name: str) -> Iterator[str]:
    """What is wrong with the pins, each as a sentence; all that is needed is followed to its end."""
    pins = read_pins(pins_name)
    wanted = [(Requirement(line), f"requirements/{list_name}") for line in read_lines(HERE / list_name)]
    needed: set[str] = set()
    followed: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        need, by = wanted.pop()
        name = canonicalize_name(need.name)
        needed.add(name)
        if name not in pins:
            yield f"{pins_name}: {name} is not pinned, and {by} needs it"
        elif not need.specifier.contains(pins[name], prereleases=True):
            yield f"{pins_name}: {name} is pinned to {pins[name]}, and {by} needs {need.specifier}"
        elif pins_name in INSTALLED and (name, frozenset(need.extras)) not in followed:
            followed.add((name, frozenset(need.extras)))
            wanted += [(more, name) for more in list_needs(name, need.extras)]
    if pins_name in INSTALLED:
        yield from (f"{pins_name}: {name} is pinned, and nothing needs it" for name in sorted(pins.keys() - needed))


def find_not_installed() -> Iterator[str]:
    for name, pin in read_pins("requirements-dev.txt").items():
        installed = next((found.version for found in distributions(name=name)), "nothing")
        if installed.partition("+")[0] != pin:
            yield f"requirements-dev.txt: {name} is pinned to {pin}, and {installed} is installed: run script/setup"


def find_disagreements() -> Iterator[str]:
    """What two files pin differently."""
    checkout = read_pins("requirements-dev.txt")
    for pins_name in (*INSTALLED, *NAMED_ONLY):
        for name, pin in read_pins(pins_name).items():
            if checkout.get(name, pin) != pin:
                yield f"{pins_name}: {name} is pinned to {pin}, and requirements-dev.txt has {checkout[name]}"


def find_problems() -> list[str]:
    missing = list(find_not_installed())  # what a package needs is not known before it is installed
    if missing:
        return missing
    misfits = [misfit for files in (INSTALLED | NAMED_ONLY).items() for misfit in find_misfits(*files)]
    problems = sorted({*misfits, *find_disagreements()})
    return [f"{problem}: run script/pins" for problem in problems]


if __name__ == "__main__":
    sys.exit("\n".join(find_problems()) or None)

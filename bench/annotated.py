"""How well the rules break scripts down: beside ten small scripts that a person broke down, in tests/annotated.

Each file says who is in the script and where it is; a mark stands in its text where a shot begins. F1 is counted over
all of them: of shots by where they begin, of people and places by their names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nextscene.script import Breakdown, break_down, read_script

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "annotated"
MARK = "¶"


@dataclass(frozen=True)
class Annotated:
    """A script as a person broke it down."""

    name: str
    text: str
    shots: frozenset[int]
    people: frozenset[str]
    places: frozenset[str]


def read_annotated() -> list[Annotated]:
    return [_read(path) for path in sorted(FOLDER.iterdir())]


def _read(path: Path) -> Annotated:
    head, _, body = path.read_text().partition("---\n")
    said = dict(line.split(": ", 1) for line in head.splitlines())
    pieces = body.split(MARK)
    starts = [sum(map(len, pieces[: at + 1])) for at in range(len(pieces) - 1)]
    people, places = said["people"].split(", "), said["places"].split("; ")
    return Annotated(path.stem, "".join(pieces), frozenset(starts), frozenset(map(_plain, people)), frozenset(places))


def found_in(text: str) -> tuple[frozenset[int], frozenset[str], frozenset[str]]:
    """Where the rules begin shots, whom they find and where."""
    breakdown: Breakdown = break_down(read_script(text.encode()))
    people = {_plain(person.names[0]) for person in breakdown.people}
    narrated = {"NARRATOR" for shot in breakdown.shots for said in shot.says if said.who is None}
    if breakdown.script.format == "prose":
        narrated = set()
    starts = frozenset(shot.start for shot in breakdown.shots)
    return starts, frozenset(people | narrated), frozenset(place.names[0] for place in breakdown.places)


def f1(pairs: Sequence[tuple[frozenset[object], frozenset[object]]]) -> float:
    """Of what was found beside what is right, over all pairs."""
    right = sum(len(found & truth) for found, truth in pairs)
    return 2 * right / sum(len(found) + len(truth) for found, truth in pairs)


def measure() -> dict[str, float]:
    """F1 of shots, people and places over all annotated scripts."""
    pairs: dict[str, list[tuple[frozenset[object], frozenset[object]]]] = {"shots": [], "people": [], "places": []}
    for each in read_annotated():
        shots, people, places = found_in(each.text)
        pairs["shots"].append((frozenset(shots), frozenset(each.shots)))
        pairs["people"].append((frozenset(people), frozenset(each.people)))
        pairs["places"].append((frozenset(places), frozenset(each.places)))
    return {kind: f1(found) for kind, found in pairs.items()}


def _plain(name: str) -> str:
    return name.removeprefix("THE ").removeprefix("A ")


if __name__ == "__main__":
    for kind, value in measure().items():
        print(f"{kind}: F1 {value:.2f}")

"""Which scenes of a story do not depend on each other, and may so be drawn side by side. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nextscene.story import Reference, Shot


@dataclass(frozen=True)
class Branch:
    """Scenes that grow one from the other. needs: the scenes of other branches that they look at."""

    scenes: tuple[str, ...]
    needs: frozenset[str] = frozenset()


def branches(shots: Sequence[Shot]) -> list[Branch]:
    """The branches of these shots, each after those that it needs; none, where no two may be drawn at a time."""
    scenes = {Reference("scene", shot.id) for shot in shots}
    looks_at = {shot.id: [each.name for each in shot.references if each in scenes] for shot in shots}
    lookers = Counter(name for names in looks_at.values() for name in names)
    grown: list[list[str]] = []
    home: dict[str, int] = {}  # of each scene, its branch
    for name, seen in looks_at.items():
        if len(seen) == 1 and lookers[seen[0]] == 1:
            home[name] = home[seen[0]]
            grown[home[name]].append(name)
        else:
            home[name] = len(grown)
            grown.append([name])
    found = [
        Branch(tuple(names), frozenset(each for name in names for each in looks_at[name] if each not in names))
        for names in grown
    ]
    return found if _two_at_once(found, home) else []


def _two_at_once(found: Sequence[Branch], home: dict[str, int]) -> bool:
    depths: list[int] = []
    for branch in found:
        depths.append(1 + max((depths[home[name]] for name in branch.needs), default=0))
    return len(set(depths)) < len(depths)

"""A saying: one motion of one thing, as words said it. Values only."""

from dataclasses import dataclass

from nextscene.moves.vocabulary import Motion

# What of a thing a motion decides, and no other may at the same time: x, y, its angle, its size. Turns add up.
CHANNELS: dict[Motion, str] = {
    "still": "", "line": "xy", "arc": "xy", "bounce": "y", "roll": "x", "slide": "xy", "drift": "xy", "float": "y",
    "fall": "y", "orbit": "xy", "pendulum": "xy", "spin": "a", "grow": "s", "shrink": "s", "enter": "xy",
    "leave": "xy", "path": "xy",
}  # fmt: skip


@dataclass(frozen=True)
class Who:
    """A thing, as it was named, and the colour by which it may be found."""

    name: str
    colour: str | None = None


@dataclass(frozen=True)
class Saying:
    """One motion of one thing.

    part: of the whole time, counted from 0. together: whether it was said with "while".
    direction: a step on each axis, of 1, 0 or -1. pace: how much farther than usual it goes, for "slowly" and so on.
    amount: pixels, degrees or a factor, as `unit` says. seconds: how long it is to take.
    around: the name of a thing. behind, before: of one that it passes.
    """

    who: Who
    motion: Motion
    verb: str
    part: int
    words: str
    together: bool = False
    count: int | None = None
    direction: tuple[float, float] | None = None
    enters: bool = False
    leaves: bool = False
    pace: float = 1.0
    far: bool = False
    amount: float | None = None
    unit: str = ""
    around: str = ""
    behind: str = ""
    before: str = ""
    circling: bool = False
    backwards: bool = False
    seconds: float | None = None
    points: tuple[tuple[float, float], ...] = ()

    @property
    def channels(self) -> set[str]:
        """What of the thing it decides."""
        found = set(CHANNELS[self.motion])
        if self.motion in ("line", "slide") and self.direction and 0 in self.direction:
            found -= {"y"} if self.direction[0] else {"x"}
        return found | ({"x"} if self.motion == "bounce" and (self.direction or self.circling) else set())

    def clashes(self, other: "Saying") -> bool:
        """Whether both say in one part where the same thing is."""
        return self.part == other.part and self.who.name == other.who.name and bool(self.channels & other.channels)


@dataclass(frozen=True)
class Said:
    """All that a sentence says."""

    things: tuple[Who, ...]
    sayings: tuple[Saying, ...]
    camera: str = "none"

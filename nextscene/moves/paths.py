"""What each motion is in numbers: a saying, where it starts and how many steps it has in, changes frame by frame out.

Heights follow gravity, a roll turns with its way, and where something touches the ground its speed jumps: nothing is
smoothed over a contact, and every contact falls on a frame.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextscene import NextSceneError
from nextscene.files import short
from nextscene.moves.sayings import Saying
from nextscene.moves.vocabulary import POPPING, Motion

Curve = NDArray[np.floating[Any]]
RESTITUTION, LIVELIEST = 0.8, 1.0  # of each bounce's time to that before; raised where the frames are too few
USUAL, LEAST = 0.45, 0.04  # of the picture's side: how far something goes, and the room that it needs to go at all
STANDS, GROUND = 0.62, 0.86  # of the height: below this a thing stands on the ground; where the ground is otherwise
HOP, BOB, SWING = 0.35, 0.06, 25.0  # of the height; of the height; degrees
GROWN, SHRUNK, SPECK = 1.6, 0.6, 0.04  # beside its size


@dataclass(frozen=True)
class Start:
    """Where a thing is when a motion begins: its centre, half its width and height, and the picture's size.

    ground: where that is, if it was said; None: it is guessed.
    centre: of what it moves around.
    """

    x: float
    y: float
    half_width: float
    half_height: float
    width: int
    height: int
    ground: float | None = None
    centre: tuple[float, float] | None = None  # of what it moves around, or behind

    def room(self, x: float, y: float) -> float:
        """How far it can go this way before it touches the picture's edge."""
        rooms = []
        if x:
            rooms.append(self.width - self.half_width - self.x if x > 0 else self.x - self.half_width)
        if y:
            rooms.append(self.height - self.half_height - self.y if y > 0 else self.y - self.half_height)
        return max(min(rooms), 0.0)

    @property
    def bottom(self) -> float:
        return self.y + self.half_height

    @property
    def stands(self) -> bool:
        """Whether it is on the ground already."""
        if self.ground is not None:
            return self.ground - self.bottom < LEAST * self.height
        return self.bottom >= STANDS * self.height

    @property
    def surface(self) -> float:
        """Where its lower edge touches the ground."""
        if self.stands:
            return self.bottom
        return self.ground if self.ground is not None else max(GROUND * self.height, self.bottom)


@dataclass
class Path:
    """What changes, frame by frame; keys: what happens in which frame."""

    x: Curve
    y: Curve
    angle: Curve
    size: Curve
    keys: dict[int, str] = field(default_factory=dict)
    surface: float | None = None

    @property
    def contacts(self) -> tuple[int, ...]:
        return tuple(sorted(frame for frame, what in self.keys.items() if what == "contact"))


def make_path(saying: Saying, start: Start, steps: int) -> Path:
    """The path of one motion over so many steps from frame to frame."""
    path = _PATHS[saying.motion](saying, start, steps)
    path.keys.setdefault(steps, "end")
    return path


def least_steps(saying: Saying, start: Start | None = None) -> int:
    """How many steps a motion needs at least, to be seen."""
    count = saying.count or 1
    needs = {
        "bounce": 2 * count + (2 if start is None or start.stands else 1),
        "arc": 2 * count,
        "orbit": 4 * count,
        "pendulum": 4 * (saying.count or 2),
        "float": 4 * (saying.count or 2),
        "spin": 2 * count,
        "path": len(saying.points),
    }
    return needs.get(saying.motion, 1)


def weight(saying: Saying) -> float:
    """How much time a motion wants beside others."""
    if saying.motion in ("bounce", "arc", "orbit", "pendulum", "spin"):
        return float(saying.count or 1)
    return {"still": 0.5, "path": float(max(len(saying.points) - 1, 1))}.get(saying.motion, 1.0)


def rest(steps: int) -> Path:
    zero = np.zeros(steps + 1)
    return Path(zero, zero.copy(), zero.copy(), np.ones(steps + 1))


def _share(steps: int) -> Curve:
    share: Curve = np.linspace(0.0, 1.0, steps + 1)
    return share


def _still(saying: Saying, start: Start, steps: int) -> Path:
    return rest(steps)


def _travel(ease: Callable[[Curve], Curve], rolls: bool = False) -> Callable[[Saying, Start, int], Path]:
    """Goes somewhere, into the picture, or out of it."""

    def path(saying: Saying, start: Start, steps: int) -> Path:
        made, share = rest(steps), _share(steps)
        way = _way(saying, start, flat=rolls)
        if saying.enters:
            away = _beyond(start, (-way[0], -way[1]))
            made.x, made.y = (each * (1 - share) ** 2 for each in away)  # it slows down to its place
        elif saying.leaves:
            made.x, made.y = (each * share**1.5 for each in _beyond(start, way))
        else:
            far = _distance(saying, start, way)
            made.x, made.y = far[0] * ease(share), far[1] * ease(share)
        if rolls:
            made.angle = np.degrees((made.x - made.x[0]) / start.half_height)
        return made

    return path


def _way(saying: Saying, start: Start, flat: bool = False) -> tuple[float, float]:
    """The direction; where none is said, the side with more room."""
    if saying.direction and not (flat and not saying.direction[0]):
        return (saying.direction[0], 0.0) if flat else saying.direction
    if flat and saying.direction:
        raise NextSceneError(
            f"{short(saying.words)}: the {saying.who.name} can {saying.verb} to the left or right; write moves for up "
            "and down."
        )
    right = start.room(1, 0) >= start.room(-1, 0)
    if saying.behind and start.centre and not saying.enters:
        right = start.centre[0] > start.x
    return (-1.0, 0.0) if right == saying.enters else (1.0, 0.0)


def _beyond(start: Start, way: tuple[float, float]) -> tuple[float, float]:
    """How far it is from here until nothing of it is in the picture."""
    across = (start.room(way[0], 0) + 2 * start.half_width + 1) if way[0] else math.inf
    down = (start.room(0, way[1]) + 2 * start.half_height + 1) if way[1] else math.inf
    far = min(across, down)
    return way[0] * far, way[1] * far


def _distance(saying: Saying, start: Start, way: tuple[float, float]) -> tuple[float, float]:
    """How far it goes on each axis: as far as is said, or usual, and not out of the picture."""
    if saying.unit == "middle":
        return ((start.width / 2 - start.x) if way[0] else 0.0, (start.height / 2 - start.y) if way[1] else 0.0)
    room, side = start.room(*way), start.width if way[0] else start.height
    if saying.unit == "pixels" and saying.amount is not None and saying.amount > room:
        raise NextSceneError(
            f"{short(saying.words)}: there are {room:.0f} pixels of room that way, and not {saying.amount:g}."
        )
    if room < LEAST * side:
        raise NextSceneError(
            f"{short(saying.words)}: the {saying.who.name} has no room to {saying.verb} that way; give another "
            "direction, or let it leave."
        )
    far = {"pixels": saying.amount, "room": room * (saying.amount or 1)}.get(saying.unit)
    far = min(room, far if far is not None else room if saying.far else USUAL * saying.pace * side)
    return way[0] * far, way[1] * far


def _drift(saying: Saying, start: Start, steps: int) -> Path:
    """A line that wavers across its way."""
    made = _travel(lambda share: share)(saying, start, steps)
    across = abs(made.x[-1] - made.x[0]) >= abs(made.y[-1] - made.y[0])
    wave = np.sin(2 * math.pi * _share(steps))
    if across:
        made.y = made.y + wave * min(BOB * start.height, start.room(0, 1), start.room(0, -1))
    else:
        made.x = made.x + wave * min(BOB * start.width, start.room(1, 0), start.room(-1, 0))
    return made


def _bounce(saying: Saying, start: Start, steps: int) -> Path:
    """Falls, or jumps up where it stands already, and bounces; each time less high."""
    count, made = saying.count or min(max(steps // 5, 1), 3), rest(steps)
    height = start.surface - start.bottom if not start.stands else _hop(saying, start)
    times, restitution = share_steps(count, steps, dropped=not start.stands)
    keep = _kept(restitution, height, count, start.height)
    lift, frame = np.zeros(steps + 1), 0  # above the ground
    for number, time in enumerate(times):
        top = height * keep ** (2 * number)
        if number == 0 and not start.stands:
            own = np.arange(time + 1) / time
            lift[frame : frame + time + 1] = top * (1 - own**2)
        else:
            own = np.arange(time + 1) / time
            lift[frame : frame + time + 1] = 4 * top * own * (1 - own)
            made.keys[frame + time // 2] = "top"
        frame += time
        if number < len(times) - 1:
            made.keys[frame] = "contact"
    made.surface = start.surface
    made.y = (start.surface - start.bottom) - lift
    share = _share(steps)
    if saying.circling:
        circle = _ring(start, (start.width, start.height / 4))
        made.x = circle[0] * np.sin(2 * math.pi * share)
        made.y = made.y + circle[1] * (np.cos(2 * math.pi * share) - 1)
    elif saying.direction and saying.direction[0]:
        way = (saying.direction[0], 0.0)
        made.x = _distance(saying, start, way)[0] * share
    return made


def _ring(start: Start, within: tuple[float, float]) -> tuple[float, float]:
    """The radii of a circle on the ground that is seen from the side, and goes back from here."""
    return min(0.3 * within[0], start.room(1, 0), start.room(-1, 0)), min(0.3 * within[1], start.room(0, -1) / 4)


def _hop(saying: Saying, start: Start) -> float:
    height = min(HOP * saying.pace * start.height, start.room(0, -1))
    if height < LEAST * start.height:
        raise NextSceneError(
            f"{short(saying.words)}: there is no room above the {saying.who.name} to {saying.verb}: take a picture "
            "with more room above it."
        )
    return height


def share_steps(count: int, steps: int, dropped: bool) -> tuple[list[int], float]:
    """How many steps each arc of a bounce takes: the first down or up, then one after each contact; and by which factor
    they grow shorter. So many contacts fit, each on a frame of its own with one above it on both sides."""
    least = [1 if dropped else 2, *[2] * count]
    if sum(least) > steps:
        raise NextSceneError(
            f"{count} bounces need at least {sum(least) + 1} frames, and there are {steps + 1}: ask for fewer, or for "
            "more frames."
        )
    for restitution in np.arange(RESTITUTION, LIVELIEST + 0.001, 0.01):
        ideal = _ideal(count, steps, float(restitution), dropped)
        if ideal[-1] >= 2:
            break
    times = list(least)
    while sum(times) < steps:
        times[int(np.argmax(np.array(ideal) - times))] += 1
    return times, min(float(restitution), LIVELIEST)


def _ideal(count: int, steps: int, restitution: float, dropped: bool) -> list[float]:
    parts = [0.5 if dropped else 1.0, *(restitution**number for number in range(1, count + 1))]
    return [steps * each / sum(parts) for each in parts]


def _kept(restitution: float, height: float, count: int, picture: int) -> float:
    """How much of its speed it keeps, so that its last bounce can still be seen."""
    seen = max(2.0, 0.02 * picture)
    keep = min(restitution, 0.93)
    return min(max(keep, math.pow(min(seen / height, 1.0), 1 / (2 * count))), 1.0)


def _fall(saying: Saying, start: Start, steps: int) -> Path:
    made = rest(steps)
    down = start.surface - start.bottom
    if down < LEAST * start.height:
        raise NextSceneError(
            f"{short(saying.words)}: the {saying.who.name} is on the ground already: take a picture with it higher up, "
            "say where the ground is with --surface, or let it jump before."
        )
    made.y, made.surface = down * _share(steps) ** 2, start.surface
    if saying.direction and saying.direction[0]:
        made.x = _distance(saying, start, (saying.direction[0], 0.0))[0] * _share(steps)
    made.keys[steps] = "contact"
    return made


def _arc(saying: Saying, start: Start, steps: int) -> Path:
    """Up and down again, as often as is said."""
    count, made, share = saying.count or 1, rest(steps), _share(steps)
    ends = np.rint(np.linspace(0, steps, count + 1)).astype(int)
    height = _hop(saying, start)
    for begin, end in pairwise(ends):
        own = np.arange(end - begin + 1) / (end - begin)
        made.y[begin : end + 1] = -4 * height * own * (1 - own)
        made.keys |= {int(begin + (end - begin) // 2): "top", int(end): "contact"}
    if saying.direction or saying.verb in ("throw", "toss", "lob"):
        made.x = _distance(saying, start, (_way(saying, start)[0] or 1.0, 0.0))[0] * share
    made.surface = start.bottom
    return made


def _float(saying: Saying, start: Start, steps: int) -> Path:
    """Bobs up and down in its place."""
    made, count = rest(steps), saying.count or 2
    high = min(BOB * saying.pace * start.height, max(start.room(0, -1), start.room(0, 1)))
    wave = 2 * math.pi * count * _share(steps)
    both = min(start.room(0, -1), start.room(0, 1)) >= high
    up = -1 if start.room(0, -1) >= start.room(0, 1) else 1
    made.y = -high * np.sin(wave) if both else up * high * (1 - np.cos(wave)) / 2
    return _with_turns(made, made.y)


def _orbit(saying: Saying, start: Start, steps: int) -> Path:
    made = rest(steps)
    at, centre = np.array([start.x, start.y]), np.array(start.centre or _free_centre(saying, start))
    turns = saying.amount / 360 if saying.unit == "degrees" and saying.amount else float(saying.count or 1)
    way = -1 if saying.backwards else 1
    turned = way * 2 * math.pi * turns * _share(steps)
    x, y = at - centre
    made.x = x * np.cos(turned) - y * np.sin(turned) - x
    made.y = x * np.sin(turned) + y * np.cos(turned) - y
    for quarter in range(1, max(int(turns * 4), 1)):
        made.keys[round(steps * quarter / (turns * 4))] = "turn"
    return made


def _free_centre(saying: Saying, start: Start) -> tuple[float, float]:
    """The middle of the widest circle, up to a usual one, that goes through here and stays in the picture."""
    usual = 0.3 * saying.pace * min(start.width, start.height)
    middle = math.atan2(start.height / 2 - start.y, start.width / 2 - start.x)
    for radius in np.linspace(usual, LEAST * min(start.width, start.height), 20):
        for aside in (0, 45, -45, 90, -90, 135, -135, 180):
            angle = middle + math.radians(aside)
            x, y = start.x + radius * math.cos(angle), start.y + radius * math.sin(angle)
            fits_x = start.half_width + radius <= x <= start.width - start.half_width - radius
            if fits_x and start.half_height + radius <= y <= start.height - start.half_height - radius:
                return x, y
    raise NextSceneError(f"{short(saying.words)}: the picture has no room for the {saying.who.name} to {saying.verb}.")


def _pendulum(saying: Saying, start: Start, steps: int) -> Path:
    """Hangs from above the picture's upper edge, and turns as it swings."""
    made, count = rest(steps), saying.count or 2
    rope = max(start.y, 0.4 * start.height)
    room = min(start.room(1, 0), start.room(-1, 0))
    wide = min(math.radians((saying.amount if saying.unit == "degrees" and saying.amount else SWING) * saying.pace),
               math.asin(min(room / rope, 1.0)))  # fmt: skip
    if rope * wide < LEAST * start.width / 2:
        raise NextSceneError(f"{short(saying.words)}: the {saying.who.name} has no room to {saying.verb}.")
    swung = wide * np.sin(2 * math.pi * count * _share(steps))
    made.x, made.y, made.angle = rope * np.sin(swung), rope * (np.cos(swung) - 1), -np.degrees(swung)
    return _with_turns(made, made.x)


def _with_turns(made: Path, curve: Curve) -> Path:
    """The path with a key where the curve turns back."""
    for at in range(1, len(curve) - 1):
        if (curve[at] - curve[at - 1]) * (curve[at + 1] - curve[at]) < 0:
            made.keys[at] = "turn"
    return made


def _spin(saying: Saying, start: Start, steps: int) -> Path:
    made = rest(steps)
    degrees = saying.amount if saying.unit == "degrees" and saying.amount else 360.0 * (saying.count or 1)
    back = saying.backwards or bool(saying.direction and saying.direction[0] < 0)
    made.angle = (-1 if back else 1) * degrees * _share(steps)
    made.keys = {round(steps * 180 * half / degrees): "turn" for half in range(1, math.ceil(degrees / 180))}
    return made


def _scale(saying: Saying, start: Start, steps: int) -> Path:
    """Grows or shrinks; what stands on the ground goes on standing there."""
    made, share = rest(steps), _share(steps)
    standing = start.stands
    most = min((min(start.room(1, 0), start.room(-1, 0)) + start.half_width) / start.half_width,
               start.bottom / (2 * start.half_height) if standing
               else (min(start.room(0, 1), start.room(0, -1)) + start.half_height) / start.half_height)  # fmt: skip
    said = saying.amount if saying.unit == "factor" else None
    if saying.motion == "shrink":
        factor = SPECK if saying.verb in POPPING else SHRUNK if said is None else said if said < 1 else 1 / said
    elif saying.verb in POPPING:
        factor = 1.0
    else:
        factor = min(GROWN, most) if said is None else said
        if factor > most + 0.01 or factor < 1.05:
            raise NextSceneError(
                f"{short(saying.words)}: the {saying.who.name} has room to grow to {most:.2g} times its size."
            )
    made.size = SPECK + (1 - SPECK) * share if saying.verb == "appear" else factor**share
    if standing:
        made.y = -(made.size - 1) * start.half_height
    return made


def _along(saying: Saying, start: Start, steps: int) -> Path:
    """Through points, evenly along the way, with each point on a frame."""
    made = rest(steps)
    points = [(start.x, start.y), *saying.points]
    for x, y in saying.points:
        inside = start.half_width <= x <= start.width - start.half_width
        if not (inside and start.half_height <= y <= start.height - start.half_height):
            raise NextSceneError(
                f"{short(saying.words)}: at ({x:g}, {y:g}) the {saying.who.name} is not wholly in the picture, which "
                f"is {start.width}x{start.height}."
            )
    lengths = [max(math.dist(one, other), 1e-6) for one, other in pairwise(points)]
    frames = _frames_at(lengths, steps)
    made.x = np.interp(np.arange(steps + 1), frames, [x - start.x for x, _ in points])
    made.y = np.interp(np.arange(steps + 1), frames, [y - start.y for _, y in points])
    made.keys = dict.fromkeys(frames[1:-1], "turn")
    return made


def _frames_at(lengths: Sequence[float], steps: int) -> list[int]:
    """In which frame each point is reached, at least one after the other."""
    ideal = np.cumsum(lengths) / sum(lengths) * steps
    frames = [0]
    for number, each in enumerate(ideal):
        left = len(ideal) - 1 - number
        frames.append(min(max(round(float(each)), frames[-1] + 1), steps - left))
    return frames


_smooth: Callable[[Curve], Curve] = lambda share: share * share * (3 - 2 * share)  # noqa: E731
_slowing: Callable[[Curve], Curve] = lambda share: 1 - (1 - share) ** 2  # noqa: E731
_PATHS: dict[Motion, Callable[[Saying, Start, int], Path]] = {
    "still": _still, "line": _travel(_smooth), "slide": _travel(_slowing), "roll": _travel(_slowing, rolls=True),
    "enter": _travel(_smooth), "leave": _travel(_smooth), "drift": _drift, "float": _float, "bounce": _bounce,
    "fall": _fall, "arc": _arc, "orbit": _orbit, "pendulum": _pendulum, "spin": _spin, "grow": _scale,
    "shrink": _scale, "path": _along,
}  # fmt: skip

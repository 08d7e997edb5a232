"""The planner by words and physics: sayings and where each thing is in, a plan out. Pure: no pictures, no chance.

said = read_sayings("a red ball bounces five times")
plan = plan_motion(said, {"red ball": Found((40, 60, 60, 80))}, (128, 96), frames=16, fps=15)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from nextscene import NextSceneError
from nextscene.files import short
from nextscene.moves.paths import Path, Start, least_steps, make_path, rest, weight
from nextscene.moves.plan import Box, Event, Place, Plan, Thing
from nextscene.moves.sayings import Said, Saying


@dataclass(frozen=True)
class Found:
    """Where a thing is in the first picture, and how sure that is."""

    box: Box
    confidence: float = 1.0


@dataclass
class _Part:
    """A part of the whole time: its first frame and how many steps it has."""

    first: int
    steps: int


def plan_motion(
    said: Said,
    found: Mapping[str, Found],
    size: tuple[int, int],
    frames: int,
    fps: float,
    *,
    prompt: str = "",
    surface: float | None = None,
    between: int | None = None,
) -> Plan:
    """The plan; a NextSceneError where the picture has no room for it, or the film no time.

    surface: where the ground is, if it was told. between: at most so many frames lie between two keyframes.
    """
    if not said.things:
        raise NextSceneError(
            f"Only the camera moves in {short(prompt)}: script/film --move does that; say what else moves."
        )
    depths = _depths(said, found)
    starts = {name: _start(each.box, size, surface) for name, each in found.items()}
    parts = _share_time(said.sayings, starts, frames - 1, fps)
    rows: list[Place] = []
    things: list[Thing] = []
    for who in said.things:
        mine = [saying for saying in said.sayings if saying.who.name == who.name]
        centres = {name: (each.x, each.y) for name, each in starts.items()}
        path, events = _whole_path(mine, starts[who.name], parts, frames - 1, centres)
        things.append(Thing(id=who.name, box=found[who.name].box, depth=depths[who.name], events=tuple(events)))
        rows += _rows(who.name, path, starts[who.name], depths[who.name], found[who.name].confidence)
    rows = _with_keyframes(rows, frames, between)
    width, height = size
    return Plan(prompt=prompt, planner="words", width=width, height=height, fps=fps, camera=said.camera,  # type: ignore[arg-type]
                objects=tuple(things), frames=tuple(sorted(rows, key=lambda row: row.frame)))  # fmt: skip


def _start(box: Box, size: tuple[int, int], surface: float | None) -> Start:
    left, top, right, bottom = box
    half_width, half_height = max((right - left) / 2, 0.5), max((bottom - top) / 2, 0.5)
    return Start((left + right) / 2, (top + bottom) / 2, half_width, half_height, *size, surface)


def _share_time(sayings: Sequence[Saying], starts: Mapping[str, Start], steps: int, fps: float) -> dict[int, _Part]:
    """Which frames each part has: as many as it needs, then by how much happens in it, but for what is told."""
    numbers = sorted({saying.part for saying in sayings})
    least, wish, told = {}, {}, {}
    for number in numbers:
        mine = [saying for saying in sayings if saying.part == number]
        least[number] = max(least_steps(each, starts[each.who.name]) for each in mine)
        wish[number] = max(weight(each) for each in mine)
        seconds = max((each.seconds for each in mine if each.seconds), default=None)
        if seconds:
            told[number] = max(round(seconds * fps), least[number])
    needed = sum(told.get(number, least[number]) for number in numbers)
    if needed > steps:
        raise NextSceneError(
            f"That takes at least {needed + 1} frames, and there are {steps + 1}: ask for {needed + 1} frames or more, "
            "or for less to happen."
        )
    share = {number: told.get(number, least[number]) for number in numbers}
    free = [number for number in numbers if number not in told] or numbers
    while sum(share.values()) < steps:
        share[max(free, key=lambda number: wish[number] / share[number])] += 1
    parts, first = {}, 0
    for number in numbers:
        parts[number] = _Part(first, share[number])
        first += share[number]
    return parts


def _whole_path(
    sayings: Sequence[Saying], start: Start, parts: Mapping[int, _Part], steps: int,
    centres: Mapping[str, tuple[float, float]],
) -> tuple[Path, list[Event]]:  # fmt: skip
    """A thing's path through all parts: in each from where the last one left it."""
    whole, at = rest(steps), start
    events: list[Event] = []
    x = y = angle = 0.0
    size = 1.0
    hidden_until = 0
    for number, part in parts.items():
        here = rest(part.steps)
        begins = slice(part.first, part.first + part.steps + 1)
        for saying in (each for each in sayings if each.part == number):
            beside = saying.around or saying.behind
            around = next((name for name in centres if beside and name.endswith(beside)), None)
            if saying.enters:  # to the place that it has in the first picture, wherever it was before
                x = y = 0.0
                at = replace(at, x=start.x, y=start.y)
            own = make_path(saying, replace(at, centre=centres.get(around or "")), part.steps)
            if saying.enters or saying.verb == "appear":
                hidden_until = _may_enter(saying, part.first, events, hidden_until)
            here.x, here.y = here.x + own.x, here.y + own.y
            here.angle, here.size = here.angle + own.angle, here.size * own.size
            here.keys |= own.keys
            events.append(_event(saying, part, own))
        whole.x[begins], whole.y[begins] = x + here.x, y + here.y
        whole.angle[begins], whole.size[begins] = angle + here.angle, size * here.size
        whole.keys |= {part.first + frame: what for frame, what in here.keys.items() if here.keys}
        x, y, angle, size = (float(each[begins.stop - 1]) for each in (whole.x, whole.y, whole.angle, whole.size))
        at = replace(start, x=start.x + x, y=start.y + y)
        at = replace(at, half_width=start.half_width * size, half_height=start.half_height * size)
    for curve in (whole.x, whole.y, whole.size):  # what comes in later is not to be seen before
        curve[:hidden_until] = curve[hidden_until]
    return whole, events


def _may_enter(saying: Saying, first: int, events: Sequence[Event], hidden: int) -> int:
    """The frame up to which it is not seen; refuses what is in the picture already."""
    moved = [event for event in events if event.last <= first]
    if not moved:
        return first
    if moved[-1].motion == "leave" or "out" in (moved[-1].direction or ""):
        return hidden
    raise NextSceneError(
        f"{saying.words!r}: the {saying.who.name} is in the picture already: let it leave before it comes in."
    )


def _event(saying: Saying, part: _Part, path: Path) -> Event:
    across, down = saying.direction or (0, 0)
    said = ["left" if across < 0 else "right" if across else "", "up" if down < 0 else "down" if down else ""]
    said += ["out"] * saying.leaves + ["in"] * saying.enters
    count = len(path.contacts) if saying.motion == "bounce" else saying.count
    return Event(motion=saying.motion, first=part.first, last=part.first + part.steps, count=count,
                 direction=" ".join(filter(None, said)) or None, surface_y=path.surface,
                 contacts=tuple(part.first + each for each in path.contacts))  # fmt: skip


def _rows(name: str, path: Path, start: Start, depth: int, confidence: float) -> list[Place]:
    radius = (start.half_width + start.half_height) / 2
    keys = {0: "start"} | path.keys
    return [
        Place(
            frame=frame,
            object=name,
            x=round(float(start.x + path.x[frame]), 3),
            y=round(float(start.y + path.y[frame]), 3),
            radius=round(float(radius * path.size[frame]), 3),
            angle=round(float(path.angle[frame]), 3),
            size=round(float(path.size[frame]), 5),
            depth=depth,
            keyframe=frame in keys,
            confidence=confidence,
            event=keys.get(frame, ""),
        )
        for frame in range(len(path.x))
    ]


def _with_keyframes(rows: Sequence[Place], frames: int, between: int | None) -> list[Place]:
    """The rows with a keyframe wherever one of them has one, and so often that few frames lie between two."""
    keys = sorted({0, frames - 1, *(row.frame for row in rows if row.keyframe)})
    if between is not None:
        for one, other in list(pairwise(keys)):
            gaps = -(-(other - one) // (between + 1))
            keys += [round(one + (other - one) * each / gaps) for each in range(1, gaps)]
    return [row if row.keyframe or row.frame not in keys else row.model_copy(update={"keyframe": True}) for row in rows]


def _depths(said: Said, found: Mapping[str, Found]) -> dict[str, int]:
    """Which lies before which, 0 the nearest: what stands lower in the picture, unless the words say otherwise."""
    order = sorted((who.name for who in said.things), key=lambda name: -found[name].box[3])
    for saying in said.sayings:
        other = next((name for name in order if saying.behind and name.endswith(saying.behind)), None)
        if other and other != saying.who.name:
            order.remove(saying.who.name)
            order.insert(order.index(other) + 1, saying.who.name)
        if saying.before and saying.who.name in order:
            order.remove(saying.who.name)
            order.insert(0, saying.who.name)
    return {name: at for at, name in enumerate(order)}


def check_within(plan: Plan, thing: Thing, row: Place) -> bool:
    """Whether all of a thing is in the picture, but for a pixel or two."""
    assert thing.box
    assert plan.width
    assert plan.height
    left, top, right, bottom = thing.box
    half_width, half_height = (right - left) / 2 * row.size, (bottom - top) / 2 * row.size
    slack = max(2.0, 0.02 * max(plan.width, plan.height))
    return bool(
        np.all(np.array([row.x - half_width, row.y - half_height]) >= -slack)
        and row.x + half_width <= plan.width + slack
        and row.y + half_height <= plan.height + slack
    )

"""The plan of a motion: where each thing is, frame by frame, and what happens there. JSON in and out; no pictures.

    plan = read_plan(Path("trajectory_plan.json"))
    plan.places("red ball")[7].x

A person may change the file, and other tools may write one: of each row only frame, x, y and radius are required, and
without `objects` the one thing that moves is called "object".
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from nextscene import NextSceneError
from nextscene.settings import Group, Move, Name, Text, describe_errors, setting

MOST_FRAMES, MOST_THINGS, MOST_BYTES = 1000, 12, 20_000_000
ONE_THING = "object"
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels


class Event(Group):
    """One motion of a thing, and the frames that it takes."""

    motion: Name = Field(description="What it does: bounce, roll, ...")
    first: int = Field(ge=0, description="The frame in which it begins")
    last: int = Field(ge=0, description="The frame in which it ends")
    count: int | None = setting("How often", ge=1)
    direction: str | None = setting("Where to")
    surface_y: float | None = setting("Where the ground is, in pixels from the top")
    contacts: tuple[int, ...] = setting("The frames in which it touches the ground", ())


class Thing(Group):
    """Something that moves. box: where it is in the first picture. depth: what is larger lies behind."""

    id: Name
    box: tuple[float, ...] | None = Field(default=None, min_length=4, max_length=4)
    depth: int = 0
    events: tuple[Event, ...] = ()


class Place(Group):
    """Where a thing is in a frame.

    radius: half its width and height, in the mean. angle: degrees, clockwise. size: beside that in the first picture.
    """

    frame: int = Field(ge=0)
    object: Name = ONE_THING
    x: float
    y: float
    radius: float = Field(gt=0)
    angle: float = 0.0
    size: float = Field(default=1.0, gt=0)
    depth: int = 0
    keyframe: bool = False
    confidence: float = Field(default=1.0, ge=0, le=1)
    event: str = ""


class Plan(Group):
    """What moves where. width and height: of the first picture."""

    prompt: Text = ""
    planner: Name = "hand"
    width: int | None = Field(default=None, ge=1)
    height: int | None = Field(default=None, ge=1)
    fps: float = Field(default=15.0, gt=0, le=120)
    camera: Move = "none"
    objects: tuple[Thing, ...] = Field(default=(), max_length=MOST_THINGS)
    frames: tuple[Place, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_whole(self) -> "Plan":
        """Every thing has a place in every frame, once."""
        names = [each.id for each in self.objects] or [ONE_THING]
        if twice := [name for name, times in Counter(names).items() if times > 1]:
            raise ValueError(f"objects: two things are called {twice[0]!r}: give each a name of its own")
        seen = Counter((row.object, row.frame) for row in self.frames)
        for name, frame in seen:
            if name not in names:
                raise ValueError(f"frames: there is no object {name!r}, only {', '.join(names)}")
            if seen[name, frame] > 1:
                raise ValueError(f"frames: {name} has {seen[name, frame]} rows for frame {frame}: keep one")
        last = max(row.frame for row in self.frames)
        if last >= MOST_FRAMES:
            raise ValueError(f"frames: frame {last} is beyond the {MOST_FRAMES} that a plan may have")
        for name in names:
            for frame in range(last + 1):
                if (name, frame) not in seen:
                    raise ValueError(f"frames: {name} has no row for frame {frame}")
        for thing in self.objects:
            for event in thing.events:
                if not event.first <= event.last <= last:
                    raise ValueError(f"objects: {thing.id}, {event.motion}: it goes from frame {event.first} to "
                                     f"{event.last}, and the plan has frames 0 to {last}")  # fmt: skip
        return self

    @cached_property
    def things(self) -> tuple[Thing, ...]:
        """All that moves, the farthest first, each with its box."""
        named = self.objects or (Thing(id=ONE_THING),)
        depths = {name: self.places(name)[0].depth for name in (each.id for each in named)}
        return tuple(self._boxed(each) for each in sorted(named, key=lambda each: -depths[each.id]))

    @property
    def count(self) -> int:
        """How many frames there are."""
        return max(row.frame for row in self.frames) + 1

    @property
    def keyframes(self) -> list[int]:
        """The frames in which something begins, ends, turns or touches; the first and the last always."""
        return sorted({0, self.count - 1, *(row.frame for row in self.frames if row.keyframe)})

    def places(self, name: str) -> list[Place]:
        """Where a thing is, frame after frame."""
        return self._places[name]

    @cached_property
    def _places(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for row in sorted(self.frames, key=lambda row: row.frame):
            found.setdefault(row.object, []).append(row)
        return found

    def _boxed(self, thing: Thing) -> Thing:
        if thing.box:
            return thing
        first = self.places(thing.id)[0]
        half = first.radius / first.size
        return thing.overlaid(Thing(id=thing.id, box=(first.x - half, first.y - half, first.x + half, first.y + half)))

    def to_json(self) -> str:
        """The file's text: one row a line, so that people can read and change it."""
        said: dict[str, Any] = self.model_dump(exclude={"frames"}, exclude_defaults=False)
        said["objects"] = [_short(each) for each in said["objects"]]
        head = json.dumps(said, indent=1, ensure_ascii=False)[:-2]
        rows = ",\n  ".join(json.dumps(row.model_dump(), ensure_ascii=False) for row in self.frames)
        return f'{head},\n "frames": [\n  {rows}\n ]\n}}\n'


def _short(thing: dict[str, Any]) -> dict[str, Any]:
    """Without what was not said."""
    events = [{name: value for name, value in event.items() if value not in (None, ())} for event in thing["events"]]
    return thing | {"events": events}


def read_plan(path: Path) -> Plan:
    """The plan in a file; a NextSceneError that names object and frame, if it is not right."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise NextSceneError(f"The plan {path.name!r} is larger than {MOST_BYTES // 10**6} MB: no plan is.")
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise NextSceneError(f"There is no plan {str(path)!r}: plan first, without --skip-steps trajectory.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise NextSceneError(f"The plan {path.name!r} cannot be read ({error}): it has to be JSON.") from None
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        raise NextSceneError(f"The plan {path.name!r} is not right: {describe_errors(error)}") from None


def count_bounces(heights: Sequence[float]) -> int:
    """How often something comes down and goes up again at once. heights: its y, in pixels from the top."""
    return sum(1 for before, at, after in zip(heights, heights[1:], heights[2:], strict=False) if before < at > after)


def distance(one: Place, other: Place) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)

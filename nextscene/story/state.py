"""What each scene of a story is to show, and from where, as far as its fields and words say.

A story goes in, a `State` for each scene comes out. A scene shows what the scene before it shows, changed by what its
own words say. Words that the rules do not understand may change anything: that scene, and those after it, begin anew,
with all unknown but what is beyond doubt. It knows no pictures and no models.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from nextscene.story.language import read
from nextscene.story.scene import Scene
from nextscene.story.story import Story


@dataclass(frozen=True)
class Camera:
    """Where the camera is, counted from where it was in the scene that the state is known since.

    pan, tilt, zoom: steps to the right, up and closer; a pan is two steps, all other moves are one.
    turn: degrees around what is to be seen, to the right.
    lens: which one it has; empty: the one that it had.
    """

    pan: int = 0
    tilt: int = 0
    zoom: int = 0
    turn: int = 0
    lens: str = ""

    def moved(self, moves: Mapping[str, int], lens: str = "") -> "Camera":
        steps = {axis: getattr(self, axis) + by for axis, by in moves.items()}
        return replace(self, **steps, lens=lens or self.lens)


@dataclass(frozen=True)
class State:
    """What a scene shows; None is not known.

    since: the scene from whose picture on every word was understood. The camera's place is counted from there, and only
        scenes that have it in common can be compared.
    """

    since: str
    camera: Camera = Camera()
    light: str | None = None
    weather: str | None = None
    place: str | None = None
    subject: str | None = None
    colour: str | None = None

    @property
    def sights(self) -> dict[str, str]:
        """What is known of what is to be seen, by kind."""
        return {kind: value for kind in SIGHTS if (value := getattr(self, kind))}

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "camera": Camera(**data["camera"])})

    def __str__(self) -> str:
        thing = " ".join(filter(None, [self.colour, self.subject]))
        known = [*filter(None, [thing, self.place, self.light, self.weather]), *self._position()]
        return ", ".join(known) or "not known"

    def _position(self) -> list[str]:
        ways = {"pan": ("right", "left"), "tilt": ("up", "down"), "zoom": ("closer", "farther")}
        camera = self.camera
        said = [f"{abs(n)} {ways[axis][n < 0]}" for axis in ways if (n := getattr(camera, axis))]
        said += [f"turned {camera.turn}°"] * bool(camera.turn) + [f"{camera.lens} lens"] * bool(camera.lens)
        return [f"camera {' and '.join(said)} of {self.since}"] if said else []


SIGHTS = ("light", "weather", "place", "subject", "colour")
SKY = ("light", "weather")  # what words alone can change; all other things are the same ones only in the same picture


def states_of(story: Story) -> dict[str, State]:
    """What each scene shows, by its id."""
    states: dict[str, State] = {}
    before: State | None = None
    for name, scene in zip(story.ids, story.scenes, strict=True):
        base = states[scene.after] if scene.after else None if "after" in scene.model_fields_set else before
        states[name] = before = _next(name, scene, base)
    return states


def is_known_throughout(states: Iterable[State]) -> bool:
    """Whether every word after the first scene was understood."""
    return len({state.since for state in states}) == 1


def _next(name: str, scene: Scene, base: State | None) -> State:
    """What a scene shows that grows from one that shows `base`; None: from words alone or a picture."""
    reading = read(scene.prompt)
    said = scene.shows.given if scene.shows else {}
    place = said.pop("camera").given if "camera" in said else {}
    sights = {kind: value for kind, value in reading.sights.items() if kind in SIGHTS} | said
    if (
        base is None
        or not reading.whole
        or any(sights[kind] != getattr(base, kind) for kind in sights if kind not in SKY)
    ):
        return State(name, Camera(**place), **sights)
    moves, lens = dict(reading.moves), reading.sights.get("lens", "")
    if scene.camera:
        moves = {"turn": scene.camera.rotate, "zoom": scene.camera.forward, "tilt": scene.camera.tilt}
        lens = scene.camera.lens or ""
    return replace(base, camera=replace(base.camera.moved(moves, lens), **place), **sights)

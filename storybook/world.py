"""The drawn world that the small model is taught: a state in, one picture out, always the same.

A state says what is to be seen and from where. Everything that varies has a name, so that words can ask for it; the
camera moves by whole latent tokens (16 pixels of a picture 128 wide), and everything moves together. This module
knows pictures; the language of the world is in `storybook.words`.
"""

import math
import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

PLACES = ("sea", "desert", "forest", "city", "mountains")
LIGHTS = ("dawn", "noon", "sunset", "night")
WEATHERS = ("clear", "rain", "snow", "fog")
LANDMARKS = ("house", "tower", "windmill", "balloon")
NOTHING = "nothing"  # for a landmark or a place: one that is gone from its place, one alone before a plain wall
COLOURS = ("red", "yellow", "blue", "white")
LAYOUTS = 8

WIDTH, HEIGHT = 128, 96  # the units of every measure below
TOKEN = 16  # units that one step of the camera is, to a side, up or down
HORIZON = 56
ZOOM = 1.25  # how much larger one step closer is
FARTHEST_PAN, FARTHEST_TILT, FARTHEST_ZOOM = 2, 1, 1

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class State:
    """What is to be seen, and from where.

    pan: steps of the camera to the right of the landmark; tilt: steps up; zoom: steps closer. A step to a side or up
    is one token of the picture.
    layout: which of a place's few arrangements of hills and trees it is; the only thing that words do not name.
    """

    place: str = "sea"
    light: str = "noon"
    weather: str = "clear"
    landmark: str = "house"
    colour: str = "red"
    pan: int = 0
    tilt: int = 0
    zoom: int = 0
    layout: int = 0

    def but(self, **changes: Any) -> "State":
        """The same, with some things changed."""
        return replace(self, **changes)


def random_state(chance: random.Random, held_out: bool = False) -> State:
    """Any state, seen straight on; of the worlds that training sees, or of those held out from it."""
    while True:
        named = [chance.choice(values) for values in (PLACES, LIGHTS, WEATHERS, LANDMARKS, COLOURS)]
        place, light, weather, landmark, colour = named
        state = State(place, light, weather, landmark, colour, layout=chance.randrange(LAYOUTS))
        if is_held_out(state) == held_out:
            return state


def is_held_out(state: State) -> bool:
    """Whether training never sees this landmark, in this colour, at this spot."""
    spot = (state.place, state.layout, state.landmark, state.colour)
    return NOTHING not in spot and zlib.crc32(" ".join(map(str, spot)).encode()) % 10 == 0


@dataclass(frozen=True)
class Moment:
    """What time does to a state. pan, tilt, zoom: parts of a step that its camera has gone on.

    beat: rain and snow fall, and sails turn, in loops; the share of one that has passed (0 and 1 look the same).
    rise: how far a balloon has risen; boat: where one is on the sea, if there is one.
    """

    pan: float = 0
    tilt: float = 0
    zoom: float = 0
    beat: float = 0
    rise: float = 0
    boat: float | None = None


STILL = Moment()


def draw(state: State, width: int = WIDTH, height: int = HEIGHT, moment: Moment = STILL) -> Image.Image:
    """Draws a state, supersampled; any size of the world's own aspect looks the same."""
    sharp = 3 if width <= 192 else 2
    brush = Brush(state, width * sharp, height * sharp, moment)
    if state.place == NOTHING:
        brush.picture.paste(PLAIN, (0, 0, *brush.picture.size))
    else:
        _sky(brush)
        PLACE_ART[state.place](brush)
    if state.landmark != NOTHING:
        brush.lift = moment.rise if state.landmark == "balloon" else 0
        LANDMARK_ART[state.landmark](brush, brush.paint(PAINT[state.colour], lit=True))
        brush.lift = 0
    if state.weather in WEATHER_ART:
        WEATHER_ART[state.weather](brush)
    return brush.picture.resize((width, height), Image.Resampling.BOX)


@dataclass(frozen=True)
class Mood:
    """A time of day: the sky from above to the horizon, and what its light does to colours."""

    above: Colour
    below: Colour
    tint: tuple[float, float, float]
    glow: Colour  # of the sun or the moon
    glow_height: float


MOODS = {
    "dawn": Mood((120, 120, 190), (255, 190, 190), (0.92, 0.80, 0.90), (255, 240, 225), 8),
    "noon": Mood((66, 150, 235), (190, 228, 250), (1.0, 1.0, 1.0), (255, 240, 150), 42),
    "sunset": Mood((105, 45, 105), (255, 140, 40), (1.0, 0.72, 0.52), (255, 215, 90), 8),
    "night": Mood((8, 12, 45), (38, 54, 110), (0.36, 0.42, 0.66), (240, 240, 215), 42),
}
PAINT: dict[str, Colour] = {"red": (222, 40, 40), "yellow": (250, 200, 30), "blue": (40, 85, 225), "white": (250,) * 3}
OVERCAST: dict[str, tuple[Colour, float]] = {  # what weather mixes into the sky
    "rain": ((95, 105, 120), 0.55),
    "snow": ((205, 215, 230), 0.45),
    "fog": ((215, 218, 222), 0.6),
}
WHITE: Colour = (255, 255, 255)
PLAIN: Colour = (190, 190, 190)  # the wall behind a landmark that is shown alone


class Brush:
    """Draws in world units: x from the landmark, y up from the horizon, as the state's camera sees them."""

    def __init__(self, state: State, width: int, height: int, moment: Moment = STILL) -> None:
        self.state, self.moment, self.mood = state, moment, MOODS[state.light]
        self.chance = random.Random(f"{state.place} {state.layout}")
        self.unit = width / WIDTH
        self.scale = self.unit * ZOOM ** (state.zoom + moment.zoom)
        self.x0 = (WIDTH / 2 - (state.pan + moment.pan) * TOKEN) * self.unit
        self.y0 = (HORIZON + (state.tilt + moment.tilt) * TOKEN) * self.unit
        self.lift = 0.0  # how much higher than it says everything is drawn
        self.picture = Image.new("RGB", (width, height))
        self.ink = ImageDraw.Draw(self.picture)

    def paint(self, colour: Colour, lit: bool = False) -> Colour:
        """A colour in this light; what is lit keeps more of its own, so that night does not swallow it."""
        tint = [0.5 + t / 2 if lit else t for t in self.mood.tint]
        own = _mix(colour, WHITE, 0.55) if self.state.weather == "snow" and not lit else colour
        return tuple(round(c * t) for c, t in zip(own, tint, strict=True))  # type: ignore[return-value]

    def at(self, x: float, y: float) -> Point:
        return self.x0 + x * self.scale, self.y0 - (y + self.lift) * self.scale

    def shape(self, colour: Colour, *points: Point) -> None:
        self.ink.polygon([self.at(*point) for point in points], fill=colour)

    def box(self, colour: Colour, left: float, bottom: float, right: float, top: float) -> None:
        self.ink.rectangle((self.at(left, top), self.at(right, bottom)), fill=colour)

    def disc(self, colour: Colour, x: float, y: float, wide: float, high: float | None = None) -> None:
        high = wide if high is None else high
        self.ink.ellipse((self.at(x - wide, y + high), self.at(x + wide, y - high)), fill=colour)

    def line(self, colour: Colour, points: Sequence[Point], wide: float) -> None:
        self.ink.line([self.at(*p) for p in points], fill=colour, width=max(1, round(wide * self.scale)))

    def ground(self, colour: Colour) -> None:
        self.box(self.paint(colour), -400, -400, 400, 0)

    def hills(self, colour: Colour, high: float, apart: float) -> None:
        """A soft row of hills along the horizon."""
        a, b = self.chance.uniform(0, 6), self.chance.uniform(0, 6)
        top = [
            (float(x), high * (0.6 + 0.25 * math.sin(x / apart + a) + 0.15 * math.sin(x / apart * 2.3 + b)))
            for x in range(-160, 161, 4)
        ]
        self.shape(self.paint(colour), (-160, -1), *top, (160, -1))

    def spots(self, apart: float, free: float, reach: float = 130) -> list[float]:
        """Places along the ground, of this layout, that keep clear of the landmark."""
        start = self.chance.uniform(0, apart)
        spots = [start + apart * i + self.chance.uniform(-0.2, 0.2) * apart for i in range(int(-reach / apart), 9)]
        return [x for x in spots if abs(x) > free and abs(x) < reach]


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


def _sky(brush: Brush) -> None:
    mood, weather = brush.mood, brush.state.weather
    above, below = mood.above, mood.below
    if weather in OVERCAST:
        grey, share = OVERCAST[weather]
        grey = tuple(round(c * t) for c, t in zip(grey, mood.tint, strict=True))  # type: ignore[assignment]
        above, below = _mix(above, grey, share), _mix(below, grey, share)
    width, height = brush.picture.size
    up = np.clip((brush.y0 - np.arange(height)) / (80 * brush.unit), 0, 1)[:, None, None]
    rows = np.array(below) * (1 - up) + np.array(above) * up
    brush.picture.paste(Image.fromarray(np.broadcast_to(rows, (height, width, 3)).round().astype(np.uint8)))
    if weather != "clear":
        return
    x, y = -36.0, mood.glow_height
    brush.disc(_mix(mood.above, mood.glow, 0.35) if brush.state.light != "night" else mood.above, x, y, 11)
    brush.disc(mood.glow, x, y, 8)
    if brush.state.light == "night":
        brush.disc(_mix(mood.above, mood.below, 0.5), x + 4, y + 2, 7)
        for star in ((-70, 30), (-52, 52), (-14, 46), (26, 50), (44, 32), (66, 46), (92, 36), (-94, 48)):
            brush.disc(WHITE, *star, 1.3)


def _sea(brush: Brush) -> None:
    brush.hills((70, 120, 130), 7, 31)
    brush.ground((30, 130, 175))
    for y in (-3, -6.5):
        brush.line(brush.paint((120, 200, 225)), [(-160, y), (160, y)], 1)
    if brush.moment.boat is not None:
        _boat(brush, brush.moment.boat)
    brush.box(brush.paint((240, 215, 150)), -400, -400, 400, -10)
    for x in brush.spots(52, 24):
        brush.line(brush.paint((120, 80, 50)), [(x, -14), (x + 2, 2), (x + 5, 14)], 3)
        for side in (-1, 1):
            brush.shape(brush.paint((30, 140, 80)), (x + 5, 15), (x + 5 + side * 8, 20), (x + 5 + side * 15, 9))


def _boat(brush: Brush, x: float) -> None:
    brush.shape(brush.paint((150, 60, 40)), (x - 13, 1), (x + 13, 1), (x + 8, -6), (x - 8, -6))
    brush.shape(brush.paint((250, 245, 235), lit=True), (x - 2, 3), (x - 2, 24), (x + 12, 3))
    brush.line(brush.paint((75, 55, 60)), [(x - 3, 0), (x - 3, 25)], 1.5)


def _desert(brush: Brush) -> None:
    brush.hills((205, 130, 80), 16, 40)
    brush.ground((240, 190, 105))
    for x in brush.spots(44, 26):
        green = brush.paint((60, 135, 75))
        brush.line(green, [(x, -12), (x, 10)], 5)
        brush.line(green, [(x - 8, 5), (x - 8, -2), (x, -2)], 4)
        brush.line(green, [(x + 8, 8), (x + 8, 1), (x, 1)], 4)


def _pine(brush: Brush, x: float, foot: float, high: float, green: Colour) -> None:
    brush.box(brush.paint((100, 65, 45)), x - 1.5, foot, x + 1.5, foot + high * 0.3)
    for base, top, wide in ((0.15, 0.65, 0.34), (0.45, 1.0, 0.25)):
        brush.shape(
            brush.paint(green), (x - wide * high, foot + base * high), (x, foot + top * high),
            (x + wide * high, foot + base * high),
        )  # fmt: skip


def _forest(brush: Brush) -> None:
    for at in range(-150, 151, 15):
        _pine(brush, at + brush.chance.uniform(-2, 2), -6, 30, (45, 100, 85))
    brush.ground((95, 160, 70))
    for x in brush.spots(46, 28):
        _pine(brush, x, -12, 42, (20, 95, 50))


def _city(brush: Brush) -> None:
    x = -150.0
    while x < 150:
        wide, high = brush.chance.choice((14, 18, 22)), brush.chance.choice((16, 24, 32, 40))
        brush.box(brush.paint(brush.chance.choice(((130, 135, 160), (105, 110, 140)))), x, -1, x + wide, high)
        x += wide
    brush.ground((140, 135, 140))
    brush.box(brush.paint((90, 88, 98)), -400, -400, 400, -18)
    for x in brush.spots(50, 26):
        brush.line(brush.paint((50, 50, 60)), [(x, -14), (x, 16)], 2)
        brush.disc((255, 235, 150), x, 17, 3.5)


def _mountains(brush: Brush) -> None:
    for at in range(-150, 151, 50):
        peak, high = at + brush.chance.uniform(-10, 10), brush.chance.uniform(30, 44)
        brush.shape(brush.paint((105, 115, 150)), (peak - 36, -1), (peak, high), (peak + 36, -1))
        brush.shape(
            brush.paint((245, 248, 255)), (peak, high), (peak + 12, high * 2 / 3), (peak + 4, high * 0.74),
            (peak - 4, high * 0.66), (peak - 12, high * 2 / 3),
        )  # fmt: skip
    brush.ground((125, 185, 85))
    for x in brush.spots(48, 26):
        brush.disc(brush.paint((120, 115, 115)), x, -14, 9, 6)


def _house(brush: Brush, wall: Colour) -> None:
    dark = brush.paint((75, 55, 60))
    brush.box(dark, 8, 14, 13, 34)
    brush.box(wall, -18, -10, 18, 14)
    brush.shape(dark, (-24, 13), (0, 34), (24, 13))
    brush.box(dark, -4, -10, 4, 4)
    for x in (-13, 7):
        brush.box(_window(brush), x, 0, x + 6, 7)


def _tower(brush: Brush, wall: Colour) -> None:
    brush.box(wall, -10, -10, 10, 30)
    brush.box(wall, -13, 26, 13, 32)
    for x in (-13, -3, 7):
        brush.box(wall, x, 32, x + 6, 37)
    brush.box(_window(brush), -3, 14, 3, 22)
    brush.box(brush.paint((75, 55, 60)), -4, -10, 4, 0)


def _windmill(brush: Brush, wall: Colour) -> None:
    brush.shape(wall, (-14, -10), (-8, 22), (8, 22), (14, -10))
    brush.shape(brush.paint((75, 55, 60)), (-10, 21), (0, 31), (10, 21))
    brush.box(brush.paint((75, 55, 60)), -4, -10, 4, 1)
    sail = brush.paint((245, 235, 215), lit=True)
    ends = [(17, 13), (-17, 13), (-17, -13), (17, -13)]
    angles = [math.atan2(y, x) for x, y in ends]
    for angle, following in zip(angles, [*angles[1:], angles[0]], strict=True):
        turned = angle + (following - angle) % math.tau * brush.moment.beat
        brush.line(
            sail, [(0, 20), (math.hypot(17, 13) * math.cos(turned), 20 + math.hypot(17, 13) * math.sin(turned))], 4
        )
    brush.disc(brush.paint((75, 55, 60)), 0, 20, 3)


def _balloon(brush: Brush, wall: Colour) -> None:
    dark = brush.paint((75, 55, 60))
    brush.line(dark, [(-9, 8), (-4, -4)], 1.2)
    brush.line(dark, [(9, 8), (4, -4)], 1.2)
    brush.disc(wall, 0, 19, 17)
    brush.shape(wall, (-15, 11), (15, 11), (5, 1), (-5, 1))
    brush.disc(_mix(wall, (60, 40, 60), 0.3), 0, 19, 6, 17)
    brush.box(dark, -5, -10, 5, -3)


def _window(brush: Brush) -> Colour:
    return (255, 225, 120) if brush.state.light == "night" else brush.paint((150, 205, 225))


@lru_cache
def _scatter(apart: int, lean: int, beat: float) -> list[Point]:
    """The same few places of the picture for every state: weather does not move with the camera.

    Within a beat each falls to where one of the row below began: straight on to the left, or (lean 0) to and fro.
    """
    chance = random.Random(apart)
    rows, columns = range(apart // 2, HEIGHT, apart), range(0, WIDTH, apart)
    places = {
        (row, column): (
            x + (row % 2) * apart / 2 + chance.uniform(-0.25, 0.25) * apart, y + chance.uniform(-0.25, 0.25) * apart
        )
        for row, y in enumerate(rows)
        for column, x in enumerate(columns)
    }  # fmt: skip

    def place(row: int, column: int) -> Point:
        beyond = (column * apart + (row % 2) * apart / 2, -apart if row < 0 else row * apart + apart / 2)
        return places.get((row, column), beyond)

    if not beat:
        return list(places.values())
    falling = []
    for row in range(-1, len(rows)):
        for column in range(-1, len(columns) + 1):
            (x, y), (to_x, to_y) = place(row, column), place(row + 1, column - lean * (1 - row % 2))
            falling.append((x + (to_x - x) * beat, y + (to_y - y) * beat))
    return falling


def _rain(brush: Brush) -> None:
    for x, y in _scatter(20, 1, brush.moment.beat % 1):
        ends = [(x * brush.unit, y * brush.unit), ((x - 3) * brush.unit, (y + 9) * brush.unit)]
        brush.ink.line(ends, fill=_mix(brush.mood.below, (225, 235, 245), 0.7), width=round(1.6 * brush.unit))


def _snow(brush: Brush) -> None:
    for x, y in _scatter(19, 0, brush.moment.beat % 1):
        left, top, wide = (x - 2) * brush.unit, (y - 2) * brush.unit, 4 * brush.unit
        brush.ink.ellipse((left, top, left + wide, top + wide), fill=WHITE)


def _fog(brush: Brush) -> None:
    """Thickest along the horizon, and never so thick that a colour is lost."""
    width, height = brush.picture.size
    grey = tuple(round(c * (0.4 + 0.6 * t)) for c, t in zip((225, 228, 232), brush.mood.tint, strict=True))
    away = np.abs(np.arange(height) - brush.y0) / (40 * brush.unit)
    thick = 0.25 + 0.3 * np.exp(-(away**2))
    mask = Image.fromarray(np.broadcast_to((thick * 255)[:, None], (height, width)).astype(np.uint8))
    brush.picture.paste(Image.new("RGB", (width, height), grey), mask=mask)


PLACE_ART: dict[str, Callable[[Brush], None]] = {
    "sea": _sea, "desert": _desert, "forest": _forest, "city": _city, "mountains": _mountains,
}  # fmt: skip
LANDMARK_ART: dict[str, Callable[[Brush, Colour], None]] = {
    "house": _house, "tower": _tower, "windmill": _windmill, "balloon": _balloon,
}  # fmt: skip
WEATHER_ART: dict[str, Callable[[Brush], None]] = {"rain": _rain, "snow": _snow, "fog": _fog}

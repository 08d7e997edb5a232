"""The drawn world that the small model is taught: a state in, one picture out, always the same.

A state says what is to be seen and from where. Everything that varies has a name, so that words can ask for it; the
camera moves by whole latent tokens (16 pixels of a picture 128 wide), and everything moves together. This module
knows pictures; the language of the world is in `storybook.words`.
"""

import math
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from storybook.art import LANDMARK_ART, PLACE_ART, WEATHER_ART, WHITE, Colour, Point, mix

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
    draw_place(brush)
    draw_landmark(brush)
    draw_weather(brush)
    return brush.picture.resize((width, height), Image.Resampling.BOX)


def draw_place(brush: "Brush") -> None:
    if brush.state.place == NOTHING:
        brush.picture.paste(PLAIN, (0, 0, *brush.picture.size))
    else:
        _sky(brush)
        PLACE_ART[brush.state.place](brush)


def draw_landmark(brush: "Brush") -> None:
    if brush.state.landmark != NOTHING:
        brush.lift = brush.moment.rise if brush.state.landmark == "balloon" else 0
        LANDMARK_ART[brush.state.landmark](brush, brush.paint(PAINT[brush.state.colour], lit=True))
        brush.lift = 0


def draw_weather(brush: "Brush") -> None:
    if brush.state.weather in WEATHER_ART:
        WEATHER_ART[brush.state.weather](brush)


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
PLAIN: Colour = (190, 190, 190)  # the wall behind a landmark that is shown alone


class Brush:
    """Draws in world units: x from the landmark, y up from the horizon, as the state's camera sees them."""

    world = (WIDTH, HEIGHT)

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
        own = mix(colour, WHITE, 0.55) if self.state.weather == "snow" and not lit else colour
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


def _sky(brush: Brush) -> None:
    mood, weather = brush.mood, brush.state.weather
    above, below = mood.above, mood.below
    if weather in OVERCAST:
        grey, share = OVERCAST[weather]
        grey = tuple(round(c * t) for c, t in zip(grey, mood.tint, strict=True))  # type: ignore[assignment]
        above, below = mix(above, grey, share), mix(below, grey, share)
    width, height = brush.picture.size
    up = np.clip((brush.y0 - np.arange(height)) / (80 * brush.unit), 0, 1)[:, None, None]
    rows = np.array(below) * (1 - up) + np.array(above) * up
    brush.picture.paste(Image.fromarray(np.broadcast_to(rows, (height, width, 3)).round().astype(np.uint8)))
    if weather != "clear":
        return
    x, y = -36.0, mood.glow_height
    brush.disc(mix(mood.above, mood.glow, 0.35) if brush.state.light != "night" else mood.above, x, y, 11)
    brush.disc(mood.glow, x, y, 8)
    if brush.state.light == "night":
        brush.disc(mix(mood.above, mood.below, 0.5), x + 4, y + 2, 7)
        for star in ((-70, 30), (-52, 52), (-14, 46), (26, 50), (44, 32), (66, 46), (92, 36), (-94, 48)):
            brush.disc(WHITE, *star, 1.3)

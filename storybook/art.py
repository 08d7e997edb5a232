"""What places, landmarks and weathers look like: each is drawn with a brush, in the world's own measures.

It knows shapes and colours; where the camera is, what time it is and what the light does to a colour, the brush knows.
"""

import math
import random
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from storybook.world import Brush

Colour = tuple[int, int, int]
Point = tuple[float, float]
WHITE: Colour = (255, 255, 255)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


def _sea(brush: "Brush") -> None:
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


def _boat(brush: "Brush", x: float) -> None:
    brush.shape(brush.paint((150, 60, 40)), (x - 13, 1), (x + 13, 1), (x + 8, -6), (x - 8, -6))
    brush.shape(brush.paint((250, 245, 235), lit=True), (x - 2, 3), (x - 2, 24), (x + 12, 3))
    brush.line(brush.paint((75, 55, 60)), [(x - 3, 0), (x - 3, 25)], 1.5)


def _desert(brush: "Brush") -> None:
    brush.hills((205, 130, 80), 16, 40)
    brush.ground((240, 190, 105))
    for x in brush.spots(44, 26):
        green = brush.paint((60, 135, 75))
        brush.line(green, [(x, -12), (x, 10)], 5)
        brush.line(green, [(x - 8, 5), (x - 8, -2), (x, -2)], 4)
        brush.line(green, [(x + 8, 8), (x + 8, 1), (x, 1)], 4)


def _pine(brush: "Brush", x: float, foot: float, high: float, green: Colour) -> None:
    brush.box(brush.paint((100, 65, 45)), x - 1.5, foot, x + 1.5, foot + high * 0.3)
    for base, top, wide in ((0.15, 0.65, 0.34), (0.45, 1.0, 0.25)):
        brush.shape(
            brush.paint(green), (x - wide * high, foot + base * high), (x, foot + top * high),
            (x + wide * high, foot + base * high),
        )  # fmt: skip


def _forest(brush: "Brush") -> None:
    for at in range(-150, 151, 15):
        _pine(brush, at + brush.chance.uniform(-2, 2), -6, 30, (45, 100, 85))
    brush.ground((95, 160, 70))
    for x in brush.spots(46, 28):
        _pine(brush, x, -12, 42, (20, 95, 50))


def _city(brush: "Brush") -> None:
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


def _mountains(brush: "Brush") -> None:
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


def _house(brush: "Brush", wall: Colour) -> None:
    dark = brush.paint((75, 55, 60))
    brush.box(dark, 8, 14, 13, 34)
    brush.box(wall, -18, -10, 18, 14)
    brush.shape(dark, (-24, 13), (0, 34), (24, 13))
    brush.box(dark, -4, -10, 4, 4)
    for x in (-13, 7):
        brush.box(_window(brush), x, 0, x + 6, 7)


def _tower(brush: "Brush", wall: Colour) -> None:
    brush.box(wall, -10, -10, 10, 30)
    brush.box(wall, -13, 26, 13, 32)
    for x in (-13, -3, 7):
        brush.box(wall, x, 32, x + 6, 37)
    brush.box(_window(brush), -3, 14, 3, 22)
    brush.box(brush.paint((75, 55, 60)), -4, -10, 4, 0)


def _windmill(brush: "Brush", wall: Colour) -> None:
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


def _balloon(brush: "Brush", wall: Colour) -> None:
    dark = brush.paint((75, 55, 60))
    brush.line(dark, [(-9, 8), (-4, -4)], 1.2)
    brush.line(dark, [(9, 8), (4, -4)], 1.2)
    brush.disc(wall, 0, 19, 17)
    brush.shape(wall, (-15, 11), (15, 11), (5, 1), (-5, 1))
    brush.disc(mix(wall, (60, 40, 60), 0.3), 0, 19, 6, 17)
    brush.box(dark, -5, -10, 5, -3)


def _window(brush: "Brush") -> Colour:
    return (255, 225, 120) if brush.state.light == "night" else brush.paint((150, 205, 225))


@lru_cache
def _scatter(apart: int, lean: int, beat: float, wide: int, high: int) -> list[Point]:
    """The same few places of the picture for every state: weather does not move with the camera.

    Within a beat each falls to where one of the row below began: straight on to the left, or (lean 0) to and fro.
    """
    chance = random.Random(apart)
    rows, columns = range(apart // 2, high, apart), range(0, wide, apart)
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


def _rain(brush: "Brush") -> None:
    for x, y in _scatter(20, 1, brush.moment.beat % 1, *brush.world):
        ends = [(x * brush.unit, y * brush.unit), ((x - 3) * brush.unit, (y + 9) * brush.unit)]
        brush.ink.line(ends, fill=mix(brush.mood.below, (225, 235, 245), 0.7), width=round(1.6 * brush.unit))


def _snow(brush: "Brush") -> None:
    for x, y in _scatter(19, 0, brush.moment.beat % 1, *brush.world):
        left, top, wide = (x - 2) * brush.unit, (y - 2) * brush.unit, 4 * brush.unit
        brush.ink.ellipse((left, top, left + wide, top + wide), fill=WHITE)


def _fog(brush: "Brush") -> None:
    """Thickest along the horizon, and never so thick that a colour is lost."""
    width, height = brush.picture.size
    grey = tuple(round(c * (0.4 + 0.6 * t)) for c, t in zip((225, 228, 232), brush.mood.tint, strict=True))
    away = np.abs(np.arange(height) - brush.y0) / (40 * brush.unit)
    thick = 0.25 + 0.3 * np.exp(-(away**2))
    mask = Image.fromarray(np.broadcast_to((thick * 255)[:, None], (height, width)).astype(np.uint8))
    brush.picture.paste(Image.new("RGB", (width, height), grey), mask=mask)


PLACE_ART: dict[str, Callable[["Brush"], None]] = {
    "sea": _sea, "desert": _desert, "forest": _forest, "city": _city, "mountains": _mountains,
}  # fmt: skip
LANDMARK_ART: dict[str, Callable[["Brush", Colour], None]] = {
    "house": _house, "tower": _tower, "windmill": _windmill, "balloon": _balloon,
}  # fmt: skip
WEATHER_ART: dict[str, Callable[["Brush"], None]] = {"rain": _rain, "snow": _snow, "fog": _fog}

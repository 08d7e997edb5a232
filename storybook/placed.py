"""The drawn world with its landmark anywhere: the film of any motion is known, with its masks and its background.

Under the weather, which lies over all, a landmark is put where it is asked for; the camera stands where the state says.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from storybook.world import HEIGHT, WIDTH, Brush, State, draw_landmark, draw_place, draw_weather

SHARP = 4  # how many times larger it is drawn than it is shown


@dataclass(frozen=True)
class Spot:
    """Where the middle of a landmark lies, in pixels of a picture 128 wide; clockwise; beside the size in its state."""

    x: float
    y: float
    angle: float = 0.0
    size: float = 1.0


def spot_of(state: State) -> Spot:
    """Where the world itself has it."""
    return _alone(state)[1]


def draw_placed(state: State, spot: Spot | None) -> tuple[Image.Image, Image.Image]:
    """The picture, and a mask of the landmark: how much of each pixel it covers. spot: None: it is nowhere."""
    brush = Brush(state, WIDTH * SHARP, HEIGHT * SHARP)
    draw_place(brush)
    mask = Image.new("L", brush.picture.size)
    if spot:
        landmark = _moved(state, spot, brush.picture.size)
        mask = landmark.getchannel("A")
        brush.picture.paste(landmark, mask=mask)
    draw_weather(brush)
    picture, covered = (each.resize((WIDTH, HEIGHT), Image.Resampling.BOX) for each in (brush.picture, mask))
    return picture, covered


def _moved(state: State, spot: Spot, size: tuple[int, int]) -> Image.Image:
    alone = _alone(state)[0]
    side = max(round(alone.width * spot.size), 1)
    turned = alone.resize((side, side), Image.Resampling.BOX).rotate(-spot.angle, Image.Resampling.BICUBIC)
    moved = Image.new("RGBA", size)
    moved.paste(turned, (round(spot.x * SHARP - side / 2), round(spot.y * SHARP - side / 2)))
    return moved


@lru_cache(maxsize=64)
def _alone(state: State) -> tuple[Image.Image, Spot]:
    """The landmark at the middle of a transparent square, and where that is in the state's own picture."""
    sheets = []
    for shade in (0, 255):  # where the two differ, nothing is drawn
        brush = Brush(state, WIDTH * SHARP, HEIGHT * SHARP)
        brush.picture.paste((shade,) * 3, (0, 0, *brush.picture.size))
        draw_landmark(brush)
        sheets.append(np.asarray(brush.picture))
    covered = (sheets[0] == sheets[1]).all(2)
    whole = Image.fromarray(np.dstack([sheets[0], covered * np.uint8(255)]))
    left, top, right, bottom = whole.getchannel("A").getbbox() or (0, 0, 0, 0)
    side = 2 * max(right - left, bottom - top)  # room to turn
    alone = Image.new("RGBA", (side, side))
    middle = (left + right) / 2, (top + bottom) / 2
    alone.paste(whole, (round(side / 2 - middle[0]), round(side / 2 - middle[1])))
    return alone, Spot(middle[0] / SHARP, middle[1] / SHARP)

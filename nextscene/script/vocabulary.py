"""The fixed words for shots: how much of the world they show, and what the camera does. docs/script.md shows each."""

from collections.abc import Mapping
from typing import Literal, get_args

Size = Literal["wide", "full", "medium", "close", "detail"]
Camera = Literal[
    "still", "pan_left", "pan_right", "track_left", "track_right", "tilt_up", "tilt_down", "push_in", "pull_out"
]

SIZES: Mapping[Size, str] = {
    "wide": "wide shot",
    "full": "full shot",
    "medium": "medium shot",
    "close": "close-up",
    "detail": "extreme close-up",
}
CAMERAS: Mapping[Camera, str] = {
    "still": "",
    "pan_left": "the camera pans left",
    "pan_right": "the camera pans right",
    "track_left": "the camera tracks left",
    "track_right": "the camera tracks right",
    "tilt_up": "the camera tilts up",
    "tilt_down": "the camera tilts down",
    "push_in": "the camera moves closer",
    "pull_out": "the camera pulls back",
}
LIGHTS = {"dawn": "at dawn", "day": "in daylight", "dusk": "at dusk", "night": "at night"}
WEATHERS = {"clear": "under a clear sky", "rain": "in the rain", "snow": "in the snow", "fog": "in the fog"}

WIDENESS: Mapping[Size, int] = {size: -at for at, size in enumerate(get_args(Size))}

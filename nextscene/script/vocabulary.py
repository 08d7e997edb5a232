"""The fixed words for shots: how much of the world they show, and what the camera does. docs/script.md shows each."""

import re
from collections.abc import Mapping, Sequence
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

_SIZES: Sequence[tuple[Size, str]] = (
    ("detail", r"(?i:extreme close[- ]?up)|\b(?:ECU|INSERT)\b"),
    ("close", r"(?i:close[- ]?up|\b(?:close|tight) on\b)|\bCU\b"),
    ("medium", r"(?i:\b(?:medium|mid) (?:close|shot|on)\b|\btwo[- ]shot\b|\bover the shoulder\b)|\bMS\b"),
    ("full", r"(?i:\bfull shot\b)|\bFS\b"),
    (
        "wide",
        r"(?i:\b(?:wide(?:r|st)?|long) (?:shot|angle|view|on)\b|\baerial\b|bird's[- ]eye)|\b(?:WIDE|ESTABLISHING)\b",
    ),
)


def find_size(words: str) -> Size | None:
    """The size that words name, if they name one."""
    return next((size for size, pattern in _SIZES if re.search(pattern, words)), None)

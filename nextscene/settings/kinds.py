"""What values there are: their bounds, and the words that can be chosen."""

from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

MAX_PROMPT = 4000  # characters; how many tokens they are is known when the model is loaded
MIN_SIDE, MAX_SIDE = 64, 2048  # pixels
WIDEST = 4  # times as wide as high, or as high as wide
PACE, SHAPE = {"fps", "seconds_per_scene"}, {"width", "height", "aspect"}  # the same said in more than one way
EASE = 3  # how much gentler a strength is than as a share of the noise schedule (docs/measurements/ablation.md)
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_PROMPT)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\r\n]+$")]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
LoraName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Transition = Literal["cut", "crossfade", "fade", "morph"]
ClipEngine = Literal["auto", "storybook", "wan", "wan-light", "svd", "ltx", "replicate"]
Light = Literal["dawn", "day", "dusk", "night"]
Weather = Literal["clear", "rain", "snow", "fog"]
Lens = Literal["wide", "close"]
Control = Literal["none", "edges", "depth", "pose"]
GradeName = Literal["none", "teal_orange", "warm", "cool", "noir", "faded"]
Move = Literal["none", "auto", "push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"]


def _check_aspect(text: str) -> str:
    across, _, down = text.partition(":")
    try:
        shape = float(across) / float(down)
    except (ValueError, ZeroDivisionError):
        shape = 0
    if not 1 / WIDEST <= shape <= WIDEST:
        raise ValueError(f"input should be a shape such as 16:9 or 2.39:1, at most {WIDEST}:1 or 1:{WIDEST}")
    return text


Aspect = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20), AfterValidator(_check_aspect)]

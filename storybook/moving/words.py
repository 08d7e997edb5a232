"""What is said of a clip: how the camera moves, what happens, what stands still, in the words that a user would write.

The camera's moves and changes of light and weather are said as the picture model's lessons say them (`storybook.words`,
`storybook.sayings`); what only a clip can show has wordings here. Some are never used in training: `held_out=True`
says it in those.
"""

import random

from storybook import sayings
from storybook.moving.clips import FARTHEST, Clip
from storybook.words import BECOMES, MOVES, caption, tidy

Wordings = tuple[str, ...]

STANDS: Wordings = (
    "the camera stands still", "the camera does not move", "static shot", "a static camera", "locked-off camera",
    "fixed camera", "nothing moves", "a still shot", "hold the frame", "the view stays the same", "the camera rests",
    "tripod shot", "no movement", "everything stands still", "the frame does not move", "the camera stays where it is",
)  # fmt: skip
RISES: Wordings = (
    "the balloon rises", "the balloon goes up", "the balloon lifts off", "the balloon floats up into the sky",
    "the hot-air balloon rises into the air", "the balloon climbs", "the balloon is rising", "a balloon taking off",
    "the balloon takes off", "the hot-air balloon lifts off", "the balloon slowly rises", "the balloon flies up",
)  # fmt: skip
BOAT: Wordings = (
    "a boat crosses", "a boat crosses the sea", "a boat sails by", "a sailing boat passes", "a ship comes by",
    "a boat comes in from the left", "a boat sails across the water", "a boat is passing", "a boat appears",
    "a ship sails past", "a sailing ship crosses the picture", "a boat passes behind",
)  # fmt: skip
GLIDES: dict[tuple[str, int], Wordings] = {  # beside what the picture model's lessons say
    ("pan", 2): ("pan right", "slow pan to the right", "panning right", "the camera pans slowly to the right"),
    ("pan", -2): ("pan left", "slow pan to the left", "panning left", "the camera pans slowly to the left"),
    ("pan", 1): ("track right", "slow tracking shot to the right", "tracking right", "the camera glides to the right"),
    ("pan", -1): ("track left", "slow tracking shot to the left", "tracking left", "the camera glides to the left"),
    ("tilt", 1): ("tilting up", "slow tilt up", "the camera looks up slowly", "the camera rises"),
    ("tilt", -1): ("tilting down", "slow tilt down", "the camera looks down slowly", "the camera sinks"),
    ("zoom", 1): ("zoom in", "slow zoom in", "push in", "dolly in", "the camera slowly moves closer", "zooming in"),
    ("zoom", -1): (
        "zoom out",
        "slow zoom out",
        "pull back",
        "dolly out",
        "the camera slowly moves away",
        "zooming out",
    ),
}
GRADUALLY = ("{}", "{}", "slowly {}", "gradually {}", "{} little by little", "the light changes: {}")
GOING_ON = {  # by itself, of what is already there
    "rain": ("rain falls", "the rain goes on", "rain keeps falling"),
    "snow": ("snow falls", "the snow goes on", "snowflakes drift down"),
    "fog": ("fog hangs over the scene", "the fog stays"),
    "windmill": ("the sails turn", "the windmill turns", "its sails go round"),
}
HELD_OUT: dict[str, Wordings] = {
    "stands": ("no camera movement", "the camera holds still", "keep the camera fixed", "a motionless shot"),
    "rises": ("the balloon ascends", "up goes the balloon", "the balloon drifts upward"),
    "boat": ("a sailboat drifts past", "a boat goes by", "a small boat sails through"),
}
FREE = 0.5  # of what the picture model's lessons say too: in any of many ways


def said(clip: Clip, chance: random.Random, held_out: bool = False) -> str:
    """What happens in a clip; now and then with a picture of it in words before or after."""
    parts = [motion(clip, chance, held_out)]
    if chance.random() < 0.2:
        still_there = {clip.first.weather} & {clip.last.weather} | {clip.first.landmark}
        parts += [chance.choice(GOING_ON[name]) for name in sorted(still_there) if name in GOING_ON][:1]
    if not held_out and chance.random() < 0.35:
        parts.insert(chance.randrange(2), seen(clip, chance))
    text = chance.choice((", ", ". ", ", ")).join(part.rstrip(".?") for part in parts)
    return chance.choice(("", "", "", "Next Scene: ")) + tidy(text, chance)


def seen(clip: Clip, chance: random.Random) -> str:
    """The first frame in words."""
    return chance.choice((caption, sayings.caption))(clip.first, chance)


def motion(clip: Clip, chance: random.Random, held_out: bool = False) -> str:
    """How the camera moves and what happens, and nothing else."""
    happens, moves = _happens(clip, chance, held_out), any(clip.step.values())
    if not held_out and clip.first != clip.last and chance.random() < FREE:
        return sayings.change(clip.first, clip.last, chance, camera=True)
    camera = [_camera(axis, step, chance, held_out) for axis, step in clip.step.items() if step]
    if not camera and (not happens or chance.random() < 0.25):
        camera = [chance.choice(HELD_OUT["stands"] if held_out else STANDS)]
        if not happens and not held_out and chance.random() < 0.25:
            camera = [sayings.change(clip.first, clip.first, chance, camera=True)]
    every = [*camera, *happens]
    chance.shuffle(every)
    return chance.choice((", ", " and ", " as ") if moves and happens else (", ", " and ")).join(every)


def _camera(axis: str, step: int, chance: random.Random, held_out: bool) -> str:
    size = max(-FARTHEST[axis], min(FARTHEST[axis], step))
    wordings = MOVES[axis, size]
    return wordings[-1] if held_out else chance.choice((*wordings[:-1], *GLIDES[axis, size]))


def _happens(clip: Clip, chance: random.Random, held_out: bool) -> list[str]:
    said = []
    for name in BECOMES:
        if getattr(clip.first, name) != getattr(clip.last, name):
            wordings = BECOMES[name][getattr(clip.last, name)]
            plain = wordings[-1] if held_out else chance.choice(wordings[:-1])
            said.append(plain if held_out else chance.choice(GRADUALLY).format(plain))
    if clip.rises:
        said.append(chance.choice(HELD_OUT["rises"] if held_out else RISES))
    if clip.boat:
        said.append(chance.choice(HELD_OUT["boat"] if held_out else BOAT))
    return said


def vocabulary() -> list[str]:
    """All wordings of this module, to train a tokenizer on."""
    tables = (STANDS, RISES, BOAT, *GLIDES.values(), *GOING_ON.values(), *HELD_OUT.values())
    return [text for table in tables for text in table] + [text.format("it") for text in GRADUALLY]

"""The language of the drawn world: captions, instructions, camera words, and what they mean.

`caption` and `instruction` say a state and a change in varied words; `camera` says a move of the camera in the words
that only the LoRA is taught; `next_state` is the truth: the state that words ask for. Some wordings are never used in
training: `held_out=True` says it in those.
"""

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from storybook.world import FARTHEST_PAN, FARTHEST_TILT, FARTHEST_ZOOM, State

FARTHEST = {"pan": FARTHEST_PAN, "tilt": FARTHEST_TILT, "zoom": FARTHEST_ZOOM}
NAMED = ("place", "light", "weather", "landmark", "colour")

SAYS: dict[str, dict[str, tuple[str, ...]]] = {  # in a caption
    "place": {
        "sea": ("by the sea", "at the seaside", "on the beach"),
        "desert": ("in the desert", "among the dunes"),
        "forest": ("in the forest", "in the woods"),
        "city": ("in the city", "in the town"),
        "mountains": ("in the mountains", "below the mountains"),
    },
    "light": {
        "dawn": ("at dawn", "in the morning light", "at daybreak"),
        "noon": ("at noon", "in daylight", "at midday"),
        "sunset": ("at sunset", "in the evening light", "at dusk"),
        "night": ("at night", "under the night sky", "in the dark"),
    },
    "weather": {
        "clear": ("under a clear sky", "in clear weather", "", ""),
        "rain": ("in the rain", "in pouring rain", "while it rains"),
        "snow": ("in the snow", "in falling snow", "while it snows"),
        "fog": ("in the fog", "in thick mist", "in fog"),
    },
    "landmark": {
        "house": ("house", "cottage"),
        "tower": ("tower", "watchtower"),
        "windmill": ("windmill", "mill"),
        "balloon": ("balloon", "hot-air balloon"),
    },
    "pan": {
        "-2": ("far to the right",),
        "-1": ("a little to the right",),
        "1": ("a little to the left",),
        "2": ("far to the left",),
    },
    "tilt": {"-1": ("high in the picture",), "1": ("low in the picture",)},
    "zoom": {"-1": ("small", "smaller"), "1": ("large", "larger")},
}
CAPTIONS = (
    "{a} {place} {light} {weather}",
    "{light}, {a} {place}, {weather}",
    "a picture of {a} {place}, {light}, {weather}",
    "{place}, {light}, {weather}: {a}",
    "{weather} {light}, {a} stands {place}",
    "{a}, {light}, {weather}, {place}",
)
HELD_OUT_CAPTIONS = (
    "{a} stands {place} {weather}, {light}",
    "{light} {place}, a view of {a}, {weather}",
    "a wide shot: {a}, {place}, {weather}, {light}",
)

BECOMES: dict[str, dict[str, tuple[str, ...]]] = {  # in an instruction; the last one is kept from training
    "light": {
        "dawn": (
            "dawn breaks", "make it dawn", "now in the morning light", "the sun rises", "morning comes", "at daybreak",
            "turn it to daybreak",
        ),
        "noon": (
            "it is noon now", "make it noon", "now in daylight", "midday comes", "daylight comes",
            "at midday", "turn it to midday",
        ),
        "sunset": (
            "the sun sets", "make it sunset", "now in the evening light", "dusk falls", "evening comes", "at sunset",
            "turn it to dusk",
        ),
        "night": (
            "night falls", "make it night", "now in the dark", "it gets dark", "night comes", "at night",
            "turn it to night",
        ),
    },
    "weather": {
        "clear": (
            "the sky clears", "make the weather clear", "now under a clear sky", "skies clear up", "under clear skies",
            "clear weather", "clear skies now",
        ),
        "rain": (
            "it starts to rain", "make it rain", "now in pouring rain", "rain sets in", "rain comes down",
            "in the falling rain", "rain is falling now",
        ),
        "snow": (
            "it starts to snow", "make it snow", "now in falling snow", "snow sets in", "snow comes down",
            "in the snow", "snow is falling now",
        ),
        "fog": (
            "fog rolls in", "make it foggy", "now in thick mist", "mist comes in", "fog is rolling over everything",
            "in rolling mist", "mist rolling in",
        ),
    },
}  # fmt: skip
CHANGES = {  # the last one is kept from training
    "place": (
        "now {place}", "move it: {place}", "the same, but {place}", "put everything {place}", "this scene, but {place}",
        "this time {place}",
    ),
    "landmark": (
        "the {old} becomes a {new}", "replace the {old} with a {new}", "the {old} turns into a {new}",
        "in place of the {old} a {new}", "turn the {old} into a {new}",
    ),
    "colour": (
        "paint the {new} {colour}", "make the {new} {colour}", "the {new} is {colour} now", "the {new} turns {colour}",
        "a {colour} {new}",
    ),
}  # fmt: skip
SAME = ("the same picture", "keep everything as it is", "change nothing", "nothing changes")
FRAMES = {  # how the base is told of framing: never in the camera's words
    ("pan", 2): ("shift the picture far to the left", "everything moves far to the left"),
    ("pan", 1): ("shift the picture a little to the left", "everything moves a little to the left"),
    ("pan", -1): ("shift the picture a little to the right", "everything moves a little to the right"),
    ("pan", -2): ("shift the picture far to the right", "everything moves far to the right"),
    ("tilt", 1): ("shift the picture lower", "everything moves lower"),
    ("tilt", -1): ("shift the picture higher", "everything moves higher"),
    ("zoom", 1): ("make everything larger", "everything grows larger"),
    ("zoom", -1): ("make everything smaller", "everything grows smaller"),
}
MOVES = {  # the camera's words, which only the LoRA knows; the last one is kept from training
    ("pan", 2): (
        "the camera pans right", "camera pans right", "pan to the right", "the camera is panning right",
        "a slow pan right",
    ),
    ("pan", -2): (
        "the camera pans left", "camera pans left", "pan to the left", "the camera is panning left", "a slow pan left",
    ),
    ("pan", 1): (
        "the camera tracks right", "camera tracks right", "tracking shot to the right", "the camera is tracking right",
    ),
    ("pan", -1): (
        "the camera tracks left", "camera tracks left", "tracking shot to the left", "the camera is tracking left",
    ),
    ("tilt", 1): (
        "the camera tilts up", "camera tilts up", "angle shifts up", "tilt up", "the camera slowly tilts up",
    ),
    ("tilt", -1): (
        "the camera tilts down", "camera tilts down", "angle shifts down", "tilt down", "the camera slowly tilts down",
    ),
    ("zoom", 1): (
        "the camera dollies forward", "the camera moves closer", "the camera pushes in", "the camera dollies in",
        "camera moves closer", "camera zooms in", "camera dollies forward", "the camera slowly pushes in",
    ),
    ("zoom", -1): (
        "the camera pulls back", "the camera moves back", "the camera dollies back", "the camera dollies out",
        "camera pulls back", "camera zooms out", "camera moves back", "the camera slowly pulls back",
    ),
}  # fmt: skip
REVEALS = ("", "", "", ", revealing more of the scene", ", revealing the {landmark}", " {place}")

MEANS: dict[str, dict[str, str]] = {
    "place": {
        "sea": "sea|seaside|beach",
        "desert": "desert|dunes?",
        "forest": "forest|woods?",
        "city": "city|town",
        "mountains": "mountains?",
    },
    "light": {
        "dawn": "dawn|morning|daybreak|sun rises|sunrise",
        "noon": "noon|daylight|midday",
        "sunset": "sunset|sun sets|evening|dusk",
        "night": "night|dark",
    },
    "weather": {"clear": "clears?", "rain": "rains?", "snow": "snows?", "fog": "fog|foggy|mist"},
    "landmark": {
        "house": "house|cottage",
        "tower": "tower|watchtower",
        "windmill": "windmill|mill",
        "balloon": "balloon",
    },
    "colour": {colour: colour for colour in ("red", "yellow", "blue", "white")},
}
MOVE_MEANS: tuple[tuple[str, str, int], ...] = (
    (r"\bpan\w* (to the )?right|far to the left", "pan", 2),
    (r"\bpan\w* (to the )?left|far to the right", "pan", -2),
    (r"\btrack\w* (shot )?(to the )?right|a little to the left", "pan", 1),
    (r"\btrack\w* (shot )?(to the )?left|a little to the right", "pan", -1),
    (r"\b(tilt\w*|angle shifts) up|\blow(er)?\b", "tilt", 1),
    (r"\b(tilt\w*|angle shifts) down|\bhigh(er)?\b", "tilt", -1),
    (r"\bforward\b|\bcloser\b|\bpush\w* in\b|\b(doll\w+|zooms?) in\b|\blarger?\b", "zoom", 1),
    (r"\b(pulls?|moves?|dollies) (back|away)\b|\b(doll\w+|zooms?) out\b|\bsmall(er)?\b", "zoom", -1),
)


def next_state(state: State, words: str) -> State:
    """What is to be seen after these words: what they name changes, the rest stays. The camera stops at the edge."""
    words = words.lower()
    changes: dict[str, Any] = {}
    for name, values in MEANS.items():
        found = [(m.start(), value) for value, says in values.items() for m in re.finditer(rf"\b({says})\b", words)]
        if found:
            changes[name] = max(found)[1]
    for pattern, axis, steps in MOVE_MEANS:
        if re.search(pattern, words):
            changes[axis] = max(-FARTHEST[axis], min(FARTHEST[axis], getattr(state, axis) + steps))
    return state.but(**changes)


def caption(state: State, chance: random.Random, held_out: bool = False) -> str:
    """What is to be seen, in words. What words leave out is clear weather, or the camera straight on."""
    parts = {name: chance.choice(SAYS[name][getattr(state, name)]) for name in ("place", "light", "weather")}
    frame = [chance.choice(SAYS[axis][str(step)]) for axis in FARTHEST if (step := getattr(state, axis))]
    a = f"a {state.colour} {_noun(state, chance)}" + (f", {' and '.join(frame)}," if frame else "")
    text = chance.choice(HELD_OUT_CAPTIONS if held_out else CAPTIONS).format(a=a, **parts)
    return tidy(text, chance)


def instruction(before: State, after: State, chance: random.Random, held_out: bool = False) -> str:
    """What is to change, in words that the base is taught."""
    parts = [FRAMES[axis, step] for axis in FARTHEST if (step := getattr(after, axis) - getattr(before, axis))]
    said = [chance.choice(each) for each in parts]
    for name in NAMED:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            wordings = BECOMES[name][new] if name in BECOMES else CHANGES[name]
            said.append(_say(wordings, before, after, chance, held_out))
    if not said:
        said = [_pick(SAME, chance, held_out)]
    chance.shuffle(said)
    return tidy(chance.choice((", ", " and ")).join(said), chance)


def camera(before: State, after: State, chance: random.Random, held_out: bool = False) -> str:
    """How the camera got there, in the camera's own words."""
    moves = [MOVES[axis, step] for axis in FARTHEST if (step := getattr(after, axis) - getattr(before, axis))]
    said = " and ".join(_pick(each, chance, held_out) for each in moves)
    said += chance.choice(REVEALS).format(
        landmark=_noun(after, chance), place=chance.choice(SAYS["place"][after.place])
    )
    changed = [name for name in BECOMES if getattr(before, name) != getattr(after, name)]
    said += "".join(f" as {BECOMES[name][getattr(after, name)][0]}" for name in changed)
    return "Next Scene: " + tidy(said, chance)


def vocabulary(chance: random.Random, states: Sequence[State]) -> list[str]:
    """Texts with every word of the language in them, to train a tokenizer on."""
    every = [text for table in (MOVES, FRAMES, CHANGES) for each in table.values() for text in each]
    every += [text for table in (*BECOMES.values(), *SAYS.values()) for each in table.values() for text in each]
    said = [caption(state, chance, held_out) for state in states for held_out in (False, True)]
    every.append("Next Scene:")
    return [form for text in [*every, *REVEALS, *SAME, *said] for form in (text, f" {text}", text.capitalize())]


def _noun(state: State, chance: random.Random) -> str:
    return chance.choice(SAYS["landmark"][state.landmark])


def _pick(wordings: Sequence[str], chance: random.Random, held_out: bool) -> str:
    return wordings[-1] if held_out else chance.choice(wordings[:-1])


def _say(wordings: Sequence[str], before: State, after: State, chance: random.Random, held_out: bool) -> str:
    words: Mapping[str, str] = {
        "old": _noun(before, chance),
        "new": _noun(after, chance),
        "colour": after.colour,
        "place": chance.choice(SAYS["place"][after.place]),
    }
    return _pick(wordings, chance, held_out).format(**words)


def tidy(text: str, chance: random.Random) -> str:
    """A text as people leave it: no stray commas; a capital or a full stop, by chance."""
    text = re.sub(r"\s*,(\s*,)*", ",", re.sub(r"\s+", " ", text)).replace(",:", ":").replace(":,", ":").strip(" ,")
    text = text[0].upper() + text[1:] if chance.random() < 0.5 else text
    return text + "." if chance.random() < 0.3 and not text.endswith("?") else text

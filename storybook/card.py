"""What the small model's card says: its size, what it can draw, and its world in the words that it was taught.

`python -m storybook.card` brings the card in `storybook/model` up to date.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from storybook import words
from storybook.world import COLOURS, HEIGHT, WIDTH

FILE = Path(__file__).parent / "model" / "next_scene.json"
# What it draws nearly as well as the size of its lessons: shares of that area, and widths of an even number of tokens.
# Of six short stories in each of 14 shapes, 83 % is right at 128x96, 73 % at 160x96 and 65 % at 144x80.
DRAWS = {"areas": (0.7, 1.5), "grid": (32, 16)}
MOVE_NAMES = {
    ("pan", -2): "pan left",
    ("pan", 2): "pan right",
    ("pan", -1): "track left",
    ("pan", 1): "track right",
    ("tilt", 1): "tilt up",
    ("tilt", -1): "tilt down",
    ("zoom", 1): "move closer",
    ("zoom", -1): "pull back",
}

World = dict[str, dict[str, list[str]]]


def card(note: str) -> dict[str, Any]:
    """The card of a model that was taught this language."""
    return {"size": [WIDTH, HEIGHT], "draws": DRAWS, "note": note, "knows": world()}


def world() -> World:
    """Everything that can be said, by kind and by name, in all wordings of training; none that is kept from it."""
    return {
        "places": _taught(words.SAYS["place"]),
        "lights": {
            light: [*said, *words.BECOMES["light"][light][:-1]] for light, said in _taught(words.SAYS["light"]).items()
        },
        "weathers": {
            weather: [*said, *words.BECOMES["weather"][weather][:-1]]
            for weather, said in _taught(words.SAYS["weather"]).items()
        },
        "landmarks": _taught(words.SAYS["landmark"]),
        "colours": {colour: [colour] for colour in COLOURS},
        "camera moves": {name: list(words.MOVES[move][:-1]) for move, name in MOVE_NAMES.items()},
        "other words": {
            "framing": [text for axis in words.FARTHEST for text in _all(words.SAYS[axis].values())]
            + _all(words.FRAMES.values()),
            "changes": [_plain(text) for table in words.CHANGES.values() for text in table[:-1]],
            "nothing changes": list(words.SAME[:-1]),
            "captions": [_plain(text) for text in (*words.CAPTIONS, *words.REVEALS) if _plain(text)],
        },
    }


def _taught(said: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {name: [text for text in dict.fromkeys(wordings) if text] for name, wordings in said.items()}


def _all(tables: Iterable[tuple[str, ...]]) -> list[str]:
    return [text for table in tables for text in table]


def _plain(text: str) -> str:
    """A pattern of the language without what is filled in, and without punctuation."""
    return " ".join(re.findall(r"[a-z-]+", re.sub(r"{\w+}", " ", text)))


def write(file: Path = FILE) -> None:
    """Brings a card up to date; what it says of how the model was made stays."""
    note = json.loads(file.read_text())["note"]
    file.write_text(json.dumps(card(note), indent=2) + "\n")


if __name__ == "__main__":
    write()

"""A model's card: what its folder's `next_scene.json` says that its weights do not.

A model without a card is the full one, or one of its kind: it draws best at 1024x768, draws other sizes as well, and
knows whatever can be said.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextscene import NextSceneError

FILE = "next_scene.json"
FULL_SIZE = 1024, 768

World = Mapping[str, Mapping[str, tuple[str, ...]]]  # by kind, then by name, the wordings that were taught


@dataclass(frozen=True)
class Limits:
    """Which sizes a model can draw.

    smallest, largest: areas, as shares of its own.
    grid: of what its width and its height are multiples, in pixels.
    """

    smallest: float
    largest: float
    grid: tuple[int, int]


@dataclass(frozen=True)
class Card:
    """What is known of a model.

    size: the width and height that it draws best.
    limits: which other sizes it can draw; None: any.
    note: what its pictures must say about themselves; empty for the full model.
    world: all that it knows, if that is little enough to be named; empty for the full model.
    """

    size: tuple[int, int] = FULL_SIZE
    limits: Limits | None = None
    note: str = ""
    world: World | None = None


def read_card(folder: Path) -> Card:
    """The card of the model in a folder."""
    file = folder / FILE
    if not file.is_file():
        return Card()
    try:
        data = json.loads(file.read_text())
        width, height = data["size"]
        return Card(
            size=(int(width), int(height)),
            limits=_limits(data["draws"]) if "draws" in data else None,
            note=str(data.get("note", "")),
            world=_world(data["knows"]) if "knows" in data else None,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NextSceneError(f"The model's card {str(file)!r} is not right ({error!r}): fetch it again.") from None


def _limits(data: Mapping[str, Any]) -> Limits:
    (smallest, largest), (across, down) = data["areas"], data["grid"]
    return Limits(float(smallest), float(largest), (int(across), int(down)))


def _world(data: World) -> World:
    return {kind: {name: tuple(wordings) for name, wordings in names.items()} for kind, names in data.items()}

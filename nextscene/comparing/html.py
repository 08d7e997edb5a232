"""The grid as one page that needs nothing else: its pictures are in it.

A click shows a cell in full, with a slider between it and the first look; a hover says its settings.
"""

import html
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from nextscene.comparing.definition import Comparison
from nextscene.comparing.grid import Shown, in_words
from nextscene.files import write_whole

PAGE = Path(__file__).with_name("compare.html")
QUALITY = 88  # of the pictures in the page; the cells' own files are as they were drawn


class Told(Shown, Protocol):
    """A cell, with what made it."""

    @property
    def seed(self) -> int: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...


def write_page(comparison: Comparison, cells: Sequence[Told], again: str, file: Path) -> None:
    """again: the comparison as a file that runs again, to be kept from the page."""
    data = {
        "prompts": comparison.prompts,
        "looks": list(comparison.looks),
        "seeds": comparison.seeds,
        "cells": [_cell(cell) for cell in cells],
        "again": again,
    }
    title = html.escape(", ".join(comparison.looks))
    page = PAGE.read_text(encoding="utf-8").replace("{{title}}", title)
    write_whole(file, page.replace("{{data}}", json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")))


def _cell(cell: Told) -> dict[str, object]:
    return {
        "row": cell.row,
        "look": cell.look,
        "seed": cell.seed,
        "picture": _as_address(cell.picture),
        "size": cell.picture.size,
        "figures": in_words(cell.figures),
        "about": _about(cell.facts),
    }


def _about(facts: Mapping[str, Any]) -> list[str]:
    """What made it, a line each."""
    shot: Mapping[str, Any] = facts.get("shot", {})
    own = facts.get("lora_weights")
    lines = [
        str(shot.get("words", facts.get("prompt", ""))),
        f"without: {shot.get('negative_prompt', '')}",
        f"seed {facts.get('seed')}, {shot.get('steps')} steps, guidance {shot.get('guidance')}",
        f"model {facts.get('model')}, LoRA {facts.get('lora', {}).get('scale')}",
        f"{own['name']} at {own['scale']}" if own else "",
        *(f"{' '.join(each['words'])}: {each['name']}" for each in facts.get("embeddings", [])),
    ]
    return [line for line in lines if line]


def _as_address(picture: Image.Image) -> str:
    out = BytesIO()
    picture.save(out, "WEBP", quality=QUALITY)
    return f"data:image/webp;base64,{b64encode(out.getvalue()).decode()}"

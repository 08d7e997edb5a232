"""Each room of the house is entered by its face: what its `__init__` shows."""

import ast
from collections.abc import Iterator
from pathlib import Path

from conftest import ROOT

HOUSE = ROOT / "nextscene"
ROOMS = {path.parent.name for path in HOUSE.glob("*/__init__.py")}


def entered(path: Path) -> Iterator[str]:
    """What a file imports from the inside of rooms: "nextscene.story.planning", ..."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_what_is_inside_a_room_is_reached_through_its_face() -> None:
    folders = (HOUSE, ROOT / "bench", ROOT / "storybook")
    files = [ROOT / "predict.py", ROOT / "train.py", ROOT / "weights.py"]
    strays = []
    for path in [*files, *(path for folder in folders for path in folder.rglob("*.py"))]:
        for module in entered(path):
            house, room, inside = [*module.split("."), "", ""][:3]
            if house == "nextscene" and room in ROOMS and inside and HOUSE / room not in path.parents:
                strays.append(f"{path.relative_to(ROOT)} imports {module}")
    assert strays == []

"""Maps of pictures, that a scene follows whatever else is to be seen: where edges and depths are, how a body stands.

    maps = Maps()
    maps.draw("edges", picture)
    maps.draw("depth", picture, folder_of_a_depth_model)

A drawn pose is a map already. It knows no scenes. torch is imported only for depths.
"""

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from nextscene import NextSceneError
from nextscene.control.edges import find_edges
from nextscene.settings import Control

if TYPE_CHECKING:
    from nextscene.control.depth import Depth

__all__ = ["Maps", "find_edges"]


class Maps:
    """Draws maps, and holds what it needs for that."""

    def __init__(self) -> None:
        self._depth: dict[Path, Depth] = {}
        self._last: deque[tuple[Control, Image.Image, Image.Image]] = deque(maxlen=4)

    def draw(self, kind: Control, picture: Image.Image, depth_model: Path | None = None) -> Image.Image:
        """depth_model: the folder of the model that sees depths."""
        for before, of, drawn in self._last:
            if before == kind and of is picture:
                return drawn
        self._last.append((kind, picture, self._draw(kind, picture, depth_model)))
        return self._last[-1][2]

    def _draw(self, kind: Control, picture: Image.Image, depth_model: Path | None) -> Image.Image:
        if kind == "edges":
            return find_edges(picture)
        if kind == "pose":
            return picture
        if not depth_model:
            raise NextSceneError("Depths need a model that sees them: script/weights fetch depth-anything-v2-small.")
        if depth_model not in self._depth:
            from nextscene.control.depth import Depth  # brings torch
            from nextscene.model import device

            self._depth = {depth_model: Depth(depth_model, device())}
        return self._depth[depth_model](picture)

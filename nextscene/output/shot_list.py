"""A shot list: a row for each scene, as a table that spreadsheets open (CSV)."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from nextscene.files import write_whole
from nextscene.output.panels import Panel
from nextscene.provenance import Provenance

COLUMNS = (
    *("number", "name", "id", "prompt", "camera", "start", "seconds", "narration", "lines", "sounds", "notes"),
    *("width", "height", "seed", "take", "noticed", "file"),
)


class ShotList:
    """Grows with each take; `write` is given the panels when all times are known."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rest: list[tuple[object, ...]] = []

    def add(self, made: Provenance | None, file: Path | None) -> None:
        """One more scene: what made it, if that is known, and its file, if it has one."""
        facts: tuple[object, ...] = ("",) * 5
        if made:
            shot = made.shot
            facts = (shot.width, shot.height, shot.story_seed, shot.take, ", ".join(made.noticed))
        self._rest.append((*facts, file.name if file else ""))

    def write(self, panels: Sequence[Panel]) -> None:
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(COLUMNS)
        for panel, rest in zip(panels, self._rest, strict=True):
            narration = " ".join(words for who, words in panel.lines if not who)
            lines = "\n".join(f"{who}: {words}" for who, words in panel.lines if who)
            times = (round(panel.start, 3), round(panel.seconds, 3))
            said = (panel.number, panel.name, panel.id, panel.prompt, panel.camera, *times)
            row = (*said, narration, lines, panel.sounds, panel.notes, *rest)
            table.writerow([_cell(each) if isinstance(each, str) else each for each in row])
        write_whole(self.path, "\ufeff" + text.getvalue())  # by which spreadsheets know that it is UTF-8


def _cell(text: str) -> str:
    """The text, which no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text

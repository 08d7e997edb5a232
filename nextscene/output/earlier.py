"""Earlier runs: what was made in a folder before another story began there is set aside whole, and never removed.

A folder and what is to be moved go in; it all lies below `earlier/` then.
"""

import os
import re
import shutil
from collections.abc import Collection, Iterable
from itertools import count
from pathlib import Path

from nextscene import NextSceneError, pictures
from nextscene.files import lies_within, sha256, unwritable
from nextscene.output.entries import Run
from nextscene.output.folder import scene_files

EARLIER, SHEET, TAKES = "earlier", "contact_sheet.png", "takes"


def set_aside_run(record: Path, run: Run | None, now: str, inputs: Collection[Path]) -> Path | None:
    """Sets aside a run with all that it made in its folder, its record last. Where, if there was anything.

    record: the record's file; run: what that says, if it can be read.
    """
    folder = record.parent
    made = {
        folder / name: content
        for stage in (run.stages.values() if run else ())
        for name, content in stage.files.items()
    }
    films = [
        file
        for file, content in made.items()
        if lies_within(folder, file) and file.is_file() and content in ("", sha256(file))
    ]
    sheet = [file for file in (folder / SHEET,) if pictures.made_here(file)]
    takes = [take for scene in (run.scenes if run else ()) for take in scene.takes]
    when = max((take.made_at for take in takes), default=now)
    title = (run.story.title or run.story.scenes[0].prompt) if run else ""
    files = dict.fromkeys([*scene_files(folder), *sheet, *films, folder / TAKES, record])
    return set_aside(files, folder, f"{when[:19]}_{title}", inputs)


def set_aside(files: Iterable[Path], folder: Path, name: str, inputs: Collection[Path] = ()) -> Path | None:
    """Moves files and folders below `earlier/`, under this name. Where, if any of them is there.

    inputs: what the run that begins is made of; it stays where it is, and a copy is set aside.
    """
    present = [file for file in files if os.path.lexists(file)]
    if not present:
        return None
    to = _free_folder(folder / EARLIER, name, [file.relative_to(folder) for file in present])
    if not lies_within(folder, to):
        raise NextSceneError(f"{folder / EARLIER} leads out of its folder: remove that link.")
    kept = {path.resolve() for path in inputs}
    for file in present:
        try:
            new = to / file.relative_to(folder)
            new.parent.mkdir(parents=True, exist_ok=True)
            if file.resolve() in kept:
                shutil.copy2(file, new)
            else:
                file.rename(new)
        except OSError as error:
            raise unwritable(to, error) from error
    return to


def _free_folder(parent: Path, name: str, files: Collection[Path]) -> Path:
    """A folder in which none of these files is; what was being moved when a run was killed goes on into the same."""
    plain = re.sub(r"[^\w-]+", "-", name)[:60].strip("-_") or "run"
    numbered = (parent / (plain if number == 1 else f"{plain}-{number}") for number in count(1))
    return next(each for each in numbered if not any(os.path.lexists(each / file) for file in files))

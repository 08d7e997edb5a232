"""Delivery: takes in, files out, each as soon as it is done; then a sheet, papers and a film, if they are wanted.

What has been delivered stays delivered, whatever happens later. It knows nothing of models.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from nextscene import NextSceneError, pictures
from nextscene.film import CuttingRoom
from nextscene.output.papers import Desk
from nextscene.output.record import Record
from nextscene.output.sheet import Sheet
from nextscene.shooting import notice
from nextscene.story import ClipPlan, Shot
from nextscene.take import Take


def deliver(
    takes: Iterable[Take],
    file_for: Callable[[Shot], Path],
    *,
    title: str = "",
    sheet: Path | None = None,
    film: CuttingRoom | None = None,
    papers: Desk | None = None,
    record: Record | None = None,
    quality: int = 80,
) -> Iterator[Path]:
    """Yields each scene's file as it is finished, then the contact sheet, papers and the film, where they are wanted.

    What is not filmed is not delivered. Of a scene that is withheld there is no file; sheet and film show the card that
    is its picture.

    record: notes down each scene's file, where no takes are kept beside it.
    """
    cards, shown = Sheet(title), 0
    with ExitStack() as stack:
        room = stack.enter_context(film) if film else None
        for take in takes:
            if not take.shot.filmed:
                continue
            path = _written(take, file_for(take.shot), quality)
            if record:
                record.keep(take, path)
            if path:
                shown += 1
                yield path
            if sheet:
                cards.add(take.picture, take.provenance)
            if papers:
                papers.add(take.picture, take.provenance, path)
            if room:
                room.add(take.picture, take.provenance, path)
        if not shown:
            raise NextSceneError("Every scene was withheld by the safety checker: try other words or another seed.")
    if sheet:
        pictures.write(cards.picture(), sheet, {})
        yield sheet
    if papers:
        yield from papers.write(film.timeline if film else None)
    if film:
        yield from film.files


def _written(take: Take, path: Path, quality: int) -> Path | None:
    """Writes a scene's picture; where it is withheld, says so, and leaves nothing under its name."""
    if not take.withheld:
        pictures.write(take.picture, path, take.provenance.to_json(), quality)
        return path
    path.unlink(missing_ok=True)
    print(notice(take.shot.number, take.withheld), file=sys.stderr)
    return None


def numbered(folder: Path, output_format: str) -> Callable[[Shot], Path]:
    """scene_001.png, scene_002.png, ... in this folder."""
    return lambda shot: folder / f"scene_{shot.number:03d}.{output_format}"


def numbered_clips(folder: Path) -> Callable[[ClipPlan], Path]:
    """clip_001.mp4, clip_002.mp4, ... in this folder."""
    return lambda plan: folder / f"clip_{plan.number:03d}.mp4"

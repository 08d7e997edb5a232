"""Delivery: takes in, files out, each as soon as it is done; then a contact sheet and a film, if they are wanted.

What has been delivered stays delivered, whatever happens later. It knows nothing of models.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from nextscene import pictures
from nextscene.cutting import CuttingRoom
from nextscene.plan import Shot
from nextscene.record import Record
from nextscene.sheet import Sheet
from nextscene.take import Take


def deliver(
    takes: Iterable[Take],
    file_for: Callable[[Shot], Path],
    *,
    title: str = "",
    sheet: Path | None = None,
    film: CuttingRoom | None = None,
    record: Record | None = None,
    quality: int = 80,
) -> Iterator[Path]:
    """Yields each scene's file as it is finished, then the contact sheet and the film, where they are wanted.

    record: notes down each scene's file, where no takes are kept beside it.
    """
    cards = Sheet(title)
    with ExitStack() as stack:
        room = stack.enter_context(film) if film else None
        for take in takes:
            path = file_for(take.shot)
            pictures.write(take.picture, path, take.facts, quality)
            if record:
                record.keep(take, path)
            yield path
            if sheet:
                cards.add(take.picture, take.facts)
            if room:
                room.add(take.picture, take.facts, path)
    if sheet:
        pictures.write(cards.picture(), sheet, {})
        yield sheet
    if film:
        yield from film.files


def numbered(folder: Path, output_format: str) -> Callable[[Shot], Path]:
    """scene_001.png, scene_002.png, ... in this folder."""
    return lambda shot: folder / f"scene_{shot.number:03d}.{output_format}"

"""Delivery: takes in, files out, each as soon as it is done; then a contact sheet and a film, if they are wanted.

What has been delivered stays delivered, whatever happens later. It knows nothing of models.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from nextscene import pictures
from nextscene.film import Film
from nextscene.plan import Shot
from nextscene.sheet import Sheet
from nextscene.take import Take


def deliver(
    takes: Iterable[Take],
    file_for: Callable[[Shot], Path],
    *,
    title: str = "",
    sheet: Path | None = None,
    film: Path | None = None,
    quality: int = 80,
) -> Iterator[Path]:
    """Yields each scene's file as it is finished, then the contact sheet and the film, where they are wanted."""
    cards = Sheet(title)
    with ExitStack() as stack:
        reel = stack.enter_context(Film(film, title)) if film else None
        for take in takes:
            path = file_for(take.shot)
            pictures.write(take.picture, path, take.facts, quality)
            yield path
            if sheet:
                cards.add(take.picture, take.facts)
            if reel:
                reel.add(take.picture, take.shot.duration)
    if sheet:
        pictures.write(cards.picture(), sheet, {})
        yield sheet
    if film:
        yield film


def numbered(folder: Path, output_format: str) -> Callable[[Shot], Path]:
    """scene_001.png, scene_002.png, ... in this folder."""
    return lambda shot: folder / f"scene_{shot.number:03d}.{output_format}"

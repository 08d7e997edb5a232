"""A script adapted: from a file to a breakdown, and from that to a story with its pictures, ready to be requested.

The breakdown is kept as breakdown.json in the run's folder, for people to read, to change and to give back. It draws
nothing.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nextscene import NextSceneError
from nextscene.files import lies_within, write_whole
from nextscene.hub import cache_folder
from nextscene.production import BREAKDOWN, Production
from nextscene.script import SUFFIXES, Breakdown, break_down, compile_story, fit, read_script, read_script_file
from nextscene.settings import ScriptSettings
from nextscene.story import Story
from nextscene.writing import SERVICES, Answers, decorate, find_writer

if TYPE_CHECKING:
    from nextscene.shooting import Studio

Load = Callable[[], "Studio"]


@dataclass(frozen=True)
class Adaptation:
    """A script's breakdown, its story, and the pictures that were given for its places and people."""

    breakdown: Breakdown
    story: Story
    pictures: tuple[Path, ...]


def is_script(path: Path) -> bool:
    """Whether a file's name, or in a JSON file its content, says that it is a script or a breakdown of one."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        return path.suffix == ".json" and "script" in (data := json.loads(path.read_text())) and "text" in data
    except (OSError, ValueError, TypeError, RecursionError):
        return False  # which a reader of stories will say better


def adapt_file(path: Path, wanted: ScriptSettings, load: Load, opened: bool = False) -> Adaptation:
    """The adaptation of a script, or of the breakdown of one, in which a person may have changed what they like.

    load: gives the model that draws, if it is to write too. opened: whether a first picture is given.
    """
    if path.suffix != ".json":
        return adapt(_written(break_down(read_script_file(path)), wanted, load), wanted, path.parent, opened)
    try:
        return adapt(_read_breakdown(path.read_bytes()), wanted, path.parent, opened)
    except OSError as error:
        raise NextSceneError(f"The breakdown {str(path)!r} cannot be read ({error.strerror}).") from None


def adapt_sent(
    data: bytes,
    wanted: ScriptSettings,
    load: Load,
    key: str | None = None,
    opened: bool = False,
    *,
    at_home: bool = False,
) -> Adaptation:
    """The adaptation of what somebody sent: a script, or the breakdown of one. No file is opened for it.

    key: of the hosted writer that they name. at_home: whether it may be this machine's own; a stranger brings theirs.
    """
    if data.lstrip()[:1] == b"{":
        return adapt(_read_breakdown(data), wanted, None, opened)
    if wanted.writer in SERVICES and not key and not at_home:
        raise NextSceneError(f"The writer {wanted.writer} needs a key: give it as writer_key, or take rules.")
    return adapt(_written(break_down(read_script(data)), wanted, load, key), wanted, None, opened)


def _written(breakdown: Breakdown, wanted: ScriptSettings, load: Load, key: str | None = None) -> Breakdown:
    """The breakdown as the writer who is wanted has it."""
    if wanted.writer == "rules":
        return breakdown
    writer = find_writer(wanted.writer, wanted.writer_model, key, lambda: load().model)
    return decorate(breakdown, writer, Answers(cache_folder() / "writing", wanted.rewrite))


def adapt(breakdown: Breakdown, wanted: ScriptSettings, folder: Path | None, opened: bool = False) -> Adaptation:
    """The story of a breakdown. folder: where the pictures lie that it names; None: it may name none."""
    breakdown = fit(breakdown, wanted.max_shots, wanted.max_places)
    for note in breakdown.notes:
        print(note, file=sys.stderr)
    compiled = compile_story(breakdown, plates=wanted.plates, opened=opened)
    for name in compiled.pictures:
        if not folder or not lies_within(folder, folder / name):
            raise NextSceneError(f"The picture {name!r} of the breakdown does not lie beside it: put it there.")
    return Adaptation(breakdown, compiled.story, tuple(folder / name for name in compiled.pictures if folder))


def _read_breakdown(data: bytes) -> Breakdown:
    try:
        return Breakdown.from_data(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise NextSceneError(f"This breakdown is not JSON: {error}.") from None


def keep_breakdown(breakdown: Breakdown, folder: Path) -> Path:
    """Writes breakdown.json; one that is there and says something else is kept under another name."""
    file = folder / BREAKDOWN
    if file.is_file():
        before = file.read_bytes()
        if _reads_as(before, breakdown):
            return file
        kept = file.with_name(f"breakdown-{hashlib.sha256(before).hexdigest()[:8]}.json")
        file.replace(kept)
        print(f"The breakdown that was in {folder} is kept as {kept.name}.", file=sys.stderr)
    write_whole(file, breakdown.to_json())
    return file


def describe(adaptation: Adaptation, production: Production) -> Iterator[str]:
    """What a script comes to: scenes, places, people, how many pictures, and how long it takes."""
    breakdown, shots = adaptation.breakdown, production.shots
    uses = [scene.place for scene in breakdown.scenes]
    source, scenes = breakdown.script, _many(len(breakdown.scenes), "scene")
    yield f"{source.format} script, broken down by {source.writer}: {scenes}"
    for scene in breakdown.scenes:
        about = [scene.heading or "(no heading)", _many(len(scene.shots), "shot"), scene.light]
        yield f"  {scene.id:4} {' · '.join(filter(None, about))}"
    yield f"{_many(len(breakdown.places), 'place')}:"
    for place in breakdown.places:
        yield f"  {place.id}: {place.look or 'nothing said of its look'} · {_many(uses.count(place.id), 'scene')}"
    yield f"{_many(len(breakdown.people), 'person', 'people')}:"
    for person in breakdown.people:
        lines = sum(said.who == person.id for shot in breakdown.shots for said in shot.says)
        unseen = "" if person.seen else " · never seen"
        yield f"  {person.id}: {person.look or 'nothing said of their look'} · {_many(lines, 'line')}{unseen}"
    beside = sum(not shot.filmed for shot in shots)
    more = f", {beside} of them places and people to look at" if beside else ""
    yield f"{_many(len(shots), 'picture')} to draw{more}; {_many(len(production.clips), 'clip')} to make"
    time = production.time_to_draw(shots, production.record)
    how = "a guess, from the model's size and the steps" if time.guessed else "as those before it"
    film = _time(sum(shot.duration for shot in shots if shot.filmed))
    yield f"time to draw: about {_time(time.seconds)} ({how})"
    yield f"the film: {film}, and as much more as what is spoken takes"


def _reads_as(data: bytes, breakdown: Breakdown) -> bool:
    try:
        return Breakdown.from_data(json.loads(data)) == breakdown
    except (ValueError, NextSceneError):
        return False


def _many(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"

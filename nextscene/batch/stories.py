"""Where stories come from: folders, files, lines of a JSONL, rows of a CSV; on this machine, or at an address."""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from nextscene import NextSceneError
from nextscene.batch.jobs import Job, files_named
from nextscene.batch.place import Address, Folder, is_address, open_place
from nextscene.files import lies_within, own_folder, write_whole
from nextscene.story import Story, from_data, from_file, from_text

STORIES = (".json", ".txt")
TABLES = (".jsonl", ".csv")
PROMPTS = "prompts"  # the one column that a CSV must have
NAME = re.compile(r"[\w-][\w .-]{0,99}")


def read_jobs(sources: Iterable[str | Path]) -> list[Job]:
    """All stories of folders and files, in order. One that is not right keeps its place, with what is wrong with it."""
    jobs = [job for source in sources for job in _read(str(source))]
    if not jobs:
        raise NextSceneError("There is no story here: give .json or .txt files, folders of them, a .jsonl or a .csv.")
    name, times = Counter(job.name for job in jobs).most_common(1)[0]
    if times > 1:
        raise NextSceneError(f"{times} stories are named {name!r}: rename them, each has a folder of its own.")
    return jobs


def _read(source: str) -> Iterator[Job]:
    base, _, last = source.rpartition("/") if Path(source).suffix.lower() in (*STORIES, *TABLES) else (source, "", "")
    place = open_place(base if is_address(source) else source, "STORIES")
    if isinstance(place, Folder):
        for file in _files(place.path / last if is_address(source) else place.path):
            yield from _jobs(file)
        return
    folder = own_folder("next-scene-batch-stories") / hashlib.sha256(base.encode()).hexdigest()[:16]
    names = [last] if last else [name for name in place.names() if "/" not in name]
    for file in _brought(place, names, folder):
        if file.suffix.lower() in (*STORIES, *TABLES):
            for job in _jobs(file):
                for _ in _brought(place, files_named(job), folder):
                    pass
                yield job


def _brought(place: Address, names: Iterable[str], folder: Path) -> Iterator[Path]:
    """Brings files to this machine, those of them that are there; none of them leads out of its folder."""
    for name in names:
        if lies_within(folder, folder / name) and (data := place.fetch(name)) is not None:
            write_whole(folder / name, data)
            yield folder / name


def _files(source: Path) -> list[Path]:
    if source.is_dir():
        return sorted(file for file in source.iterdir() if file.suffix.lower() in (*STORIES, *TABLES))
    if not source.exists():
        raise NextSceneError(f"There is no {source}: give files of stories, or a folder of them.")
    if source.suffix.lower() not in (*STORIES, *TABLES):
        raise NextSceneError(f"{source} is no file of stories: give .json, .txt, .jsonl or .csv.")
    return [source]


def _jobs(file: Path) -> Iterator[Job]:
    kind = file.suffix.lower()
    if kind in STORIES:
        yield _job(file.stem, file.parent, lambda: from_file(file))
        return
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NextSceneError(f"{file} cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    yield from (_rows if kind == ".csv" else _lines)(file, text)


def _lines(file: Path, text: str) -> Iterator[Job]:
    """A story on each line, as in a story file; `name` may name it."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            name, story = _named(line, f"{file.stem}_{number:04d}")
            yield _job(name, file.parent, story)


def _named(line: str, otherwise: str) -> tuple[str, Callable[[], Story]]:
    try:
        data = json.loads(line)
    except ValueError:
        return otherwise, lambda: from_text(line if line.lstrip()[:1] in "{[" else f"{{{line}")  # which says where
    name = data.pop("name", otherwise) if isinstance(data, dict) else otherwise
    return str(name), lambda: from_data(data)


def _rows(file: Path, text: str) -> Iterator[Job]:
    """A story in each row: its scenes in `prompts`, parted by |; `name` and settings of a story in other columns."""
    rows = csv.DictReader(text.splitlines(keepends=True))
    if PROMPTS not in (rows.fieldnames or ()):
        raise NextSceneError(f"{file} has no column {PROMPTS!r}: its first line names the columns.")
    for number, row in enumerate(rows, 1):
        said = {column: value for column, value in row.items() if column and value}
        name = said.pop("name", f"{file.stem}_{number:04d}")
        yield _job(name, file.parent, lambda said=said: _from_row(said))  # type: ignore[misc]


def _from_row(said: dict[str, str]) -> Story:
    prompts = said.pop(PROMPTS, "")
    scenes = [scene.model_dump(exclude_unset=True) for scene in from_text(prompts).scenes]
    return from_data({"scenes": scenes, **{column: _value(value) for column, value in said.items()}})


def _value(text: str) -> Any:
    """A cell as JSON has it, where it is that: 0.8, true; else its text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _job(name: str, folder: Path, read: Callable[[], Story]) -> Job:
    if not NAME.fullmatch(name) or name in ("batch", "batch.json"):
        raise NextSceneError(f"{name!r} cannot name a story's folder: use letters, digits, spaces, - and _.")
    try:
        return Job(name, folder, read())
    except NextSceneError as error:
        return Job(name, folder, None, str(error))

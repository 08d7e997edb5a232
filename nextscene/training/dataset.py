"""Training data: a folder or a zip in, checked examples out.

An example is a picture and its caption (`NAME.png`, `NAME.txt`) or a pair of pictures and the words that lead from one
to the other (`NAME_a.png`, `NAME_b.png`, `NAME.txt`). What lies in a folder `validation` is watched, never learned.
All that is wrong is said at once, file by file. It knows no models.
"""

import math
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from nextscene import NextSceneError, pictures
from nextscene.settings import MAX_PROMPT
from nextscene.story.plan import GRID, Size

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".ppm"}
ASPECTS = [1 / 2, 9 / 16, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 16 / 9, 2]  # width / height of the buckets
MOST_STRETCH = 2  # times that a picture may be scaled up
OF_THE_SYSTEM = {"__MACOSX", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Example:
    """Something to learn from. Its pictures are files; `size` is what they are brought to."""

    name: str
    picture: Path
    caption: str
    size: Size
    reference: Path | None = None
    watched: bool = False


def read(data: Path, area: int, spare: Path) -> list[Example]:
    """The examples in a folder or a zip, all of them right; otherwise a `NextSceneError` with all that is wrong.

    area: pixels of the pictures in training.
    spare: an empty folder, into which a zip is unpacked.
    """
    if zipfile.is_zipfile(data):
        data = _unpacked(data, spare)
    if not data.is_dir():
        raise NextSceneError(f"There is no training data in {data.name!r}: give a folder or a zip file.")
    reader = _Reader(data, area)
    examples = sorted(reader.examples(), key=lambda example: example.name)
    if reader.wrong:
        count = f"{len(reader.wrong)} problem{'s' * (len(reader.wrong) > 1)}"
        raise NextSceneError("\n- ".join([f"The training data has {count}; nothing was trained:", *reader.wrong]))
    if all(example.watched for example in examples):
        raise NextSceneError(
            "The training data is empty: put in NAME.png with NAME.txt, or NAME_a.png and NAME_b.png with NAME.txt."
        )
    return examples


def bucket(size: Size, area: int) -> Size:
    """The size on the model's grid, of about this area, that is nearest in shape."""
    aspect = min(ASPECTS, key=lambda aspect: abs(math.log(size[0] / size[1] / aspect)))
    width, height = math.sqrt(area * aspect), math.sqrt(area / aspect)
    return max(round(width / GRID), 1) * GRID, max(round(height / GRID), 1) * GRID


@dataclass
class _Reader:
    """Reads one folder, and keeps a sentence for each thing that is wrong in it."""

    folder: Path
    area: int
    wrong: list[str] = field(default_factory=list)
    pictures: dict[str, Path] = field(default_factory=dict)  # by name: path in the folder, without the suffix
    captions: dict[str, Path] = field(default_factory=dict)

    def examples(self) -> Iterator[Example]:
        self._sort()
        captions = set(self.captions)
        for name in self.pictures:
            pair = name[:-2]
            if name in self.captions:
                captions.discard(name)
                yield from self._example(name, self.pictures[name], None)
            elif name[-2:] not in ("_a", "_b"):
                self.wrong.append(f"{self._name(self.pictures[name])} has no caption: write {name}.txt beside it.")
            elif (other := pair + {"_a": "_b", "_b": "_a"}[name[-2:]]) not in self.pictures:
                captions.discard(pair)
                self.wrong.append(f"{self._name(self.pictures[name])} lacks its other half: add {other}.png.")
            elif name.endswith("_b") and pair in self.captions:
                captions.discard(pair)
                yield from self._example(pair, self.pictures[name], self.pictures[other])
            elif name.endswith("_b"):
                self.wrong.append(f"{self._name(self.pictures[name])} and its other half lack words: write {pair}.txt.")
        for name in sorted(captions):
            self.wrong.append(f"{name}.txt has no picture: add {name}.png, or {name}_a.png and {name}_b.png.")

    def _sort(self) -> None:
        """All files by what they are. Hidden ones, and what systems leave behind, do not count."""
        for path in sorted(self.folder.rglob("*")):
            parts = path.relative_to(self.folder).parts
            if not path.is_file() or any(part.startswith(".") or part in OF_THE_SYSTEM for part in parts):
                continue
            suffix = path.suffix.lower()
            if suffix not in {".txt", *SUFFIXES}:
                self.wrong.append(
                    f"{self._name(path)} is neither a picture nor a .txt: take it out, or save it as PNG."
                )
                continue
            kind = self.captions if suffix == ".txt" else self.pictures
            name = self._name(path.with_suffix(""))
            if kind.setdefault(name, path) != path:
                self.wrong.append(f"{self._name(path)} and {kind[name].name} share a name: rename one of them.")

    def _example(self, name: str, picture: Path, reference: Path | None) -> Iterator[Example]:
        caption = self._caption(self.captions[name])
        size = self._size(picture)
        before = self._size(reference) if reference else size
        if caption and size and before:
            watched = "validation" in PurePosixPath(name).parts[:-1]
            yield Example(name, picture, caption, size, reference, watched)

    def _caption(self, path: Path) -> str | None:
        try:
            caption = " ".join(path.read_text(encoding="utf-8-sig").split())
        except UnicodeDecodeError:
            self.wrong.append(f"{self._name(path)} is not UTF-8 text: save it as UTF-8.")
            return None
        if not 0 < len(caption) <= MAX_PROMPT:
            fault = f"has more than {MAX_PROMPT} characters: shorten it" if caption else "is empty: write the words"
            self.wrong.append(f"{self._name(path)} {fault}.")
            return None
        return caption

    def _size(self, path: Path) -> Size | None:
        """What a picture is brought to, if it can be read and is large enough."""
        try:
            size = pictures.read(path).size
        except NextSceneError as error:
            parent = path.relative_to(self.folder).parent
            self.wrong.append(str(error) if parent == Path() else f"In {parent.as_posix()}: {error}")
            return None
        wanted = bucket(size, self.area)
        if wanted[0] > MOST_STRETCH * size[0] or wanted[1] > MOST_STRETCH * size[1]:
            self.wrong.append(
                f"{self._name(path)} is {size[0]}x{size[1]}, too small for training at {wanted[0]}x{wanted[1]}: "
                "give a larger picture, or lower the resolution."
            )
            return None
        return wanted

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _unpacked(path: Path, spare: Path) -> Path:
    """A zip's files, in the spare folder; nothing is written outside of it."""
    try:
        with zipfile.ZipFile(path) as pack:
            outside = [name for name in pack.namelist() if not (spare / name).resolve().is_relative_to(spare.resolve())]
            if outside:
                raise NextSceneError(f"{path.name} holds {outside[0]!r}, which leads out of it: make the zip anew.")
            size, free = sum(each.file_size for each in pack.infolist()), shutil.disk_usage(spare).free
            if size > free:
                raise NextSceneError(f"{path.name} unpacks to {size:,} bytes, and {free:,} are free: make room.")
            pack.extractall(spare)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
        raise NextSceneError(
            f"{path.name} cannot be unpacked ({error}): make the zip anew, without a password."
        ) from None
    return spare

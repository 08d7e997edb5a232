"""Training data: a folder or a zip in, checked examples out.

An example is a picture and its caption (`NAME.png`, `NAME.txt`) or a pair of pictures and the words that lead from one
to the other (`NAME_a.png`, `NAME_b.png`, `NAME.txt`). What lies in a folder `validation` is held out from training.
All that is wrong is said at once, file by file. It knows no models.
"""

import lzma
import math
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from nextscene import NextSceneError, pictures
from nextscene.files import lies_within, short
from nextscene.settings import MAX_PROMPT
from nextscene.story import GRID, Size
from nextscene.training.progress import progress

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".ppm"}
ASPECTS = [1 / 2, 9 / 16, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 16 / 9, 2]  # width / height of the buckets
MOST_STRETCH = 2  # times that a picture may be scaled up
OF_THE_SYSTEM = {"__MACOSX", "Thumbs.db", "desktop.ini"}
MOST_CAPTION = 4 * MAX_PROMPT + 1000  # bytes of a file, spaces included
MOST_FILES = 100_000  # in a zip
LEAST_FREE = 10**9  # bytes of the disk that a zip does not take
# What zipfile raises for bytes that are not as they were written, or packed in a way that it does not know.
DAMAGED = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class Example:
    """Something to learn from. Its pictures are files; `size` is what they are brought to."""

    name: str
    picture: Path
    caption: str
    size: Size
    reference: Path | None = None
    held_out: bool = False  # for validation only
    of_class: bool = False  # drawn by the base, to be kept as it is


def read(data: Path, area: int, unpacked: Path) -> list[Example]:
    """The examples in a folder or a zip, all of them right; otherwise a `NextSceneError` with all that is wrong.

    area: pixels of the pictures in training.
    unpacked: an empty folder for what a zip holds.
    """
    if data.is_file() and zipfile.is_zipfile(data):
        data = _unpack(data, unpacked)
    if not data.is_dir():
        raise NextSceneError(f"There is no training data in {short(data)}: give a folder or a zip file.")
    reader = _Reader(data, area)
    try:
        examples = sorted(reader.examples(), key=lambda example: example.name)
    except OSError as error:
        raise NextSceneError(f"The training data cannot be read ({error}): see that all of it can be opened.") from None
    refuse(reader.wrong)
    if all(example.held_out for example in examples):
        raise NextSceneError(
            "The training data is empty: put in NAME.png with NAME.txt, or NAME_a.png and NAME_b.png with NAME.txt."
        )
    return examples


def refuse(wrong: Sequence[str]) -> None:
    """Says all that is wrong with the data, if anything is."""
    if wrong:
        count = f"{len(wrong)} problem{'s' * (len(wrong) > 1)}"
        lines = [f"The training data has {count}; nothing was trained:", *map(_printable, wrong)]
        raise NextSceneError("\n- ".join(lines))


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
        with progress("checking pictures", len(self.pictures)) as on_step:
            for number, name in enumerate(self.pictures, 1):
                yield from self._of_picture(name, captions)
                on_step(number)
        for name in sorted(captions):
            self.wrong.append(f"{name}.txt has no picture: add {name}.png, or {name}_a.png and {name}_b.png.")

    def _of_picture(self, name: str, captions: set[str]) -> Iterator[Example]:
        """The example that a picture makes, alone or with its other half; takes its caption off the list."""
        pair, half = name[:-2], name[-2:]
        file = self._name(self.pictures[name])
        if name in self.captions:
            captions.discard(name)
            yield from self._example(name, self.pictures[name], None)
        elif half not in ("_a", "_b"):
            self.wrong.append(f"{file} has no caption: write {name}.txt beside it.")
        elif (other := pair + {"_a": "_b", "_b": "_a"}[half]) not in self.pictures:
            captions.discard(pair)
            self.wrong.append(f"{file} lacks its other half: add {other}.png.")
        elif half == "_b" and pair in self.captions:
            captions.discard(pair)
            yield from self._example(pair, self.pictures[name], self.pictures[other])
        elif half == "_b":
            self.wrong.append(f"{file} and its other half lack words: write {pair}.txt.")

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
            held_out = "validation" in PurePosixPath(name).parts[:-1]
            yield Example(name, picture, caption, size, reference, held_out)

    def _caption(self, path: Path) -> str | None:
        with path.open("rb") as file:
            data = file.read(MOST_CAPTION + 1)
        try:
            caption = "" if len(data) > MOST_CAPTION else " ".join(data.decode("utf-8-sig").split())
        except UnicodeDecodeError:
            self.wrong.append(f"{self._name(path)} is not UTF-8 text: save it as UTF-8.")
            return None
        if 0 < len(caption) <= MAX_PROMPT:
            return caption
        long = caption or len(data) > MOST_CAPTION
        fault = f"has more than {MAX_PROMPT} characters: shorten it" if long else "is empty: write the words"
        self.wrong.append(f"{self._name(path)} {fault}.")
        return None

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


def _printable(text: str) -> str:
    """Without what a terminal would obey: names of files may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _unpack(path: Path, unpacked: Path) -> Path:
    """Puts a zip's files into a folder; nothing is written outside of it."""
    name = path.name
    try:
        with zipfile.ZipFile(path) as pack:
            members = pack.infolist()
            if outside := next((each for each in members if not lies_within(unpacked, unpacked / each.filename)), None):
                raise NextSceneError(f"{name} holds {short(outside.filename)}, which leads out of it: make it anew.")
            if len(members) > MOST_FILES:
                raise NextSceneError(f"{name} holds {len(members):,} files: give at most {MOST_FILES:,}.")
            size, free = sum(each.file_size for each in members), shutil.disk_usage(unpacked).free
            if size + LEAST_FREE > free:
                raise NextSceneError(f"{name} unpacks to {size:,} bytes, and {free:,} are free: make room.")
            for member in members:
                _extract(pack, member, unpacked, name)
    except (*DAMAGED, OSError) as error:
        raise NextSceneError(f"{name} is damaged ({error}): make the zip anew.") from None
    return unpacked


def _extract(pack: zipfile.ZipFile, member: zipfile.ZipInfo, unpacked: Path, name: str) -> None:
    try:
        pack.extract(member, unpacked)
    except OSError as error:
        reason = error.strerror or str(error)
        raise NextSceneError(f"{short(member.filename)} in {name} cannot be unpacked ({reason}).") from None
    except DAMAGED as error:
        raise NextSceneError(f"{short(member.filename)} in {name} is damaged ({error}): make the zip anew.") from None
    except RuntimeError:
        raise NextSceneError(f"{name} has a password: make it anew without one.") from None

"""Lessons: what the encoders make of each example, made once and kept in files.

A lesson's file is named after everything that it depends on, so it is never stale, and a second run encodes nothing.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from nextscene import pictures
from nextscene.training.dataset import Example
from nextscene.training.progress import progress
from nextscene.training.pupil import Lesson, Pupil
from nextscene.training.recipe import Recipe

AT_ONCE = 1 << 20  # pixels of examples that are encoded together
TASTE = 1 << 16  # bytes

Missing = tuple[Example, Path]  # an example, and the file that its lesson goes to


def prepare(
    pupil: Pupil, examples: Sequence[Example], recipe: Recipe, folder: Path, device: torch.device
) -> list[Path]:
    """A lesson's file for each example. The encoders are on the device only while there is something to encode."""
    folder.mkdir(parents=True, exist_ok=True)
    base = marks(pupil.folder, "text_encoder", "vae", "processor")
    files = [folder / f"{_name(example, _words(example, recipe), base)}.safetensors" for example in examples]
    missing = [(example, file) for example, file in zip(examples, files, strict=True) if not file.is_file()]
    if missing:
        pupil.encoders_to(device)
        with progress("encoding", 0, len(missing)) as on_step:
            done = 0
            for some in _alike(missing):
                _write(pupil, some, recipe)
                done += len(some)
                on_step(done)
        pupil.encoders_to("cpu")
    return files


def read(file: Path) -> Lesson:
    return Lesson(**load_file(file))


def _alike(missing: Iterable[Missing]) -> Iterator[list[Missing]]:
    """Examples of one kind together: about a megapixel at once."""
    for (width, height, _), group in groupby(sorted(missing, key=_kind), _kind):
        alike, most = list(group), max(AT_ONCE // (width * height), 1)
        yield from (alike[at : at + most] for at in range(0, len(alike), most))


def _kind(missing: Missing) -> tuple[int, int, bool]:
    example, _ = missing
    return *example.size, example.reference is None


def _write(pupil: Pupil, some: Sequence[Missing], recipe: Recipe) -> None:
    made = pupil.encode(
        [pictures.fit(pictures.read(example.picture), *example.size) for example, _ in some],
        [[pictures.read(example.reference)] if example.reference else [] for example, _ in some],
        [_words(example, recipe) for example, _ in some],
    )
    for lesson, (_, file) in zip(made, some, strict=True):
        part = file.with_suffix(".part")
        save_file({name: tensor.cpu().contiguous() for name, tensor in lesson._asdict().items()}, part)
        part.replace(file)


def _words(example: Example, recipe: Recipe) -> str:
    return recipe.words(example.caption, pair=example.reference is not None)


def _name(example: Example, words: str, base: str) -> str:
    seen = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (example.picture, example.reference) if path]
    return hashlib.sha256(json.dumps([seen, words, example.size, base]).encode()).hexdigest()[:32]


def marks(base: Path, *parts: str) -> str:
    """Which model, as far as some parts of its folder go: the names and sizes of their files, and a taste of each."""
    files = sorted(file for part in parts for file in (base / part).glob("*"))
    return json.dumps([(file.name, file.stat().st_size, _taste(file)) for file in files])


def _taste(file: Path) -> str:
    """A hash of a file's beginning, middle and end: the whole of a text encoder would take a minute."""
    digest, size = hashlib.sha256(), file.stat().st_size
    with file.open("rb") as opened:
        for at in (0, size // 2, max(size - TASTE, 0)):
            opened.seek(at)
            digest.update(opened.read(TASTE))
    return digest.hexdigest()

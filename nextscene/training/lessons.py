"""Lessons: what the encoders make of each example, made once and kept in files.

A lesson's file is named after everything that it depends on, so it is never stale, and a second run encodes nothing.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from nextscene import pictures
from nextscene.training.dataset import Example
from nextscene.training.progress import progress
from nextscene.training.pupil import Lesson, Pupil
from nextscene.training.recipe import Recipe


def prepare(
    pupil: Pupil, examples: Sequence[Example], recipe: Recipe, folder: Path, device: torch.device
) -> list[Path]:
    """A lesson's file for each example. The encoders are on the device only while there is something to encode."""
    folder.mkdir(parents=True, exist_ok=True)
    base = _marks(pupil.folder)
    files = [folder / f"{_name(example, _words(example, recipe), base)}.safetensors" for example in examples]
    missing = [(example, file) for example, file in zip(examples, files, strict=True) if not file.is_file()]
    if missing:
        pupil.encoders_to(device)
        with progress("encoding", 0, len(missing)) as on_step:
            for done, (example, file) in enumerate(missing, 1):
                _write(pupil, example, _words(example, recipe), file)
                on_step(done)
        pupil.encoders_to("cpu")
    return files


def read(file: Path) -> Lesson:
    return Lesson(**load_file(file))


def _write(pupil: Pupil, example: Example, words: str, file: Path) -> None:
    picture = pictures.fit(pictures.read(example.picture), *example.size)
    references = [pictures.read(example.reference)] if example.reference else []
    lesson = pupil.encode(picture, references, words)
    part = file.with_suffix(".part")
    save_file({name: tensor.cpu().contiguous() for name, tensor in lesson._asdict().items()}, part)
    part.replace(file)


def _words(example: Example, recipe: Recipe) -> str:
    return recipe.words(example.caption, pair=example.reference is not None)


def _name(example: Example, words: str, base: str) -> str:
    seen = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (example.picture, example.reference) if path]
    return hashlib.sha256(json.dumps([seen, words, example.size, base]).encode()).hexdigest()[:32]


def _marks(base: Path) -> str:
    """Which encoders: the names, sizes and times of their files."""
    files = sorted(file for part in ("text_encoder", "vae", "processor") for file in (base / part).glob("*"))
    return json.dumps([(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files])

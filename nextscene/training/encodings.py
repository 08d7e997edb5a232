"""What the encoders make of each example, made once and kept in files.

A file is named after everything that it depends on, so it is never stale, and a second run encodes nothing.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from nextscene import NextSceneError, pictures
from nextscene.files import sha256, write_whole
from nextscene.model import check_words
from nextscene.training.dataset import Example, refuse
from nextscene.training.pipeline import Encoded, TrainingPipeline
from nextscene.training.progress import progress
from nextscene.training.recipe import Recipe

AT_ONCE = 1 << 20  # pixels of examples that are encoded together
SAMPLE = 1 << 16  # bytes
FORMAT = 2  # of the files; a new number makes all of them anew

Missing = tuple[Example, Path]  # an example, and the file that its encoding goes to


def prepare(
    pipeline: TrainingPipeline, examples: Sequence[Example], recipe: Recipe, folder: Path, device: torch.device
) -> list[Path]:
    """A file for each example. The encoders are on the device only while there is something to encode."""
    refuse(list(_find_unreadable(pipeline, examples, recipe)))
    base = fingerprint(pipeline.folder, "text_encoder", "vae", "processor")
    files = [folder / f"{_name(example, words_of(example, recipe), base)}.safetensors" for example in examples]
    missing = [(example, file) for example, file in zip(examples, files, strict=True) if not file.is_file()]
    if missing:
        pipeline.encoders_to(device)
        with progress("encoding", len(missing)) as on_step:
            done = 0
            for some in _alike(missing):
                _write(pipeline, some, recipe)
                done += len(some)
                on_step(done)
        pipeline.encoders_to("cpu")
    return files


def read(file: Path) -> Encoded:
    try:
        return Encoded(**load_file(file))
    except (OSError, SafetensorError, TypeError) as error:
        raise NextSceneError(f"{file} cannot be read ({error}): delete it, and it is made anew.") from None


def fingerprint(base: Path, *parts: str) -> str:
    """Which model, as far as some parts of its folder go: the names and sizes of their files, and samples of each."""
    files = sorted(file for part in parts for file in (base / part).glob("*"))
    return json.dumps([(file.name, file.stat().st_size, _sample_sha256(file)) for file in files])


def _alike(missing: Iterable[Missing]) -> Iterator[list[Missing]]:
    """Examples of one kind together: about a megapixel at once."""
    for (width, height, _), group in groupby(sorted(missing, key=_kind), _kind):
        alike, most = list(group), max(AT_ONCE // (width * height), 1)
        yield from (alike[at : at + most] for at in range(0, len(alike), most))


def _kind(missing: Missing) -> tuple[int, int, bool]:
    example, _ = missing
    return *example.size, example.reference is None


def _write(pipeline: TrainingPipeline, some: Sequence[Missing], recipe: Recipe) -> None:
    encoded = pipeline.encode(
        [pictures.fit(pictures.read(example.picture), *example.size) for example, _ in some],
        [[pictures.read(example.reference)] if example.reference else [] for example, _ in some],
        [words_of(example, recipe) for example, _ in some],
    )
    for each, (_, file) in zip(encoded, some, strict=True):
        write_whole(file, save({name: tensor.cpu().contiguous() for name, tensor in each._asdict().items()}))


def _find_unreadable(pipeline: TrainingPipeline, examples: Sequence[Example], recipe: Recipe) -> Iterator[str]:
    """What is wrong with captions that the text encoder cannot read whole and as they are."""
    for example in examples:
        try:
            check_words(pipeline.tokenizer, words_of(example, recipe), f"{example.name}.txt")
        except NextSceneError as error:
            yield str(error)


def words_of(example: Example, recipe: Recipe) -> str:
    """An example's caption as the model reads it."""
    return recipe.words(example.caption, pair=example.reference is not None, of_class=example.of_class)


def _name(example: Example, words: str, base: str) -> str:
    content = [sha256(path) for path in (example.picture, example.reference) if path]
    return hashlib.sha256(json.dumps([content, words, example.size, base, FORMAT]).encode()).hexdigest()[:32]


def _sample_sha256(file: Path) -> str:
    """Of a file's beginning, middle and end: the whole of a text encoder would take a minute."""
    digest, size = hashlib.sha256(), file.stat().st_size
    with file.open("rb") as opened:
        for at in (0, size // 2, max(size - SAMPLE, 0)):
            opened.seek(at)
            digest.update(opened.read(SAMPLE))
    return digest.hexdigest()

"""A checkpoint: all that a training needs to go on to the very file that it would have made undisturbed."""

import zlib
from pathlib import Path
from pickle import UnpicklingError
from typing import TypedDict, cast
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor

from nextscene import NextSceneError
from nextscene.files import whole_file

# What zipfile and torch raise for bytes that are not as they wrote them.
DAMAGES = (BadZipFile, zlib.error, UnpicklingError, RuntimeError, ValueError, TypeError, OSError, EOFError)


class Checkpoint(TypedDict):
    identity: str  # of the training: its recipe, base and data
    step: int
    taught: dict[str, Tensor]
    average: dict[str, Tensor]  # of that over the last steps
    best: dict[str, Tensor]  # of a word's averages: what did best so far
    optimizer: dict[str, object]
    losses: list[float]
    validation_losses: dict[int, float]  # by step


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Whole or not at all."""
    with whole_file(path) as part, part.open("wb") as out:
        try:
            torch.save(dict(checkpoint), out)
        except RuntimeError as error:  # so torch says that the disk is full
            raise error.__context__ if isinstance(error.__context__, OSError) else error from None


def read(path: Path) -> Checkpoint:
    """What was written there; a damaged file is refused, and left as it is."""
    try:
        with ZipFile(path) as packed:
            if damaged := packed.testzip():  # torch does not look at the checksums that it wrote
                raise BadZipFile(f"{damaged} is not as it was written")
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if missing := Checkpoint.__required_keys__ - dict(saved).keys():
            raise ValueError(f"it lacks {min(missing)}")
        return cast(Checkpoint, saved)
    except DAMAGES as error:
        reason = (str(error) or repr(error)).splitlines()[0][:200].rstrip(".")
        raise NextSceneError(
            f"The checkpoint {path} is damaged ({reason}): move it away to train from the beginning, or choose another "
            "output folder."
        ) from None

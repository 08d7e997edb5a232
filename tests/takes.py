"""Takes that no model drew, for tests of what is done with takes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from conftest import photo
from PIL import Image

from nextscene.output import Record
from nextscene.provenance import Lora, Provenance
from nextscene.settings import StorySettings
from nextscene.story import Shot, from_data, from_prompts, plan
from nextscene.take import Take


def shot_of(prompt: str = "a harbour", **settings: Any) -> Shot:
    (shot,) = plan(from_prompts([prompt]), StorySettings(**{"seed": 5} | settings), 5, (128, 96))
    return shot


def made_of(shot: Shot | None = None, **more: Any) -> Provenance:
    lora = Lora("l.safetensors", "0" * 64, 0.75)
    said: dict[str, Any] = {"model": "m", "lora": lora, "made_by": "Next Scene 1"} | more
    return Provenance(shot=shot or shot_of(), **said)


def take_of(shot: Shot, picture: Image.Image) -> Take:
    return Take(shot, picture, 0.1, made_of(shot))


def run_in(folder: Path, *scenes: Any, drawn: int | None = None, **story: Any) -> Path:
    """A run whose pictures nobody drew; only the first so many, where that is said."""
    told = from_data({"title": "T", "scenes": list(scenes), **story})
    shots = plan(told, StorySettings(), 5, (128, 96))
    record = Record(folder)
    record.begin(told, shots, {}, {})

    def shoot(shots: Sequence[Shot]) -> Iterator[Take]:
        for shot in shots[:drawn]:
            yield take_of(shot, photo(128, 96, seed=shot.number))

    takes = record.takes(shots, shoot)
    for _ in shots[:drawn]:
        next(takes)
    return folder

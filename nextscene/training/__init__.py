"""The trainer: your pictures and their captions in, a LoRA or a word with vectors of its own out, as a file.

    train(Path("pictures"), Base(folder, name, own_size), make_recipe(steps=1000), Path("outputs/lora"))

    folder or zip ──dataset──▶ Examples ──encodings──▶ Encoded ──trainer──▶ lora.safetensors, embedding.safetensors

`recipe` says how; `dataset` reads and checks; `pipeline` is the drawing pipeline as it is trained; `encodings` keeps
what the encoders made of the examples; `trainer` is the loop; `taught` what it teaches; `prior` the pictures that
DreamBooth keeps; `checkpoint` keeps all that a run needs to go on; `validation` measures and draws now and then;
`report` draws the curve and the samples; `lora_file` writes the file.
Nothing here knows where the base model came from. Recipes are read without torch.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nextscene.training.recipe import Recipe, make_recipe

if TYPE_CHECKING:
    from nextscene.training.lora_file import write_lora

__all__ = ["Base", "Recipe", "make_recipe", "train", "write_lora"]


class Base(NamedTuple):
    """The model that is taught."""

    folder: Path
    name: str
    own_size: tuple[int, int]  # the width and height that it draws best


def train(data: Path, base: Base, recipe: Recipe, out: Path, start: Path | None = None) -> Path:
    """Teaches, or goes on where an earlier call with the same recipe and data stopped; gives the file.

    data: a folder or a zip of examples.
    out: a folder for all that comes of it: lora.safetensors, loss.png, samples/, checkpoint.pt, cache/.
    start: a LoRA file to train further.
    """
    from nextscene.training import trainer  # brings torch

    return trainer.train(data, base, recipe, out, start)


def __getattr__(name: str) -> object:
    if name != "write_lora":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("nextscene.training.lora_file").write_lora

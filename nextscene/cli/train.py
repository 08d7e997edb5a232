"""`script/train`: the recipe's fields as flags, and a training of them."""

import argparse
from pathlib import Path
from typing import Any

from nextscene.api import train_look
from nextscene.files import typed_path
from nextscene.training import Recipe, make_recipe

EXAMPLES = """\
examples:
  script/train pictures/                                    # outputs/lora/lora.safetensors
  script/train pairs.zip --steps 2000 --rank 16 --output-dir outputs/harbour
  script/train portraits/ --trigger "TOK woman" --learning-rate 5e-5
  script/train stills/ --method textual-inversion --trigger "<noir>"    # outputs/textual-inversion/embedding.safetensors
  script/train stills/ --method dreambooth --trigger "cinematic film still"
  script/train more/ --from outputs/lora/lora.safetensors --output-dir outputs/further

The data is a folder or a zip with NAME_a.png, NAME_b.png and NAME.txt (the words that lead from a to b), or NAME.png
and NAME.txt (its caption), for each NAME. The same command again goes on where a run was stopped: docs/training.md.
"""


def add_flags(command: argparse.ArgumentParser) -> None:
    """The recipe's fields as flags; what nobody types has its default in the recipe."""
    command.add_argument("data", type=Path, metavar="DATA", help="a folder or a zip of pictures and captions")
    about = "folder for the file, loss.png, samples and checkpoint (default: outputs/METHOD)"
    command.add_argument("--output-dir", type=Path, metavar="PATH", help=about)
    about = "a LoRA file to train further, of the same rank"
    command.add_argument("--from", type=Path, metavar="FILE", dest="start", help=about)
    for name, field in Recipe.model_fields.items():
        default = "" if field.default in (None, "") else f" (default: {field.default})"
        metavar, about = name.rsplit("_", 1)[-1].upper(), f"{field.description}{default}"
        command.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, default=argparse.SUPPRESS, help=about)


def train(options: argparse.Namespace) -> None:
    """Trains, and prints the file."""
    typed: dict[str, Any] = {name: value for name, value in vars(options).items() if name in Recipe.model_fields}
    recipe, data = make_recipe(**typed), typed_path(options.data, "DATA")
    out = typed_path(options.output_dir or Path("outputs", recipe.method), "--output-dir")
    print(train_look(data, recipe, out, options.start and typed_path(options.start, "--from")))

"""`script/compare`: its flags, and what it shows."""

import argparse
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nextscene import NextSceneError
from nextscene.api import load
from nextscene.comparing import Comparing, Comparison, comparison_of_flags, read_comparison
from nextscene.files import typed_path
from nextscene.hub import choose
from nextscene.progress import say
from nextscene.settings import Look, StorySettings

if TYPE_CHECKING:
    from nextscene.shooting import Studio

FOR_ALL = {*Look.model_fields, "width", "height", "aspect", "go_fast"}  # settings that hold for every cell
EXAMPLES = """\
examples:
  script/compare looks.json
  script/compare "a red house by the sea" "a city at night" --lora-weights outputs/lora/lora.safetensors
  script/compare "a tower at dawn" --embeddings outputs/textual-inversion/embedding.safetensors --grade noir --seeds 7 8
  script/compare outputs/compare/compare.json --like stills/      # the same again, measured by your pictures

Prompts down, looks across: the base, then a column for each file and grade. Each cell is a take of a run of its own in
the folder cells/, which script/explain knows. The same command again draws only what is new.
"""


def add_flags(command: argparse.ArgumentParser) -> None:
    about = "one file of a comparison, or prompts, a row for each"
    command.add_argument("what", nargs="+", metavar="looks.json|PROMPT", help=about)
    about = "folder for compare.png, compare.html, compare.json and the cells (default: outputs/compare)"
    command.add_argument("--output-dir", type=Path, default=Path("outputs/compare"), metavar="PATH", help=about)
    for flag, about in (
        ("lora-weights", "a column with this LoRA, called by its own trigger; may be repeated"),
        ("embeddings", "a column with the words of this file; may be repeated"),
        ("look", "a column in the look of this file; may be repeated"),
        ("grade", "a column of the base in this grade; may be repeated"),
    ):
        command.add_argument(f"--{flag}", action="append", default=[], metavar=flag.rsplit("-")[-1].upper(), help=about)
    about = "a page for each of these seeds (default: 1)"
    command.add_argument("--seeds", nargs="+", type=int, default=[], metavar="SEED", help=about)
    command.add_argument("--like", metavar="FOLDER", help="pictures by which all cells are measured")
    command.add_argument("--dry-run", action="store_true", help="show what would be drawn; load no model")


def compare(options: argparse.Namespace, settings: StorySettings) -> None:
    """Draws the grid. settings: what was typed for all cells."""
    weights = choose()
    comparison = _comparison(options, settings)
    comparing = Comparing(comparison, typed_path(options.output_dir, "--output-dir"), weights)
    if options.dry_run:
        for (look, seed), production in comparing.productions.items():
            say(f"{look}, seed {seed}:")
            for shot in production.shots:
                say(shot)
        return

    @cache
    def studio() -> "Studio":
        return load(weights, lasting=False)

    for file in comparing.run(studio):
        say(file)


def _comparison(options: argparse.Namespace, settings: StorySettings) -> Comparison:
    columns = options.lora_weights, options.embeddings, options.look, options.grade
    if not options.what[0].endswith(".json"):
        return comparison_of_flags(
            options.what,
            lora_weights=columns[0],
            embeddings=columns[1],
            looks=columns[2],
            grades=columns[3],
            seeds=options.seeds,
            settings=settings,
            like=options.like,
        )
    if len(options.what) > 1 or any(columns):
        raise NextSceneError("A comparison's file says its prompts and looks itself: change them there.")
    read = read_comparison(typed_path(options.what[0], "looks.json"))
    typed = {"seeds": tuple(options.seeds), "like": options.like}
    said = read.given | {name: value for name, value in typed.items() if value}
    return Comparison(**said | {"settings": read.settings.overlaid(settings)})

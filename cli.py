"""The side door: the same inputs from a terminal, without Docker.

`script/predict` makes one scene, `script/sequence` a story. It turns arguments into a story and settings, and shows
what happens; everything else is done where the other doors have it done.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

import weights
from nextscene import NextSceneError, pictures
from nextscene.delivery import deliver, numbered
from nextscene.plan import DEFAULTS, IMAGE, Shot, choose_seed, given, plan
from nextscene.progress import progress, say
from nextscene.record import Record, scene_named
from nextscene.story import MAX_SIDE, MIN_SIDE, Story, from_file, from_prompts, from_text
from nextscene.take import Pictures, Take

PREDICT_EXAMPLES = """\
examples:
  script/predict "The camera moves forward revealing a mysterious doorway"
  script/predict "Camera pans revealing a hidden garden" --input-image previous_scene.png --seed 42
  script/predict "Camera tilts up, stars come out" --dry-run

A good prompt names the camera first, then what changes, then the light.
"""
SEQUENCE_EXAMPLES = """\
examples:
  script/sequence "Wide shot of a city,Camera zooms to a window,Inside view of a character"
  script/sequence "Fog over a harbour | Camera pans left, the fog lifts | Camera moves closer to a boat"
  script/sequence story.json --output-video story.mp4 --fps 2 --seed 123
  script/sequence story.json --dry-run

One text is split into scenes at new lines, at |, and at commas that no single space follows: "a city,Camera zooms" is
two scenes, "morning, barely visible" is one. Several texts are one scene each. --dry-run shows what comes of it.

A good prompt names the camera first, then what changes, then the light; one change for each scene.
"""
SETTINGS = ("negative_prompt", "strength", "lora_scale", "width", "height", "steps", "guidance", "seed", "fps")
SIDE_HELP = (
    f"{MIN_SIDE} to {MAX_SIDE} pixels, rounded to a multiple of 16 (default: the model's own, or the image's shape)"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Its exit status: 0, 1 for something the user can put right, 130 when interrupted."""
    options = parser().parse_args(arguments)
    try:
        options.command(options)
    except NextSceneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The scenes that were finished are kept.", file=sys.stderr)
        return 130
    return 0


def predict(options: argparse.Namespace) -> None:
    """Makes one scene, in one file."""
    story = from_prompts([options.prompt or options.words])
    image = pictures.read(options.input_image) if options.input_image else None
    scene = _planned(options, story, image)
    if options.dry_run:
        return
    pictures.prepare(options.output)

    takes = _shoot(scene, {IMAGE: image} if image else {}, scene.shots)
    for path in deliver(takes, lambda _: options.output, quality=options.output_quality):
        say(path)


def sequence(options: argparse.Namespace) -> None:
    """Makes a story, or goes on with the one that was begun in its folder."""
    folder = options.output_dir
    record = Record(folder, fresh=options.fresh)
    story = _story(options, record)
    image = pictures.read(options.input_image) if options.input_image else record.image
    run = _planned(options, story.with_takes(_takes(options, story, record)), image, record)
    if options.dry_run:
        return
    made_with = weights.identity(run.model)
    file_for = numbered(folder, options.output_format)
    pictures.prepare(file_for(run.shots[0]))
    todo = record.to_draw(run.story, run.shots, made_with, image, options.cascade)
    if len(todo) < len(run.shots):
        print(f"{len(run.shots) - len(todo)} of {len(run.shots)} scenes are made already.", file=sys.stderr)

    made = []
    takes = record.takes(run.shots, partial(_shoot, run, record))
    more = {"sheet": folder / "contact_sheet.png", "film": options.output_video, "title": story.title or ""}
    for path in deliver(takes, file_for, quality=options.output_quality, **more):
        made.append(path.resolve())
        say(path)
    _clear_earlier_run(folder, keep=[*made, *filter(None, [options.input_image])])
    if record.stale:
        stale = ", ".join(record.stale)
        print(f"Grew from another take of an earlier scene: {stale}; --cascade draws them again.", file=sys.stderr)


class Run(NamedTuple):
    """What a command is about to do."""

    story: Story  # complete: alone, it makes the same pictures again
    shots: list[Shot]
    model: str


def _planned(options: argparse.Namespace, story: Story, image: Image.Image | None, record: Record | None = None) -> Run:
    """Decides everything, and says what everyone should know; a dry run shows all of it."""
    wanted = given(**{name: getattr(options, name, None) for name in SETTINGS})
    before = record.story.seed if record and record.story else None
    seed = choose_seed(story, wanted, before)
    model, notice = weights.choose()
    shots = plan(story, wanted, seed, weights.own_size(model), image.size if image else None)
    print(f"{notice}\nSeed: {seed}", file=sys.stderr)
    if options.dry_run:
        print(*shots, sep="\n")
    name = options.input_image.name if options.input_image else story.image
    return Run(story.complete(wanted, seed, name), shots, model)


def _shoot(run: Run, seen: Pictures, shots: Sequence[Shot]) -> Iterator[Take]:
    """Loads the model, and draws these shots."""
    from nextscene import model  # these bring torch, which a dry run does without
    from nextscene.studio import Studio

    print("Loading the model ...", file=sys.stderr)
    studio = Studio(model.load(weights.fetch(run.model), weights.lora(run.model), run.model))
    with progress(shots) as on_step:
        yield from studio.shoot(shots, seen, on_step, about={"story": run.story.as_data()})


def _story(options: argparse.Namespace, record: Record) -> Story:
    texts = [options.scenes] if options.scenes else options.words
    if not texts:
        if record.story is None:
            raise NextSceneError(f"No story was begun in {options.output_dir}: give a story, or name its --output-dir.")
        return record.story
    if len(texts) > 1:
        return from_prompts(texts)
    path = Path(texts[0])
    return from_file(path) if path.suffix in (".json", ".txt") else from_text(texts[0])


def _takes(options: argparse.Namespace, story: Story, record: Record) -> dict[str, int]:
    """Which take of each scene is wanted: as chosen before, but for those that the user retakes or chooses now."""
    takes = {name: take for name, take in record.chosen().items() if name in story.ids}
    for named in options.retake:
        name = scene_named(named, story.ids)
        takes[name] = max(record.takes_of(name), default=0) + 1
    for choice in options.use:
        named, _, take = choice.rpartition(":")
        name = scene_named(named, story.ids)
        if take not in map(str, record.takes_of(name)):
            there = ", ".join(map(str, record.takes_of(name))) or "none"
            raise NextSceneError(f"Scene {named!r} has no take {take!r} (there: {there}): write --use SCENE:TAKE.")
        takes[name] = int(take)
    return takes


def _clear_earlier_run(folder: Path, keep: Sequence[Path]) -> None:
    """Removes what a longer run left in the folder, so that it shows one story, but never what is to be kept."""
    kept = {path.resolve() for path in keep}
    for path in folder.iterdir():
        if re.fullmatch(r"scene_\d{3}\.(png|webp|jpg)", path.name) and path.resolve() not in kept:
            path.unlink()


def parser() -> argparse.ArgumentParser:
    """The arguments of both commands."""
    root = argparse.ArgumentParser(prog="script", description="Story in, pictures that belong together out.")
    commands = root.add_subparsers(required=True, metavar="predict|sequence")

    one = _command(commands, "predict", "Makes one scene.", PREDICT_EXAMPLES)
    words = one.add_mutually_exclusive_group(required=True)
    words.add_argument("words", nargs="?", metavar="PROMPT", help="what it shows; 'Next Scene:' is put before it")
    words.add_argument("--prompt", help="the same, as a flag")
    _add(one, "output", Path, "picture to write: .png, .webp or .jpg", Path("outputs/scene.png"))
    _add_settings(one)
    one.set_defaults(command=predict)

    many = _command(commands, "sequence", "Makes a story, scene after scene.", SEQUENCE_EXAMPLES)
    words = many.add_mutually_exclusive_group()
    words.add_argument(
        "words",
        nargs="*",
        metavar="SCENES",
        default=[],
        help="one text, a story file, or several texts; none: the story of the folder",
    )
    words.add_argument("--scenes", help="one text or a story file, as a flag")
    _add(
        many,
        "output_dir",
        Path,
        "folder for scene_001.png, scene_002.png, ... and contact_sheet.png",
        Path("outputs/sequence"),
    )
    _add(
        many, "output_format", str, "file format of the scenes: png, webp or jpg", "png", choices=("png", "webp", "jpg")
    )
    _add(many, "output_video", Path, "also make an MP4 of the scenes (default: none)")
    _add(many, "fps", float, "scenes for each second of the video; 1-2 is slow, 3-4 a normal pace", DEFAULTS["fps"])
    _add_settings(many)
    many.add_argument(
        "--retake", action="append", default=[], metavar="SCENE", help="a new take of this scene (number or id)"
    )
    many.add_argument(
        "--use", action="append", default=[], metavar="SCENE:TAKE", help="choose an earlier take of a scene"
    )
    many.add_argument(
        "--cascade", action="store_true", help="draw again what grew from another take than the chosen one"
    )
    many.add_argument("--fresh", action="store_true", help="start anew instead of going on with what the folder holds")
    many.set_defaults(command=sequence)
    return root


def _add_settings(command: argparse.ArgumentParser) -> None:
    _add(command, "input_image", Path, "first picture: the first scene becomes its next shot (default: from words)")
    _add(command, "strength", float, "how much a scene may change from the one before, 0.1 to 1; 0.4-0.8 recommended")
    _add(command, "lora_scale", float, "strength of the Next-Scene LoRA, 0 to 2; 0.7-0.8 recommended")
    _add(command, "negative_prompt", str, "what to avoid")
    _add(command, "width", int, SIDE_HELP)
    _add(command, "height", int, SIDE_HELP)
    _add(command, "steps", int, "denoising steps for each scene, 2 to 100; 30-50 recommended")
    _add(command, "guidance", float, "how closely to follow the words, 1 (off) to 20; 3-5 recommended")
    _add(command, "seed", int, "same seed and inputs, same pictures (default: random, and shown)")
    _add(command, "output_quality", _percent, "quality of webp and jpg files, 1 to 100", 80)
    command.add_argument("--dry-run", action="store_true", help="show what would be drawn; load no model")


def _command(commands: Any, name: str, does: str, examples: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        prog=f"script/{name}",
        description=does,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return command


def _add(
    command: argparse.ArgumentParser,
    name: str,
    kind: Callable[[str], Any],
    about: str,
    default: Any = None,
    **more: Any,
) -> None:
    default = DEFAULTS.get(name, default)
    shown = "" if default is None else f" (default: {default})"
    metavar = "PATH" if kind is Path else name.rsplit("_", 1)[-1].upper()
    command.add_argument(
        f"--{name.replace('_', '-')}", type=kind, default=default, metavar=metavar, help=about + shown, **more
    )


def _percent(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to 100, not {text}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

"""The side door: the same inputs from a terminal, without Docker.

`script/predict` makes one scene, `script/sequence` a story. It turns arguments into a story and settings, and shows
what happens; everything else is done where the other doors have it done.
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import weights
from nextscene import NextSceneError, pictures
from nextscene.plan import DEFAULTS, IMAGE, Shot, choose_seed, given, plan
from nextscene.story import MAX_SIDE, MIN_SIDE, Story, from_file, from_prompts, from_text

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
        run(options)
    except NextSceneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The scenes that were finished are kept.", file=sys.stderr)
        return 130
    return 0


def run(options: argparse.Namespace) -> None:
    """Plans the shots; shows them, or shoots them."""
    story: Story = options.story(options)
    wanted = given(**{name: getattr(options, name, None) for name in SETTINGS})
    image = pictures.read(options.input_image) if options.input_image else None
    name, notice = weights.choose()
    seed = choose_seed(story, wanted)
    shots = plan(story, wanted, seed, weights.own_size(name), image.size if image else None)
    print(f"{notice}\nSeed: {seed}", file=sys.stderr)
    if options.dry_run:
        print(*shots, sep="\n")
        return

    file_for = options.file_for(options)
    pictures.prepare(file_for(shots[0]))
    from nextscene import model  # brings torch, which a dry run does without
    from nextscene.delivery import deliver
    from nextscene.progress import progress, say
    from nextscene.studio import Studio

    print("Loading the model ...", file=sys.stderr)
    studio = Studio(model.load(weights.fetch(name), weights.lora(name), name))
    made = []
    with progress(shots) as on_step:
        takes = studio.shoot(shots, {IMAGE: image} if image else {}, on_step)
        more = options.more(options)
        for path in deliver(takes, file_for, title=story.title or "", quality=options.output_quality, **more):
            made.append(path.resolve())
            say(path)
    if hasattr(options, "output_dir"):
        _clear_earlier_run(options.output_dir, keep=[*made, *filter(None, [options.input_image])])


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
    one.set_defaults(story=_one_scene, file_for=_one_file, more=lambda _: {})

    many = _command(commands, "sequence", "Makes a story, scene after scene.", SEQUENCE_EXAMPLES)
    words = many.add_mutually_exclusive_group(required=True)
    words.add_argument(
        "words", nargs="*", metavar="SCENES", default=[], help="one text, a story file, or several texts"
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
    many.set_defaults(story=_many_scenes, file_for=_numbered_files, more=_sheet_and_film)
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


def _one_scene(options: argparse.Namespace) -> Story:
    return from_prompts([options.prompt or options.words])


def _many_scenes(options: argparse.Namespace) -> Story:
    texts = [options.scenes] if options.scenes else options.words
    if len(texts) > 1:
        return from_prompts(texts)
    path = Path(texts[0])
    return from_file(path) if path.suffix in (".json", ".txt") else from_text(texts[0])


def _one_file(options: argparse.Namespace) -> Callable[[Shot], Path]:
    return lambda shot: options.output


def _numbered_files(options: argparse.Namespace) -> Callable[[Shot], Path]:
    from nextscene.delivery import numbered

    return numbered(options.output_dir, options.output_format)


def _sheet_and_film(options: argparse.Namespace) -> dict[str, Path | None]:
    return {"sheet": options.output_dir / "contact_sheet.png", "film": options.output_video}


if __name__ == "__main__":
    sys.exit(main())

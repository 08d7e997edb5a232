"""The flags of the side door, with their defaults and their help.

A newcomer learns the commands from here; what they do is in `cli.py`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nextscene.story.plan import DEFAULTS, FAST_STEPS, STEPS
from nextscene.story.story import MAX_SIDE, MIN_SIDE

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
  script/sequence story.json --go-fast      # a draft; the same without it draws the story itself, anew
  script/sequence story.json --lora-weights outputs/lora/lora.safetensors   # a LoRA of your own, see script/train
  script/sequence --retake 3                # a new take of scene 3 of the story in outputs/sequence
  script/sequence --use 3:1                 # and back to its first take

The same command again goes on where it stopped, and draws only what is new or changed.

One text is split into scenes at new lines, at |, and at commas that no single space follows: "a city,Camera zooms" is
two scenes, "morning, barely visible" is one. Several texts are one scene each. --dry-run shows what comes of it.

A good prompt names the camera first, then what changes, then the light; one change for each scene.
"""
FILM_EXAMPLES = """\
examples:
  script/film outputs/sequence --transition crossfade --move auto
  script/film outputs/sequence --output story.gif --fps 1
  script/film outputs/sequence --transition morph --captions burned --music sea.mp3

The scenes are those that script/sequence made; the model is not needed. What a flag does not say is as the story says.
"""
EXPLAIN_EXAMPLES = """\
examples:
  script/explain outputs/sequence/scene_003.png
  script/explain outputs/sequence/scene_003.png --story > story.json
"""
REFERENCES_HELP = "a picture (a character, a place) that every scene looks at as well; may be given twice"
LORA_WEIGHTS_HELP = (
    "a LoRA of your own beside Next-Scene (in its place: --lora-scale 0): a safetensors file, owner/name or "
    "owner/name/FILE on the hub, or an https address"
)
FAST_HELP = "draw drafts: few steps, without guidance, by a LoRA that makes them enough"
CACHE_HELP = "skip steps that change the first block's result by less than this share, 0 (off) to 1; 0.1 or so"
SAFETY_HELP = "withhold scenes that look pornographic to a small classifier (off unless asked for: your own machine)"
SIDE_HELP = (
    f"{MIN_SIDE} to {MAX_SIDE} pixels, rounded to a multiple of 16 (default: the model's own, or the image's shape)"
)


def parser() -> argparse.ArgumentParser:
    """The arguments of every command; `command` is its name."""
    root = argparse.ArgumentParser(prog="script", description="Story in, pictures that belong together out.")
    commands = root.add_subparsers(required=True, metavar="predict|sequence|film|explain")

    one = _command(commands, "predict", "Makes one scene.", PREDICT_EXAMPLES)
    words = one.add_mutually_exclusive_group(required=True)
    words.add_argument("words", nargs="?", metavar="PROMPT", help="what it shows; 'Next Scene:' is put before it")
    words.add_argument("--prompt", help="the same, as a flag")
    _add(one, "output", Path, "picture to write: .png, .webp or .jpg", Path("outputs/scene.png"))
    _add_settings(one)
    one.set_defaults(command="predict")

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
    _add(many, "output_video", Path, "also make the film of the scenes: .mp4, .webm or .gif (default: none)")
    _add(many, "fps", float, "scenes for each second of the video; 1-2 is slow, 3-4 a normal pace", DEFAULTS["fps"])
    _add_settings(many)
    _add_film_settings(many)
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
    many.set_defaults(command="sequence")
    _add_film(commands)
    _add_explain(commands)
    return root


def _add_film(commands: Any) -> None:
    command = _command(commands, "film", "Makes the film of a story that was made, without the model.", FILM_EXAMPLES)
    command.add_argument("run", type=Path, metavar="RUN_FOLDER", help="the folder of the run, with its run.json")
    about = "film to write: .mp4, .webm or .gif (default: sequence.mp4 in the folder)"
    command.add_argument("--output", type=Path, metavar="PATH", help=about)
    command.add_argument("--fps", type=float, metavar="FPS", help="scenes for each second, 0.1 to 24")
    _add_film_settings(command)
    command.set_defaults(command="film")


def _add_film_settings(command: argparse.ArgumentParser) -> None:
    film = command.add_argument_group("how the film is made (what is not given is as the story says)")
    for name, kind, about in (
        ("transition", str, "from one scene to the next: cut, crossfade, fade (through black) or morph"),
        ("transition_seconds", float, "how long that takes, 0 to 10; at most as long as the shorter of the two scenes"),
        (
            "move",
            str,
            "on each still: none, auto (by the prompt), push_in, pull_out, pan_left, pan_right, tilt_up, tilt_down",
        ),
        ("captions", str, "none, soft (for the player to show) or burned"),
        ("narration", str, "what is spoken: none, own (the scenes' own narration) or prompts (else their prompts)"),
        ("voice", str, "who speaks"),
        ("music", str, "a sound file that is played along"),
        ("video_fps", int, "frames of the film for each second, 1 to 60"),
        ("upscale", int, "1, or 2 for a film twice as large as its scenes (by Lanczos: larger, not more detailed)"),
    ):
        film.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=name.upper(), help=about)
    film.add_argument("--otio", action="store_true", default=None, help="also an OpenTimelineIO file, for an editor")


def _add_explain(commands: Any) -> None:
    what = "Says how a picture was made, from its own metadata, and how to make it again."
    command = _command(commands, "explain", what, EXPLAIN_EXAMPLES)
    command.add_argument("picture", type=Path, metavar="PICTURE", help="a scene that was made here")
    command.add_argument("--story", action="store_true", help="print the story that it belongs to, as a story file")
    command.set_defaults(command="explain")


def _add_settings(command: argparse.ArgumentParser) -> None:
    _add(command, "input_image", Path, "first picture: the first scene becomes its next shot (default: from words)")
    command.add_argument("--references", action="append", default=[], type=Path, metavar="PATH", help=REFERENCES_HELP)
    _add(command, "strength", float, "how much a scene may change from the one before, 0.1 to 1; 0.4-0.8 recommended")
    _add(command, "lora_scale", float, "strength of the Next-Scene LoRA, 0 to 2; 0.7-0.8 recommended")
    _add(command, "lora_weights", str, LORA_WEIGHTS_HELP)
    _add(command, "lora_weights_scale", float, "strength of your own LoRA, 0 to 2")
    _add(command, "negative_prompt", str, "what to avoid")
    _add(command, "width", int, SIDE_HELP)
    _add(command, "height", int, SIDE_HELP)
    command.add_argument("--go-fast", action=argparse.BooleanOptionalAction, help=FAST_HELP)
    _add(command, "steps", int, f"denoising steps for each scene, 2 to 100 (default: {STEPS}; {FAST_STEPS} if fast)")
    _add(command, "guidance", float, "how closely to follow the words, 1 (off) to 20; 3-5 recommended")
    _add(command, "guidance_until", float, "guidance for the first steps only, up to this share of them, 0 to 1")
    _add(command, "first_block_cache", float, CACHE_HELP)
    _add(command, "seed", int, "same seed and inputs, same pictures (default: random, and shown)")
    _add(command, "output_quality", _percent, "quality of webp and jpg files, 1 to 100", 80)
    about = "draw a scene with bars, or a copy where a change was asked for, again up to so many times; keep the best"
    _add(command, "auto_retake", int, about, 0)
    command.add_argument("--safety-checker", action="store_true", help=SAFETY_HELP)
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

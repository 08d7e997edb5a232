"""The flags of the terminal, with their help. Those of settings come from the table of settings.

What nobody typed is absent: a flag of a setting has no default of its own.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nextscene.cli import batch, compare, move, page, restyle, train, write
from nextscene.hub import BUILT_IN, find
from nextscene.settings import (
    ClipSettings,
    FilmSettings,
    Group,
    Look,
    MoveSettings,
    OutputSettings,
    RestyleSettings,
    ScriptSettings,
    Setting,
    StorySettings,
    row,
    rows,
)
from nextscene.story import describe_world

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
  script/sequence "a white tower by the sea at dawn | the camera pans left | fog rolls in"
  script/sequence story.json --output-video story.mp4 --seconds-per-scene 3 --seed 123
  script/sequence story.json --dry-run
  script/sequence harbour.fountain --output-video harbour.mp4 --captions soft    # a screenplay, see docs/script.md
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
ANIMATE_EXAMPLES = """\
examples:
  script/animate outputs/sequence
  script/animate outputs/sequence --clips join --output-video outputs/sequence/sequence.mp4
  script/animate outputs/sequence --clip-engine replicate --clip-seconds 5
  script/animate input_scenes.json --output-dir output      # a batch of scenes: scene_desc, motion_desc, parameters

Each scene of a run that script/sequence made becomes clip_001.mp4, clip_002.mp4, ... beside its picture. What is made
already is not made again. What is finer stands in the story file: docs/clips.md.
"""
EXPLAIN_EXAMPLES = """\
examples:
  script/explain outputs/sequence/scene_003.png
  script/explain outputs/sequence/scene_003.png --story > story.json
  script/explain outputs/sequence/scene_003.png --look > noir.json
"""


WEIGHTS_EXAMPLES = """\
examples:
  script/weights list
  script/weights fetch qwen-image-edit-2509 next-scene
"""


def parser() -> argparse.ArgumentParser:
    """The arguments of every command; `command` is its name."""
    root = argparse.ArgumentParser(prog="next-scene", description="Story in, pictures that belong together out.")
    names = "predict|sequence|animate|move|restyle|page|film|explain|write|train|compare|batch|weights"
    commands = root.add_subparsers(required=True, metavar=names)
    _add_predict(commands)
    _add_sequence(commands)
    _add_animate(commands)
    _add_move(commands)
    _add_restyle(commands)
    page.add_flags(_command(commands, "page", "Opens a page in the browser, to direct a run.", page.EXAMPLES))
    _add_film(commands)
    _add_explain(commands)
    write.add_flags(_command(commands, "write", "Makes up a small story, as a script.", write.EXAMPLES))
    train.add_flags(
        _command(commands, "train", "Teaches a look on your own pictures: a LoRA, or a word.", train.EXAMPLES)
    )
    _add_compare(commands)
    _add_batch(commands)
    _add_weights(commands)
    return root


def _add_predict(commands: Any) -> None:
    command = _command(commands, "predict", "Makes one scene.", PREDICT_EXAMPLES)
    words = command.add_mutually_exclusive_group(required=True)
    words.add_argument("words", nargs="?", metavar="PROMPT", help="what it shows; 'Next Scene:' is put before it")
    words.add_argument("--prompt", help="the same, as a flag")
    about = "picture to write: .png, .webp or .jpg (default: outputs/scene.png)"
    command.add_argument("--output", type=Path, default=Path("outputs/scene.png"), metavar="PATH", help=about)
    _add_drawing(command, without=("fps", "seconds_per_scene"))


def _add_sequence(commands: Any) -> None:
    command = _command(commands, "sequence", "Makes a story, scene after scene.", SEQUENCE_EXAMPLES)
    words = command.add_mutually_exclusive_group()
    about = "one text, a story file, or several texts; none: the story of the folder"
    words.add_argument("words", nargs="*", metavar="SCENES", default=[], help=about)
    words.add_argument("--scenes", help="one text or a story file, as a flag")
    about = "a script: .fountain, .fdx, or any text, prose too; what it comes to is written to breakdown.json"
    command.add_argument("--script", type=Path, metavar="FILE", help=about)
    for setting in rows(ScriptSettings):
        _add_setting(command, setting)
    about = "folder for scene_001.png, scene_002.png, ... and contact_sheet.png (default: outputs/sequence)"
    command.add_argument("--output-dir", type=Path, default=Path("outputs/sequence"), metavar="PATH", help=about)
    _add_setting(command, row(OutputSettings, "output_format"))
    about = "also make the film of the scenes: .mp4, .webm or .gif (default: none)"
    command.add_argument("--output-video", type=Path, metavar="PATH", help=about)
    _add_drawing(command)
    _add_film_settings(command)
    _add_papers(command)
    about = "only speak the story: narration.wav in the folder, each line at its time in the film; nothing is drawn"
    command.add_argument("--narration-only", action="store_true", help=about)
    about = "a new take of this scene (number or id)"
    command.add_argument("--retake", action="append", default=[], metavar="SCENE", help=about)
    about = "choose an earlier take of a scene"
    command.add_argument("--use", action="append", default=[], metavar="SCENE:TAKE", help=about)
    about = "draw again what grew from another take than the chosen one"
    command.add_argument("--cascade", action="store_true", help=about)
    about = "start anew; what the folder holds is set aside in its folder earlier/"
    command.add_argument("--fresh", action="store_true", help=about)
    about = "list the takes in the folder that nothing uses, and remove them; nothing is drawn"
    command.add_argument("--clean", action="store_true", help=about)


def _add_animate(commands: Any) -> None:
    command = _command(
        commands, "animate", "Makes the scenes of a run move; no still is drawn again.", ANIMATE_EXAMPLES
    )
    about = "the folder of a run, with its run.json; or a batch of scenes, each with a picture and a clip of its own"
    command.add_argument("run", type=Path, metavar="RUN_FOLDER|FILE.json", help=about)
    for setting in (*rows(ClipSettings), row(StorySettings, "seed")):
        _add_setting(command, setting)
    about = "of a batch: folder for ID_base_image.png, ID_video.mp4, ... (default: output)"
    command.add_argument("--output-dir", type=Path, default=Path("output"), metavar="PATH", help=about)
    about = "also make the film of the clips: .mp4, .webm or .gif (default: none)"
    command.add_argument("--output-video", type=Path, metavar="PATH", help=about)
    about = "withhold clips that look pornographic to a small classifier (off unless asked for: your own machine)"
    command.add_argument("--safety-checker", action="store_true", help=about)
    command.add_argument("--dry-run", action="store_true", help="show what would be made; load no model")


def _add_move(commands: Any) -> None:
    command = _command(commands, "move", "Makes what is in a picture move as words say.", move.EXAMPLES)
    move.add_flags(command)
    for setting in rows(MoveSettings):
        _add_setting(command, setting)


def _add_restyle(commands: Any) -> None:
    command = _command(commands, "restyle", "Gives a film that is there another look.", restyle.EXAMPLES)
    restyle.add_flags(command)
    for setting in rows(RestyleSettings):
        _add_setting(command, setting)
    for setting in rows(StorySettings):
        if setting.name not in {
            *ClipSettings.model_fields,
            "fps",
            "seconds_per_scene",
            "continuity",
            "first_block_cache",
        }:
            _add_setting(command, setting)
    for name in ("grade", "lut", "vignette", "grain"):
        _add_setting(command, row(FilmSettings, name))


def _add_film(commands: Any) -> None:
    command = _command(commands, "film", "Makes the film of a story that was made, without the model.", FILM_EXAMPLES)
    command.add_argument("run", type=Path, metavar="RUN_FOLDER", help="the folder of the run, with its run.json")
    about = "film to write: .mp4, .webm or .gif (default: sequence.mp4 in the folder)"
    command.add_argument("--output", type=Path, metavar="PATH", help=about)
    for name in ("fps", "seconds_per_scene"):
        _add_setting(command, row(StorySettings, name))
    _add_film_settings(command)
    _add_papers(command)


def _add_explain(commands: Any) -> None:
    what = "Says how a picture was made, from its own metadata, and how to make it again."
    command = _command(commands, "explain", what, EXPLAIN_EXAMPLES)
    command.add_argument("picture", type=Path, metavar="PICTURE", help="a scene that was made here")
    instead = command.add_mutually_exclusive_group()
    about = "print the story that it belongs to, as a story file"
    instead.add_argument("--story", action="store_true", help=about)
    about = "print that story's look, as a file for --look"
    instead.add_argument("--look", action="store_true", help=about)


def _add_weights(commands: Any) -> None:
    command = _command(commands, "weights", "The weights that Next Scene draws with.", WEIGHTS_EXAMPLES)
    command.add_argument("what", choices=["list", "fetch"], help="show the table of models; download and verify")
    command.add_argument("names", nargs="*", metavar="NAME", help="what to fetch: names of the table")


def _add_batch(commands: Any) -> None:
    command = _command(commands, "batch", "Makes many stories, with the model loaded once.", batch.EXAMPLES)
    batch.add_flags(command)
    _add_setting(command, row(OutputSettings, "output_format"))
    _add_look(command)
    _add_film_settings(command)


def _add_compare(commands: Any) -> None:
    command = _command(commands, "compare", "Shows looks side by side, in a grid.", compare.EXAMPLES)
    compare.add_flags(command)
    for setting in rows(StorySettings):
        if setting.name in compare.FOR_ALL:
            _add_setting(command, setting)


def _add_drawing(command: argparse.ArgumentParser, without: Sequence[str] = ()) -> None:
    """How scenes are drawn, and what goes in with the words."""
    about = "first picture: the first scene becomes its next shot (default: from words)"
    command.add_argument("--input-image", type=Path, metavar="PATH", help=about)
    about = "pictures (characters, places) that every scene looks at as well"
    command.add_argument("--references", action="extend", nargs="+", default=[], type=Path, metavar="PATH", help=about)
    _add_look(command, without)
    about = "withhold scenes that look pornographic to a small classifier (off unless asked for: your own machine)"
    command.add_argument("--safety-checker", action="store_true", help=about)
    command.add_argument("--dry-run", action="store_true", help="show what would be drawn; load no model")


def _add_look(command: argparse.ArgumentParser, without: Sequence[str] = ()) -> None:
    for group in (Look, StorySettings):
        inherited = Look.model_fields if group is StorySettings else {}
        for setting in rows(group):
            if setting.name not in {*inherited, *without}:
                _add_setting(command, setting)
    for name in ("output_quality", "auto_retake", "self_check"):
        _add_setting(command, row(OutputSettings, name))


def _add_film_settings(command: argparse.ArgumentParser) -> None:
    film = command.add_argument_group("how the film is made (what is not given is as the story says)")
    for setting in rows(FilmSettings):
        if setting.name != "otio":
            _add_setting(film, setting)
    for name in ("narration", "effects"):
        about = f"the same as --{name} none"
        film.add_argument(f"--no-{name}", dest=name, action="store_const", const="none", help=about)
    about = "also an OpenTimelineIO file, for an editor (default: none; without FILE: beside the film)"
    film.add_argument("--otio", nargs="?", type=Path, const=Path(), metavar="FILE", help=about)
    about = "also the edit for another program: .edl, .xml (Final Cut Pro 7, Premiere) or .fcpxml; may be repeated"
    film.add_argument("--edit", action="append", default=[], type=Path, metavar="FILE", help=about)


def _add_papers(command: argparse.ArgumentParser) -> None:
    papers = command.add_argument_group("papers (default: none; without FILE: in the folder of the run)")
    about = "also a storyboard: a PDF with a panel for each scene, its picture, words, times and notes"
    papers.add_argument("--storyboard", nargs="?", type=Path, const=Path(), metavar="FILE", help=about)
    about = "also a shot list, a row for each scene: a table (CSV) that spreadsheets open"
    papers.add_argument("--shots", nargs="?", type=Path, const=Path(), metavar="FILE", help=about)


def _about_the_small_model() -> str:
    world = find(BUILT_IN).card.world or {}
    return f"\nWithout a GPU the built-in small model draws. It knows this and nothing else:\n\n{describe_world(world)}"


def typed(options: argparse.Namespace, group: type[Group]) -> dict[str, Any]:
    """What was typed of a group's settings; None: not typed."""
    values = {name: getattr(options, name, None) for name in group.model_fields}
    return values | ({"otio": values["otio"] is not None or None} if "otio" in values else {})


def _command(commands: Any, name: str, does: str, examples: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        prog=f"script/{name}",
        description=does,
        epilog=examples + (_about_the_small_model() if name in ("predict", "sequence", "batch", "restyle") else ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=name)
    return command


def _add_setting(command: argparse._ActionsContainer, setting: Setting) -> None:
    flag, about = f"--{setting.name.replace('_', '-')}", _help(setting)
    if setting.kind is bool:
        command.add_argument(flag, action=argparse.BooleanOptionalAction, help=about)
    else:
        metavar = setting.name.rsplit("_", 1)[-1].upper()
        several: dict[str, Any] = {"action": "append"} if setting.many else {}
        about += "; may be repeated" if setting.many else ""
        command.add_argument(flag, type=_KINDS[setting.kind], metavar=metavar, help=about, **several)


def _help(setting: Setting) -> str:
    choices = ", ".join(map(str, setting.choices))
    recommended = f"recommended: {setting.recommended}" if setting.recommended else ""
    more = "; ".join(filter(None, [choices, setting.range, recommended]))
    default = setting.blank or ("" if setting.kind is bool or setting.default is None else setting.default)
    text = setting.help[0].lower() + setting.help[1:] + (f" ({more})" if more else "")
    return (text + (f" (default: {default})" if default != "" else "")).replace("%", "%%")


def _number(kind: Callable[[str], int | float], what: str) -> Callable[[str], int | float]:
    def read(text: str) -> int | float:
        try:
            return kind(text)
        except ValueError:
            shown = text if len(text) <= 40 else f"{text[:40]}..."
            raise argparse.ArgumentTypeError(f"{what}, not {shown!r}") from None

    return read


_KINDS: dict[type, Callable[[str], Any]] = {
    int: _number(int, "a whole number"),
    float: _number(float, "a number"),
    str: str,
}

"""The terminal: flags in, a request out; what happens is shown. What is done is in `nextscene/production.py`.

`script/predict` makes one scene, `script/sequence` a story, `script/animate` its clips, `script/film` the film of one
that was made, and `script/explain` says how a picture was made.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextscene import NextSceneError
from nextscene.adaptation import Adaptation, adapt_file, describe, is_script, keep_breakdown
from nextscene.animating import Animation
from nextscene.api import load
from nextscene.batch import Wanted
from nextscene.cli.arguments import parser, typed
from nextscene.cli.batch import make_batch
from nextscene.cli.clip_batch import make_clip_batch
from nextscene.cli.compare import FOR_ALL, compare
from nextscene.cli.explain import explain
from nextscene.cli.move import move
from nextscene.cli.page import page
from nextscene.cli.restyle import restyle
from nextscene.cli.train import train
from nextscene.cli.write import write
from nextscene.cutting import cut_film
from nextscene.hub import Weights, choose, describe_models, fetch
from nextscene.output import Papers
from nextscene.production import Production, clean_folder
from nextscene.progress import say
from nextscene.request import Request
from nextscene.settings import ClipSettings, FilmSettings, MoveSettings, OutputSettings, ScriptSettings, StorySettings
from nextscene.shooting import Checker
from nextscene.story import Story, from_file, from_prompts, from_text

if TYPE_CHECKING:
    from nextscene.shooting import Studio


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Its exit status: 0, 1 for something the user can put right, 130 when interrupted."""
    options = parser().parse_args(arguments)
    try:
        COMMANDS[options.command](options)
    except NextSceneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept, and the same command goes on from there.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def _predict(options: argparse.Namespace) -> None:
    """Makes one scene, in one file, and its record beside it: scene.png, scene.run.json."""
    story = from_prompts([options.prompt or options.words])
    _make(_request(options, story, folder=options.output.parent, picture=options.output), options.dry_run)


def _sequence(options: argparse.Namespace) -> None:
    """Makes a story, or goes on with the one that was begun in its folder."""
    folder: Path = options.output_dir
    if options.clean:
        for file in clean_folder(folder, dry_run=options.dry_run):
            say(f"{'would remove' if options.dry_run else 'removed'} {file}")
        return
    adaptation = _typed_script(options)
    request = _request(
        options,
        adaptation.story if adaptation else _typed_story(options),
        adaptation.pictures if adaptation else (),
        folder=folder,
        story_folder=_story_folder(options),
        film=options.output_video,
        otio=_otio(options),
        edits=tuple(options.edit),
        sheet=folder / "contact_sheet.png",
        papers=_papers(options, folder),
        keep_takes=True,
        retake=tuple(options.retake),
        use=tuple(options.use),
        cascade=options.cascade,
        fresh=options.fresh,
        breakdown=adaptation.breakdown if adaptation else None,
    )
    if options.narration_only:
        say(Production(request, choose()).speak())
        return
    _make(request, options.dry_run, adaptation)


def _animate(options: argparse.Namespace) -> None:
    """Makes clips for a run that was made, or for a batch of scenes from a file."""
    wanted = StorySettings.checked(**typed(options, ClipSettings), seed=options.seed)
    if options.run.suffix == ".json":
        make_clip_batch(options, wanted, _load)
        return
    animation = Animation(options.run, wanted, Checker() if options.safety_checker else None)
    if options.dry_run:
        print(*animation.clips, sep="\n")
        return
    for path in animation.run(options.output_video):
        say(path)


def _move(options: argparse.Namespace) -> None:
    """Makes a planned motion."""
    move(options, MoveSettings.checked(**typed(options, MoveSettings)), _load)


def _film(options: argparse.Namespace) -> None:
    """Makes the film of an earlier run, without the model."""
    pace = StorySettings.checked(fps=options.fps, seconds_per_scene=options.seconds_per_scene)
    wanted = FilmSettings.checked(**typed(options, FilmSettings))
    papers = _papers(options, options.run)
    for path in cut_film(options.run, options.output, wanted, pace, _otio(options), tuple(options.edit), papers):
        say(path)


def _papers(options: argparse.Namespace, folder: Path) -> Papers:
    """The papers that were asked for; those without a name lie in the folder."""

    def file(typed: Path | None, name: str) -> Path | None:
        return typed if typed is None or typed.name else folder / name

    return Papers(file(options.storyboard, "storyboard.pdf"), file(options.shots, "shots.csv"))


def _compare(options: argparse.Namespace) -> None:
    """Draws looks side by side."""
    said = {name: value for name, value in typed(options, StorySettings).items() if name in FOR_ALL}
    compare(options, StorySettings.checked(**said))


def _batch(options: argparse.Namespace) -> None:
    """Makes many stories."""
    settings = StorySettings.checked(**typed(options, StorySettings))
    film = FilmSettings.checked(**typed(options, FilmSettings))
    make_batch(options, Wanted(settings, film, OutputSettings.checked(**typed(options, OutputSettings)), options.film))


def _otio(options: argparse.Namespace) -> Path | None:
    """The editor's file that was typed with --otio, if it was."""
    return options.otio if options.otio and options.otio.name else None


def _explain(options: argparse.Namespace) -> None:
    print(explain(options.picture, options.story, options.look))


def _weights(options: argparse.Namespace) -> None:
    if options.what == "list":
        print(describe_models())
    for name in options.names:
        print(fetch(name))


def _request(options: argparse.Namespace, story: Story | None, given: Sequence[Path] = (), **more: Any) -> Request:
    return Request(
        story=story,
        settings=StorySettings.checked(**typed(options, StorySettings)),
        film_settings=FilmSettings.checked(**typed(options, FilmSettings)),
        output=OutputSettings.checked(**typed(options, OutputSettings)),
        image=options.input_image,
        references=(*given, *options.references),
        check_safety=options.safety_checker and not options.dry_run,
        at_home=True,
        **more,
    )


def _typed_story(options: argparse.Namespace) -> Story | None:
    """The story that the command tells, if it tells one."""
    texts = [options.scenes] if options.scenes else options.words
    if len(texts) != 1:
        return from_prompts(texts) if texts else None
    path = Path(texts[0])
    if path.suffix in (".json", ".txt"):
        return from_file(path)
    story = from_text(texts[0])
    if len(story.scenes) == 1 and texts[0].count(", ") > 1:
        print(
            "note: this text is one scene, because each comma in it has a space after it: write | between scenes.",
            file=sys.stderr,
        )
    return story


def _typed_script(options: argparse.Namespace) -> Adaptation | None:
    """The script that the command names, adapted; None: it names none."""
    texts = [options.scenes] if options.scenes else options.words
    path = options.script or (Path(texts[0]) if len(texts) == 1 else Path())
    wanted = ScriptSettings.checked(**typed(options, ScriptSettings))
    if options.script and texts:
        raise NextSceneError("Both scenes and a script were given: give one of them.")
    if options.script or is_script(path):
        return adapt_file(path, wanted, _studio, opened=options.input_image is not None)
    if wanted.given:
        raise NextSceneError(f"--{next(iter(wanted.given)).replace('_', '-')} is for scripts: give one with --script.")
    return None


def _story_folder(options: argparse.Namespace) -> Path | None:
    """Where the story's file lies, if the story is in one."""
    texts = [options.scenes] if options.scenes else options.words
    file = Path(texts[0]) if len(texts) == 1 else Path()
    return file.parent if file.suffix in (".json", ".txt") else None


def _make(request: Request, dry_run: bool, adaptation: Adaptation | None = None) -> None:
    """Shows what was decided; makes it, unless this is a dry run. Of a script the breakdown is written in any case."""
    weights = choose()
    production = Production(request, weights)
    print(f"{weights.notice}\nSeed: {production.seed}", file=sys.stderr)
    if adaptation:
        file = keep_breakdown(adaptation.breakdown, request.folder)
        for line in describe(adaptation, production):
            print(line, file=sys.stdout if dry_run else sys.stderr)
        print(f"breakdown: {file}", file=sys.stdout if dry_run else sys.stderr)
    if not dry_run:
        for path in production.run(_studio):
            say(path)
        _studio.cache_clear()  # it may have made room for what moves pictures, for good
        return
    for shot in production.shots:
        print(shot)
        for note in production.notes[shot.id]:
            print(f"     note: {note}")
        for plan in production.clips:
            if plan.id == shot.id:
                print(plan)


@cache
def _studio() -> "Studio":
    """The model that draws; it may be asked to write before."""
    return _load(choose())


def _load(weights: Weights) -> "Studio":
    print("Loading the model ...", file=sys.stderr)
    return load(weights, lasting=False, say=lambda line: print(line, file=sys.stderr))


COMMANDS = {
    "predict": _predict,
    "sequence": _sequence,
    "animate": _animate,
    "move": _move,
    "restyle": lambda options: restyle(options, typed, _load),
    "page": page,
    "film": _film,
    "explain": _explain,
    "train": train,
    "write": write,
    "compare": _compare,
    "batch": _batch,
    "weights": _weights,
}

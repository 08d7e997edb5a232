"""`script/restyle`: a film that is there, in another look."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextscene.hub import Weights, choose
from nextscene.progress import say
from nextscene.restyle import Order, Restyling
from nextscene.settings import FilmSettings, RestyleSettings, StorySettings

if TYPE_CHECKING:
    from nextscene.shooting import Studio

EXAMPLES = """\
examples:
  script/restyle film.mp4 "night, rays of light"
  script/restyle film.mp4 "it starts to snow" --look noir.json --grade cool --grain 0.2
  script/restyle film.mp4 "night falls" --every 12 --keep-frames --output-dir outputs/night
  script/restyle film.mp4 "night falls" --per-frame           # each frame alone, as it was once done: it flickers
  script/restyle film.mp4 "night falls" --dry-run

The same command again goes on where it stopped. docs/restyle.md says what comes of it.
"""
Typed = Callable[[argparse.Namespace, type[Any]], dict[str, Any]]


def add_flags(command: argparse.ArgumentParser) -> None:
    command.add_argument("video", type=Path, metavar="FILM", help="a video in any common format")
    command.add_argument("words", metavar="WORDS", help="how it is to look, as what changes in it: 'night falls'")
    about = "folder for film.mp4, side-by-side.mp4 and restyle.json (default: outputs/restyle)"
    command.add_argument("--output-dir", type=Path, default=Path("outputs/restyle"), metavar="PATH", help=about)
    about = "stop at a frame that looks pornographic to a small classifier (off unless asked for: your own machine)"
    command.add_argument("--safety-checker", action="store_true", help=about)
    command.add_argument("--dry-run", action="store_true", help="show what would be drawn; load no model")


def restyle(options: argparse.Namespace, typed: Typed, load: Callable[[Weights], "Studio"]) -> None:
    """Restyles a film, or shows what would be done."""
    weights = choose()
    order = Order(
        film=options.video,
        words=options.words,
        folder=options.output_dir,
        settings=StorySettings.checked(**typed(options, StorySettings)),
        film_settings=FilmSettings.checked(**typed(options, FilmSettings)),
        restyle=RestyleSettings.checked(**typed(options, RestyleSettings)),
        check_safety=options.safety_checker and not options.dry_run,
        at_home=True,
    )
    restyling = Restyling(order, weights)
    print(weights.notice, file=sys.stderr)
    print(*restyling.plan.describe(), sep="\n", file=sys.stdout if options.dry_run else sys.stderr)
    if not options.dry_run:
        for path in restyling.run(lambda: load(weights)):
            say(path)

"""`script/write`: a small story of its own, as a script."""

import argparse
import secrets
import sys
from pathlib import Path

from nextscene import NextSceneError
from nextscene.files import typed_path, write_whole
from nextscene.hub import BUILT_IN, find
from nextscene.progress import say
from nextscene.script import invent
from nextscene.story import unknown_words

EXAMPLES = """\
examples:
  script/write --seed 7 --output tale.fountain && script/sequence tale.fountain --output-video tale.mp4 --captions soft
  script/write --about "a blue windmill by the sea, snow" --max-scenes 3 --max-places 2

The story is made up by rules, in words that the built-in model draws: it has a beginning, a turn and an end, and a
voice tells it. The same seed and words give the same story.
"""


def add_flags(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, help="the same seed gives the same story (default: a random one, printed)")
    about = "what it should be about: places, things, colours, weather that the built-in model knows"
    command.add_argument("--about", default="", metavar="WORDS", help=about)
    command.add_argument("--max-scenes", type=int, default=5, metavar="NUMBER", help="at most so many (default: 5)")
    command.add_argument("--max-places", type=int, default=3, metavar="NUMBER", help="at most so many (default: 3)")
    about = "file to write, such as tale.fountain (default: none, the script is printed)"
    command.add_argument("--output", type=Path, metavar="PATH", help=about)


def write(options: argparse.Namespace) -> None:
    """Makes up a story, and prints it or writes it where that is wanted."""
    for flag, value in {"--max-scenes": options.max_scenes, "--max-places": options.max_places}.items():
        if not 1 <= value <= 20:
            raise NextSceneError(f"{flag}: give 1 to 20, not {value}.")
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    if strange := unknown_words(options.about, find(BUILT_IN).card.world or {}):
        print(
            f"The built-in model draws nothing for: {', '.join(strange)}; the story is not about it.", file=sys.stderr
        )
    script = invent(seed, options.about, options.max_scenes, options.max_places)
    print(f"Seed: {seed}", file=sys.stderr)
    if options.output:
        file = typed_path(options.output, "--output")
        write_whole(file, script)
        say(file)
    else:
        print(script)

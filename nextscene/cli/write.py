"""`script/write`: a small story of its own, as a script."""

import argparse
import secrets
import sys
from pathlib import Path

from nextscene import NextSceneError
from nextscene.api import load
from nextscene.files import typed_path, write_whole
from nextscene.hub import BUILT_IN, cache_folder, find
from nextscene.progress import say
from nextscene.script import invent
from nextscene.story import unknown_words
from nextscene.writing import Answers, WriterError, find_writer, tell

EXAMPLES = """\
examples:
  script/write --seed 7 --output tale.fountain && script/sequence tale.fountain --output-video tale.mp4 --captions soft
  script/write --about "a blue windmill by the sea, snow" --max-scenes 3 --max-places 2
  OPENAI_API_KEY=... script/write --writer openai --about "a baker who cannot sleep" --output tale.fountain

The story is made up by rules, in words that the built-in model draws: it has a beginning, a turn and an end, and a
voice tells it. The same seed and words give the same story. A writer that you name knows other words; what it gives is
kept in the cache, so that nobody is asked, and paid, twice for the same.
"""


def add_flags(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, help="the same seed gives the same story (default: a random one, printed)")
    about = "what it should be about: places, things, colours, weather that the built-in model knows"
    command.add_argument("--about", default="", metavar="WORDS", help=about)
    command.add_argument("--max-scenes", type=int, default=5, metavar="NUMBER", help="at most so many (default: 5)")
    command.add_argument("--max-places", type=int, default=3, metavar="NUMBER", help="at most so many (default: 3)")
    about = "who writes it: rules (the default), local, openai, anthropic, gemini, or a server's address"
    command.add_argument("--writer", default="rules", metavar="NAME", help=about)
    command.add_argument(
        "--writer-model", metavar="NAME", help="which model of a hosted writer (default: its usual one)"
    )
    command.add_argument("--rewrite", action="store_true", help="ask the writer anew, whatever it has answered before")
    about = "file to write, such as tale.fountain (default: none, the script is printed)"
    command.add_argument("--output", type=Path, metavar="PATH", help=about)


def write(options: argparse.Namespace) -> None:
    """Makes up a story, and prints it or writes it where that is wanted."""
    for flag, value in {"--max-scenes": options.max_scenes, "--max-places": options.max_places}.items():
        if not 1 <= value <= 20:
            raise NextSceneError(f"{flag}: give 1 to 20, not {value}.")
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    print(f"Seed: {seed}", file=sys.stderr)
    script = (options.writer != "rules" and _told(options, seed)) or _made_up(options, seed)
    if options.output:
        file = typed_path(options.output, "--output")
        write_whole(file, script)
        say(file)
    else:
        print(script)


def _told(options: argparse.Namespace, seed: int) -> str:
    """The story by the writer who is named; empty, where there is none that can be used."""
    writer = find_writer(options.writer, options.writer_model, None, lambda: load(lasting=False).model)
    print(f"Asking {writer.name}: 1 question.", file=sys.stderr)
    answers = Answers(cache_folder() / "writing", options.rewrite)
    try:
        return tell(writer, answers, seed, options.about, options.max_scenes, options.max_places)
    except WriterError as error:
        print(f"The story is made up by rules: {error}.", file=sys.stderr)
        return ""


def _made_up(options: argparse.Namespace, seed: int) -> str:
    if strange := unknown_words(options.about, find(BUILT_IN).card.world or {}):
        print(
            f"The built-in model draws nothing for: {', '.join(strange)}; the story is not about it.", file=sys.stderr
        )
    return invent(seed, options.about, options.max_scenes, options.max_places)

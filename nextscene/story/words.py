"""What a model knows that knows only a small world: which words of a prompt it never learned, and its world to show.

A prompt and a world (see `nextscene.card`) go in; words come out. A word counts as known if it stands, in any
inflection, in a wording that the model was taught. Words that name nothing to be seen, as "the" or "slowly", are never
unknown. It knows no models.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from nextscene.card import World
from nextscene.story.scene import without_prefix

MOST_NAMED = 6  # unknown words in one sentence

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_SUFFIXES = ("s", "es", "ed", "d", "ing", "er", "r", "est", "st")
_STEM = 3  # letters that are left of a word, at least
# Words that say how others belong together.
_GRAMMAR = frozenset(
    re.findall(
        r"\w+",
        """
        a an the this that these those some any all each every both no not none one other another such own same
        i you he she it we they me him her us them my your his its our their mine yours hers ours theirs
        who whom whose which what where when while as if than so because until unless though although since
        and or but nor yet of in on at by for with without from to into onto upon over under above below beneath
        underneath behind beside besides between among amid amidst through throughout across along alongside around
        about against near toward towards up down upward upwards downward downwards forward forwards backward backwards
        out off away back inside outside within beyond before after during past via per like
        is are was were be been being am has have had having do does did doing done can could will would shall should
        may might must let lets get gets got
        there here then now again still just only also too very more most much many few little less least even ever
        never always almost quite rather soon later once maybe perhaps however instead else way ways bit lot next
        """,
    )
)
_NO_ADVERBS = frozenset(
    re.findall(
        r"\w+",
        """
        ally anomaly assembly belly bully butterfly curly dolly dragonfly family firefly fly friendly ghostly heavenly
        holly jelly lily lively lonely lovely rally reply silly supply ugly woolly
        """,
    )
)


def unknown_words(prompt: str, world: World) -> list[str]:
    """The words of a prompt that the model never learned, as they stand in it, each once."""
    known = _known(tuple(_wordings(world)))
    words = dict.fromkeys(word for word in _words(without_prefix(prompt)) if not _says_how(word))
    return [word for word in words if not known & _stems(word)]


def about_unknown_words(prompt: str, world: World) -> str:
    """A sentence about the words that the model never learned; empty, if it knows them all."""
    words = unknown_words(prompt, world)
    if not words:
        return ""
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    things = "; ".join(", ".join(world[kind]) for kind in ("places", "landmarks") if kind in world)
    return f"the model does not know: {', '.join(words[:MOST_NAMED])}{more} (it knows {things}: see README)"


def describe_world(world: World) -> str:
    """What the model knows, a line for each kind of thing: for a terminal."""
    wide = max(map(len, world)) + 2
    return "\n".join(f"{kind:{wide}}{', '.join(names)}" for kind, names in world.items() if kind != "other words")


def world_table(world: World, wordings: int = 4) -> str:
    """The same as a table in Markdown, with some of the wordings that were taught for each thing."""
    rows = [
        f"| {kind if first else ''} | {name} | {', '.join(taught[:wordings])} |"
        for kind, names in world.items()
        if kind != "other words"
        for first, (name, taught) in zip([True] + [False] * len(names), names.items(), strict=False)
    ]
    return "\n".join(["| | | taught as |", "|---|---|---|", *rows])


def _wordings(world: World) -> Iterator[str]:
    for names in world.values():
        for name, wordings in names.items():
            yield from (name, *wordings)


@lru_cache(maxsize=8)
def _known(wordings: tuple[str, ...]) -> frozenset[str]:
    return frozenset(stem for wording in wordings for word in _words(wording) for stem in _stems(word))


def _words(text: str) -> list[str]:
    return [re.split("['\u2019]", word)[0] for word in _WORD.findall(text.lower())]


def _says_how(word: str) -> bool:
    """Whether it names nothing that can be seen: grammar, a manner, or a letter."""
    manner = word.endswith("ly") and len(word) > _STEM + 2 and word not in _NO_ADVERBS
    return word in _GRAMMAR or manner or (len(word) == 1 and word.isascii())


def _stems(word: str) -> frozenset[str]:
    """What a word may be an inflection of; for most words more than it is, which does no harm."""
    stems = {word}
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(stem := word.removesuffix(suffix)) >= _STEM:
            stems |= {stem, stem + "e"}
            if stem[-1] == stem[-2]:
                stems.add(stem[:-1])  # panning, pan
            if stem.endswith("i"):
                stems.add(stem[:-1] + "y")  # dollies, dolly
    return frozenset(stems)

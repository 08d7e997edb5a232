"""What a place looks like and sounds like, as far as a script's own words say."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from nextscene.script.breakdown import MAX_WORDS, Place
from nextscene.script.headings import Heading
from nextscene.script.people import new_id
from nextscene.story import PLACES, camera_moves

MOST_SENTENCES = 2  # of a place's description

AMBIENCES: Mapping[str, str] = {  # what a place sounds like, by the words that name it
    "sea": "sea|seaside|beach|shore|coast|ocean|harbou?r|pier|port|docks?|waves|lighthouse",
    "wind": "desert|dunes|mountains?|cliffs?|moor|hill|roof|field|wind(?:y|swept)?|plain",
    "rain": "rain(?:y|ing)?|downpour|storm",
    "fire": "fire(?:place|side)?|hearth|campfire",
    "city": "city|street|town|alley|market|square|traffic|avenue|road",
}
EFFECTS: Mapping[str, str] = {  # what is heard once, by the words that tell of it
    "bell": "bells? (?:rings?|tolls?|chimes?|sounds?)|rings? the bell|tolling",
    "knock": "knocks?(?:ing)?(?! (?:over|out|down))",
    "thunder": "thunder",
    "steps": "footsteps?|steps (?:approach|echo|come)",
    "clock": "clock (?:ticks?|strikes?)|ticking",
    "heartbeat": "heartbeat|heart (?:beats|pounds)",
}
_SKY = re.compile(
    r"(?i),?\s*\b(?:under an? (?:clear|starry|cloudless|night|grey|dark) sky|at (?:dawn|noon|dusk|sunset|night|midday)"
    r"|in (?:the |thick |heavy |pouring |falling )*(?:rain|snow|fog|mist|morning light|evening light|daylight|dark))\b"
)
_ARTICLE = re.compile(r"^(?:An?|The|Some|Many|No|One|Two|Three|Rows?|Only)\b")  # what is no name
_SENTENCE = re.compile(r"[^.!?]+[.!?]*\s*")
_HAPPENS = re.compile(  # a thing in the singular, and a word in s behind it: "A bell rings."
    r"(?i)^(?:an?|the|his|her|its|one) (?:[\w'-]+ ){0,3}?(?!(?:the|an?|its|his|her|of|some|many|two|three|small|tall) )"
    r"[\w'-]+ (?!(?:this|its|his|as|is|was|has|across|always|grass|glass|cross|less)\b)[a-z]+[^s\W]s\b(?! (?:of|and)\b)"
)


def find_places(
    headings: Sequence[Heading], openings: Sequence[str], names_someone: Callable[[str], bool]
) -> dict[tuple[str, bool], Place]:
    """Each place of the scenes, once, by its key. openings: the first words of what happens in each scene."""
    places: dict[tuple[str, bool], Place] = {}
    taken: set[str] = set()
    for heading, opening in zip(headings, openings, strict=True):
        if not heading.place or key_of(heading) in places:
            continue
        look = describe(opening, names_someone)[:MAX_WORDS]
        another = (heading.place.upper(), not heading.inside) in places
        side = (" inside" if heading.inside else " outside") if another else ""
        places[key_of(heading)] = Place(
            id=new_id(heading.place + side, taken),
            names=(heading.place[:80],),
            inside=heading.inside,
            look=look,
            sounds=tuple(_named(AMBIENCES, f"{heading.place} {look}")) or (("room",) if heading.inside else ()),
        )
    return places


def key_of(heading: Heading) -> tuple[str, bool]:
    return heading.place.upper(), heading.inside


def describe(opening: str, names_someone: Callable[[str], bool]) -> str:
    """What a place looks like: the sentences that a scene opens with, as long as nobody is in them and nothing happens.

    The light and the weather are left out, as they change.
    """
    kept: list[str] = []
    for sentence in _SENTENCE.findall(opening)[:MOST_SENTENCES]:
        words = _SKY.sub("", sentence).strip(" .!?,")
        if (
            names_someone(sentence)
            or camera_moves(sentence)
            or _HAPPENS.match(words)
            or re.search(r"(?i)\b(?:s?he|they)\b", words)
        ):
            break
        if len(words.split()) > 1 and not words.isupper():
            kept.append(_ARTICLE.sub(lambda first: first[0].lower(), words))
    return kept[0] + "".join(f"{', ' if each[0].islower() else '. '}{each}" for each in kept[1:]) if kept else ""


def find_place(words: str) -> str:
    """The first place that a tale's words name, if they name one."""
    met = re.search(
        rf"(?i)\b(?:by|at|on|in|near|below|beside|among) (?:the|an?) (?P<name>{'|'.join(PLACES.values())})\b", words
    )
    return met["name"] if met else ""


def find_sounds(words: str) -> Iterator[tuple[str, float]]:
    """What is heard, and where in the words: at which share of the shot's time."""
    for what, pattern in EFFECTS.items():
        if met := re.search(rf"(?i)\b(?:{pattern})\b", words):
            yield what, round(met.start() / len(words), 2)


def _named(kinds: Mapping[str, str], words: str) -> list[str]:
    return [kind for kind, pattern in kinds.items() if re.search(rf"(?i)\b(?:{pattern})\b", words)]

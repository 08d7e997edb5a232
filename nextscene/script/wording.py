"""A prompt put together of its parts, as one would write it.

What the script and a person say stands in it to the letter; only a place's look begins with a capital, as a sentence of
its own. What the rules add are whole sentences around it: the camera, the place with its light, who somebody is.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from nextscene.script.breakdown import Person, Place
from nextscene.script.vocabulary import LIGHTS, WEATHERS
from nextscene.settings import Light, Weather

_ENDS = re.compile(
    "[.!?:;\N{HORIZONTAL ELLIPSIS}\u3002\uff01\uff1f\u061f\u06d4\u0964][\"'\N{RIGHT DOUBLE QUOTATION MARK})*]*$"
)  # a sentence
_NEAR: Mapping[str, str] = {  # how one is at a place outside, by the last word of its name
    **dict.fromkeys(("sea", "seaside", "river", "lake", "window", "fire"), "by"),
    **dict.fromkeys(("beach", "roof", "rooftop", "deck", "bridge", "hill", "road", "shore", "balcony", "island"), "on"),
    **dict.fromkeys(("desert", "forest", "woods", "mountains", "garden", "park", "field", "meadow", "yard"), "in"),
    **dict.fromkeys(("city", "town", "village", "street", "alley", "square", "valley", "sky", "dunes"), "in"),
}
_ENGLISH = re.compile(r"(?i)\b(?:the|and|of|with|his|her|she|they|from)\b")
_OTHERS = re.compile(
    r"(?i)\b(?:der|die|das|und|ein|eine|le|la|les|et|une|des|el|los|las|y|il|che|het|een|och|nie|jest)\b|[^\W\d_a-zß-ɏ]+"
)


def join(parts: Sequence[str]) -> str:
    """Parts as sentences; one that begins with a small letter goes on with the one before it."""
    text = ""
    for part in parts:
        said = part.strip().rstrip(" ,;:")
        if said and text and not _ENDS.search(text):
            text += "," if said[0].islower() else "."
        text = " ".join(filter(None, [text, said]))
    return text if not text or _ENDS.search(text) else f"{text}."


def begin(words: str) -> str:
    """Words as a sentence begins."""
    return words[:1].upper() + words[1:]


def whole_sentences(words: str, most: int) -> str:
    """The words, or so many of their sentences that they have no more characters than this."""
    if len(words) <= most:
        return words
    ends = [found.end() for found in re.finditer(r"[.!?](?=\s)", words[:most])]
    return words[: ends[-1] if ends else words.rfind(" ", 0, most) if " " in words[:most] else most]


def name_of(part: Person | Place) -> str:
    """A name as it stands in a sentence; one that is not all in capitals is as it was written."""
    name = part.names[0]
    return re.sub(r"(?<![^\s-])\w", lambda first: first[0].upper(), name.lower()) if name.isupper() else name


def list_names(people: Sequence[Person]) -> str:
    """Who it is, as one lists them."""
    *others, last = [*map(name_of, people)] or [""]
    return " and ".join(filter(None, [", ".join(others), last]))


def looks(people: Sequence[Person], words: str) -> list[str]:
    """Who everybody is whose look the words do not say already."""
    return [f"{name_of(each)}: {each.look}" for each in people if each.look and not says(words, each.look)]


def says(words: str, look: str) -> bool:
    """Whether the words say all of a look already."""
    plain, wanted = (" ".join(re.findall(r"\w+", each.lower())) for each in (words, look))
    return bool(wanted) and f" {wanted} " in f" {plain} "


def setting_of(place: Place | None, sky: str, words: str, text: str) -> str:
    """What is there, as far as words do not say it already, then where and when it is. text: the whole script's.

    In this order the built-in model follows the light; said before it, often not.
    """
    if not place:
        return begin(sky)
    look = place.look
    named = bool(look) and place.names[0].lower() in look.lower()
    when = ", ".join(filter(None, ["" if named else spot_of(place, text), sky]))
    return join(["" if says(words, look) else begin(look), begin(when)])


def spot_of(place: Place, text: str) -> str:
    """How one is at a place: "on the deck of the ship". In a script that is not in English: its name alone."""
    name = name_of(place)
    if not is_english(text):
        return name.replace(" - ", ", ")
    parts = [_called(part, text) for part in reversed(name.split(" - "))]
    near = "inside" if place.inside else _NEAR.get(parts[0].split()[-1].lower(), "at")
    return f"{near} {' of '.join(parts)}"


def _called(name: str, text: str) -> str:
    """A place's name with its article; one that the script uses as a name, or that is somebody's, has none."""
    owned = re.search(r"(?i)['\N{RIGHT SINGLE QUOTATION MARK}]s\b|^\d", name)
    used = re.search(rf"[\w,] {re.escape(name)}\b", text) and not re.search(rf"\b{re.escape(name.lower())}\b", text)
    if owned or used:
        return name
    return f"the {re.sub('^(?:the|an?) ', '', name.lower())}"


@lru_cache(maxsize=4)
def is_english(text: str) -> bool:
    """Whether more of a script's small words are English than of other languages, or of other alphabets."""
    return sum(1 for _ in _ENGLISH.finditer(text)) >= sum(1 for _ in _OTHERS.finditer(text))


def sky_of(place: Place | None, light: Light | None, weather: Weather | None) -> str:
    """The light, and outside the weather."""
    outside = not (place and place.inside)
    return ", ".join(filter(None, [LIGHTS[light] if light else "", WEATHERS[weather] if weather and outside else ""]))

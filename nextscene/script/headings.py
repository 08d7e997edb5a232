"""What a scene's heading says: which place, inside or outside, which time of day, which weather."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from nextscene.settings import Light, Weather
from nextscene.story import WEATHERS

_WORDS = r"(?:int[eé]rieur|interior|innen|инт|ext[eé]rieur|exterior|au(?:ß|ss)en|экст|нат)(?=\.)"  # begin sentences too
INSIDE_OR_OUT = rf"int\.?/ext|ext\.?/int|i\.?/e|{_WORDS}|int|ext|est"  # how a heading begins, in a few languages
NUMBERED = r"(?:\d{1,4}[a-z]?[.)]?\s+)?"  # as production scripts do it: "12A EXT. PIER - DAY 12A"
_WHERE = re.compile(rf"^\.?(?P<number>{NUMBERED})(?P<where>{INSIDE_OR_OUT})?\b[.\s]*", re.IGNORECASE)
_NUMBER = re.compile(r"#[^#]+#\s*$")
_PARTS = re.compile(r"\s+[-\N{EN DASH}\N{EM DASH}]+\s+|\.\s+|\s*[()]\s*")
_LIGHTS: Mapping[Light, str] = {  # a heading's own words, of a few languages
    "dawn": "dawn|sunrise|morning|daybreak|aube|matin|morgen|amanecer|mattina|утро|朝",
    "day": "day|noon|midday|afternoon|daylight|jour|tag|mittag|nachmittag|d[ií]a|giorno|tarde|день|日|昼",
    "dusk": "dusk|sunset|evening|twilight|magic hour|soir|cr[eé]puscule|abend|d[aä]mmerung|atardecer|sera|вечер|夕",
    "night": "night|midnight|nuit|nacht|noche|notte|ночь|夜",
}
_COMMA_TIME = re.compile(rf"(?i),\s*(?=(?:{'|'.join(_LIGHTS.values())})\s*$)")
_AS_BEFORE = r"continuous|later|same|moments later|same time|intercut|flashback|present|meanwhile"


@dataclass(frozen=True)
class Heading:
    """place: its name as the heading has it, in single spaces; light, weather: None: it does not say."""

    place: str
    inside: bool
    light: Light | None
    weather: Weather | None


def read_heading(words: str) -> Heading:
    """What a heading says; what comes after the place is only the time and the weather where it names one."""
    where = _WHERE.match(words)
    assert where
    inside = (where["where"] or "").lower().startswith(("i", "инт"))
    named = _NUMBER.sub("", words[where.end() if where["where"] else 0 :]).strip().removeprefix(".")
    if (number := where["number"].strip()) and where["where"]:
        named = named.removesuffix(number).rstrip()
    named = _COMMA_TIME.sub(" - ", named)
    parts = [part for part in _PARTS.split(named) if part.strip(" .,")]
    names = [part for at, part in enumerate(parts) if at == 0 or not _is_time(part)]
    times = " ".join(part for part in parts[1:] if _is_time(part)) if parts else ""
    return Heading(" - ".join(" ".join(name.split()) for name in names), inside, find_light(times), find_weather(times))


def find_light(words: str) -> Light | None:
    return next((light for light in get_args(Light) if re.search(rf"(?i)\b(?:{_LIGHTS[light]})\b", words)), None)


def find_weather(words: str) -> Weather | None:
    return next((each for each in get_args(Weather) if re.search(rf"(?i)\b(?:{WEATHERS[each]})\b", words)), None)


def _is_time(part: str) -> bool:
    said = re.search(rf"(?i)\b(?:{_AS_BEFORE})\b", part)
    return bool(said or find_light(part) or find_weather(part))

"""Who is in a script: those who speak, and those whom it introduces with what they look like."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import regex

from nextscene.script.script import Element, Script

_HOW = re.compile(r"\(([^()]*)\)")
_UNSEEN = re.compile(r"(?i)\b(?:v\. ?o|o\. ?s|o\. ?c|voice[- ]?over|off(?:[- ]?screen)?|phone|radio|on tape)\b\.?")
_NARRATORS = {"NARRATOR", "NARRATION", "NARRATEUR", "NARRATRICE", "ERZÄHLER", "ERZÄHLERIN", "NARRADOR", "NARRADORA"}
_TOGETHER = re.compile(r"\s*(?:&|/|\+|\bAND\b|,)\s*")
_LETTERS = r"\p{Lu}\p{M}\d.'\N{RIGHT SINGLE QUOTATION MARK}-"
_NAME = rf"\p{{Lu}}[{_LETTERS}]*(?: \p{{Lu}}[{_LETTERS}]*){{0,3}}"
_INTRODUCED = regex.compile(rf"(?<!\w)(?:AN? |THE )?(?P<name>{_NAME}) ?\((?P<look>[^()]{{2,200}})\)")
_ASIDE = regex.compile(
    r",\s*(?P<look>(?:an?|in|with|wearing|mid|early|late|\d)\b[^,.;!?]*"
    r"(?:,\s*(?:in|with|wearing|\d)\b[^,.;!?]*)*)[,.;]"
)
_OPEN, _CLOSE = '"\N{LEFT DOUBLE QUOTATION MARK}', '"\N{RIGHT DOUBLE QUOTATION MARK}'
_SPEECH = re.compile(rf"[{_OPEN}]([^{_OPEN}{_CLOSE}]+)[{_CLOSE}]")
_SAYS = (
    r"(?:said|says|ask(?:ed|s)|whisper(?:ed|s)|shout(?:ed|s)|cried|cries|call(?:ed|s)|answer(?:ed|s)|repl(?:ied|ies))"
)
_SPEAKER = r"(?P<name>\p{Lu}[\p{Ll}'-]+)"
_SAID_BY = regex.compile(rf"[,.!?]?\s*(?:{_SAYS} {_SPEAKER}|{_SPEAKER} {_SAYS})\b")
_SAID_BEFORE = regex.compile(rf"\b{_SPEAKER} {_SAYS}[,:]?\s*$")
_TITLES = {"MR", "MRS", "MS", "DR", "THE", "OLD", "YOUNG", "AND", "VON", "VAN", "DER", "DE", "LA", "LE", "OF"}


@dataclass
class Someone:
    """A person while the script is read: how they are called, what they look like, whether they are ever seen."""

    id: str
    name: str
    look: str = ""
    seen: bool = False
    called: list[str] = field(default_factory=list)  # parts of the name that nobody else is called by


@dataclass(frozen=True)
class Speech:
    """What is said at once: by whom (names; none: a narrator), from where to where, and whether the speaker is seen."""

    who: tuple[str, ...]
    start: int
    end: int
    seen: bool


def find_speeches(script: Script) -> list[Speech]:
    """All that is said, in order."""
    if script.format == "prose":
        return list(_quoted(script))
    speeches: list[Speech] = []
    cue: Element | None = None
    for each in script.elements:
        if each.kind == "character":
            cue = each
        elif each.kind in ("dialogue", "lyrics") and cue:
            if speeches and speeches[-1].start > cue.start:
                speeches[-1] = Speech(speeches[-1].who, speeches[-1].start, each.end, speeches[-1].seen)
            else:
                words = script.words([cue])
                speeches.append(
                    Speech(_names(words), each.start, each.end, not _UNSEEN.search(" ".join(_HOW.findall(words))))
                )
        elif each.kind not in ("parenthetical", "note", "cut", "dialogue", "lyrics"):
            cue = None
    return [_trimmed(script, each) for each in speeches]


def find_people(script: Script, speeches: Sequence[Speech]) -> dict[str, Someone]:
    """Everybody, by the name that they are called by, in the order in which they come."""
    people: dict[str, Someone] = {}
    ids: set[str] = set()
    action = [(each.start, script.words([each])) for each in script.elements if each.kind == "action"]
    found = [(each.start, name, each.seen, "") for each in speeches for name in each.who]
    for start, words in action:
        found += [
            (start, each["name"].strip(), True, each["look"].strip())
            for each in _INTRODUCED.finditer(words)
            if script.format != "prose"
        ]
    for _, name, seen, look in sorted(found, key=lambda each: each[0]):
        if name not in people:
            people[name] = Someone(new_id(name, ids), name)
        someone = people[name]
        someone.seen |= seen
        someone.look = someone.look or look
    _add_parts_of_names(people)
    for _, words in action:
        for someone in people.values():
            if (
                not someone.look
                and (met := _mention(someone).search(words))
                and (said := _ASIDE.match(words, met.end()))
            ):
                someone.look = said["look"].strip()
    for someone in people.values():
        someone.seen |= any(_mention(someone).search(words) for _, words in action)
    return people


def mentioned(people: dict[str, Someone], words: str) -> list[Someone]:
    """Whom the words name, in order."""
    found = [(met.start(), someone) for someone in people.values() if (met := _mention(someone).search(words))]
    return [someone for _, someone in sorted(found, key=lambda each: each[0])]


def new_id(name: str, taken: set[str]) -> str:
    """A short name for JSON, of a name's letters, that is not taken yet; it is then."""
    plain = unicodedata.normalize("NFKD", name.lower())
    base = re.sub(r"\W+", "_", "".join(c for c in plain if not unicodedata.combining(c))).strip("_")[:40] or "x"
    chosen, number = base, 1
    while chosen in taken:
        number += 1
        chosen = f"{base}_{number}"
    taken.add(chosen)
    return chosen


def _names(cue: str) -> tuple[str, ...]:
    """Who speaks, by a line that says it; nobody, if it is a narrator."""
    name = " ".join(_HOW.sub(" ", cue.removesuffix("^")).split())
    if name.upper() in _NARRATORS:
        return ()
    return tuple(part for part in _TOGETHER.split(name) if part) or (name,)


def _trimmed(script: Script, speech: Speech) -> Speech:
    said = script.text[speech.start : speech.end]
    start = speech.start + len(said) - len(said.lstrip())
    return Speech(speech.who, start, speech.start + len(said.rstrip()), speech.seen)


def _quoted(script: Script) -> Iterator[Speech]:
    """What stands in quotation marks in prose, and who says it, where that is said beside it."""
    for piece in script.elements:
        words = script.text[piece.start : piece.end]
        for quote in _SPEECH.finditer(words) if piece.kind == "action" else ():
            by = _SAID_BY.match(words, quote.end()) or _SAID_BEFORE.search(words, 0, quote.start())
            who = (by["name"].upper(),) if by else ()
            yield Speech(who, piece.start + quote.start(1), piece.start + quote.end(1), True)


def _add_parts_of_names(people: dict[str, Someone]) -> None:
    parts = {name: [part.strip(".") for part in name.upper().split()] for name in people}
    for name, someone in people.items():
        others = {part for other, each in parts.items() if other != name for part in each}
        if len(parts[name]) > 1:
            someone.called = [part for part in parts[name] if len(part) > 2 and part not in others | _TITLES]


def _mention(someone: Someone) -> re.Pattern[str]:
    return _pattern(someone.name, tuple(someone.called))


@cache
def _pattern(whole: str, parts: tuple[str, ...]) -> re.Pattern[str]:
    """How a name stands in a sentence: as it is, or with a capital; in small letters it may be any word."""
    forms = [form for name in (whole, *parts) for form in (name, name.upper(), name.title())]
    if " " in whole:
        forms.append(whole.lower())
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, dict.fromkeys(forms)))})(?!\w)")

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
_NAME_REST = rf"[{_LETTERS}]*(?: \p{{Lu}}[{_LETTERS}]*){{0,3}}"
_NAME = rf"\p{{Lu}}{_NAME_REST}"
_INTRODUCED = regex.compile(rf"(?<!\w)(?:AN? |THE )?(?P<name>{_NAME}) ?\((?P<look>[^()]{{2,200}})\)")
_AGE = (
    r"(?:in (?:his|her|their) )?(?:(?:mid|early|late)[- ]|about |almost |nearly )?(?:\d+s?|teens|ten|twelve|thirteen|"
    r"(?:four|fif|six|seven|eigh|nine)teen|(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)(?:y|ies)(?:-\w+)?)\b"
)
_SOMEONE = r"an? (?:[\w-]+ ){0,3}?(?:(?:wo)?man|girl|boy|child|lady|teenager|dog|cat|robot)\b"
_WEARS = r"(?:in|with|wearing|an?|late|early|mid)\b|\d"
_BARE = r"(?!(?:and|or|who|then|but)\b)(?:[\p{Ll}-]+(?<!s|ing) ){0,2}[\p{Ll}-]+(?<!ing)(?=,)"  # "red coat", "tall"
_ASIDE = regex.compile(
    rf",\s*(?P<look>(?:{_AGE}|{_WEARS})[^,.;!?]*(?:,\s*(?:(?:{_WEARS})[^,.;!?]*|(?![\p{{Ll}}]+s\b){_BARE}))*)[,.;]"
)
_NEWCOMER = regex.compile(  # how a script first names somebody: in capitals, and then how old, or who it is
    rf"(?<!\w)(?:AN? |THE )?(?P<name>\p{{Lu}}(?=[{_LETTERS}]){_NAME_REST})(?=,\s*(?:{_AGE}|{_SOMEONE}))"
)
_OPEN, _CLOSE = '"\N{LEFT DOUBLE QUOTATION MARK}', '"\N{RIGHT DOUBLE QUOTATION MARK}'
MARKS = (*_OPEN, *_CLOSE)  # of what is said
_SPEECH = re.compile(rf"[{_OPEN}]([^{_OPEN}{_CLOSE}]+)[{_CLOSE}]")
_SAYS = (
    r"(?:said|says|ask(?:ed|s)|whisper(?:ed|s)|shout(?:ed|s)|cried|cries|call(?:ed|s)|answer(?:ed|s)|repl(?:ied|ies))"
)
_SPEAKER = r"(?P<name>(?!(?:He|She|They|We|You|It|Who|Nobody|Someone)\b)\p{Lu}[\p{Ll}'-]+)"
_SAID_BY = regex.compile(rf"[,.!?]?\s*(?:{_SAYS} {_SPEAKER}|{_SPEAKER} {_SAYS})\b")
_SAID_BEFORE = regex.compile(rf"\b{_SPEAKER} {_SAYS}[,:]?\s*$")
_SAID_BY_ONE = re.compile(rf"[,.!?]?\s*(?:{_SAYS} (?:she|he)|(?:[Ss]he|[Hh]e) {_SAYS})\b")
_DOING = re.compile(r"(?!wearing|carrying|elderly)\w+(?:ing|ly)\b|cont|beat\b")  # in brackets behind a name: no look
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
            (start, each["name"].strip(), not _UNSEEN.search(each["look"]), _look_in(each["look"].strip()))
            for each in _INTRODUCED.finditer(words)
            if script.format != "prose"
        ]
        found += [
            (start, each["name"].strip(), True, "")
            for each in _NEWCOMER.finditer(words)
            if script.format != "prose" and _ASIDE.match(words, each.end())
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


def _look_in(brackets: str) -> str:
    return "" if _DOING.match(brackets.lower()) or _UNSEEN.search(brackets) else brackets


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
    """What stands in quotation marks in prose, and who says it, where that is said beside it.

    What nobody is said to say beside another quote is said by whoever said that; "he said" is who was named last.
    """
    paragraphs = [script.text[each.start : each.end] for each in script.elements if each.kind == "action"]
    starts = [each.start for each in script.elements if each.kind == "action"]
    speakers = {by["name"] for words in paragraphs for quote in _SPEECH.finditer(words) if (by := _by(words, quote))}
    for start, words in zip(starts, paragraphs, strict=True):
        who: tuple[str, ...] = ()
        for quote in _SPEECH.finditer(words):
            named = [each for each in re.findall(r"\b[^\W\d_][\w'-]+", words[: quote.start()]) if each in speakers]
            if by := _by(words, quote):
                who = (by["name"].upper(),)
            elif named and _SAID_BY_ONE.match(words, quote.end()):
                who = (named[-1].upper(),)
            yield Speech(who, start + quote.start(1), start + quote.end(1), True)


def _by(words: str, quote: re.Match[str]) -> "regex.Match[str] | None":
    return _SAID_BY.match(words, quote.end()) or _SAID_BEFORE.search(words, 0, quote.start())


def around_quote(text: str, start: int, end: int) -> tuple[int, int]:
    """A quote with its marks, and with who is said to say it, where the sentence says no more."""
    start -= text[start - 1 : start] in MARKS
    end += text[end : end + 1] in MARKS
    if before := _SAID_BEFORE.search(text, max(start - 100, 0), start):
        return before.start(), end
    by = _SAID_BY.match(text, end) or _SAID_BY_ONE.match(text, end)
    if by and (stop := re.compile(r"[.,;]?(?=\s|$)").match(text, by.end())):
        end = stop.end() if stop[0] != "," or text[stop.end() :].lstrip()[:1] in MARKS else end
    return start, end


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

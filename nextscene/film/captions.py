"""Captions: what is read on a film, and when; as cues, and as subtitle files.

    cues = of(timeline)
    write(cues, Path("sequence.srt"))

A timeline goes in. Lines are broken by meaning: evenly, rather between sentences and clauses than within them, and not
after an article or a preposition. A long caption is shown in parts, one after another, as far as its scene's time goes.
It does not know how captions look.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from html import escape
from itertools import accumulate, count, pairwise
from math import ceil, inf
from pathlib import Path
from unicodedata import east_asian_width

from nextscene import NextSceneError
from nextscene.film.timeline import Cut, Timeline

COLUMNS = 42  # characters on a line, as broadcasters have it
LINES, MOST_LINES = 2, 3  # the third only where there is no time to show the words in parts
SHORTEST = Fraction(3, 2)  # seconds for each part of a caption, at least

# A line does not end in these: what follows belongs to them.
CLINGING = re.compile(
    "an?|the|th(is|at|ese|ose)|my|your|h(is|er)|its|our|their|no|not|to|of|in|on|at|by|for|from|with(in|out)?|into|onto|"
    "over|under|through|across|along|behind|beneath|beside|between|beyond|towards?|above|below|around|against|upon|as|and|"
    "or|but|nor|so|than|if|when|while|where|wh(o|ich)|is|are|was|were|be|ha(s|ve|d)|will|would|can|could|may|might|must|"
    "shall|should|i|you|s?he|it|we|they|mrs?\\.?|ms\\.?|dr\\.?|st\\.?",
    re.IGNORECASE,
)
# A new line rather begins with one of these than with another word.
OPENING = re.compile(
    "and|or|but|nor|so|then|while|when|where|wh(o|ich)|that|as|until|before|after|because|with|in|on|at|under|through",
    re.IGNORECASE,
)
ENDING, PAUSING = (".", "!", "?", "…", "。", "！", "？"), (",", ";", ":", "—", "、", "，", "；", "：")  # noqa: RUF001

Words = Sequence[str]
# A word and the space after it. Chinese and Japanese may be broken after every letter, but not before closing signs.
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_WORD = re.compile(rf"[{_WIDE}][、。，．！？：；）」』】…]*\s*|[^\s{_WIDE}]+\s*")  # noqa: RUF001


@dataclass(frozen=True)
class Cue:
    """Words that are read from `start` to `end`, in seconds, with their lines broken."""

    scene: int
    start: Fraction
    end: Fraction
    text: str


def of(timeline: Timeline, columns: int = COLUMNS) -> list[Cue]:
    """All that is read on a film, in order. Lines have at most so many columns; letters of the Far East take two."""
    return [cue for cut in timeline.cuts for cue in _cues(cut, timeline.video_fps, columns)]


def write(cues: Iterable[Cue], path: Path) -> None:
    """A subtitle file, of the kind that its suffix names: .srt or .vtt."""
    text = {".srt": _srt, ".vtt": _vtt}[path.suffix](cues)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise NextSceneError(
            f"{path} cannot be written ({error.strerror}): make room or choose another folder."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _cues(cut: Cut, fps: int, columns: int) -> Iterator[Cue]:
    """A scene's captions, which share its time by their length, on the grid of the film's frames."""
    if words := _words(cut.caption, columns):
        parts = _shown(words, columns, most=max(1, int(cut.duration / SHORTEST)))
        reach = list(accumulate(map(_width, parts), initial=0))
        borders = [cut.start + Fraction(round(cut.duration * fps * at / reach[-1]), fps) for at in reach]
        for (start, end), text in zip(pairwise(borders), parts, strict=True):
            yield Cue(cut.number, start, end, text)


def _shown(words: Words, columns: int, most: int) -> list[str]:
    """The words, in as few parts as hold them and at most so many; where that is too few they end in an ellipsis."""
    for lines in (LINES, MOST_LINES):
        for parts in range(ceil(_width("".join(words)) / (lines * (columns + 1))), most + 1):
            if found := _parted(words, parts, columns, lines):
                return [_lines(part, columns) for part in found]
    kept = list(words[: -max(1, len(words) // 20)])
    while len(kept) > 1 and CLINGING.fullmatch(kept[-1].strip()):
        kept.pop()
    return _shown([*kept[:-1], kept[-1].rstrip(" ,;:.…") + "…"], columns, most)


def _lines(words: Words, columns: int) -> str:
    """The words on as few lines as hold them."""
    broken = next(filter(None, (_parted(words, lines, columns) for lines in range(1, len(words) + 1))))
    return "\n".join("".join(line).rstrip() for line in broken)


def _parted(words: Words, parts: int, columns: int, lines: int = 1) -> list[Words]:
    """The words in so many parts, none of more than `lines` lines, as even and as well broken as can be; [] if they are
    too many."""
    reach = [0, *accumulate(map(_width, words))]
    room = lines * (columns + 1)  # a space at a line's end needs none
    even = reach[-1] / max(parts, 1)

    @cache
    def best(begin: int, parts: int) -> tuple[float, tuple[int, ...]]:
        """The least cost of parting what begins here, and where these parts end."""
        if parts == 0 or reach[-1] - reach[begin] > parts * room:
            return (0.0 if begin == len(words) else inf), ()
        found: tuple[float, tuple[int, ...]] = inf, ()
        line, start = 1, begin
        for end in range(begin + 1, len(words) + 1):
            if reach[end] - reach[start] - words[end - 1].endswith(" ") > columns:
                line, start = line + 1, end - 1
            if line > lines:
                break
            rest, ends = best(end, parts - 1)
            uneven = (reach[end] - reach[begin] - even) / room
            found = min(found, (rest + 3 * uneven**2 + _harm(*words[end - 1 : end + 1]), (end, *ends)))
        return found

    cost, ends = best(0, parts)
    return [words[begin:end] for begin, end in pairwise((0, *ends))] if cost < inf else []


def _harm(word: str, following: str = "") -> float:
    """What it costs to break between these two words."""
    word = word.rstrip()
    if CLINGING.fullmatch(word) and following:
        return 3
    if not following or word.endswith(ENDING):
        return 0
    if word.endswith(PAUSING):
        return 0.1
    return 0.3 if OPENING.fullmatch(following.rstrip()) else 0.6


def _words(text: str, columns: int) -> list[str]:
    """Words with the space after each; one that is wider than a line, with an ellipsis, is cut."""
    words = [(word, (columns - 1) // max(map(_width, word))) for word in _WORD.findall(" ".join(text.split()))]
    return [word[at : at + room] for word, room in words for at in range(0, len(word.rstrip()), room)]


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _srt(cues: Iterable[Cue]) -> str:
    blocks = (f"{n}\n{_clock(c.start, ',')} --> {_clock(c.end, ',')}\n{c.text}\n" for n, c in zip(count(1), cues))
    return "\n".join(blocks)


def _vtt(cues: Iterable[Cue]) -> str:
    blocks = (f"{_clock(c.start, '.')} --> {_clock(c.end, '.')}\n{escape(c.text, quote=False)}\n" for c in cues)
    return "\n".join(["WEBVTT\n", *blocks])


def _clock(time: Fraction, point: str) -> str:
    seconds, thousandths = divmod(round(time * 1000), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{thousandths:03}"

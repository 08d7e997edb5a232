"""Captions: what is read on a film, and when; as cues, and as subtitle files.

    cues = make_cues(timeline)
    write_subtitles(cues, Path("sequence.srt"))

A timeline goes in. Lines are broken by meaning: evenly, rather between sentences and clauses than within them, and not
after an article or a preposition. A long caption is shown in parts, one after another, as far as its scene's time goes.
It does not know how captions look.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from html import escape
from itertools import accumulate, pairwise
from math import ceil, inf
from pathlib import Path
from unicodedata import category, east_asian_width

import regex

from nextscene.files import write_whole
from nextscene.film.timeline import Segment, Timeline
from nextscene.text import split_words

COLUMNS = 42  # characters on a line, as broadcasters have it
LINES, MOST_LINES = 2, 3  # the third only where there is no time to show the words in parts
LINGER = Fraction(2, 5)  # seconds that a line is read after it was said
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


@dataclass(frozen=True)
class Cue:
    """Words that are read from `start` to `end`, in seconds, with their lines broken."""

    scene: int
    start: Fraction
    end: Fraction
    text: str


def make_cues(timeline: Timeline, columns: int = COLUMNS) -> list[Cue]:
    """All that is read on a film, in order. Lines have at most so many columns; letters of the Far East take two."""
    return [cue for segment in timeline.segments for cue in _cues(segment, timeline.video_fps, columns)]


def write_subtitles(cues: Sequence[Cue], path: Path) -> None:
    """A subtitle file, of the kind that its suffix names: .srt or .vtt."""
    write_whole(path, {".srt": _srt, ".vtt": _vtt}[path.suffix](cues))


def captions(segment: Segment) -> Iterator[tuple[str, Fraction, Fraction]]:
    """What is read in a scene, from when to when: its caption, or its lines with the names of who says them."""
    if segment.caption:
        yield segment.caption, segment.start, segment.end
    if segment.subtitled:
        begins = [speech.start for speech in segment.speech[1:]]
        for speech, following in zip(segment.speech, [*begins, segment.end], strict=True):
            until = min(speech.end + LINGER, following)
            yield f"{speech.who}: {speech.text}" if speech.who else speech.text, speech.start, until


def _cues(segment: Segment, fps: int, columns: int) -> Iterator[Cue]:
    """A scene's captions; the parts of each share its time by their length, on the grid of the film's frames."""
    for text, start, end in captions(segment):
        begin = round(start * fps)
        frames = round(end * fps) - begin
        if (words := _words(text, columns)) and frames:
            parts = _fit(words, columns, most=max(1, int((end - start) / SHORTEST)))
            reach = list(accumulate(map(_width, parts), initial=0))
            borders = [Fraction(begin + round(Fraction(frames * at, reach[-1])), fps) for at in reach]
            for (first, last), lines in zip(pairwise(borders), parts, strict=True):
                yield Cue(segment.number, first, last, lines)


def _fit(words: Words, columns: int, most: int) -> list[str]:
    """The words, in as few parts as hold them and at most so many; where that is too few they end in an ellipsis."""
    for lines in (LINES, MOST_LINES):
        for parts in range(ceil(_width("".join(words)) / (lines * (columns + 1))), most + 1):
            if found := _split(words, parts, columns, lines):
                return [_lines(part, columns) for part in found]
    kept = list(words[: -max(1, len(words) // 20)])
    while len(kept) > 1 and CLINGING.fullmatch(kept[-1].strip()):
        kept.pop()
    return _fit([*kept[:-1], kept[-1].rstrip(" ,;:.…") + "…"], columns, most)


def _lines(words: Words, columns: int) -> str:
    """The words on as few lines as hold them."""
    broken = next(filter(None, (_split(words, lines, columns) for lines in range(1, len(words) + 1))))
    return "\n".join("".join(line).rstrip() for line in broken)


def _split(words: Words, parts: int, columns: int, lines: int = 1) -> list[Words]:
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
            found = min(found, (rest + 3 * uneven**2 + _break_cost(*words[end - 1 : end + 1]), (end, *ends)))
        return found

    cost, ends = best(0, parts)
    return [words[begin:end] for begin, end in pairwise((0, *ends))] if cost < inf else []


def _break_cost(word: str, following: str = "") -> float:
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
    return [piece for word in split_words(text) for piece in _pieces(word, columns - 1)]


def _pieces(word: str, columns: int) -> list[str]:
    pieces = [""]
    for letter in regex.findall(r"\X", word):  # with its accents
        if _width((pieces[-1] + letter).rstrip()) > columns:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else category(letter) not in ("Mn", "Me", "Cf") for letter in text)


def _srt(cues: Sequence[Cue]) -> str:
    blocks = (
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{_disarm(cue.text)}\n"
        for number, cue in enumerate(cues, 1)
    )
    return "\n".join(blocks)


def _disarm(text: str) -> str:
    """The text for a format that has no way to say that a sign is only that, but for signs that look the same."""
    text = text.translate({ord("{"): "\uff5b", ord("}"): "\uff5d"})
    return re.sub(r"(?<=[<\\])(?=\S)|(?<=--)(?=>)", "\u2060", text)  # a joiner, which nobody sees


def _vtt(cues: Sequence[Cue]) -> str:
    blocks = (f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{escape(cue.text, quote=False)}\n" for cue in cues)
    return "\n".join(["WEBVTT\n", *blocks])


def _clock(time: Fraction, point: str) -> str:
    seconds, thousandths = divmod(round(time * 1000), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{thousandths:03}"

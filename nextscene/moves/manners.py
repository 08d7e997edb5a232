"""How something moves: what a clause says beside its verb. How often, where to, how far, how fast. By rules."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nextscene import NextSceneError
from nextscene.files import short
from nextscene.moves.sayings import Saying
from nextscene.moves.vocabulary import (
    ARTICLES,
    DIRECTIONS,
    DOWNWARDS,
    FROM_MOTIONS,
    NUMBERS,
    PREPOSITIONS,
    SIDES,
    TENS,
    TIMES,
    UPWARDS,
)

MOST_TIMES = 400
TURNS = {"turn", "turns", "rotation", "rotations", "circle", "circles", "lap", "laps", "round", "rounds", "swing",
         "swings", "bounce", "bounces", "jump", "jumps", "hop", "hops", "time", "times", "x"}  # fmt: skip
PACES = {"slowly": 0.6, "gently": 0.6, "quickly": 1.5, "fast": 1.5, "rapidly": 1.5, "slightly": 0.35,
         "little": 0.35, "bit": 0.35}  # fmt: skip
FAR = {"across", "far", "edge", "side", "wall", "top", "bottom", "end", "way"}
VIEWS = {"view", "frame", "picture", "sight", "scene", "image", "screen"}
SHARES = {"half": 0.5, "twice": 2.0, "double": 2.0, "triple": 3.0, "third": 1 / 3, "quarter": 0.25}


def read_manner(plain: Saying, before: Sequence[str], rest: Sequence[str]) -> Saying:
    """The saying with all that the words before and after its verb say."""
    words = list(rest)
    said: dict[str, Any] = {
        "count": _count(plain, before, words),
        "pace": next((PACES[each] for each in (*before, *words) if each in PACES), 1.0),
        "far": bool(FAR & set(words)),
        "backwards": bool({"anticlockwise", "counterclockwise", "backwards"} & set(words)),
        "circling": "in" in words and bool({"circle", "circles"} & set(words)),
        "around": _noun_after(words, "around"),
        "behind": _noun_after(words, "behind"),
        "before": _noun_after(words, "front"),
        "seconds": _seconds(words),
    }
    said |= _amount(plain, words) | _ways(plain, words)
    if plain.motion == "float" and (said["direction"] or said["enters"] or said["leaves"]):
        said["motion"] = "drift"
    if plain.motion in ("line", "drift") and said["circling"]:
        said["motion"] = "orbit"
    if plain.points and plain.motion in ("line", "slide", "drift", "roll"):
        said["motion"] = "path"
    if plain.motion == "path" and not plain.points:
        raise NextSceneError(
            f"{short(plain.words)}: a path needs its points, in pixels: 'a ball moves through (20, 60), (90, 30)'."
        )
    return replace(plain, **said)


def read_number(tokens: Sequence[str]) -> int | None:
    """The number that these words are: "twenty five", "5", "a couple of"; None: they are none."""
    value: int | None = None
    for token in tokens:
        each = NUMBERS.get(token, TENS.get(token, int(token[:9]) if token.isdecimal() else None))
        if token in ("hundred", "thousand"):
            value = (value or 1) * (100 if token == "hundred" else 1000)
        elif each is not None:
            value = (value or 0) + each
        elif token not in {"a", "of", "full", "more"}:
            return None
    return value


def _count(plain: Saying, before: Sequence[str], words: Sequence[str]) -> int | None:
    """How often: "twice", "five times", "makes three bounces", "two turns"."""
    count = read_number(before[-1:]) if len(before) > 1 else None
    for at, token in enumerate(words):
        if token in TIMES and "size" not in words:
            count = TIMES[token]
        elif token in TURNS and not (token == "times" and "size" in words):
            begin = at
            while begin and (read_number(words[begin - 1 : at]) is not None or words[begin - 1] in {"of", "full"}):
                begin -= 1
            number = read_number(words[begin:at])
            count = count if number is None or begin == at else number
        elif match := re.fullmatch(r"(\d+)x", token):
            count = int(match[1])
    if count is not None and not 1 <= count <= MOST_TIMES:
        raise NextSceneError(f"{short(plain.words)}: {count} times; from 1 to {MOST_TIMES} times can be planned.")
    return count


def _amount(plain: Saying, words: Sequence[str]) -> dict[str, Any]:
    """How far, in pixels, degrees or beside its size."""
    for at, token in enumerate(words):
        if token in {"degrees", "degree", "°"} and at:
            return {"amount": float(_figure(plain, words[at - 1])), "unit": "degrees"}
        if token in {"pixels", "pixel", "px"} and at:
            return {"amount": float(_figure(plain, words[at - 1])), "unit": "pixels"}
    if plain.motion in ("spin", "orbit") and {"half", "quarter"} & set(words) and TURNS & set(words):
        return {"amount": 180.0 if "half" in words else 90.0, "unit": "degrees"}
    if "halfway" in words:
        return {"amount": 0.5, "unit": "room"}
    if {"middle", "centre", "center"} & set(words) and "to" in words:
        return {"amount": 1.0, "unit": "middle"}
    if "size" in words or plain.motion in ("grow", "shrink"):
        for at, token in enumerate(words):
            if token in SHARES:
                return {"amount": SHARES[token], "unit": "factor"}
            if token == "times" and at and (number := read_number(words[at - 1 : at])):
                return {"amount": float(number), "unit": "factor"}
    return {}


def _figure(plain: Saying, token: str) -> float:
    number = read_number([token])
    value = float(token) if re.fullmatch(r"\d+\.\d+", token) else number
    if value is None or value > 100_000:
        raise NextSceneError(f"{short(plain.words)}: {token!r} is no number that can be used: write one in figures.")
    return float(value)


def _seconds(words: Sequence[str]) -> float | None:
    """For how long: "for two seconds"."""
    for at, token in enumerate(words):
        if token in {"second", "seconds"} and at:
            figure = words[at - 1]
            return float(figure) if re.fullmatch(r"\d+\.\d+", figure) else read_number([figure])
    return None


def _ways(plain: Saying, words: Sequence[str]) -> dict[str, Any]:
    """Where to, or from where: "up and to the left", "in from the right", "out"."""
    to, side = (0.0, 0.0), None
    for at, token in enumerate(words):
        nearby = {each for each in words[max(at - 2, 0) : at] if each not in ARTICLES}
        if "from" in nearby and token in SIDES:
            side = SIDES[token]
        elif token in DIRECTIONS and not {"behind", "of"} & nearby:
            to = (to[0] or DIRECTIONS[token][0], to[1] or DIRECTIONS[token][1])
        elif token in ("top", "bottom") and "to" in nearby:
            to = (to[0], SIDES[token][1])
    if to == (0, 0) and plain.verb in UPWARDS | DOWNWARDS:
        to = (0.0, -1.0 if plain.verb in UPWARDS else 1.0)
    may = plain.motion in FROM_MOTIONS
    goes_in = may and (_ends_in(words) or (side is not None and to == (0, 0)))
    goes_out = may and not goes_in and bool({"out", "away", "off"} & set(words))
    if side and to == (0, 0):
        to = (-side[0], -side[1])
    ways: dict[str, Any] = {"direction": to if to != (0, 0) else None, "enters": goes_in, "leaves": goes_out}
    if plain.motion == "enter" or plain.motion == "leave":
        ways |= {"enters": plain.motion == "enter", "leaves": plain.motion == "leave"}
    return ways


def _ends_in(words: Sequence[str]) -> bool:
    """Whether it comes in: "rolls in", "rolls in from the left", "flies into view"."""
    for at, token in enumerate(words):
        following = words[at + 1 : at + 2]
        if (token == "in" and (not following or following[0] == "from")) or (token == "into" and VIEWS & set(words)):
            return True
    return False


def _noun_after(words: Sequence[str], mark: str) -> str:
    """The thing that is named after a word: "around the blue cube"."""
    if mark not in words:
        return ""
    rest = [each for each in words[words.index(mark) + 1 :] if each != "of"]
    end = next((at for at, each in enumerate(rest) if each in PREPOSITIONS | set(TIMES)), len(rest))
    return " ".join(each for each in rest[:end] if each not in ARTICLES)

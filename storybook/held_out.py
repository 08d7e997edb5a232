"""Words by other hands: wordings that no lesson has, and whether the model does what they ask and nothing else.

They stand in `held_out.json`, each with the world that it is about and what it asks for. What training reads never
comes from here: no lesson may be made after this list.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from storybook.oracle import shown
from storybook.words import FARTHEST, NAMED
from storybook.world import State

FILE = Path(__file__).with_suffix(".json")
SEEN = (*NAMED, *FARTHEST)  # of a world; its layout, for which there are no words, is not judged
ROUNDS = 3  # noises that each wording is drawn from

Facts = Mapping[str, str | int]
Figures = dict[str, float]
Draw = Callable[[Sequence[str], Sequence[State]], Sequence[Image.Image]]


@dataclass(frozen=True)
class Wording:
    """What somebody says of a scene, and what is to be seen then.

    kind: what it is about. hand: whose way of speaking it is.
    """

    kind: str
    hand: str
    words: str
    before: State
    after: State

    @property
    def asks_for(self) -> set[str]:
        return {name for name in SEEN if getattr(self.before, name) != getattr(self.after, name)}


class Verdict(NamedTuple):
    followed: bool  # all that the words ask for came about; of the camera, that it went that way
    kept: bool  # and of what they do not ask for, nothing else did


def wordings() -> list[Wording]:
    return [_wording(**each) for each in json.loads(FILE.read_text())]


def judge(wording: Wording, after: State) -> Verdict:
    """What became of a wording in a picture that shows this."""
    asked = wording.asks_for
    kept = all(getattr(after, name) == getattr(wording.before, name) for name in SEEN if name not in asked)
    return Verdict(all(_followed(wording, after, name) for name in asked), kept)


def verdicts(draw: Draw, every: Sequence[Wording]) -> list[tuple[Wording, Verdict]]:
    """Draws these wordings and judges each picture."""
    pictures = draw([each.words for each in every], [each.before for each in every])
    return [
        (wording, judge(wording, shown(picture, (wording.before, wording.after))))
        for wording, picture in zip(every, pictures, strict=True)
    ]


def figures(judged: Sequence[tuple[Wording, Verdict]]) -> Figures:
    """The shares that were followed, and that changed nothing else: of all wordings, and of each kind and hand."""
    found = {"followed": _share(each.followed for _, each in judged)}
    found["nothing else changed"] = _share(each.kept for _, each in judged)
    found["both"] = _share(all(each) for _, each in judged)
    for name in ("kind", "hand"):
        for value in dict.fromkeys(getattr(wording, name) for wording, _ in judged):
            of = [each for wording, each in judged if getattr(wording, name) == value]
            found[f"followed, {value}"] = _share(each.followed for each in of)
            found[f"nothing else changed, {value}"] = _share(each.kept for each in of)
    return found


def table(judged: Sequence[tuple[Wording, Verdict]]) -> str:
    """Every wording in Markdown: how often it was followed, and how often nothing else changed."""
    rows = ["| hand | words | asks for | followed | nothing else changed |", "|---|---|---|---|---|"]
    for wording in dict.fromkeys(wording for wording, _ in judged):
        of = [each for other, each in judged if other == wording]
        asked = ", ".join(f"{name} {getattr(wording.after, name)}" for name in SEEN if name in wording.asks_for)
        shares = (f"{sum(hits)} of {len(of)}" for hits in zip(*of, strict=True))
        rows.append(f"| {wording.hand} | {wording.words} | {asked} | {' | '.join(shares)} |")
    return "\n".join(rows) + "\n"


def _wording(
    kind: str, hand: str, words: str, before: Mapping[str, str | int], asks: Mapping[str, str | int]
) -> Wording:
    state = State().but(**before)
    return Wording(kind, hand, words, state, state.but(**asks))


def _followed(wording: Wording, after: State, name: str) -> bool:
    right, seen = getattr(wording.after, name), getattr(after, name)
    return right * seen > 0 if name in FARTHEST else bool(seen == right)


def _share(hits: Iterable[bool]) -> float:
    values = list(hits)
    return sum(values) / max(1, len(values))

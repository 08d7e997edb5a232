"""What words say of motion: a sentence in, sayings out. By rules, without a model, files or chance.

    read_sayings("a red ball rolls to the right, then bounces twice while a blue cube spins")

"then" begins a new part, for all that moves; "while" and "and" say what happens in the same part. A verb that is not
known is refused: nothing that was asked for is left out in silence.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nextscene import NextSceneError
from nextscene.files import short
from nextscene.moves.manners import read_manner, read_number
from nextscene.moves.plan import MOST_THINGS
from nextscene.moves.sayings import Said, Saying, Who
from nextscene.moves.vocabulary import (
    ARTICLES,
    BARE,
    CAMERA,
    CAMERA_FORMS,
    COLOURS,
    DIRECTIONS,
    EMPTY_VERBS,
    MANNERS,
    MOTION_OF,
    NO_THINGS,
    NUMBERS,
    OTHER,
    PASSED_ON,
    PREPOSITIONS,
    PRONOUNS,
    TENS,
    THIRD,
    TIMES,
    describe_motions,
)

EXAMPLE = "'a red ball bounces five times' or 'a ball rolls to the right, then bounces twice while a blue cube spins'"
MOST_PARTS = 20
JOINTS = ("comma", "and", "while", "then")  # the later, the stronger
_JOINT = re.compile(
    r"(?P<then>(?:,\s*|\band\s+)?\b(?:then|after\s+that|afterwards|finally)\b\s*,?)|"
    r"(?P<while>,?\s*\b(?:while|meanwhile|at\s+the\s+same\s+time|as\s+(?=it\b|they\b|an?\b|the\b))\b\s*,?)|"
    r"(?P<and>,\s*and\b|\band\b)|(?P<comma>[,;!?\n]|\.(?=\s|$))"
)
_POINT = re.compile(r"\(?\s*\b(\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?)\b\s*\)?")
_TOKEN = re.compile(r"\d+(?:\.\d+)?x?|[^\W\d_]+(?:['’-][^\W\d_]+)*|°")  # noqa: RUF001
_POINT_MARK = "§"  # stands in the sentence where a point was


@dataclass
class _Chunk:
    """A piece of the sentence between two joints."""

    joint: str
    tokens: list[str]
    points: tuple[tuple[float, float], ...]
    text: str

    @property
    def verb_at(self) -> int | None:
        """Where its verb is, if it has a known one: first forms in -s, which little else has, then the others."""
        for table in (THIRD, OTHER, BARE):
            for at, token in enumerate(self.tokens):
                if token in table and _may_be_verb(self.tokens, at):
                    return at
        return None


def read_sayings(text: str) -> Said:
    """What the words say; a NextSceneError with what is known, if something in them is not."""
    if not text.strip():
        raise NextSceneError(f"The words are empty: say what moves and how, such as {EXAMPLE}.")
    camera, part = "none", 0
    sayings: list[Saying] = []
    subjects: tuple[Who, ...] = ()
    waiting: list[_Chunk] = []
    for chunk in _merged(_chunks(text.lower().replace(_POINT_MARK, " "))):
        if chunk.joint == "then" and (sayings or camera != "none"):
            part += 1
        if "camera" in chunk.tokens[:3]:
            camera = _camera(chunk)
        elif chunk.verb_at is None:
            waiting.append(chunk)
        else:
            subjects, waiting = _subjects(chunk, waiting, subjects), []
            for saying in _read_chunk(chunk, subjects, part):
                part = _part_of(saying, sayings)
                sayings.append(replace(saying, part=part))
    if waiting or not (sayings or camera != "none"):
        raise _unknown(waiting[-1].text if waiting else text)
    things = tuple({who.name: who for who in (*(each.who for each in sayings), *_beside(sayings))}.values())
    if len(things) > MOST_THINGS or part >= MOST_PARTS:
        raise NextSceneError(
            f"{len(things)} things in {part + 1} parts are too much for one plan: {MOST_THINGS} things move at most, "
            f"in {MOST_PARTS} parts."
        )
    return Said(things, tuple(sayings), camera)


def _beside(sayings: Sequence[Saying]) -> Iterator[Who]:
    """What something moves around or behind, which has to be found in the picture too, though it stands still."""
    known = [saying.who.name for saying in sayings]
    for saying in sayings:
        for named in (saying.around if saying.motion == "orbit" else "", saying.behind):
            if named and named not in known and not any(each.endswith(f" {named}") for each in known):
                yield from name_things(named.split())


def _unknown(text: str) -> NextSceneError:
    return NextSceneError(
        f"Nothing in {short(text.strip())} says how something moves in words that are known. Motions, and other words "
        f"for them: {describe_motions()}."
    )


def _part_of(saying: Saying, before: Sequence[Saying]) -> int:
    """The part in which it happens: a new one, where the thing already does something else that does not go with it."""
    if not any(saying.clashes(other) for other in before):
        return saying.part
    if saying.together:
        raise NextSceneError(
            f"{short(saying.words.strip())}: the {saying.who.name} cannot {saying.verb} at the same time as what was "
            "said of it before: write then instead of while."
        )
    return saying.part + 1


def _chunks(text: str) -> Iterator[_Chunk]:
    """The sentence, parted at its joints. Points are taken out first, because of their commas."""
    points = [(float(x), float(y)) for x, y in _POINT.findall(text)]
    marked = _POINT.sub(f" {_POINT_MARK} ", text)
    begin, joint = 0, "comma"
    for match in [*_JOINT.finditer(marked), None]:
        piece = marked[begin : match.start() if match else len(marked)]
        taken = tuple(points.pop(0) for _ in range(piece.count(_POINT_MARK)))
        tokens = _TOKEN.findall(piece)
        following = (match.lastgroup or "comma") if match else "comma"
        if tokens or taken:
            yield _Chunk(joint, tokens, taken, piece.replace(_POINT_MARK, "").strip())
            joint = following
        else:
            joint = max(joint, following, key=JOINTS.index)
        begin = match.end() if match else begin


def _may_be_verb(tokens: Sequence[str], at: int) -> bool:
    """Whether what stands there is no noun: either a thing was named before it, or nothing at all."""
    before = [each for each in tokens[:at] if each not in EMPTY_VERBS]
    if not before:
        return True
    if before[-1] in ARTICLES | {"of"}:
        return False
    return any(each not in ARTICLES | set(COLOURS) and read_number([each]) is None for each in before)


def _merged(chunks: Iterator[_Chunk]) -> list[_Chunk]:
    """Chunks that only go on with what was said before are put to it: "left and up", "(10, 20), (30, 40)"."""
    merged: list[_Chunk] = []
    for chunk in chunks:
        goes_on = merged and merged[-1].verb_at is not None and chunk.verb_at is None and chunk.joint != "then"
        if goes_on and (chunk.points or all(_is_manner(each) for each in chunk.tokens)):
            merged[-1].tokens += chunk.tokens
            merged[-1].points += chunk.points
        else:
            merged.append(chunk)
    return merged


def _is_manner(token: str) -> bool:
    known = MANNERS | ARTICLES | set(TIMES) | set(NUMBERS) | set(TENS) | {"times", "time", "through"}
    return token in known or token[0].isdigit() or token.endswith("ly")


def _subjects(chunk: _Chunk, waiting: Sequence[_Chunk], before: tuple[Who, ...]) -> tuple[Who, ...]:
    """What moves: that named before the verb, and in the chunks that an "and" joins to it; else what moved before."""
    assert chunk.verb_at is not None
    for each in waiting:
        if chunk.joint in ("then", "while") or _looks_like_a_clause(each.tokens):
            raise _unknown(each.text)
    said = [each for each in chunk.tokens[: chunk.verb_at] if each not in EMPTY_VERBS and not each.endswith("ly")]
    named = name_things(_passed_on(chunk) or said)
    if not named and not before:
        raise NextSceneError(f"{short(chunk.text)} does not say what moves: begin with it, as in {EXAMPLE}.")
    if not named:
        return before
    others = [who for each in waiting for who in name_things(each.tokens)] if chunk.joint == "and" else []
    return tuple({who.name: who for who in (*others, *named)}.values())


def _looks_like_a_clause(tokens: Sequence[str]) -> bool:
    """Whether a chunk without a known verb has, by its looks, an unknown one: "a ball explodes"."""
    if not tokens or tokens[0] in PREPOSITIONS or read_number(tokens[:1]) is not None:
        return False
    plain = ARTICLES | set(COLOURS)
    return any(
        token.endswith("s") and not token.endswith(("ss", "us")) and any(each not in plain for each in tokens[:at])
        for at, token in enumerate(tokens)
    )


def _passed_on(chunk: _Chunk) -> list[str]:
    """The words of what is moved by somebody: "a boy throws [a red ball]"; empty: it moves by itself."""
    assert chunk.verb_at is not None
    verb, rest = _verb(chunk.tokens[chunk.verb_at]), chunk.tokens[chunk.verb_at + 1 :]
    if verb not in PASSED_ON or len(rest) < 2 or rest[0] not in ARTICLES:
        return []
    end = next((at for at, each in enumerate(rest) if each in PREPOSITIONS | set(DIRECTIONS) | set(TIMES)), len(rest))
    words = [each for each in rest[:end] if each not in EMPTY_VERBS]
    return [] if NO_THINGS & set(words) or any(each in NUMBERS for each in words[1:]) else words


def _verb(token: str) -> str:
    return THIRD.get(token) or OTHER.get(token) or BARE[token]


def name_things(tokens: Sequence[str]) -> tuple[Who, ...]:
    """The things that these words name: "two red balls" are two."""
    words = list(tokens)
    if words and words[0] in PREPOSITIONS:  # "on a table a ball": what comes after the last article
        words = words[max((at for at, each in enumerate(words) if each in ARTICLES), default=len(words)) :]
    words = words[: next((at for at, each in enumerate(words) if each in PREPOSITIONS), len(words))]
    while words and words[0] in ARTICLES:
        words.pop(0)
    number = read_number(words[:1])
    words = [each for each in words[number is not None :] if each not in ARTICLES | PRONOUNS | EMPTY_VERBS]
    while words and read_number(words[-1:]) is not None:  # "makes three bounces"
        words.pop()
    if not words:
        return ()
    if number is not None and not 1 <= number <= MOST_THINGS:
        raise NextSceneError(f"{number} {' '.join(words)}: 1 to {MOST_THINGS} things move in a plan.")
    colour = next((each for each in words if each in COLOURS), None)
    if number not in (None, 1) and words[-1].endswith("s") and not words[-1].endswith("ss"):
        words[-1] = words[-1][:-1]
    name = " ".join(words)[:60]
    if number in (None, 1):
        return (Who(name, colour),)
    return tuple(Who(f"{name} {at}", colour) for at in range(1, (number or 1) + 1))


def _camera(chunk: _Chunk) -> str:
    """What the camera does meanwhile, as the film calls it."""
    for token in chunk.tokens:
        for way in chunk.tokens:
            if move := CAMERA.get((CAMERA_FORMS.get(token, ""), way)):
                return move
    known = ", ".join(f"{verb}s {way}" for verb, way in CAMERA)
    raise NextSceneError(f"{short(chunk.text)}: that is not known of the camera; it {known}.")


def _read_chunk(chunk: _Chunk, named: Sequence[Who], part: int) -> Iterator[Saying]:
    """What the chunk says of each thing that moves in it."""
    assert chunk.verb_at is not None
    verb = _verb(chunk.tokens[chunk.verb_at])
    together = chunk.joint == "while"
    plain = Saying(named[0], MOTION_OF[verb], verb, part, " ".join(chunk.text.split()), together, points=chunk.points)
    read = read_manner(plain, chunk.tokens[: chunk.verb_at], chunk.tokens[chunk.verb_at + 1 :])
    for who in named:
        yield replace(read, who=who)

"""The rules that break a script down: no model, no network, the same for the same script.

A scene is what its heading says. A paragraph of action is a shot; what is said goes with the shot before it, until that
has been spoken into for long enough. All words are the script's own.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase

from nextscene.script.breakdown import (
    MAX_WORDS,
    Breakdown,
    Person,
    Says,
    ScriptScene,
    ScriptShot,
    Sound,
    Source,
)
from nextscene.script.headings import Heading, find_light, find_weather, read_heading
from nextscene.script.people import Someone, Speech, find_people, find_speeches, mentioned
from nextscene.script.places import find_place, find_places, find_sounds, key_of
from nextscene.script.script import Element, Script
from nextscene.script.vocabulary import Camera, find_size
from nextscene.settings import Transition
from nextscene.story import camera_moves, read_words

LONGEST_SPEECH = 22  # words spoken into one shot, before what is said next has a shot of its own: about 9 seconds
BEAT = 3  # words of a paragraph that is no shot of its own where someone has just spoken: "He nods."

_NOTHING = re.compile(  # is to be seen
    r"(?i)(?:an? )?(?:long )?(?:beat|pause|silence)[.!]*"
    r"|(?:(?:begin |end (?:of )?)?(?:montage|intercut|flashback)|series of shots|the end|continued)[.:]?"
)
_CUE = re.compile(r"(?:CLOSE|WIDE|ANGLE ON|INSERT|ESTABLISHING|ON THE|POV|AERIAL|MEDIUM|FULL SHOT|TIGHT)\b")
_ACTS = re.compile(r"(?:She|He|They)\b")
_ONE, _SEVERAL = re.compile(r"(?i)\b(?:she|he|her|him|his)\b"), re.compile(r"(?i)\b(?:they|them|both)\b")
_CAMERAS: dict[str, Camera] = {
    "left": "pan_left", "right": "pan_right", "up": "tilt_up", "down": "tilt_down", "closer": "push_in",
    "farther": "pull_out",
}  # fmt: skip

Part = tuple[int, int]  # of the script: from where to where


@dataclass
class _Draft:
    """A shot while it is put together: its pieces of action, and what is said in it."""

    start: int
    action: list[Element] = field(default_factory=list)
    speeches: list[Speech] = field(default_factory=list)
    spoken: int = 0
    waits: bool = False  # for what it is a close-up of


def break_down(script: Script) -> Breakdown:
    """A script broken down by the rules."""
    speeches = find_speeches(script)
    people = find_people(script, speeches)
    parts = list(_parts(script))
    headings = [_heading(script, part) for part in parts]
    openings = ["" if script.format == "prose" else _opening(script, part) for part in parts]
    places = find_places(headings, openings, lambda words: bool(mentioned(people, words)))
    scenes: list[ScriptScene] = []
    for number, (part, heading) in enumerate(zip(parts, headings, strict=True), 1):
        said = [each for each in speeches if part[0] <= each.start < part[1]]
        place = places.get(key_of(heading))
        scenes.append(
            ScriptScene(
                id=f"s{number}",
                heading=_title(script, part)[:MAX_WORDS],
                place=place.id if place else None,
                light=heading.light or (scenes[-1].light if scenes else None),
                weather=heading.weather,
                transition=_transition(script, parts[number - 2]) if number > 1 else None,
                start=part[0],
                end=part[1],
                shots=tuple(_shots(script, f"s{number}", part, said, people)),
            )
        )
    fields = script.fields()
    return Breakdown(
        script=Source(sha256=script.sha256, format=script.format),
        title=fields.get("title", "")[:200],
        style=fields.get("style", "")[:MAX_WORDS],
        places=tuple(places.values()),
        people=tuple(
            Person(id=each.id, names=(each.name[:80],), look=each.look[:MAX_WORDS], seen=each.seen)
            for each in people.values()
        ),
        scenes=tuple(scenes),
        text=script.text,
    )


def letters(number: int) -> str:
    """a, b, ... z, aa, ab, ..."""
    more, last = divmod(number, 26)
    return (letters(more - 1) if more else "") + ascii_lowercase[last]


def _parts(script: Script) -> Iterator[Part]:
    """From where to where each scene goes; what stands before the first belongs to it."""
    begins = "section" if script.format == "prose" else "heading"
    told = [each.start for each in script.elements if each.kind in ("action", "character", "dialogue")]
    starts = [each.start for each in script.elements if each.kind == begins]
    if not starts or (told and told[0] < starts[0]):
        starts = [0, *starts]
    if script.format == "prose":  # a chapter without words is no scene
        ends = [*starts[1:], len(script.text)]
        starts = [at for at, end in zip(starts, ends, strict=True) if any(at <= each < end for each in told)]
    starts = [0, *starts[1:]]
    yield from zip(starts, [*starts[1:], len(script.text)], strict=True)


def _title(script: Script, part: Part) -> str:
    kind = "section" if script.format == "prose" else "heading"
    return next((script.words([each]) for each in script.within(*part) if each.kind == kind), "")


def _opening(script: Script, part: Part) -> str:
    return next((script.words([each]) for each in script.within(*part) if each.kind == "action"), "")


def _heading(script: Script, part: Part) -> Heading:
    if script.format != "prose" and (title := _title(script, part)):
        return read_heading(title)
    words = script.words(each for each in script.within(*part) if each.kind == "action")
    opening = _opening(script, part)
    return Heading(find_place(words), False, find_light(opening), find_weather(opening))


def _shots(
    script: Script, scene: str, part: Part, speeches: Sequence[Speech], people: dict[str, Someone]
) -> Iterator[ScriptShot]:
    drafts = _drafts(script, part, speeches)
    ends = [*(draft.start for draft in drafts[1:]), part[1]]
    before: tuple[str, ...] = ()
    for number, (draft, end) in enumerate(zip(drafts, ends, strict=True)):
        shot = _shot(script, f"{scene}{letters(number)}", draft, end, people, before)
        before = shot.people or before
        yield shot


def _drafts(script: Script, part: Part, speeches: Sequence[Speech]) -> list[_Draft]:
    """The shots of a scene: where each begins, and what is in it."""
    drafts: list[_Draft] = []
    waiting = list(speeches)
    for piece in script.within(*part):
        if piece.kind == "action":
            _take_action(script, piece, drafts)
        elif piece.kind == "character" and (not drafts or drafts[-1].spoken > LONGEST_SPEECH):
            drafts.append(_Draft(piece.start))
        while waiting and waiting[0].start < piece.end:
            speech = waiting.pop(0)
            drafts[-1].speeches.append(speech)
            drafts[-1].spoken += len(script.text[speech.start : speech.end].split())
            drafts[-1].waits = False
    return drafts or [_Draft(part[1])]


def cut_into(script: Script, scene: ScriptScene) -> list[Part]:
    """The smallest pieces that shots of a scene are made of: paragraphs of action, and speeches with their names."""
    at = scene.shots[0].start
    kinds = ("action", "character")
    starts = [each.start for each in script.within(at, scene.end) if each.kind in kinds and each.new]
    starts = [at, *(start for start in starts if start > at)]
    return list(zip(starts, [*starts[1:], scene.end], strict=True))


def _take_action(script: Script, piece: Element, drafts: list[_Draft]) -> None:
    """A paragraph begins a shot, but for one that goes on behind a note, or is a beat between what is said."""
    words = script.words([piece])
    if not words:
        return
    last = drafts[-1] if drafts else None
    acts = is_beat(words) or (len(words.split()) <= BEAT and _ACTS.match(words))
    beat = last and last.speeches and acts
    if not last or not (last.waits or beat or not piece.new):
        last = _Draft(piece.start)
        drafts.append(last)
    if not is_beat(words):
        last.action.append(piece)
    cue = words.isupper() and len(words.split()) <= 8 and _CUE.match(words) is not None
    last.waits = cue or not (last.action or last.speeches)


def is_beat(words: str) -> bool:
    """Whether words tell actors to wait, and show nothing."""
    return _NOTHING.fullmatch(words) is not None


def _shot(
    script: Script, name: str, draft: _Draft, end: int, people: dict[str, Someone], before: tuple[str, ...]
) -> ScriptShot:
    words = script.words(draft.action)
    seen = [someone.id for someone in mentioned(people, words)]
    if not seen:
        seen = list(before if _SEVERAL.search(words) else before[:1] if _ONE.search(words) else ())
    seen += [people[name].id for speech in draft.speeches if speech.seen for name in speech.who]
    said = draft.speeches
    if script.format == "prose" and not said and draft.action:
        said = [_narrated(script, draft.action)]
    sights = read_words(words).sights
    return ScriptShot(
        id=name,
        start=draft.start,
        end=end,
        size=find_size(words) or (None if words else "medium" if said else None),
        camera=_camera(words),
        light=sights.get("light"),  # type: ignore[arg-type]  # the rules of language know no others
        weather=sights.get("weather"),  # type: ignore[arg-type]
        people=tuple(dict.fromkeys(seen)),
        says=tuple(
            Says(who=who, start=speech.start, end=speech.end)
            for speech in said
            for who in [*(people[name].id for name in speech.who), *([] if speech.who else [None])]
        ),
        sounds=tuple(Sound(what=what, at=at) for what, at in find_sounds(words)),
    )


def _narrated(script: Script, action: Sequence[Element]) -> Speech:
    """A paragraph of a tale that a narrator speaks."""
    said = script.text[action[0].start : action[-1].end]
    start = action[0].start + len(said) - len(said.lstrip())
    return Speech((), start, start + len(said.strip()), seen=False)


def _camera(words: str) -> Camera:
    moves = camera_moves(words)
    camera: Camera = _CAMERAS[moves[0]] if moves else "still"
    if re.search(r"(?i)\btrack", words) and camera in ("pan_left", "pan_right"):
        return "track_left" if camera == "pan_left" else "track_right"
    return camera


def _transition(script: Script, part: Part) -> Transition | None:
    """How the film goes on after a scene, if the script says it at its end."""
    said = [script.words([each]).upper() for each in script.within(*part) if each.kind == "transition"]
    if not said:
        return None
    return "crossfade" if "DISSOLVE" in said[-1] else "fade" if "FADE" in said[-1] else "cut"

"""Advice: what is known to hurt a scene, said before anything is drawn. It never stands in the way.

Shots in, sentences out, each with its reason. It reads words as a careful person would who knows only a list of them.
"""

import re
from collections.abc import Iterator, Sequence

from nextscene.settings import Look
from nextscene.story.language import LIGHTS, MOVES, OPPOSITES, WEATHERS
from nextscene.story.shot import Shot
from nextscene.story.sizes import Size

CHANGE = (
    r"camera|shot|angle|view|close-up|pan|tilt|dolly|zoom|track|reveal|expand|transition|begin|start|become|turn|grow"
    r"|fade|fall|rise|sets|roll|lift|open|close|appear|vanish|enter|leave|arrive|approach|move|walk|run|paint|light|dark|now"
)


def advice(shot: Shot, own_size: Size) -> list[str]:
    """What might hurt this shot; nothing, for most."""
    return [*_about_words(shot), *_about_settings(shot), *_about_size(shot, own_size)]


def asks_for_change(prompt: str) -> bool:
    """Whether the words name a camera move or a change, so that a copy of the scene before cannot be meant."""
    return re.search(rf"\b(?:{CHANGE})", prompt.removeprefix("Next Scene: ").lower()) is not None


def camera_moves(prompt: str) -> Sequence[str]:
    """Where the words take the camera, by the names of MOVES."""
    return _found(MOVES, prompt.removeprefix("Next Scene: ").lower())


def _about_words(shot: Shot) -> Iterator[str]:
    words = shot.prompt.removeprefix("Next Scene: ").lower()
    moves = camera_moves(shot.prompt)
    clash = next((pair for pair in OPPOSITES if set(pair) <= set(moves)), None)
    if clash:
        yield f"the camera cannot go {clash[0]} and {clash[1]} in one picture: keep one, or make two scenes"
    elif len(moves) > 1:
        yield f"two camera moves ({', '.join(moves)}): one for each scene is followed more surely"
    for kind, found in (("times of day", _found(LIGHTS, words)), ("kinds of weather", _found(WEATHERS, words))):
        if len(found) > 1:
            yield f"two {kind} ({', '.join(found)}) in one picture: say only the one that it shall show"
    if shot.grows_from and not (shot.camera_lora or asks_for_change(shot.prompt)):
        yield "neither a camera move nor a change is named: the scene may come out as a copy of the one before"


def _about_settings(shot: Shot) -> Iterator[str]:
    asked = shot.look.negative_prompt.strip() not in ("", Look().negative_prompt)
    if shot.go_fast:
        yield "go_fast draws a draft, without guidance: the negative prompt does not count"
    elif shot.look.guidance <= 1 and asked:
        yield "guidance 1 switches the negative prompt off: raise it, or leave the negative prompt out"
    if shot.grows_from and shot.look.strength < 0.4:
        yield f"strength {shot.look.strength:g} keeps nearly everything: 0.5 to 0.8 lets the scene change"
    if shot.look.lora_scale > 1:
        yield f"lora scale {shot.look.lora_scale:g} tends to black bars: 0.7 to 0.8 is recommended"


def _about_size(shot: Shot, own_size: Size) -> Iterator[str]:
    ratio = shot.draw_width * shot.draw_height / (own_size[0] * own_size[1])
    if not 0.5 <= ratio <= 2:
        own = f"{own_size[0]}x{own_size[1]}"
        yield f"{shot.width}x{shot.height} is {ratio:.2g} times the area that this model draws best ({own})"
    if max(shot.width, shot.height) > 2.5 * min(shot.width, shot.height):
        yield f"{shot.width}x{shot.height} is an unusual shape: black bars are likelier, 4:3 to 16:9 is safe"


def _found(kinds: dict[str, str], words: str) -> Sequence[str]:
    return [kind for kind, pattern in kinds.items() if re.search(rf"\b(?:{pattern})\b", words)]

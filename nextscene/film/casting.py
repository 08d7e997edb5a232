"""Casting: whose voice is whose.

    cast = cast_voices(story)        # MARA → "heart@0.85", TOM → "emma", ...

Who is named in the story's `voices` has that one. Every other speaker, in the order in which they first speak, has the
next voice that nobody has yet: first those that are on this machine, then the built-in one at other pitches.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import cycle

from nextscene.film.voice import BUILT_IN
from nextscene.hub import VOICES, voice_here
from nextscene.story import Story

PITCHES = (0.84, 1.16, 0.92, 1.26, 0.76, 1.08, 0.7, 1.36)  # of the built-in voice: a deep one and a high one in turn


def cast_voices(story: Story, is_here: Callable[[str], object] = voice_here) -> Mapping[str, str]:
    """A voice for each speaker of a story, by its name. is_here: whether a voice was fetched before."""
    speakers = list(dict.fromkeys(line.who for _, scene in story.filmed for line in scene.lines))
    named = {who: voice for who in speakers if (voice := story.voices.get(who))}
    if not (others := [who for who in speakers if who not in named]):
        return named
    taken = {story.film.voice or BUILT_IN, *named.values()}
    free = [voice for voice in _voices(is_here) if voice not in taken]
    return named | dict(zip(others, cycle(free), strict=False))


def _voices(is_here: Callable[[str], object]) -> Iterator[str]:
    yield BUILT_IN
    yield from filter(is_here, VOICES)
    for pitch in PITCHES:
        yield f"{BUILT_IN}@{pitch:g}"

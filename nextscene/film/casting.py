"""Casting: whose voice is whose.

    cast = cast_voices(story)        # MARA → "heart@0.85", TOM → "emma", ...

Who is named in the story's `voices` has that one. Every other speaker, in the order in which they first speak, has the
next voice that nobody has yet, nor the narrator, if one speaks: first those that are on this machine, then the built-in
one at other pitches.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from pathlib import Path

from nextscene import NextSceneError
from nextscene.film.effects import Foley, Sounds
from nextscene.film.voice import BUILT_IN, Voice, find_voice
from nextscene.hub import VOICES, voice_here
from nextscene.story import Story
from nextscene.text import in_one_line

PITCHES = (0.84, 1.16, 0.92, 1.26, 0.76, 1.08, 0.7, 1.36)  # of the built-in voice: a deep one and a high one in turn


def cast_voices(story: Story, is_here: Callable[[str], object] = voice_here) -> Mapping[str, str]:
    """A voice for each speaker of a story, by its name. is_here: whether a voice was fetched before."""
    speakers = list(dict.fromkeys(in_one_line(line.who) for _, scene in story.filmed for line in scene.lines))
    voices = {in_one_line(who): voice for who, voice in story.voices.items()}
    named = {who: voices[who] for who in speakers if who in voices}
    if not (others := [who for who in speakers if who not in named]):
        return named
    narrated = story.film.narration == "prompts" or any(scene.narration for _, scene in story.filmed)
    taken = {*([story.film.voice or BUILT_IN] if narrated else []), *named.values()}
    free = [voice for voice in _voices(is_here) if voice not in taken]
    return named | dict(zip(others, cycle(free), strict=False))


def find_any_voice(name: str | None, at_home: bool) -> Voice:
    """The voice of this name, a hosted one too: "openai:alloy", "elevenlabs:ID".

    at_home: whether whoever names it sits at this machine, and its keys are theirs.
    """
    service, _, own_name = (name or "").partition(":")
    if service not in ("openai", "elevenlabs") or not own_name:
        return find_voice(name)
    refuse_strangers(f"The voice {name}", at_home)
    from nextscene.film.hosted import ElevenLabsSpeech, OpenAISpeech  # late: they bring a client for the web

    return OpenAISpeech(own_name) if service == "openai" else ElevenLabsSpeech(own_name)


def find_sounds(effects: str, folder: Path, at_home: bool) -> Sounds:
    """Who makes a film's sounds. folder: keeps what a hosted service made."""
    if effects == "rules":
        return Foley()
    refuse_strangers(f"effects: {effects}", at_home)
    from nextscene.film.hosted import ElevenLabsSounds

    return ElevenLabsSounds(folder)


def refuse_strangers(what: str, at_home: bool) -> None:
    if not at_home:
        raise NextSceneError(f"{what} needs a service on the web: only who sits at this machine may name it.")


def _voices(is_here: Callable[[str], object]) -> Iterator[str]:
    yield BUILT_IN
    yield from filter(is_here, VOICES)
    for pitch in PITCHES:
        yield f"{BUILT_IN}@{pitch:g}"

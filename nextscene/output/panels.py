"""Panels: what film people want to know of each scene, for the storyboard and the shot list.

A story and its film's timeline go in; pictures and files stay outside.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nextscene.film import Segment, Timeline
from nextscene.story import PREFIX, Scene, Story, camera_moves, with_prefix
from nextscene.text import in_one_line


@dataclass(frozen=True)
class Panel:
    """One scene, in words.

    name: what it is called on paper: "4A", or its number.
    start, seconds: when it begins in the film, and how long it stands.
    camera: what the camera does, by the story's numbers or words, and on the still.
    lines: what is said, each with who says it; the narrator has no name.
    sounds: what is heard besides, its place's first.
    """

    number: int
    id: str
    name: str
    prompt: str
    camera: str
    start: float
    seconds: float
    lines: tuple[tuple[str, str], ...]
    sounds: str
    notes: str


def make_panels(story: Story, timeline: Timeline) -> list[Panel]:
    """A panel for each scene of the film, in order."""
    return [
        Panel(
            number=segment.number,
            id=segment.id,
            name=in_one_line(scene.name or str(segment.number)),
            prompt=in_one_line(with_prefix(scene.prompt).removeprefix(PREFIX)),
            camera="; ".join(_camera(scene, segment)),
            start=float(segment.start),
            seconds=float(segment.duration),
            lines=tuple((speech.who, speech.text) for speech in segment.speech),
            sounds=in_one_line(", ".join(_sounds(scene, story))),
            notes=in_one_line(scene.notes or ""),
        )
        for (_, scene), segment in zip(story.filmed, timeline.segments, strict=True)
    ]


def _camera(scene: Scene, segment: Segment) -> Iterator[str]:
    if said := str(scene.camera or "") or ", ".join(camera_moves(scene.prompt)):
        yield said
    if segment.move != "none":
        yield f"on the still: {segment.move.replace('_', ' ')}"


def _sounds(scene: Scene, story: Story) -> Iterator[str]:
    yield from story.ambience if scene.ambience is None else scene.ambience
    for sound in scene.sounds:
        yield f"{sound.what} at {sound.at:.0%}"

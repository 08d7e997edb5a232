"""A film as an editor takes it over: an OpenTimelineIO file, in which every scene is a clip of its own picture.

A timeline and the pictures' files go in. Transitions are dissolves with the film's own kind in their metadata, and each
clip carries a marker with its words. It is written as its JSON, by hand: the library's binding locks up servers.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from nextscene.files import write_whole
from nextscene.film.timeline import Segment, Timeline

Json = Mapping[str, object]


def write_otio(
    timeline: Timeline, pictures: Sequence[Path | None], title: str, path: Path, *, absolute: bool = False
) -> None:
    """Writes the timeline; the pictures, one for each scene, are named as they lie from there, if there is a file.

    absolute: they are named by their whole addresses instead.
    """

    def name(picture: Path) -> str:
        return picture.absolute().as_uri() if absolute else os.path.relpath(picture, path.parent)

    files = [name(picture) if picture else None for picture in pictures]
    track = _of_schema("Track.1", name="Pictures", kind="Video", children=list(_children(timeline, files)))
    stack = _of_schema("Stack.1", name="tracks", children=[track])
    film = _of_schema("Timeline.1", name=title or path.stem, metadata={}, tracks=stack)
    write_whole(path, json.dumps(film, indent=4))


def _children(timeline: Timeline, files: Sequence[str | None]) -> Iterator[Json]:
    """Each scene's clip, and before it the transition that leads to it."""
    for (segment, following), file in zip(pairwise([*timeline.segments, None]), files, strict=True):
        assert segment
        before, after = (_half(timeline, each) for each in (segment, following))
        if before:
            offset = _time(timeline, before)
            kind = {"name": segment.transition, "transition_type": "SMPTE_Dissolve"}
            metadata = {"next_scene": {"transition": segment.transition}}
            yield _of_schema("Transition.1", **kind, in_offset=offset, out_offset=offset, metadata=metadata)
        yield _clip(timeline, segment, file, before, after)


def _clip(timeline: Timeline, segment: Segment, file: str | None, before: int, after: int) -> Json:
    """A scene's clip. Of its picture there is more than that, for the transitions to lie on; where it moves, it is as
    much faster or slower as its time in the film asks for."""
    length = timeline.frame(segment.duration)
    available, effects = _range(timeline, 0, before + length + after), []
    if clip := segment.clip:
        whole = _of_schema("RationalTime.1", value=clip.frames, rate=clip.fps)
        start = _of_schema("RationalTime.1", value=0, rate=clip.fps)
        available = _of_schema("TimeRange.1", start_time=start, duration=whole)
        pace = float(clip.seconds) * timeline.video_fps / (before + length + after)
        if abs(pace - 1) > 0.01:
            effects = [_of_schema("LinearTimeWarp.1", name="pace", effect_name="LinearTimeWarp", time_scalar=pace)]
    picture = (
        _of_schema("ExternalReference.1", target_url=file, available_range=available)
        if file
        else _of_schema("MissingReference.1", available_range=available)
    )
    return _of_schema(
        "Clip.2",
        name=segment.id,
        source_range=_range(timeline, before, length),
        effects=effects,
        markers=[_of_schema("Marker.2", name=segment.words or segment.id, marked_range=_range(timeline, before, 1))],
        media_references={"DEFAULT_MEDIA": picture},
        active_media_reference_key="DEFAULT_MEDIA",
        metadata={
            "next_scene": {
                "move": segment.move,
                "caption": segment.caption,
                "narration": segment.narration,
                "lines": [{"who": line.who, "text": line.text} for line in segment.speech if line.who],
            },
        },
    )


def _half(timeline: Timeline, segment: Segment | None) -> int:
    """Half of the transition into a scene, in frames."""
    return timeline.frame(segment.transition_seconds) // 2 if segment else 0


def _range(timeline: Timeline, start: int, frames: int) -> Json:
    return _of_schema("TimeRange.1", start_time=_time(timeline, start), duration=_time(timeline, frames))


def _time(timeline: Timeline, frames: int) -> Json:
    return _of_schema("RationalTime.1", value=frames, rate=timeline.video_fps)


def _of_schema(schema: str, **fields: object) -> Json:
    return {"OTIO_SCHEMA": schema, **fields}

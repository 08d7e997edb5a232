"""A film as an editor takes it over: an OpenTimelineIO file, in which every scene is a clip of its own picture.

A timeline and the pictures' files go in. Transitions are dissolves with the film's own kind in their metadata, and each
clip carries a marker with its words and its camera move.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from nextscene import NextSceneError
from nextscene.film.timeline import Cut, Timeline


def write(timeline: Timeline, pictures: Sequence[Path | None], title: str, path: Path) -> None:
    """Writes the timeline; the pictures, one for each scene, are named as they lie from there, if there is a file."""
    track = otio.schema.Track("Pictures", kind=otio.schema.TrackKind.Video)
    for cut, picture in zip(timeline.cuts, pictures, strict=True):
        if cut.transition_seconds:
            track.append(_transition(cut, timeline))
        track.append(_clip(cut, timeline, os.path.relpath(picture, path.parent) if picture else None))
    film = otio.schema.Timeline(title or path.stem)
    film.tracks.append(track)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(film.to_json_string())
        part.replace(path)
    except OSError as error:
        reason = f"{path} cannot be written ({error.strerror})"
        raise NextSceneError(f"{reason}: make room or choose another folder.") from error
    finally:
        part.unlink(missing_ok=True)


def _clip(cut: Cut, timeline: Timeline, picture: str | None) -> "otio.schema.Clip":
    seen = TimeRange(_time(timeline, 0), _time(timeline, timeline.frame(cut.duration)))
    marker = otio.schema.Marker(cut.caption or cut.id, TimeRange(seen.start_time, _time(timeline, 1)))
    return otio.schema.Clip(
        cut.id,
        media_reference=otio.schema.ExternalReference(picture) if picture else otio.schema.MissingReference(),
        source_range=seen,
        markers=[marker],
        metadata={"next_scene": {"move": cut.move, "caption": cut.caption, "narration": cut.narration}},
    )


def _transition(cut: Cut, timeline: Timeline) -> "otio.schema.Transition":
    half = _time(timeline, timeline.frame(cut.transition_seconds) // 2)
    dissolve = otio.schema.TransitionTypes.SMPTE_Dissolve
    return otio.schema.Transition(cut.transition, dissolve, half, half, {"next_scene": {"transition": cut.transition}})


def _time(timeline: Timeline, frames: int) -> RationalTime:
    return RationalTime(frames, timeline.video_fps)

"""What the page shows, as JSON: the run of a folder, a plan with what it would cost, and the form of the settings.

Runs and productions go in. It decides nothing and writes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

from nextscene.files import lies_within
from nextscene.film import lay_out
from nextscene.output import Record, RecordedScene
from nextscene.page.orders import FILM
from nextscene.production import Production
from nextscene.settings import FilmSettings, Group, Setting, StorySettings, rows
from nextscene.story import Scene, Shot, Story

Json = dict[str, object]

# What can be downloaded of a folder, and as what it is sent; of anything else nothing is.
KINDS = {
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".vtt": "text/vtt",
    ".srt": "text/plain",
    ".csv": "text/csv",
    ".pdf": "application/pdf",
    ".json": "application/json",
    ".otio": "application/octet-stream",
    ".edl": "application/octet-stream",
    ".xml": "application/octet-stream",
    ".fcpxml": "application/octet-stream",
}
OF_A_SCENE = ("duration", "after", "strength", "seed", "caption", "narration", "transition", "move", "notes")
NOT_ON_THE_PAGE = ("lora_weights", "embeddings", "music")  # they name files of this machine: a terminal's business


def describe_folder(folder: Path) -> Json:
    """The run of a folder, and the files that can be downloaded; nothing, where none was begun."""
    record = Record(folder)
    run = record.run
    files: Json = {"folder": str(folder), "files": list(_files(folder))}
    if not run:
        return files
    film = run.stages.get("film")
    return files | {
        "story": _plain_story(run.story),
        "scenes": [describe_scene(folder, scene) for scene in run.scenes],
        "stale": record.stale,
        "film": film and (folder / FILM).is_file() and _film(folder, film.about),
    }


def describe_scene(folder: Path, scene: RecordedScene) -> Json:
    """A scene, with all its takes."""
    takes = [
        {
            "number": take.number,
            "picture": _address(folder, take.file) if take.file else None,
            "prompt": take.prompt,
            "current": take.words == scene.words,
            "noticed": list(take.noticed),
            "seconds": take.seconds,
        }
        for take in sorted(scene.takes, key=lambda take: take.number)
    ]
    shot = scene.shot
    return {
        "id": scene.id,
        "called": shot.called,
        "prompt": shot.prompt,
        "grows_from": shot.grows_from.name if shot.grows_from else None,
        "chosen": scene.chosen,
        "stale": scene.stale,
        "draft": shot.go_fast,
        "size": [shot.width, shot.height],
        "takes": takes,
    }


def describe_plan(production: Production, before: Record) -> Json:
    """A plan: every shot, what a run would draw and why, and how long that takes.

    before: what the folder holds.
    """
    todo = production.still_to_draw()
    names = {shot.id for shot in todo}
    goes_on = production.record.run is not None
    old = {scene.id: scene for scene in before.run.scenes} if before.run and goes_on else {}
    request = production.request
    story = request.story or production.story
    time = production.time_to_draw(todo, before)
    return {
        "story": _plain_story(story) | {"seed": production.seed},
        "shots": [_shot(shot, production.notes[shot.id], _why(shot, names, old)) for shot in production.shots],
        "to_draw": len(todo),
        "seconds": time.seconds,
        "guessed": time.guessed,
        "clips": [str(clip).strip() for clip in production.clips],
        "film_seconds": float(lay_out(production.story).duration),
        "breakdown": request.breakdown.to_json() if request.breakdown else None,
        "sets_aside": before.run is not None and not goes_on,
    }


def _shot(shot: Shot, notes: Sequence[str], why: str) -> Json:
    look = shot.look
    return {
        "id": shot.id,
        "called": shot.called,
        "words": shot.words,
        "grows_from": shot.grows_from.name if shot.grows_from else None,
        "how": f"{shot.size}, {look.steps} steps, strength {look.strength:g}",
        "duration": shot.duration,
        "notes": list(notes),
        "why": why,
    }


def _why(shot: Shot, to_draw: Iterable[str], old: Mapping[str, RecordedScene]) -> str:
    """Why a shot is still to be drawn; empty: it is made."""
    before = old.get(shot.id)
    if shot.id not in to_draw:
        return ""
    if not before or before.chosen is None:
        return "not drawn yet"
    if before.shot.prompt != shot.prompt:
        return "its words changed"
    grown = next((each.name for each in shot.references if each.kind == "scene" and each.name in to_draw), None)
    if grown:
        return f"grows from {grown}"
    return "a new take" if before.shot.take != shot.take else "its settings changed"


def describe_form() -> Json:
    """The settings that the page asks for, from the table of all settings."""
    scene = {setting.name: setting for setting in rows(Scene)}
    return {
        "story": _settings(StorySettings),
        "film": _settings(FilmSettings),
        "scene": [_setting(scene[name]) for name in OF_A_SCENE],
    }


def _settings(group: type[Group]) -> list[Json]:
    return [_setting(setting) for setting in rows(group) if setting.name not in NOT_ON_THE_PAGE]


def _setting(setting: Setting) -> Json:
    return asdict(setting) | {"kind": setting.kind.__name__}


def _plain_story(story: Story) -> Json:
    """The story as a file would say it, without its takes: which of them is wanted, the record knows."""
    data = story.as_data()
    scenes = [{name: value for name, value in scene.items() if name != "take"} for scene in data["scenes"]]
    return data | {"scenes": scenes}


def _film(folder: Path, about: Mapping[str, object]) -> Json:
    captions = (folder / FILM).with_suffix(".vtt")
    return {
        "address": _address(folder, FILM),
        "captions": _address(folder, captions.name) if captions.is_file() else None,
        "starts": about.get("starts", {}),
        "notes": about.get("notes", []),
    }


def _files(folder: Path) -> Iterator[Json]:
    """What lies in the folder itself, to be downloaded."""
    for file in sorted(folder.iterdir()) if folder.is_dir() else []:
        if found := find_file(folder, file.name):
            yield {"name": file.name, "bytes": found.stat().st_size, "address": _address(folder, file.name)}


def _address(folder: Path, file: str) -> str:
    """Where the page finds a file of the folder; another one when it is written anew."""
    path = folder / file
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return f"/files/{quote(file)}?{changed}"


def find_file(folder: Path, name: str) -> Path | None:
    """A file of the folder that may be shown: none that is hidden, none outside, whatever a link says."""
    path = folder / name
    hidden = any(part.startswith(".") for part in Path(name).parts)
    if hidden or Path(name).is_absolute() or path.suffix.lower() not in KINDS or not lies_within(folder, path):
        return None
    return path.resolve() if path.is_file() else None

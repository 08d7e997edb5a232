"""A run that was made elsewhere and delivered, as its container delivers it: made into a folder like any run's.

Scenes, contact sheet and record come in; takes/, run.json, the scenes and the film are written as a run here would have
left them. Nothing is drawn.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nextscene import NextSceneError, pictures
from nextscene.batch.jobs import Job, Wanted
from nextscene.batch.place import Files
from nextscene.cutting import cut_film
from nextscene.files import write_whole
from nextscene.output import Record, RecordedScene, Run, file_name, numbered
from nextscene.settings import FilmSettings

RECORD, SHEET = "run.json", "contact_sheet.png"


def unpack(files: Sequence[bytes], job: Job, folder: Path, wanted: Wanted) -> None:
    """Makes a run's folder. files: the scenes, the contact sheet, at last the record."""
    assert job.story
    *scenes, sheet, record = files
    run = Run.from_json(record, f"the record of {job.name}")
    drawn = {hashlib.sha256(scene).hexdigest(): scene for scene in scenes}
    given = {"image": job.story.image} | {name: name for name in job.story.cast}
    for name, file in run.given.items():
        pictures.write(pictures.read(job.folder / str(given[name])), folder / file, {})
    kept = tuple(_keep(scene, drawn, folder) for scene in run.scenes)
    story = run.story.model_copy(update={"film": job.story.film, "image": job.story.image})
    write_whole(folder / RECORD, replace(run, story=story, scenes=kept).to_json())
    write_whole(folder / SHEET, sheet)
    made = Record(folder)
    with made.locked():
        delivered = [_deliver(folder, scene, wanted) for scene in kept if scene.chosen_take and scene.chosen_take.file]
        made.finish_shooting([*delivered, folder / SHEET])
    if wanted.film:
        film = job.story.film
        named = {"music": film.music, "lut": film.lut}
        here = FilmSettings.checked(**{name: str(job.folder / file) for name, file in named.items() if file})
        for _ in cut_film(folder, folder / f"film{wanted.film}", here.overlaid(wanted.film_settings)):
            pass


def is_whole(files: Files) -> bool:
    """Whether these files are a run with all its pictures in it, as they were drawn."""
    try:
        run = Run.from_json(files[RECORD], RECORD)
    except (KeyError, NextSceneError):
        return False
    takes = [scene.chosen_take for scene in run.scenes if scene.shot.filmed]
    return all(
        take and (not take.file or hashlib.sha256(files.get(take.file, b"")).hexdigest() == take.sha256)
        for take in takes
    )


def _keep(scene: RecordedScene, drawn: Files, folder: Path) -> RecordedScene:
    """The scene with its picture among the takes."""
    take = scene.chosen_take
    if not take or not take.file:  # it is withheld, or not filmed
        return scene
    if take.sha256 not in drawn:
        raise OSError(f"the picture of {scene.id} did not come as it was drawn")
    file = f"takes/{file_name(scene.id)}.{take.number}.png"
    write_whole(folder / file, drawn[take.sha256])
    return scene.choosing(replace(take, file=file))


def _deliver(folder: Path, scene: RecordedScene, wanted: Wanted) -> Path:
    """A scene's own file, in the format that is wanted."""
    assert scene.chosen_take
    take, file = folder / str(scene.chosen_take.file), numbered(folder, wanted.output.output_format)(scene.shot)
    if file.suffix == ".png":
        write_whole(file, take.read_bytes())
    else:
        facts = pictures.facts(take) or {}
        pictures.write(pictures.read(take), file, facts, wanted.output.output_quality)
    return file

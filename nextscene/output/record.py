"""The record of a run: what was made and how, what is still to do, and every take that was ever wanted.

    run.json    the story, every shot, every take; written whole after each scene, so that a run can go on after a crash
    takes/      every take's picture, lossless; the scenes beside run.json are the chosen ones, as the user wants them

A story's shots and a folder go in; what is still to be drawn comes out, and each take that was drawn is kept. Where no
run is ever to go on, there are no takes/: the record only speaks of the pictures beside it. Of a take that is withheld
it says so, and there is no picture of it anywhere. It knows pictures, not models.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from nextscene import NextSceneError, __version__, pictures
from nextscene.shooting.safety import Checker
from nextscene.shooting.withholding import card
from nextscene.story.plan import Reference, Shot
from nextscene.story.story import Story, from_data
from nextscene.take import Take, Withheld

FILE, TAKES = "run.json", "takes"
# What may differ between two takes of the same words. A LoRA counts by its sha256, which is what made_with says.
_NOT_OF_THE_PICTURE = ("number", "take", "seed", "duration", "lora_weights")

Json = dict[str, Any]
Along = dict[Reference, Image.Image]
Shoot = Callable[[Sequence[Shot]], Iterator[Take]]


class Record:
    """What one folder holds. Pictures of earlier scenes are found in it by their references."""

    def __init__(self, folder: Path, fresh: bool = False, name: str = FILE, checker: Checker | None = None) -> None:
        """Opens the record of a folder; an empty one, if nothing was made there yet or all of it is to be forgotten.

        checker: judges what was made before too; without one, what was withheld is to be drawn again.
        """
        self.folder, self.file, self._checker = folder, folder / name, checker
        self.story: Story | None = None  # complete with the seed and all that the user set; None before the first run
        self.film: Json = {}  # the film that was last made of it, and how
        self._made_with: Json = {}
        self._scenes: dict[str, Json] = {}
        self._along: Along = {}
        if self.file.is_file() and not fresh:
            try:
                before = json.loads(self.file.read_text())
                self._scenes = {scene["id"]: scene for scene in before["scenes"]}
                self.story = from_data(before["story"])
                self.film, self._made_with = before.get("film", {}), before["made_with"]
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                wrong = f"{self.file} is no record of a run ({error!r})"
                raise NextSceneError(f"{wrong}: start anew with --fresh.") from None

    def along(self) -> Along:
        """The pictures that came with the story of the run."""
        names = [*(["image"] if self.story and self.story.image else []), *(self.story.cast if self.story else ())]
        files = {name: self._picture_file(name) for name in names}
        return {Reference("picture", name): pictures.read(file) for name, file in files.items() if file.is_file()}

    @property
    def stale(self) -> list[str]:
        """The scenes that grew from another take than the one that is now chosen."""
        return [name for name, scene in self._scenes.items() if scene["stale"]]

    def chosen(self) -> dict[str, int]:
        """Which take of each scene is the chosen one."""
        return {name: scene["take"] for name, scene in self._scenes.items()}

    def takes_of(self, name: str) -> list[int]:
        """The takes of a scene that there are."""
        return [take["take"] for take in self._scenes.get(name, {"takes": []})["takes"]]

    def begin(
        self,
        story: Story,
        shots: Sequence[Shot],
        made_with: Mapping[str, Any],
        along: Along,
        cascade: bool = False,
    ) -> list[Shot]:
        """Takes up a story. Gives the shots that are still to be drawn: new and changed ones, and what grew from those.

        made_with: the model and its LoRA; with others, every scene is another one.
        along: the pictures that came with the story.
        cascade: also draw again what is stale.
        """
        self._along = along
        seen = {reference: hashlib.sha256(picture.tobytes()).hexdigest() for reference, picture in along.items()}
        changed: set[str] = set()
        scenes: dict[str, Json] = {}
        for shot in shots:
            before = self._scenes.get(shot.id, {"takes": [], "todo": True})
            words = _fingerprint(shot, made_with, [seen[each] for each in shot.references if each in seen])
            takes = [take for take in before["takes"] if take["words"] == words]
            made = next((take for take in takes if take["take"] == shot.take and self._is_made(take)), None)
            follows = any(reference.name in changed for reference in shot.references)
            follows |= cascade and _is_stale(made, scenes)
            todo = made is None or before["todo"] or follows
            if todo and (not takes or follows or cascade):  # a retake alone changes nothing else
                changed.add(shot.id)
            scenes[shot.id] = {
                "id": shot.id,
                "take": shot.take,
                "todo": todo,
                "stale": False,
                "words": words,
                "shot": shot.to_json(),
                "takes": takes,
            }
        _draw_again_what_was_withheld(shots, scenes)
        self.story, self._made_with, self._scenes = story, dict(made_with), scenes
        return [shot for shot in shots if scenes[shot.id]["todo"]]

    def takes(self, shots: Sequence[Shot], shoot: Shoot | None) -> Iterator[Take]:
        """Every shot's take in order: drawn and kept where it is to do, and as it was made before where it is not.

        shoot: draws what is to do, which is noted down before; None: nothing is.
        """
        for reference, picture in self._along.items():
            pictures.write(picture, self._picture_file(reference.name), {})
        self._write()
        todo = [shot for shot in shots if self._scenes[shot.id]["todo"]]
        drawn = shoot(todo) if shoot else iter(())
        for shot in shots:
            if shot not in todo:
                yield self._made_before(shot)
                continue
            take = next(drawn)
            file = None if take.withheld else self.folder / TAKES / f"{_file_name(take.shot.id)}.{take.shot.take}.png"
            if file:
                pictures.write(take.picture, file, take.facts)
            self.keep(take, file)
            yield take
        self._remove_what_nobody_wants()

    def keep(self, take: Take, file: Path | None) -> None:
        """Notes down a take that is written already, or withheld: what the record says is there, is there."""
        scene = self._scenes[take.shot.id]
        made = {
            "take": take.shot.take,
            **(_withheld(take) if take.withheld else {}),
            **({"file": str(file.relative_to(self.folder)), "sha256": _sha256(file)} if file else {}),
            "words": scene["words"],
            "grew_from": {
                reference.name: _chosen(self._scenes[reference.name])["sha256"]
                for reference in take.shot.references
                if reference.kind == "scene"
            },
            "noticed": take.facts["noticed"],
            "memory": take.facts["memory"],
            "device": take.facts["device"],
            "versions": take.facts["versions"],
            "seconds": round(take.seconds, 3),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        others = [other for other in scene["takes"] if other["take"] != made["take"]]
        scene["takes"] = sorted([*others, made], key=lambda each: each["take"])
        scene |= {"take": made["take"], "shot": take.shot.to_json(), "todo": False}
        self._write()

    def keep_film(self, film: Json) -> None:
        """Notes down the film that was made of the scenes."""
        self.film = film
        self._write()

    def scenes(self) -> Iterator[tuple[Image.Image, Json, Path | None]]:
        """The chosen take of every scene, in order: its picture, what made it, and its file if it is not withheld."""
        if waiting := [name for name, scene in self._scenes.items() if scene["todo"]]:
            names = ", ".join(waiting)
            raise NextSceneError(f"In {self.folder}, {names} is still to be drawn: script/sequence goes on with it.")
        return (self._seen(scene) for scene in self._scenes.values())

    def __getitem__(self, reference: Reference) -> Image.Image:
        if reference in self._along:
            return self._along[reference]
        return pictures.read(self.folder / _chosen(self._scenes[reference.name])["file"])

    def _picture_file(self, name: str) -> Path:
        return self.folder / TAKES / f"{_file_name(name)}.png"

    def _made_before(self, shot: Shot) -> Take:
        scene = self._scenes[shot.id]
        made, (picture, facts, _) = _chosen(scene), self._seen(scene)
        withheld = Withheld(made["withheld"], made["sha256"]) if "withheld" in made else None
        return Take(shot, picture, made["seconds"], facts, withheld)

    def _seen(self, scene: Json) -> tuple[Image.Image, Json, Path | None]:
        made, shot = _chosen(scene), scene["shot"]
        if "withheld" in made:
            return card(shot["number"], (shot["width"], shot["height"])), made["facts"], None
        file = self.folder / made["file"]
        return pictures.read(file), pictures.facts(file) or {}, file

    def _write(self) -> None:
        for scene in self._scenes.values():
            scene["stale"] = not scene["todo"] and _is_stale(_chosen(scene), self._scenes)
        assert self.story
        about = {
            "made_by": f"Next Scene {__version__}",
            "made_with": self._made_with,
            "story": self.story.with_takes(self.chosen()).as_data(),
            "scenes": list(self._scenes.values()),
            **({"film": self.film} if self.film else {}),
        }
        part = self.file.with_name(f".{self.file.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w") as out:
            json.dump(about, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        part.replace(self.file)

    def _is_made(self, take: Json) -> bool:
        """Whether a take need not be drawn: its picture is whole and may be shown, or it would be withheld again."""
        if "withheld" in take:
            return self._checker is not None and self._checker.flags(take["withheld"])
        file = self.folder / take["file"]
        whole = file.is_file() and _sha256(file) == str(take["sha256"])
        return whole and not (self._checker and self._checker(pictures.read(file)).flagged)

    def _remove_what_nobody_wants(self) -> None:
        """Takes of words that are no longer in the story, and those that are withheld by now."""
        takes = [take for scene in self._scenes.values() for take in scene["takes"]]
        wanted = {self.folder / take["file"] for take in takes if "file" in take}
        for file in (self.folder / TAKES).glob("*.*.png"):
            if file not in wanted:
                file.unlink()


def scene_named(name: str, ids: Sequence[str]) -> str:
    """The id of a scene that is named by its id or by its number."""
    if name in ids:
        return name
    if name.isdecimal() and 1 <= int(name) <= len(ids):
        return ids[int(name) - 1]
    raise NextSceneError(f"There is no scene {name!r} in this story of {len(ids)}: name it by its number or its id.")


def _chosen(scene: Json) -> Json:
    return next(take for take in scene["takes"] if take["take"] == scene["take"])


def _withheld(take: Take) -> Json:
    """What the record says of a take in place of its file; the facts are what that would have carried."""
    assert take.withheld
    return {"withheld": take.withheld.score, "sha256": take.withheld.sha256, "facts": dict(take.facts)}


def _draw_again_what_was_withheld(shots: Sequence[Shot], scenes: Mapping[str, Json]) -> None:
    """Adds to what is to do each withheld scene that it looks at: there is no picture of it."""
    looked_at: set[str] = set()
    for shot in reversed(shots):
        scene = scenes[shot.id]
        scene["todo"] = scene["todo"] or (shot.id in looked_at and "withheld" in _chosen(scene))
        if scene["todo"]:
            looked_at |= {reference.name for reference in shot.references if reference.kind == "scene"}


def _is_stale(made: Json | None, scenes: Mapping[str, Json]) -> bool:
    """Whether a take grew from other pictures than those that are now chosen."""
    if made is None:
        return False
    now = {name: scenes[name] for name in made["grew_from"]}
    return any(scene["todo"] or _chosen(scene)["sha256"] != made["grew_from"][name] for name, scene in now.items())


def _fingerprint(shot: Shot, made_with: Mapping[str, Any], given: Sequence[str]) -> str:
    """The same for all takes of the same words, settings and model."""
    decided = {name: value for name, value in shot.to_json().items() if name not in _NOT_OF_THE_PICTURE}
    text = json.dumps([decided, dict(made_with), given], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _file_name(scene: str) -> str:
    """A scene's id as a file's name; ids that would look the same there are told apart."""
    plain = re.sub(r"[^\w-]", "_", scene)
    return plain if plain == scene else f"{plain}-{hashlib.sha256(scene.encode()).hexdigest()[:8]}"

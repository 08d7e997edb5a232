"""What the record of a run consists of, and how it is written as JSON (`run.json`).

Text goes in and a `Run` comes out, or the other way round; what older versions wrote is brought up to date. It opens
no files.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, TypeAdapter

from nextscene import NextSceneError, __version__
from nextscene.output.folder import file_name
from nextscene.provenance import Provenance
from nextscene.story import Shot, Story, as_it_was_made, from_data

VERSION = 2

Number = Annotated[int, Field(ge=1, lt=10**9)]


def _read_provenance(data: Any) -> Provenance:
    with _a_value_error():
        return Provenance.from_json(data, "a take")


def _read_story(data: Any) -> Story:
    with _a_value_error():
        return from_data(as_it_was_made(data))


@contextmanager
def _a_value_error() -> Iterator[None]:
    """What pydantic understands, in place of a sentence."""
    try:
        yield
    except NextSceneError as error:
        raise ValueError(error) from None


@dataclass(frozen=True)
class RecordedTake:
    """A picture that was drawn, and is kept.

    number: its own among all takes of its scene, for ever; its file is called by it, and `--use SCENE:NUMBER`.
    words: the fingerprint of what was asked for: words, settings, model. prompt: the words themselves.
    noise: which take of these words it is, so `Shot.take`; its noise comes from that.
    sha256: of its lossless file, also where that is withheld.
    file: its path below the run's folder; None: it is withheld.
    withheld: the safety checker's score, where its picture is withheld; facts: what that picture would carry.
    grew_from: the scenes that it looks at, with the sha256 of their pictures.
    """

    number: Number
    words: str
    prompt: str
    noise: Number
    sha256: str
    grew_from: Mapping[str, str]
    noticed: tuple[str, ...]
    memory: str
    device: str
    versions: Mapping[str, str]
    seconds: float
    made_at: str
    file: str | None = None
    withheld: float | None = None
    facts: Annotated[Provenance, PlainValidator(_read_provenance), PlainSerializer(Provenance.to_json)] | None = None


@dataclass(frozen=True)
class RecordedClip:
    """A clip that was made, and is kept.

    number: its own among all clips of its scene, for ever.
    made_of: the fingerprint of what was asked for, the engine, and the pictures.
    stills: the scenes that it begins and ends on, with the sha256 of their pictures.
    why: why it is joined to the next scene, or is not.
    file: its path below the run's folder; None: it is withheld, with the safety checker's score.
    made_by: how, for people: engine, weights, words, memory, what a hosted service tells.
    """

    number: Number
    made_of: str
    stills: Mapping[str, str]
    why: str
    sha256: str
    frames: Annotated[int, Field(ge=1, lt=10**6)]
    fps: Annotated[float, Field(gt=0, le=240)]
    seconds: float
    made_at: str
    file: str | None = None
    withheld: float | None = None
    made_by: Mapping[str, object] = field(default_factory=dict)

    @property
    def joined(self) -> bool:
        return len(self.stills) == 2


@dataclass(frozen=True)
class RecordedScene:
    """A scene, with every take of it that there ever was.

    words: the fingerprint of what is asked for now. shot: how it is drawn.
    chosen: the number of the take that is used; None: it is still to be drawn.
    stale: whether that take grew from other pictures than those that are chosen now.
    takes: in the order in which they were last chosen.
    last_number: the highest number that a take of it ever had.
    clips: in the order in which they were last chosen.
    """

    id: str
    words: str
    shot: Annotated[Shot, PlainValidator(Shot.from_json), PlainSerializer(Shot.to_json)]
    chosen: Number | None = None
    stale: bool = False
    takes: tuple[RecordedTake, ...] = ()
    last_number: Annotated[int, Field(ge=0, lt=10**8)] = 0
    clips: tuple[RecordedClip, ...] = ()

    @property
    def kept(self) -> "tuple[RecordedTake | RecordedClip, ...]":
        """All that was ever made of it."""
        return (*self.takes, *self.clips)

    @property
    def chosen_take(self) -> RecordedTake | None:
        return self.take(self.chosen)

    @property
    def prompts(self) -> set[str]:
        """The words that it has, or had in a take."""
        return {self.shot.prompt, *(take.prompt for take in self.takes)}

    def last_noise(self, prompt: str) -> int:
        """Which take of these words was chosen last, or was to be drawn."""
        if self.chosen is None and self.shot.prompt == prompt:
            return self.shot.take
        return next((take.noise for take in reversed(self.takes) if take.prompt == prompt), 1)

    def take(self, number: int | None) -> RecordedTake | None:
        return next((take for take in self.takes if take.number == number), None)

    def choosing(self, take: RecordedTake) -> "RecordedScene":
        """The scene with this take, which may be a new one, as the chosen one."""
        others = tuple(other for other in self.takes if other.number != take.number)
        last_number = max(self.last_number, take.number)
        return replace(self, takes=(*others, take), chosen=take.number, last_number=last_number)

    def with_clip(self, clip: RecordedClip) -> "RecordedScene":
        """The scene with this clip, which may be a new one, as the chosen one."""
        return replace(self, clips=(*(other for other in self.clips if other.number != clip.number), clip))

    def without(self, files: Collection[str]) -> "RecordedScene":
        """The scene without the takes and the clips whose files these are."""
        takes = tuple(take for take in self.takes if take.file not in files)
        return replace(self, takes=takes, clips=tuple(clip for clip in self.clips if clip.file not in files))


@dataclass(frozen=True)
class Stage:
    """What a stage of the run made: the shooting, the film.

    made_of: the fingerprint of all that it was made of.
    files: their paths below the run's folder, with their sha256.
    about: how it was made, for people.
    """

    made_of: str
    files: Mapping[str, str]
    seconds: float
    made_at: str
    about: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """All that a record says.

    made_with: the model and the LoRAs, with their sha256.
    scenes: those of the story, in order. former_scenes: those that were in it once, for their takes.
    given: the files of the pictures that came with the story, by their names in it.
    """

    story: Annotated[Story, PlainValidator(_read_story), PlainSerializer(Story.as_data)]
    made_with: Mapping[str, str]
    scenes: tuple[RecordedScene, ...]
    former_scenes: tuple[RecordedScene, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, Stage] = field(default_factory=dict)

    def scene(self, name: str) -> RecordedScene | None:
        return next((scene for scene in (*self.scenes, *self.former_scenes) if scene.id == name), None)

    def without(self, files: Collection[str]) -> "Run":
        """The run without the takes whose files these are."""
        return replace(
            self,
            scenes=tuple(scene.without(files) for scene in self.scenes),
            former_scenes=tuple(scene.without(files) for scene in self.former_scenes),
        )

    def with_scene(self, changed: RecordedScene) -> "Run":
        scenes = tuple(changed if scene.id == changed.id else scene for scene in self.scenes)
        return replace(self, scenes=scenes)

    def files(self) -> list[str]:
        """The pictures and clips that it is made of."""
        scenes = (*self.scenes, *self.former_scenes)
        made = [each.file for scene in scenes for each in scene.kept if each.file]
        return [*made, *self.given.values()]

    def to_json(self) -> str:
        about = {"version": VERSION, "made_by": f"Next Scene {__version__}"}
        said = _adapter().dump_python(self, mode="json", exclude_none=True)
        return json.dumps(about | said, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes, name: str) -> "Run":
        """What `to_json` wrote, now or in an older version. name: its file's, for the sentence that refuses another."""
        try:
            data = json.loads(text)
            version = data.get("version", 1)
            if isinstance(version, int) and version > VERSION:
                newer = f"{name} was written by a newer version of Next Scene"
                raise NextSceneError(f"{newer}: go on with that one, or choose another folder.")
            for older in range(version, VERSION):
                data = MIGRATIONS[older](data)
            run = _adapter().validate_python(data)
            run._refuse_contradictions()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            wrong = f"{name} is no record of a run, or a damaged one"
            raise NextSceneError(f"{wrong}: script/sequence --fresh sets it aside and starts anew.") from None
        return run

    def _refuse_contradictions(self) -> None:
        if self.story.ids != [scene.id for scene in self.scenes]:
            raise ValueError("the story has other scenes than the record")
        for scene in (*self.scenes, *self.former_scenes):
            numbers = [take.number for take in scene.takes]
            if len(set(numbers)) < len(numbers) or max(numbers, default=0) > scene.last_number:
                raise ValueError("a number is given twice")
            if scene.chosen is not None and scene.chosen not in numbers:
                raise ValueError("the chosen take is not there")
            if any((each.file is None) == (each.withheld is None) for each in scene.kept):
                raise ValueError("a take has no file and is not withheld, or both")
            if len({clip.number for clip in scene.clips}) < len(scene.clips):
                raise ValueError("a clip's number is given twice")


@cache
def _adapter() -> TypeAdapter[Run]:
    return TypeAdapter(Run)


def _from_version_1(run: dict[str, Any]) -> dict[str, Any]:
    """A record from before takes had numbers of their own: of a scene it had only takes of its present words."""

    def scene(data: dict[str, Any]) -> dict[str, Any]:
        numbered = {"prompt": data["shot"]["prompt"]}
        takes = [take | numbered | {"number": take["take"], "noise": take["take"]} for take in data["takes"]]
        takes.sort(key=lambda take: bool(take["number"] == data["take"]))
        chosen = None if data["todo"] else data["take"]
        last_number = max((take["number"] for take in takes), default=0)
        return data | {"chosen": chosen, "takes": takes, "last_number": last_number}

    stages = {}
    if film := run.get("film"):
        about = {name: film[name] for name in ("frames", "settings", "notes")}
        stages["film"] = {"made_of": "", "files": {film["file"]: ""}, "seconds": 0, "made_at": "", "about": about}
    names = [*(["image"] if run["story"].get("image") else []), *run["story"].get("cast", [])]
    given = {name: f"takes/{file_name(name)}.png" for name in names}
    return run | {"scenes": [scene(each) for each in run["scenes"]], "given": given, "stages": stages}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_version_1}

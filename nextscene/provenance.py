"""Provenance: all that made a picture, as the picture's own metadata says it.

    pictures.write(picture, path, provenance.to_json())
    Provenance.from_json(pictures.facts(path), path.name)

It imports no torch, so that whoever shows a picture can say how it was made.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache

from pydantic import TypeAdapter, ValidationError

from nextscene import NextSceneError
from nextscene.story import Shot, Story, as_it_was_made


@dataclass(frozen=True)
class LoraFile:
    """A LoRA, known by its content. It is called by its file's name."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Lora(LoraFile):
    """The Next-Scene LoRA, and how strongly it acted."""

    scale: float


@dataclass(frozen=True)
class OwnLora:
    """The user's own LoRA, as they named it, and how strongly it acted."""

    name: str
    sha256: str
    scale: float


@dataclass(frozen=True)
class OwnWords:
    """An embedding of the user's own, as they named it, and the words that it knows."""

    name: str
    sha256: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Provenance:
    """What made a picture.

    note: what the model is, where its name does not say enough.
    lora_weights: the user's own LoRA. fast_lora: the one that drafts are drawn with. camera_lora: the one for camera
        angles.
    embeddings: those that act in its words.
    memory: how the weights were kept. device: what drew it.
    noticed: what is worth a look in it.
    seen: what the model saw in it, by kind, where it looked.
    story: what it is a scene of, with the takes that it grew from.
    tried: how many takes were drawn before this one was kept.
    """

    shot: Shot
    model: str
    lora: Lora
    made_by: str
    note: str = ""
    lora_weights: OwnLora | None = None
    fast_lora: LoraFile | None = None
    camera_lora: LoraFile | None = None
    embeddings: tuple[OwnWords, ...] = ()
    memory: str = ""
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    noticed: tuple[str, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    story: Story | None = None
    tried: int = 1

    def to_json(self) -> dict[str, object]:
        """As a picture carries it. A story that is too long for that is left out."""
        return {
            "prompt": self.shot.prompt,
            "seed": self.shot.story_seed,
            "model": self.model,
            **({"note": self.note} if self.note else {}),
            "lora": asdict(self.lora),
            **({"lora_weights": asdict(self.lora_weights)} if self.lora_weights else {}),
            **({"fast_lora": asdict(self.fast_lora)} if self.fast_lora else {}),
            **({"camera_lora": asdict(self.camera_lora)} if self.camera_lora else {}),
            **({"embeddings": [asdict(each) for each in self.embeddings]} if self.embeddings else {}),
            "shot": self.shot.to_json(),
            "made_by": self.made_by,
            "memory": self.memory,
            "device": self.device,
            "versions": dict(self.versions),
            "noticed": list(self.noticed),
            **({"seen": dict(self.seen)} if self.seen else {}),
            **(self.story.as_fact() if self.story else {}),
            **({"tried": self.tried} if self.tried > 1 else {}),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, object] | None, name: str) -> "Provenance":
        """What the picture called `name` carries. What older versions did not write has its default."""
        if not facts:
            raise NextSceneError(f"{name} does not say how it was made: it was not made here, or not kept whole.")
        story = {"story": as_it_was_made(facts["story"])} if "story" in facts else {}
        try:
            return _adapter().validate_python({**facts, **story, "shot": Shot.from_json(facts.get("shot"))})
        except ValidationError as error:
            where = " ".join(map(str, error.errors()[0]["loc"])) or "shot"
            wrong = f"its {where!r} is missing or wrong"
            raise NextSceneError(f"{name} says only in part how it was made ({wrong}).") from None

    @property
    def is_draft(self) -> bool:
        return self.fast_lora is not None

    def __str__(self) -> str:
        """In a line, as a film carries it."""
        lora, seed = self.lora, self.shot.story_seed
        return f"{self.made_by}: {self.model}, {lora.file} at {lora.scale:g}, seed {seed}"


@cache
def _adapter() -> TypeAdapter[Provenance]:
    return TypeAdapter(Provenance)

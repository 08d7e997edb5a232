"""A shot: one picture to make, with everything decided: shown before any GPU work, hashed, kept and replayed."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter

from nextscene.settings import Control, Look
from nextscene.story.state import State


@dataclass(frozen=True)
class Reference:
    """A picture that a shot looks at: an earlier scene, by its id, or a picture that came with the request."""

    kind: Literal["scene", "picture"]
    name: str


@dataclass(frozen=True)
class Map:
    """What a shot follows of a picture that it looks at: its edges, its depths, or a pose that is drawn there."""

    kind: Control
    of: Reference

    def __str__(self) -> str:
        return f"along the {self.kind} of {self.of.name}"


IMAGE = Reference("picture", "image")  # the first picture, that the user may give
MAX_REFERENCES = 3  # pictures that the model was made to look at
_fields = TypeAdapter(dict[str, object])


@dataclass(frozen=True)
class Shot:
    """One picture to make, with everything decided.

    prompt: the user's own words.
    words: those that it is drawn by: the same, unless it grows from another scene than the one before, or has a
        `camera` that the model's LoRA for camera angles understands.
    shows: what it is to show, as far as that is known.
    grows_from: the picture that it starts from and follows; None: it is a fresh start.
    references: all that it looks at, what it grows from first.
    draw_width, draw_height: the size at which the model draws it; what is drawn smaller or larger is then resized.
    look: how it is drawn.
    lora_weights: the name of the user's own LoRA, if there is one. embeddings: of the files of words of their own.
    go_fast: whether it is a draft, made in a few steps by the LoRA that is there for that.
    camera_lora: whether the LoRA for camera angles acts.
    follows: the map that it sees in the place of one of its references.
    filmed: whether it is delivered and filmed; else it is only there to be looked at, and its number is 0.
    story_seed: the seed that a person gives to get this picture again.
    seed: the seed of its noise, derived from the story's seed, the scene's id and the take.
    """

    number: int
    id: str
    prompt: str
    words: str
    shows: State
    grows_from: Reference | None
    references: tuple[Reference, ...]
    width: int
    height: int
    draw_width: int
    draw_height: int
    look: Look
    go_fast: bool
    camera_lora: bool
    lora_weights: str | None
    story_seed: int
    take: int
    seed: int
    duration: float
    filmed: bool = True
    embeddings: tuple[str, ...] = ()
    follows: Map | None = None

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON's own types, the look's settings beside the others."""
        fields = asdict(replace(self, look=Look()))
        fields = {**fields, "embeddings": list(self.embeddings)} | self.look.model_dump()
        plain = {"words": self.words == self.prompt, "camera_lora": not self.camera_lora, "filmed": self.filmed}
        plain |= {"style": not self.look.style, "embeddings": not self.embeddings}
        plain |= {"follows": not self.follows, "control": self.look.control == "none"}
        left_out = {"look", *(name for name, is_plain in plain.items() if is_plain)}
        return {name: value for name, value in fields.items() if name not in left_out}

    @classmethod
    def from_json(cls, data: object) -> "Shot":
        """The shot that `to_json` wrote; a ValidationError, if it did not."""
        said = _fields.validate_python(data)
        older = {
            "draw_width": said.get("width"),
            "draw_height": said.get("height"),
            "words": said.get("prompt"),
            "shows": {"since": said.get("id")},
            "camera_lora": False,
        }  # which did not have these
        look = Look.model_validate({name: said[name] for name in Look.model_fields if name in said})
        if said.get("negative_prompt") == " ":  # which stands for none
            look = look.model_copy(update={"negative_prompt": " "})
        return _shots().validate_python({**older, **said, "look": look})

    def __str__(self) -> str:
        look, grows = self.look, self.grows_from.name if self.grows_from else "words alone"
        apart = {self.grows_from, self.follows and self.follows.of}
        beside = [reference.name for reference in self.references if reference not in apart]
        grows += f" with {', '.join(beside)}" if beside else ""
        grows += f" {self.follows}" if self.follows else ""
        own = f" + {self.lora_weights} {look.lora_weights_scale:g}" if self.lora_weights else ""
        own += "".join(f" + {name}" for name in self.embeddings)
        own += " + camera angles" * self.camera_lora
        drawn = f"     drawn as: {self.words}\n" if self.words != self.prompt else ""
        return (
            f"{f'{self.number:3d}.' if self.filmed else '   -'} {self.prompt}\n{drawn}"
            f"     {self.id}, take {self.take} · from {grows} · {self.size} · strength {look.strength:g}"
            f" · lora {look.lora_scale:g}{own} · {look.steps} steps{', fast' * self.go_fast}"
            f" · guidance {look.guidance:g}{_shortcuts(look)}"
            f" · seed {self.story_seed} (noise {self.seed}) · {self.duration:g} s\n"
            f"     shows: {self.shows}\n"
            f"     without: {look.negative_prompt.strip() or 'nothing named'}"
        )

    @property
    def called(self) -> str:
        """What to call it: "Scene 3", or its id, where it is not filmed and has no number."""
        return f"Scene {self.number}" if self.filmed else self.id

    @property
    def is_resized(self) -> bool:
        """Whether the model draws it at another size than the one that was asked for."""
        return (self.draw_width, self.draw_height) != (self.width, self.height)

    @property
    def resizing(self) -> str:
        """What to say of a picture that is drawn at another size, "drawn at 128x96, enlarged"; nothing of others."""
        if not self.is_resized:
            return ""
        larger = self.width * self.height > self.draw_width * self.draw_height
        return f"drawn at {self.draw_width}x{self.draw_height}, {'enlarged' if larger else 'reduced'}"

    @property
    def size(self) -> str:
        """Its size in words, with the one at which it is drawn, if that is another."""
        return f"{self.width}x{self.height}" + f" ({self.resizing})" * self.is_resized


@cache
def _shots() -> TypeAdapter[Shot]:
    return TypeAdapter(Shot)


def retaken(shot: Shot, take: int) -> Shot:
    """The same shot with another take's noise."""
    return replace(shot, take=take, seed=shot_seed(shot.story_seed, shot.id, take))


def shot_seed(seed: int, scene: str, take: int) -> int:
    """31 bits of noise seed that no other scene and no other take of the story shares."""
    digest = hashlib.sha256(f"{seed}\n{take}\n{scene}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def scenes_needed_after(shots: Sequence[Shot], shot: Shot) -> set[str]:
    """The scenes that shots after this one still look at; the others need not be kept."""
    later = shots[[each.id for each in shots].index(shot.id) + 1 :]
    return {reference.name for each in later for reference in each.references if reference.kind == "scene"}


def _shortcuts(look: Look) -> str:
    until = f" for the first {look.guidance_until:.0%} of the steps" if look.guidance_until < 1 else ""
    return until + (f" · first-block cache {look.first_block_cache:g}" if look.first_block_cache else "")

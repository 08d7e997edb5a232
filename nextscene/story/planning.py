"""A plan: from a story to shots, in which everything is decided.

A pure function: no torch, no files, no clock, no chance. Its shots can be shown before any GPU work, hashed, kept
and replayed. It knows a picture only by its size, and a model only by the size that it draws best.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter

from nextscene import NextSceneError
from nextscene.card import Limits
from nextscene.settings import Look, StorySettings
from nextscene.story.camera import Phrases
from nextscene.story.parents import COSTS, UNCHANGED, Cost, choose_parent, difference
from nextscene.story.scene import Scene, with_prefix, without_prefix
from nextscene.story.sizes import GRID as GRID
from nextscene.story.sizes import Size as Size
from nextscene.story.sizes import drawing_size, full_size
from nextscene.story.state import State, is_known_throughout, states_of
from nextscene.story.story import Story

FAST_STEPS = 4  # of a draft, where nobody says how many
MAX_REFERENCES = 3  # pictures that the model was made to look at


@dataclass(frozen=True)
class Reference:
    """A picture that a shot looks at: an earlier scene, by its id, or a picture that came with the request."""

    kind: Literal["scene", "picture"]
    name: str


_fields = TypeAdapter(dict[str, object])
IMAGE = Reference("picture", "image")  # the first picture, that the user may give


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
    lora_weights: the name of the user's own LoRA, if there is one.
    go_fast: whether it is a draft, made in a few steps by the LoRA that is there for that.
    camera_lora: whether the LoRA for camera angles acts.
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

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON's own types, the look's settings beside the others."""
        fields = asdict(replace(self, look=Look()))
        plain = {"words": self.words == self.prompt, "camera_lora": not self.camera_lora, "filmed": self.filmed}
        left_out = {"look", *(name for name, is_plain in plain.items() if is_plain)}
        return {name: value for name, value in fields.items() if name not in left_out} | self.look.model_dump()

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
        beside = [reference.name for reference in self.references if reference != self.grows_from]
        grows += f" with {', '.join(beside)}" if beside else ""
        own = f" + {self.lora_weights} {look.lora_weights_scale:g}" if self.lora_weights else ""
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


def plan(
    story: Story,
    wanted: StorySettings,
    seed: int,
    own_size: Size,
    image: Size | None = None,
    limits: Limits | None = None,
    phrases: Phrases | None = None,
    *,
    one_world: bool = False,
) -> list[Shot]:
    """Decides every shot of a story.

    A scene's own value wins; then what the user set for this run; then the story's; then the default.

    wanted: what the user set for this run.
    seed: the story's seed (see `choose_seed`); each shot's own is derived from it.
    own_size: the (width, height) that the model draws best, taken when nobody names one.
    image: the size of the first picture, if there is one; the first shot then grows from it.
    limits: which sizes the model can draw; None: any.
    phrases: in which a scene's `camera` is said to the model's LoRA for camera angles; None: it has none.
    one_world: whether the model draws a place the same from whichever scene the camera comes to it.
    """
    if story.image and not image:
        raise NextSceneError(f"This story opens with the picture {story.image!r}: give it along with the story.")
    settings = StorySettings().overlaid(story).overlaid(wanted)
    width, height = full_size(settings, own_size, image)
    draw_width, draw_height = drawing_size((width, height), own_size, limits)
    states = states_of(story)
    cost = _cost(settings.continuity, states.values(), one_world)
    shots: list[Shot] = []
    number = 0
    for name, scene in zip(story.ids, story.scenes, strict=True):
        number += scene.filmed
        parent, words = _parent(scene, shots[-1].id if shots else None, image), with_prefix(scene.prompt)
        if angle := phrases.say(scene.camera) if phrases and scene.camera and parent else "":
            words = with_prefix(f"{angle} {without_prefix(scene.prompt)}")
        elif cost and shots and "after" not in scene.model_fields_set:
            parent, words = right_parent(shots, states[name], words, cost)
        references = (*filter(None, [parent]), *_company(story, scene, parent, [shot.id for shot in shots]))
        if len(references) > MAX_REFERENCES:
            names = ", ".join(reference.name for reference in references)
            raise NextSceneError(
                f"Scene {number} ({name}) would look at {names}: at most {MAX_REFERENCES} pictures; "
                "leave some out with its own cast or anchor."
            )
        story_seed = seed if scene.seed is None else scene.seed
        shots.append(
            Shot(
                number=number if scene.filmed else 0,
                id=name,
                prompt=with_prefix(scene.prompt),
                words=words,
                shows=states[name],
                grows_from=parent,
                references=references,
                width=width,
                height=height,
                draw_width=draw_width,
                draw_height=draw_height,
                look=_look(scene, settings, grows=parent is not None),
                go_fast=settings.go_fast,
                camera_lora=bool(angle),
                lora_weights=settings.lora_weights,
                story_seed=story_seed,
                take=scene.take,
                seed=shot_seed(story_seed, name, scene.take),
                duration=seconds_of(scene, settings),
                filmed=scene.filmed,
            )
        )
    return shots


def _look(scene: Scene, settings: StorySettings, *, grows: bool) -> Look:
    """How a scene is drawn, with what follows from other decisions."""
    look = settings.drawing.overlaid(scene)
    follows: dict[str, Any] = {}
    if not look.negative_prompt:
        follows["negative_prompt"] = " "  # never none: that would switch guidance off
    if not grows:
        follows["strength"] = 1.0  # there is nothing to keep
    if not settings.lora_weights:
        follows["lora_weights_scale"] = 0.0
    if settings.go_fast:  # what makes it fast was made for these
        follows |= {"guidance": 1.0, "guidance_until": 1.0, "first_block_cache": 0.0}
        if "steps" not in look.given:
            follows["steps"] = FAST_STEPS
    return look.model_copy(update=follows)


def _parent(scene: Scene, previous: str | None, image: Size | None) -> Reference | None:
    """What a scene grows from: the scene that it names, or the one before, or the first picture, or words alone."""
    if "after" in scene.model_fields_set:
        return Reference("scene", scene.after) if scene.after else None
    if previous:
        return Reference("scene", previous)
    return IMAGE if image else None


def _cost(continuity: str, states: Collection[State], one_world: bool) -> Cost | None:
    """How a scene chooses what it grows from; None: it is always the scene before."""
    if continuity == "auto":
        if not is_known_throughout(states):
            return None
        continuity = "tree" if one_world else "auto"
    return COSTS.get(continuity)


def right_parent(shots: Sequence[Shot], state: State, prompt: str, cost: Cost) -> tuple[Reference, str]:
    """What the next scene of a tree grows from, and the words that lead there: its own, if they say just that."""
    before = shots[-1]
    at = choose_parent([shot.shows for shot in shots], _generations(shots), state, cost)
    chosen = before if at is None else shots[at]
    if difference(chosen.shows, before.shows) != "" and chosen is not before:
        prompt = with_prefix(difference(chosen.shows, state) or UNCHANGED)
    return Reference("scene", chosen.id), prompt


def _generations(shots: Sequence[Shot]) -> list[int]:
    """How many scenes lie behind each shot, one grown from the other."""
    behind: dict[str, int] = {}
    for shot in shots:
        grown = shot.grows_from is not None and shot.grows_from.kind == "scene"
        behind[shot.id] = behind[shot.grows_from.name] + 1 if grown and shot.grows_from else 0
    return list(behind.values())


def _company(story: Story, scene: Scene, parent: Reference | None, earlier: Sequence[str]) -> list[Reference]:
    """What a scene looks at besides: its anchor, as soon as that is there, and its cast."""
    anchor = scene.anchor if "anchor" in scene.model_fields_set else story.anchor
    cast = story.cast if scene.cast is None else scene.cast
    names = dict.fromkeys([*([anchor] if anchor in {*earlier, *story.cast} else []), *cast])
    seen = [Reference("picture" if name in story.cast else "scene", name) for name in names if name]
    return [reference for reference in seen if reference != parent]


def choose_seed(story: Story, wanted: StorySettings, before: int | None = None) -> int:
    """The seed of this run: the one that the user set, else the story's, else that of before, else a random one."""
    seed = next((each for each in (wanted.seed, story.seed, before) if each is not None), None)
    return secrets.randbelow(2**31) if seed is None else seed


def shot_seed(seed: int, scene: str, take: int) -> int:
    """31 bits of noise seed that no other scene and no other take of the story shares."""
    digest = hashlib.sha256(f"{seed}\n{take}\n{scene}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def seconds_of(scene: Scene, settings: StorySettings) -> float:
    """How long a scene stands in the film, if nothing is said in it."""
    return scene.duration or settings.pace or 1 / settings.fps


def retaken(shot: Shot, take: int) -> Shot:
    """The same shot with another take's noise."""
    return replace(shot, take=take, seed=shot_seed(shot.story_seed, shot.id, take))


def _shortcuts(look: Look) -> str:
    until = f" for the first {look.guidance_until:.0%} of the steps" if look.guidance_until < 1 else ""
    return until + (f" · first-block cache {look.first_block_cache:g}" if look.first_block_cache else "")


def scenes_needed_after(shots: Sequence[Shot], shot: Shot) -> set[str]:
    """The scenes that shots after this one still look at; the others need not be kept."""
    later = shots[[each.id for each in shots].index(shot.id) + 1 :]
    return {reference.name for each in later for reference in each.references if reference.kind == "scene"}

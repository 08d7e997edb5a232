"""A plan: from a story to shots, in which everything is decided.

A pure function: no torch, no files, no clock, no chance. Its shots can be shown before any GPU work, hashed, kept
and replayed. It knows a picture only by its size, and a model only by the size that it draws best.
"""

import hashlib
import math
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from nextscene import NextSceneError
from nextscene.story.sizes import GRID as GRID
from nextscene.story.sizes import Areas, drawing_size
from nextscene.story.sizes import Size as Size
from nextscene.story.story import (
    MAX_SIDE,
    MIN_SIDE,
    FilmSettings,
    Scene,
    Settings,
    Story,
    film_settings,
    settings,
    with_prefix,
)

DEFAULTS: dict[str, Any] = {
    "negative_prompt": "black bars, letterbox, borders",
    "strength": 0.6,
    "lora_scale": 0.75,
    "lora_weights_scale": 1.0,
    "guidance": 4.0,
    "fps": 2,
}
SHORTCUTS = {"guidance_until": 1.0, "first_block_cache": 0.0}  # both off
STEPS, FAST_STEPS = 40, 4  # of a scene, where nobody says how many
EASE = 3  # how much gentler a strength is than as a share of the noise schedule (docs/measurements/ablation.md)
MAX_REFERENCES = 3  # pictures that the model was made to look at


@dataclass(frozen=True)
class Reference:
    """A picture that a shot looks at: an earlier scene, by its id, or a picture that came with the request."""

    kind: Literal["scene", "picture"]
    name: str


IMAGE = Reference("picture", "image")  # the first picture, that the user may give


@dataclass(frozen=True)
class Shot:
    """One picture to make, with everything decided.

    grows_from: the picture that it starts from and follows; None: it is a fresh start.
    references: all that it looks at, what it grows from first.
    draw_width, draw_height: the size at which the model draws it; what is drawn smaller or larger is then resized.
    guidance_until: up to which share of its steps guidance is on.
    first_block_cache: how little the first block's result may change for a step to skip the others; 0: none may.
    lora_weights: the name of the user's own LoRA, if there is one.
    go_fast: whether it is a draft, made in a few steps by the LoRA that is there for that.
    story_seed: the seed that a person gives to get this picture again.
    seed: the seed of its noise, derived from the story's seed, the scene's id and the take.
    """

    number: int
    id: str
    prompt: str
    negative_prompt: str
    grows_from: Reference | None
    references: tuple[Reference, ...]
    width: int
    height: int
    draw_width: int
    draw_height: int
    steps: int
    guidance: float
    guidance_until: float
    first_block_cache: float
    strength: float
    go_fast: bool
    lora_scale: float
    lora_weights: str | None
    lora_weights_scale: float
    story_seed: int
    take: int
    seed: int
    duration: float

    @property
    def share(self) -> float:
        """Which share of the noise schedule is run, the last.

        The schedule itself says too little: nearly everything that a picture may become is decided in its first fifth,
        and what runs only the last 0.6 of it hardly follows its words. Eased, a strength of 0.6 runs the last 0.94.
        """
        return 1 - (1 - self.strength) ** EASE

    def __str__(self) -> str:
        grows = self.grows_from.name if self.grows_from else "words alone"
        beside = [reference.name for reference in self.references if reference != self.grows_from]
        grows += f" with {', '.join(beside)}" if beside else ""
        own = f" + {self.lora_weights} {self.lora_weights_scale:g}" if self.lora_weights else ""
        return (
            f"{self.number:3d}. {self.prompt}\n"
            f"     {self.id}, take {self.take} · from {grows} · {self._size} · strength {self.strength:g}"
            f" · lora {self.lora_scale:g}{own} · {self.steps} steps{', fast' * self.go_fast}"
            f" · guidance {self.guidance:g}{self._shortcuts}"
            f" · seed {self.story_seed} (noise {self.seed}) · {self.duration:g} s\n"
            f"     without: {self.negative_prompt.strip() or 'nothing named'}"
        )

    @property
    def is_resized(self) -> bool:
        """Whether the model draws it at another size than the one that was asked for."""
        return (self.draw_width, self.draw_height) != (self.width, self.height)

    @property
    def _size(self) -> str:
        drawn = f" (drawn at {self.draw_width}x{self.draw_height}, enlarged)" if self.is_resized else ""
        return f"{self.width}x{self.height}{drawn}"

    @property
    def _shortcuts(self) -> str:
        until = f" for the first {self.guidance_until:.0%} of the steps" if self.guidance_until < 1 else ""
        return until + (f" · first-block cache {self.first_block_cache:g}" if self.first_block_cache else "")


def plan(
    story: Story,
    wanted: Settings,
    seed: int,
    own_size: Size,
    image: Size | None = None,
    areas: Areas | None = None,
) -> list[Shot]:
    """Decides every shot of a story.

    A scene's own value wins; then what the user set for this run; then the story's; then the default.

    wanted: what the user set for this run.
    seed: the story's seed (see `choose_seed`); each shot's own is derived from it.
    own_size: the (width, height) that the model draws best, taken when nobody names one.
    image: the size of the first picture, if there is one; the first shot then grows from it.
    areas: between which areas the model can draw, as shares of its own; None: it can draw any size.
    """
    if story.image and not image:
        raise NextSceneError(f"This story opens with the picture {story.image!r}: give it along with the story.")
    width, height = _size(wanted, story, own_size, image)
    draw_width, draw_height = drawing_size((width, height), own_size, areas)
    lora_weights = wanted.lora_weights or story.lora_weights
    go_fast = bool(_first(wanted.go_fast, story.go_fast, False))
    shots: list[Shot] = []
    for number, (name, scene) in enumerate(zip(story.ids, story.scenes, strict=True), 1):
        parent = _parent(scene, shots[-1].id if shots else None, image)
        references = (*filter(None, [parent]), *_company(story, scene, parent, [shot.id for shot in shots]))
        if len(references) > MAX_REFERENCES:
            names = ", ".join(reference.name for reference in references)
            raise NextSceneError(
                f"Scene {number} ({name}) would look at {names}: at most {MAX_REFERENCES} pictures; "
                "leave some out with its own cast or anchor."
            )
        values = {key: _decide(key, scene, wanted, story) for key in DEFAULTS | SHORTCUTS if key != "fps"}
        values["negative_prompt"] = values["negative_prompt"] or " "  # never none: that would switch guidance off
        values["strength"] = values["strength"] if parent else 1.0
        values["lora_weights_scale"] = values["lora_weights_scale"] if lora_weights else 0.0
        if go_fast:  # what makes it fast was made for these
            values |= {"guidance": 1.0, **SHORTCUTS}
        story_seed = seed if scene.seed is None else scene.seed
        shots.append(
            Shot(
                number=number,
                id=name,
                prompt=with_prefix(scene.prompt),
                grows_from=parent,
                references=references,
                steps=_first(scene.steps, wanted.steps, story.steps, FAST_STEPS if go_fast else STEPS),
                go_fast=go_fast,
                lora_weights=lora_weights,
                width=width,
                height=height,
                draw_width=draw_width,
                draw_height=draw_height,
                story_seed=story_seed,
                take=scene.take,
                seed=shot_seed(story_seed, name, scene.take),
                duration=seconds_of(scene, wanted, story),
                **values,
            )
        )
    return shots


def _parent(scene: Scene, previous: str | None, image: Size | None) -> Reference | None:
    """What a scene grows from: the scene that it names, or the one before, or the first picture, or words alone."""
    if "after" in scene.model_fields_set:
        return Reference("scene", scene.after) if scene.after else None
    if previous:
        return Reference("scene", previous)
    return IMAGE if image else None


def _company(story: Story, scene: Scene, parent: Reference | None, earlier: Sequence[str]) -> list[Reference]:
    """What a scene looks at besides: its anchor, as soon as that is there, and its cast."""
    anchor = scene.anchor if "anchor" in scene.model_fields_set else story.anchor
    cast = story.cast if scene.cast is None else scene.cast
    names = dict.fromkeys([*([anchor] if anchor in {*earlier, *story.cast} else []), *cast])
    seen = [Reference("picture" if name in story.cast else "scene", name) for name in names if name]
    return [reference for reference in seen if reference != parent]


def given(**values: Any) -> Settings:
    """What the user set for this run. A form fills in every default: a value equal to it counts as not set."""
    return settings(**{key: None if value == DEFAULTS.get(key) else value for key, value in values.items()})


def given_film(**values: Any) -> FilmSettings:
    """How the user wants the film for this run, from a form likewise."""
    plain = FilmSettings().model_dump()
    return film_settings(**{key: None if value == plain[key] else value for key, value in values.items()})


def choose_seed(story: Story, wanted: Settings, before: int | None = None) -> int:
    """The seed of this run: the one that the user set, else the story's, else that of before, else a random one."""
    seed: int | None = _first(wanted.seed, story.seed, before)
    return secrets.randbelow(2**31) if seed is None else seed


def shot_seed(seed: int, scene: str, take: int) -> int:
    """31 bits of noise seed that no other scene and no other take of the story shares."""
    digest = hashlib.sha256(f"{seed}\n{take}\n{scene}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def seconds_of(scene: Scene, *sources: Settings) -> float:
    """How long a scene stands in the film, if nothing is said in it."""
    return scene.duration or 1 / float(_decide("fps", *sources))


def retaken(shot: Shot, take: int) -> Shot:
    """The same shot with another take's noise."""
    return replace(shot, take=take, seed=shot_seed(shot.story_seed, shot.id, take))


def _decide(key: str, *sources: Scene | Settings) -> Any:
    return _first(*(getattr(source, key, None) for source in sources), (DEFAULTS | SHORTCUTS)[key])


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _size(wanted: Settings, story: Story, own_size: Size, image: Size | None) -> Size:
    """The size of every picture: on the model's grid, of its own area, and with the first picture's aspect."""
    width, height = (_first(getattr(wanted, side), getattr(story, side)) for side in ("width", "height"))
    aspect = image[0] / image[1] if image else own_size[0] / own_size[1]
    area = math.prod(own_size)
    if width is None:
        width = height * aspect if height else math.sqrt(area * aspect)
    if height is None:
        height = width / aspect
    return _on_grid(width), _on_grid(height)


def _on_grid(side: float) -> int:
    return min(max(round(side / GRID) * GRID, MIN_SIDE), MAX_SIDE)


def scenes_needed_after(shots: Iterable[Shot], number: int) -> set[str]:
    """The scenes that shots after this one still look at; the others need not be kept."""
    return {r.name for shot in shots if shot.number > number for r in shot.references if r.kind == "scene"}

"""A plan: from a story to shots, in which everything is decided.

A pure function: no torch, no files, no clock, no chance. Its shots can be shown before any GPU work, hashed, kept
and replayed. It knows a picture only by its size, and a model only by the size that it draws best.
"""

import secrets
from collections.abc import Collection, Sequence
from typing import Any

from nextscene import NextSceneError
from nextscene.card import Limits
from nextscene.settings import Control, Look, StorySettings
from nextscene.story.camera import Phrases
from nextscene.story.parents import COSTS, UNCHANGED, Cost, choose_parent, difference
from nextscene.story.scene import Scene, in_style, with_prefix, without_prefix
from nextscene.story.shot import IMAGE, MAX_REFERENCES, Map, Reference, Shot, shot_seed
from nextscene.story.sizes import Size, drawing_size, full_size
from nextscene.story.state import State, is_known_throughout, states_of
from nextscene.story.story import Story

_MAPS = {  # how the full model is told what a picture is
    "edges": "Picture {} is an edge map: draw what follows along its lines.",
    "depth": "Picture {} is a depth map: draw what follows with its depths.",
    "pose": "Picture {} is a map of a pose: draw what follows in this pose.",
}
FAST_STEPS = 4  # of a draft, where nobody says how many


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
    says_maps: bool = False,
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
    says_maps: whether the model is told in words which picture is a map.
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
        look, follows = settings.drawing.overlaid(scene), None
        if look.control != "none":
            follows = _map(scene, f"Scene {number} ({name})", look.control, parent, story.cast)
            if follows and ("after" not in scene.model_fields_set or parent == follows.of):
                parent = None
        if angle := phrases.say(scene.camera) if phrases and scene.camera and parent else "":
            words = with_prefix(f"{angle} {without_prefix(scene.prompt)}")
        elif cost and shots and not follows and "after" not in scene.model_fields_set:
            parent, words = right_parent(shots, states[name], words, cost)
        company = _company(story, scene, parent, [shot.id for shot in shots])
        references = _references(parent, company, follows, f"Scene {number} ({name})")
        if follows and says_maps:
            place = references.index(follows.of) + 1
            words = with_prefix(f"{_MAPS[follows.kind].format(place)} {without_prefix(words)}")
        look = _look(scene, settings, grows=parent is not None)
        story_seed = seed if scene.seed is None else scene.seed
        shots.append(
            Shot(
                number=number if scene.filmed else 0,
                id=name,
                prompt=with_prefix(scene.prompt),
                words=in_style(words, look.style),
                shows=states[name],
                grows_from=parent,
                references=references,
                width=width,
                height=height,
                draw_width=draw_width,
                draw_height=draw_height,
                look=look,
                go_fast=settings.go_fast,
                camera_lora=bool(angle),
                lora_weights=settings.lora_weights,
                story_seed=story_seed,
                take=scene.take,
                seed=shot_seed(story_seed, name, scene.take),
                duration=seconds_of(scene, settings),
                filmed=scene.filmed,
                embeddings=settings.embeddings,
                follows=follows,
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


def _map(scene: Scene, called: str, kind: Control, parent: Reference | None, cast: Collection[str]) -> Map | None:
    """What a scene follows, of what it names or would grow from; None: there is nothing before it."""
    named = scene.control_of
    of = Reference("picture" if named in cast else "scene", named) if named else parent
    if of and kind == "pose" and of.kind == "scene":
        raise NextSceneError(
            f"{called} is to follow a pose of {of.name}, and poses are not found in scenes here: give a drawn pose as "
            "the first picture, or in the cast and as control_of."
        )
    return Map(kind, of) if of else None


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


def _references(
    parent: Reference | None, company: Sequence[Reference], follows: Map | None, called: str
) -> tuple[Reference, ...]:
    """All that a scene looks at, each once, what it grows from first; more than a model can look at is refused."""
    wanted = [*filter(None, [parent]), *company, *([follows.of] if follows else [])]
    references = tuple(dict.fromkeys(wanted))
    if len(references) > MAX_REFERENCES:
        names = ", ".join(reference.name for reference in references)
        raise NextSceneError(
            f"{called} would look at {names}: at most {MAX_REFERENCES} pictures; "
            "leave some out with its own cast or anchor."
        )
    return references


def choose_seed(story: Story, wanted: StorySettings, before: int | None = None) -> int:
    """The seed of this run: the one that the user set, else the story's, else that of before, else a random one."""
    seed = next((each for each in (wanted.seed, story.seed, before) if each is not None), None)
    return secrets.randbelow(2**31) if seed is None else seed


def seconds_of(scene: Scene, settings: StorySettings) -> float:
    """How long a scene stands in the film, if nothing is said in it."""
    return scene.duration or settings.pace or 1 / settings.fps

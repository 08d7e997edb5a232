"""Which scenes move, from which picture to which, and in what: shots in, a plan for each clip out.

A pure function, as the plan of the shots is: it knows an engine only by its facts, and no pictures, files or clock.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from nextscene import NextSceneError
from nextscene.card import Limits
from nextscene.settings import ClipLook
from nextscene.story.language import read
from nextscene.story.scene import Scene, without_prefix
from nextscene.story.shot import Shot
from nextscene.story.sizes import Size, drawing_size
from nextscene.story.story import Story

NEGATIVE = "static, still picture, flicker, flash, fade to white, blurred, distorted, watermark"
FAST_STEPS = 4


@dataclass(frozen=True)
class EngineFacts:
    """What is known of an engine before anything of it is loaded.

    family: which pipeline it is.
    frames: how many it makes best, and `most` at most; all but the first come in groups of `step`.
    fps: how many of them make a second.
    size: the width and height that it makes best; grid: of what they are multiples.
    areas: the smallest and the largest that it can make, as shares of its own.
    joins: whether it can be given a last picture as well; joiner: the engine that makes such clips in its place.
    words: whether it reads any; by_itself: whether without any it lets move what moves by itself.
    takes: which fields of a `ClipLook` count, besides engine and seed.
    shifts_colours: whether its decoder alone changes them, so that they have to be brought back.
    negative_prompt: what it avoids, where nobody says it.
    """

    name: str
    family: Literal["wan", "svd", "ltx", "vace", "hosted", "planned"]
    frames: int
    most: int
    step: int
    fps: float
    size: Size
    grid: int
    areas: tuple[float, float] = (0.9, 1.05)
    joins: bool = True
    joiner: str = ""
    words: bool = True
    by_itself: bool = False
    steps: int = 40
    guidance: float = 5.0
    takes: frozenset[str] = frozenset({"frames", "steps", "guidance", "negative_prompt"})
    shifts_colours: bool = False
    negative_prompt: str = NEGATIVE


# What moves by a plan of where things go: of the still's own size, and with no model.
PLANNED = EngineFacts(
    "planned", "planned", 16, 1000, 1, 15, (1024, 768), 2, joins=False, words=False, steps=1, guidance=1.0,
    takes=frozenset({"frames", "fps"}), negative_prompt="",
)  # fmt: skip


@dataclass(frozen=True)
class ClipPlan:
    """One clip to make, with everything decided.

    last: the scene whose picture it ends on; None: it moves by itself from its own.
    words: what happens in it. moves: what moves and how, if its motion is planned.
    fast: whether it is made in a few steps, by the LoRAs that are there for that.
    why: why it is joined to the next scene, or is not; empty where nobody asked for that.
    notes: what could not be done as it was wanted.
    """

    number: int
    id: str
    last: str | None
    words: str
    negative_prompt: str
    engine: str
    model: str
    width: int
    height: int
    frames: int
    fps: float
    steps: int
    guidance: float
    fast: bool
    seed: int
    motion_bucket_id: int
    noise_aug_strength: float
    decode_chunk_size: int
    why: str = ""
    notes: tuple[str, ...] = ()
    moves: str = ""

    def to_json(self) -> dict[str, Any]:
        """All that makes it what it is, as JSON's own types."""
        aside = {"number", "why", "notes"} | (set() if self.moves else {"moves"})
        return {name: value for name, value in asdict(self).items() if name not in aside}

    @property
    def called(self) -> str:
        return f"Clip {self.number}"

    @property
    def seconds(self) -> float:
        return self.frames / self.fps

    def __str__(self) -> str:
        to = f" to {self.last}" if self.last else ""
        model = f" {self.model}" if self.model else ""
        said = self.moves or self.words or "no words"
        return (
            f"     clip: {said}{to} · {self.engine}{model} · {self.width}x{self.height} · "
            f"{self.frames} frames at {self.fps:g}, {self.seconds:.1f} s · {self.steps} steps{', fast' * self.fast} · "
            f"guidance {self.guidance:g} · seed {self.seed}"
            + "".join(f"\n     {note}" for note in filter(None, [self.why, *self.notes]))
        )


def clip_look(story: Story, scene: Scene) -> ClipLook:
    """What is said of a scene's clip, by it and by its story."""
    return ClipLook().overlaid(story.clip).overlaid(scene.clip)


def engine_names(story: Story) -> list[str]:
    """Which engine each scene asks for, in order."""
    return [
        PLANNED.name if scene.moves else clip_look(story, scene).engine or story.clip_engine
        for _, scene in story.filmed
    ]


def plan_clips(story: Story, shots: Sequence[Shot], engines: Mapping[str, EngineFacts]) -> list[ClipPlan]:
    """The clips of a story, one for each scene of its film; none, where it is not to move.

    story: complete. engines: the facts of each that the story names, by that name, and of those that join for them.
    """
    if story.clips == "none":
        return []
    named = [engines[name] for name in engine_names(story)]
    scenes, shots = [scene for _, scene in story.filmed], [shot for shot in shots if shot.filmed]
    joining = [each if each.joins else engines.get(each.joiner, each) for each in named]
    plans = zip(scenes, shots, named, joining, _ends(story, scenes, shots, joining), strict=True)
    prompts = {shot.id: shot.prompt for shot in shots}
    return [  # what leads to a scene is what that one says
        _plan(story, scene, shot, joins if last else alone, last, why, prompts[last or shot.id])
        for scene, shot, alone, joins, (last, why) in plans
    ]


def _ends(
    story: Story, scenes: Sequence[Scene], shots: Sequence[Shot], engines: Sequence[EngineFacts]
) -> Iterator[tuple[str | None, str]]:
    """The scene that each clip ends on, if it does, and why, or why not."""
    if story.clips != "join":
        yield from [(None, "")] * len(shots)
        return
    for (shot, following), scene, facts in zip(pairwise(shots), scenes[1:], engines, strict=False):
        against = _against_joining(shot, following, scene, facts)
        yes = f"It ends on scene {following.number}, which shows the same place."
        yield (None, f"It moves by itself: {against}.") if against else (following.id, yes)
    yield None, "It moves by itself: it is the last scene."


def _against_joining(shot: Shot, following: Shot, scene: Scene, facts: EngineFacts) -> str:
    """Why the motion cannot lead from one scene to the next; empty: it can."""
    one, other = shot.shows, following.shows
    if not facts.joins:
        return f"{facts.name} takes no last picture"
    if scene.transition not in (None, "cut"):
        return f"scene {following.number} comes in with a {scene.transition}"
    if one.since == other.since:
        return ""
    if one.place and other.place and one.place != other.place:
        return f"scene {following.number} shows another place ({one.place}, then {other.place})"
    grown = following.grows_from is not None and following.grows_from.name == shot.id
    if one.place and one.place == other.place and one.subject == other.subject and grown:
        return ""
    return f"it is not known that scene {following.number} shows the same place (its field shows can say it)"


def _plan(
    story: Story, scene: Scene, shot: Shot, facts: EngineFacts, last: str | None, why: str, said: str
) -> ClipPlan:
    """said: what happens in it, if it says no motion itself."""
    look = clip_look(story, scene)
    fps = float(look.fps) if look.fps and "fps" in facts.takes else facts.fps
    notes = list(_left_aside(look, facts, story))
    wanted = look.frames or (round(story.clip_seconds * fps) if story.clip_seconds else facts.frames)
    frames = _fitting(wanted, facts)
    if frames != wanted and (look.frames or wanted > facts.most):
        steps = f"one and a multiple of {facts.step}, up to {facts.most}" if facts.step > 1 else f"up to {facts.most}"
        notes.append(f"{wanted} frames become {frames}: {facts.name} makes {steps}.")
    if facts.family == "hosted" and look.engine not in (None, "replicate"):
        raise NextSceneError(f"Scene {shot.number}, clip: the engine {look.engine} is no hosted one.")
    fast = story.go_fast and facts.family == "wan" and facts.name == "wan"
    width, height = clip_size((shot.width, shot.height), facts)
    return ClipPlan(
        number=shot.number,
        id=shot.id,
        last=last,
        words=_words(scene, without_prefix(said), facts, alone=last is None),
        negative_prompt=facts.negative_prompt if look.negative_prompt is None else look.negative_prompt,
        engine=facts.name,
        model=(look.model or "") if facts.family == "hosted" else "",
        width=width,
        height=height,
        frames=frames,
        fps=fps,
        steps=look.steps or (FAST_STEPS if fast else facts.steps),
        guidance=1.0 if fast else look.guidance or facts.guidance,
        fast=fast,
        seed=clip_seed(shot, look),
        motion_bucket_id=127 if look.motion_bucket_id is None else look.motion_bucket_id,
        noise_aug_strength=0.02 if look.noise_aug_strength is None else look.noise_aug_strength,
        decode_chunk_size=look.decode_chunk_size or 8,
        why=why,
        notes=tuple(notes),
        moves=scene.moves or "",
    )


def _words(scene: Scene, said: str, facts: EngineFacts, *, alone: bool) -> str:
    """What happens in a clip. What a scene's words name is in its picture already, and need not happen again."""
    if not facts.words:
        return ""
    reading = read(said)
    shown = alone and facts.by_itself and reading.whole and not reading.moves
    return scene.motion or ("" if shown else said)


def _left_aside(look: ClipLook, facts: EngineFacts, story: Story) -> Iterator[str]:
    """What was said that this engine has no use for."""
    known = facts.takes | {"engine", "seed"} | ({"model"} if facts.family == "hosted" else set())
    if unknown := [each for each in look.given if each not in known]:
        yield f"{facts.name} does not take {', '.join(unknown)}: left aside."
    if facts.name == "wan" and story.go_fast and {"guidance", "negative_prompt"} & set(look.given):
        yield "go_fast moves without guidance: guidance and negative_prompt do not count."


def _fitting(wanted: int, facts: EngineFacts) -> int:
    """How many frames an engine makes that come nearest to what is wanted."""
    if facts.step == 1:
        return min(max(wanted, 2), facts.most)
    groups = max(math.floor((wanted - 1) / facts.step + 0.5), 1)
    return min(groups * facts.step + 1, facts.most)


def clip_size(still: Size, facts: EngineFacts) -> Size:
    """The size of a clip: of the still's shape as nearly as the grid allows, and near the engine's own area."""
    if facts.family == "planned":
        return still[0] // 2 * 2, still[1] // 2 * 2
    own = facts.size if still[0] >= still[1] else (facts.size[1], facts.size[0])
    return drawing_size(still, own, Limits(*facts.areas, (facts.grid, facts.grid)))


def clip_seed(shot: Shot, look: ClipLook) -> int:
    """31 bits of noise seed that no still and no other clip of the story shares, if it has none of its own."""
    if look.seed is not None:
        return look.seed
    digest = hashlib.sha256(f"clip\n{shot.seed}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1

"""A clip that follows a composed film, by Time-to-Move (arXiv 2511.08633): nothing is trained for it.

    clip = follow(frames, masks, "a red ball bounces on a table", engine="wan", seed=1)

In goes a crude film, things moved over a background, with masks of the things; out comes one in which they go the same
way, and light, shadow and all else move with them. The engine begins from the crude film with much noise on it; where
the masks are white it is held to it for some steps longer.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from nextscene import NextSceneError
from nextscene.clip import Clip, OnClipStep
from nextscene.hub import find_engines
from nextscene.motion.choosing import Engines, choose_clips
from nextscene.settings import StorySettings
from nextscene.story import ClipPlan, from_data, plan

if TYPE_CHECKING:
    from nextscene.motion.wan import Wan


def follow(
    frames: Sequence[Image.Image], masks: Sequence[Image.Image], words: str, *, engine: str = "wan", seed: int,
    on_step: OnClipStep = lambda *_: None,
) -> Clip:  # fmt: skip
    """As many frames as there are, of the size that the engine makes. masks: white where something moves."""
    engines, planned = plan_following(words, frames[0].size, len(frames), engine, seed)
    with engines.open(planned.engine, [planned]) as opened:
        follower: Wan = opened  # type: ignore[assignment]  # as plan_following sees to
        follower.check(planned)
        clip = follower.follow(planned, frames, masks, on_step)
    return Clip(clip.frames[: len(frames)], clip.fps, clip.seconds, clip.made_by)


def plan_following(words: str, size: tuple[int, int], count: int, engine: str, seed: int) -> tuple[Engines, ClipPlan]:
    """The engine and the plan of such a clip; refuses what the engine cannot do, before anything is fetched."""
    facts = find_engines([engine])[engine].facts
    if facts.family != "wan":
        raise NextSceneError(f"The engine {facts.name} follows no planned motion: use wan, wan-light or storybook.")
    if count > facts.most:
        raise NextSceneError(
            f"The engine {facts.name} makes {facts.most} frames at most, and {count} are planned: ask for fewer, or "
            "leave the engine out."
        )
    whole = math.ceil(max(count - 1, 1) / facts.step) * facts.step + 1
    scene = {"prompt": words, "motion": words, "clip": {"engine": engine, "frames": whole, "seed": seed}}
    story = from_data({"clips": "each", "scenes": [scene]}).complete(StorySettings(), seed, None)
    engines, (planned,) = choose_clips(story, plan(story, StorySettings(), seed, size))
    return engines, planned

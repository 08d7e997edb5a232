"""Small models for clips, made once for all tests of a process, and plans for them."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from nextscene.motion import Engines, choose_clips
from nextscene.settings import StorySettings
from nextscene.story import ClipPlan, from_data, plan
from storybook import random_clips


@cache
def model_for(kind: str) -> Path:
    """The folder of a small model of this kind, with random weights."""
    return random_clips.build(Path(tempfile.mkdtemp(prefix="next-scene-test-")) / kind, kind)


def planned(*scenes: Any, size: tuple[int, int] = (128, 96), **story: Any) -> tuple[Engines, list[ClipPlan]]:
    """The engines and the plans of a story's clips, by what the environment says."""
    told = from_data({"clips": "each", "scenes": list(scenes), **story})
    told = told.complete(StorySettings(), 5, None)
    return choose_clips(told, plan(told, StorySettings(), 5, size))

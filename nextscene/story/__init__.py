"""What the user wrote: read, checked, and planned into shots. Pure: no torch, no files to write, no clock.

story = from_text("A lighthouse at noon\nNight falls")
shots = plan(story, StorySettings(), 7, Size(1024, 768))  # everything decided
"""

from nextscene.story.advising import advice, asks_for_change, camera_moves
from nextscene.story.camera import Phrases
from nextscene.story.clip_batch import ClipScene, read_clip_batch
from nextscene.story.clips import PLANNED, ClipPlan, EngineFacts, clip_size, engine_names, plan_clips
from nextscene.story.language import ANSWERS, PLACES, WEATHERS
from nextscene.story.language import read as read_words
from nextscene.story.looks import SavedLook, look_of, read_look
from nextscene.story.parents import choose_parent, difference
from nextscene.story.planning import FAST_STEPS, choose_seed, plan, seconds_of
from nextscene.story.scene import PREFIX, Line, Scene, Sound, with_prefix
from nextscene.story.shot import IMAGE, MAX_REFERENCES, Map, Reference, Shot, retaken, scenes_needed_after, shot_seed
from nextscene.story.sizes import GRID, Size, drawing_size
from nextscene.story.state import Camera, State, states_of
from nextscene.story.story import (
    MAX_SCENES,
    Story,
    as_it_was_made,
    from_data,
    from_file,
    from_prompts,
    from_text,
    read_json,
    read_text,
)
from nextscene.story.words import about_unknown_words, describe_world, unknown_words, world_table

__all__ = [
    "ANSWERS",
    "FAST_STEPS",
    "GRID",
    "IMAGE",
    "MAX_REFERENCES",
    "MAX_SCENES",
    "PLACES",
    "PLANNED",
    "PREFIX",
    "WEATHERS",
    "Camera",
    "ClipPlan",
    "ClipScene",
    "EngineFacts",
    "Line",
    "Map",
    "Phrases",
    "Reference",
    "SavedLook",
    "Scene",
    "Shot",
    "Size",
    "Sound",
    "State",
    "Story",
    "about_unknown_words",
    "advice",
    "as_it_was_made",
    "asks_for_change",
    "camera_moves",
    "choose_parent",
    "choose_seed",
    "clip_size",
    "describe_world",
    "difference",
    "drawing_size",
    "engine_names",
    "from_data",
    "from_file",
    "from_prompts",
    "from_text",
    "look_of",
    "plan",
    "plan_clips",
    "read_clip_batch",
    "read_json",
    "read_look",
    "read_text",
    "read_words",
    "retaken",
    "scenes_needed_after",
    "seconds_of",
    "shot_seed",
    "states_of",
    "unknown_words",
    "with_prefix",
    "world_table",
]

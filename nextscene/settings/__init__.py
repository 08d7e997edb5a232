"""Every setting, once: its type, default, range and help.

    Look             how one scene is drawn; a scene, a story and a run may each say some of it
    ClipSettings     whether the scenes move; a ClipLook says how one of them does
    StorySettings    a look, and what holds for a whole story: seed, size, pace, clips
    ScriptSettings   how a script becomes a story
    FilmSettings     how the film is made of the scenes
    RestyleSettings  how a film that is there is restyled
    OutputSettings   what is delivered, and in which format
    MoveSettings     how words become a planned motion

What nobody said is absent (`given`), never equal to a default: `Look(strength=0.6)` says a strength, `Look()` says
nothing, and both have one. Layers of what was said are laid over each other, and what is absent in all of them has its
default:

    look = Look().overlaid(story.drawing).overlaid(run.drawing).overlaid(scene.drawing)

From this table come the terminal's flags, the story file's fields and its JSON schema, Cog's form (`predict.py`) and
the tables of the docs: see `nextscene/form/`. It knows no story, and imports no torch.
"""

from nextscene.settings.drawing import ClipLook, ClipSettings, Look, StorySettings
from nextscene.settings.film import FilmSettings, OutputSettings, RestyleSettings, ScriptSettings
from nextscene.settings.group import Group, describe_errors, setting
from nextscene.settings.kinds import (
    EASE,
    MAX_PROMPT,
    MAX_SIDE,
    MIN_SIDE,
    PACE,
    SHAPE,
    WIDEST,
    Aspect,
    ClipEngine,
    Control,
    FileName,
    GradeName,
    Lens,
    Light,
    LoraName,
    Move,
    Name,
    Text,
    Transition,
    Weather,
)
from nextscene.settings.moving import MoveSettings
from nextscene.settings.table import Setting, row, rows

__all__ = [
    "EASE",
    "MAX_PROMPT",
    "MAX_SIDE",
    "MIN_SIDE",
    "PACE",
    "SHAPE",
    "WIDEST",
    "Aspect",
    "ClipEngine",
    "ClipLook",
    "ClipSettings",
    "Control",
    "FileName",
    "FilmSettings",
    "GradeName",
    "Group",
    "Lens",
    "Light",
    "Look",
    "LoraName",
    "Move",
    "MoveSettings",
    "Name",
    "OutputSettings",
    "RestyleSettings",
    "ScriptSettings",
    "Setting",
    "StorySettings",
    "Text",
    "Transition",
    "Weather",
    "describe_errors",
    "row",
    "rows",
    "setting",
]

"""Planned motion: words become a plan of where things go, the plan becomes pictures, the pictures a film.

    said = read_sayings("a red ball bounces five times")
    plan = plan_motion(said, {"red ball": Found((40, 60, 60, 80))}, (128, 96), frames=16, fps=15)

Words, physics and the plan's file are pure; what cuts out and composes needs no model.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from nextscene.moves.composing import cut_out, fill, put
from nextscene.moves.drawing import Drawing, hole_of
from nextscene.moves.finding import Cut, find_by_box, find_things
from nextscene.moves.inbetween import Between, ByFlow, ByLatents
from nextscene.moves.making import Cutter, Lead, Making, Told
from nextscene.moves.painting import ByModel, Composite, Painter
from nextscene.moves.plan import Event, Place, Plan, Thing, count_bounces, read_plan
from nextscene.moves.planning import Found, plan_motion
from nextscene.moves.regions import count_parts, mean_around
from nextscene.moves.sayings import Said, Saying, Who
from nextscene.moves.staging import STAGES
from nextscene.moves.words import read_sayings

if TYPE_CHECKING:
    from nextscene.moves.between import Latents
    from nextscene.moves.editing import edit
    from nextscene.moves.placing import settle
    from nextscene.moves.removal import cover, remove
    from nextscene.moves.segmenting import Sam2

_BRING_TORCH = {
    "Latents": "between",
    "Sam2": "segmenting",
    "cover": "removal",
    "edit": "editing",
    "remove": "removal",
    "settle": "placing",
}

__all__ = [
    "STAGES",
    "Between",
    "ByFlow",
    "ByLatents",
    "ByModel",
    "Composite",
    "Cut",
    "Cutter",
    "Drawing",
    "Event",
    "Found",
    "Latents",
    "Lead",
    "Making",
    "Painter",
    "Place",
    "Plan",
    "Said",
    "Sam2",
    "Saying",
    "Thing",
    "Told",
    "Who",
    "count_bounces",
    "count_parts",
    "cover",
    "cut_out",
    "edit",
    "fill",
    "find_by_box",
    "find_things",
    "hole_of",
    "mean_around",
    "plan_motion",
    "put",
    "read_plan",
    "read_sayings",
    "remove",
    "settle",
]


def __getattr__(name: str) -> object:
    if name not in _BRING_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_BRING_TORCH[name]}"), name)

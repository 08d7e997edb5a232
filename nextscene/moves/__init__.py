"""Planned motion: words become a plan of where things go, the plan becomes pictures, the pictures a film.

    said = read_sayings("a red ball bounces five times")
    plan = plan_motion(said, {"red ball": Found((40, 60, 60, 80))}, (128, 96), frames=16, fps=15)

Words, physics and the plan's file are pure; what cuts out and composes needs no model.
"""

from nextscene.moves.finding import Cut
from nextscene.moves.inbetween import Between, ByFlow, ByLatents
from nextscene.moves.making import Making, Told
from nextscene.moves.painting import ByModel, Composite, Painter
from nextscene.moves.plan import Event, Place, Plan, Thing, count_bounces, read_plan
from nextscene.moves.planning import Found, plan_motion
from nextscene.moves.sayings import Said, Saying, Who
from nextscene.moves.staging import STAGES
from nextscene.moves.words import read_sayings

__all__ = [
    "STAGES",
    "Between",
    "ByFlow",
    "ByLatents",
    "ByModel",
    "Composite",
    "Cut",
    "Event",
    "Found",
    "Making",
    "Painter",
    "Place",
    "Plan",
    "Said",
    "Saying",
    "Thing",
    "Told",
    "Who",
    "count_bounces",
    "plan_motion",
    "read_plan",
    "read_sayings",
]

"""Pictures in, clips out: each engine makes a few seconds of motion from a first picture, and perhaps a last one.

    with open_engine(weights, plans) as engine:
        for plan in plans:
            clip = engine.make(plan, first, last, on_step)

An engine is a class that does what `nextscene.clip.Engine` says, and a row in `nextscene/hub/clip_models.py`. It knows
no stories and no files; torch is imported only where an engine that needs it is opened.
"""

from nextscene.motion.choosing import Engines, choose_clips
from nextscene.motion.following import follow, plan_following
from nextscene.motion.hosted_film_models import find_hosted_film
from nextscene.motion.opening import FilmEngine, open_engine, open_film_engine

__all__ = [
    "Engines",
    "FilmEngine",
    "choose_clips",
    "find_hosted_film",
    "follow",
    "open_engine",
    "open_film_engine",
    "plan_following",
]

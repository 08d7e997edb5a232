"""The director's side: what a person at the page can ask of one run's folder, whoever carries the question there.

    director = Director(folder, weights)
    director.plan(order)       # what would be drawn; nothing is
    director.draw(order)       # begins; director.work tells how it goes on

It knows no HTTP.
"""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from nextscene.adaptation import keep_breakdown
from nextscene.api import load as load_studio
from nextscene.hub import Weights
from nextscene.output import Record
from nextscene.page.orders import Order
from nextscene.page.view import Json, describe_folder, describe_form, describe_plan
from nextscene.page.work import Work
from nextscene.production import Production
from nextscene.progress import say
from nextscene.story import describe_world
from nextscene.writing import SERVICES

if TYPE_CHECKING:
    from nextscene.shooting import Studio


class Director:
    """One folder, one model, one run at a time."""

    def __init__(self, folder: Path, weights: Weights, load: "Callable[[], Studio] | None" = None) -> None:
        """load: gives the studio, when something is drawn for the first time; None: loads these weights."""
        self.folder, self.weights = folder, weights
        self._sent = TemporaryDirectory(prefix="next-scene-page-")
        self.work = Work(load or (lambda: load_studio(weights, say=say)))

    def state(self) -> Json:
        """What there is now: the model, the writers that there is a key for, the folder's run."""
        world = self.weights.card.world
        about = {
            "model": self.weights.notice,
            "world": describe_world(world) if world else None,
            "writers": ["rules", *(name for name, service in SERVICES.items() if os.environ.get(service[3]))],
        }
        return about | describe_folder(self.folder)

    def form(self) -> Json:
        """The settings that can be said."""
        return describe_form()

    def plan(self, order: Order) -> Json:
        """What would be drawn, why, and for how long."""
        before = Record(self.folder)
        return describe_plan(self._production(order), before)

    def draw(self, order: Order) -> Json:
        """Begins a run."""
        production = self._production(order)
        if production.request.breakdown:
            keep_breakdown(production.request.breakdown, self.folder)
        self.work.begin(production)
        return {}

    def _production(self, order: Order) -> Production:
        return Production(order.request(self.folder, Path(self._sent.name)), self.weights)

    def stop(self) -> Json:
        self.work.stop()
        return {}

"""Which engine moves each scene of a story, and the plans of its clips. Nothing is loaded or fetched for that."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from nextscene import __version__
from nextscene.clip import Engine
from nextscene.hub import HOSTED, ClipWeights, find_engines
from nextscene.motion.hosted_models import find_hosted
from nextscene.motion.opening import open_engine
from nextscene.motion.planned import Planned
from nextscene.story import PLANNED, ClipPlan, Shot, Story, engine_names, plan_clips


class Engines:
    """Engines that were chosen, by their names in the plans; each is fetched and loaded when it is opened."""

    def __init__(self, weights: Mapping[str, ClipWeights]) -> None:
        self._weights = weights

    @cached_property
    def identities(self) -> dict[str, dict[str, str]]:
        """What tells each from any other; what is not here yet is fetched for that."""
        planned = {PLANNED.name: {"engine": PLANNED.name, "version": __version__}}
        return {name: each.identity for name, each in self._weights.items()} | planned

    def open(self, name: str, plans: Sequence[ClipPlan]) -> Engine:
        return Planned() if name == PLANNED.name else open_engine(self._weights[name], plans)


def choose_clips(story: Story, shots: Sequence[Shot]) -> tuple[Engines, list[ClipPlan]]:
    """The engines that a complete story asks for, and a plan for each scene's clip."""
    if story.clips == "none":
        return Engines({}), []
    found = find_engines(name for name in engine_names(story) if name != PLANNED.name)
    facts = {name: weights.facts for name, weights in found.items()} | {PLANNED.name: PLANNED}
    plans = plan_clips(story, shots, facts)
    for each in plans:
        if each.engine == PLANNED.name:
            Planned().check(each)
        if each.engine == HOSTED:
            find_hosted(each)  # refuses what is not known, before anything is drawn
    used = {each.engine for each in plans}
    return Engines({each.facts.name: each for each in found.values() if each.facts.name in used}), plans

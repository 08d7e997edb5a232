"""The engine for weights that were chosen."""

from collections.abc import Sequence

from nextscene.clip import Engine
from nextscene.hub import ClipWeights
from nextscene.story import ClipPlan


def open_engine(weights: ClipWeights, plans: Sequence[ClipPlan]) -> Engine:
    """An engine for these plans; it loads what it needs when it is entered."""
    if weights.facts.family == "hosted":
        from nextscene.motion.hosted import Hosted

        return Hosted()
    if weights.facts.family == "svd":
        from nextscene.motion.svd import Svd

        return Svd(weights, plans)
    if weights.facts.family == "ltx":
        from nextscene.motion.ltx import Ltx

        return Ltx(weights, plans)
    from nextscene.motion.wan import Wan

    return Wan(weights, plans)

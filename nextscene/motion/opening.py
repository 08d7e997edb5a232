"""The engine for weights that were chosen."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, Self

from nextscene.clip import Engine, Frame, OnClipStep
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


class FilmEngine(AbstractContextManager["FilmEngine"], Protocol):
    """Someone who restyles pieces of a film: opened for their plans, which it makes one after another."""

    def restyle(
        self, plan: ClipPlan, source: Sequence[Frame], begun: Sequence[Frame], on_step: OnClipStep = lambda *_: None
    ) -> list[Frame]:
        """As many frames as the source has. begun: how the first of them look already, where the engine can use it."""

    def __enter__(self) -> Self: ...


def open_film_engine(weights: ClipWeights, plans: Sequence[ClipPlan]) -> FilmEngine:
    """An engine that restyles; it loads what it needs when it is entered."""
    if weights.facts.family == "hosted":
        from nextscene.motion.hosted_films import HostedFilms

        return HostedFilms()
    from nextscene.motion.vace import Vace

    return Vace(weights, plans)

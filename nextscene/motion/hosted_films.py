"""A film restyled by a hosted model, through Replicate's API: a piece goes up, and comes down in another look."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nextscene.clip import Frame, OnClipStep
from nextscene.film import write_clip
from nextscene.motion.hosted import STEPS, Hosted, said_in_a_sentence
from nextscene.motion.hosted_film_models import find_hosted_film
from nextscene.story import ClipPlan


class HostedFilms(Hosted):
    """Restyles pieces of a film, one after another; they know nothing of each other."""

    def restyle(
        self, plan: ClipPlan, source: Sequence[Frame], begun: Sequence[Frame], on_step: OnClipStep = lambda *_: None
    ) -> list[Frame]:
        name, model = find_hosted_film(plan.model)
        with said_in_a_sentence(plan, name):
            inputs = {"prompt": plan.words, "video": self._send(source, plan.fps), **model.more}
            order = self._order(plan, name, inputs | ({model.seed: plan.seed} if model.seed else {}))
            try:
                order = self._wait(plan, name, order, on_step)
            except BaseException:
                self._api.cancel(order["id"])
                raise
            frames = self._download(plan, name, order).frames
        on_step(plan, STEPS, STEPS)
        nearest = np.linspace(0, len(frames) - 1, len(source)).round().astype(int)  # it may have another pace
        return [frames[number] for number in nearest]

    def _send(self, frames: Sequence[Frame], fps: float) -> str:
        with tempfile.TemporaryDirectory(prefix="next-scene-hosted-") as folder:
            file = Path(folder) / "film.mp4"
            file.touch()
            write_clip(file, frames, fps, {})
            return self._api.upload(file.read_bytes(), "film.mp4", "video/mp4")

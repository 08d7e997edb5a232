"""A clip by planned motion: what moves in a scene's picture, as its field moves says. No model."""

import time
from typing import Self

import numpy as np
from PIL import Image

from nextscene import NextSceneError
from nextscene.clip import Clip, OnClipStep
from nextscene.moves import Composite, Drawing, Found, find_things, plan_motion, read_sayings
from nextscene.pictures import fit
from nextscene.story import ClipPlan


class Planned:
    """Makes clips by a plan of where things go, exactly as `script/move` does with its usual engine."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def check(self, plan: ClipPlan) -> None:
        try:
            read_sayings(plan.moves)
        except NextSceneError as error:
            raise NextSceneError(f"Scene {plan.number}, moves: {error}") from None

    def make(
        self, plan: ClipPlan, first: Image.Image, last: Image.Image | None, on_step: OnClipStep = lambda *_: None
    ) -> Clip:
        began = time.perf_counter()
        picture = fit(first.convert("RGB"), plan.width, plan.height)
        try:
            said = read_sayings(plan.moves)
            cuts = find_things(picture, said.things)
            found = {name: Found(cut.box, cut.confidence) for name, cut in cuts.items()}
            motion = plan_motion(said, found, picture.size, plan.frames, plan.fps, prompt=plan.moves)
        except NextSceneError as error:
            raise NextSceneError(f"Scene {plan.number}, moves: {error}") from None
        masks = {name: cut.mask for name, cut in cuts.items()}
        drawing = Drawing(motion, picture, masks, Composite().background(picture, masks))
        frames = [np.asarray(drawing.frame(number)[0]) for number in range(plan.frames)]
        on_step(plan, plan.steps, plan.steps)
        places = {name: [round(each) for each in found[name].box] for name in found}
        return Clip(frames, plan.fps, time.perf_counter() - began, {"moves": plan.moves, "found": places})

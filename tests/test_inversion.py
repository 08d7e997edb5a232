"""A picture's way to noise and back, on the small model that can draw."""

import numpy as np
import pytest
import torch
from conftest import noise, photo, pixels, plain_look
from PIL import Image

from nextscene import hub
from nextscene.model import Flow, Model, load
from nextscene.model.inversion import Solver
from storybook.world import State, draw


@pytest.fixture(scope="module")
def storybook() -> Model:
    weights = hub.find("storybook")
    return load(weights.folder, weights.lora)


def decibels(one: Image.Image, other: Image.Image) -> float:
    return float(10 * np.log10(255**2 / ((pixels(one) - pixels(other)) ** 2).mean()))


@pytest.mark.slow
def test_noise_that_a_picture_was_led_to_leads_back_to_it_and_far_better_than_by_plain_steps(storybook: Model) -> None:
    picture = draw(State("desert", "sunset", "clear", "windmill", "blue"))

    def round_trip(solver: Solver) -> float:
        flow = Flow(storybook.pipe, "a windmill in the desert", [picture], 128, 96, steps=8, solver=solver)
        latents = flow.encode(picture)
        return decibels(flow.decode(latents), flow.decode(flow.to_picture(flow.to_noise(latents))))

    assert round_trip("fireflow") > max(53, round_trip("euler") + 3)


def test_plain_steps_from_noise_draw_what_the_pipeline_draws(small: Model) -> None:
    small.use_look(look := plain_look(steps=3, guidance=1.0))
    drawn = small.pipe("a city", [photo(96, 64)], width=96, height=64, look=look, generator=noise(4))
    flow = Flow(small.pipe, "a city", [photo(96, 64)], 96, 64, steps=3, solver="euler")
    channels = small.pipe.transformer.config.in_channels // 4
    kind = small.pipe.transformer.dtype
    latents, _ = small.pipe.prepare_latents(None, 1, channels, 64, 96, kind, "cpu", noise(4))
    assert np.abs(pixels(flow.decode(flow.to_picture(latents))) - pixels(drawn)).max() <= 1


def test_fireflow_asks_the_model_once_a_step_and_a_part_of_the_way_takes_so_many_steps_less(small: Model) -> None:
    flow = Flow(small.pipe, "a city", [photo(96, 64)], 96, 64, steps=6)
    calls: list[str] = []
    handle = small.pipe.transformer.register_forward_pre_hook(lambda *_: calls.append("call"))
    start = flow.encode(photo(96, 64))
    flow.to_noise(start)
    assert len(calls) == 6 + 1
    half = flow.to_noise(start, 0.5)
    assert len(calls) == 6 + 1 + 3 + 1
    handle.remove()
    levels: list[float] = []

    def look(latents: torch.Tensor, level: float) -> torch.Tensor:
        levels.append(level)
        return latents

    flow.to_picture(half, 0.5, look)
    assert levels == flow.last(0.5)[1:]
    assert levels[-1] == 0

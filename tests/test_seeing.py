"""Tests that can see: through the predictor, on the built-in model, every input visibly acts as it should.

What a picture shows is told by the drawn pictures that it is nearest to, not by the model. The margins leave room for
chance: a count that is asked for is far above what luck gives, and below what the model gives.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT, pixels
from PIL import Image
from torch import Tensor

from nextscene.form import schema
from predict import Runner
from storybook.families import VALUES
from storybook.measure import MOVES, every_view, shown
from storybook.words import NAMED, camera, caption
from storybook.world import LAYOUTS, State, draw, random_state

Draw = Callable[..., list[Image.Image]]
DEFAULTS = {each.name: each.facts.get("default") for each in schema.read(ROOT / "predict.py", "Runner").inputs}
QUICK = {"num_inference_steps": 8, "guidance": 1.0, "strength": 1.0, "lora_scale": 0.0, "seed": 1}


@pytest.fixture(scope="module")
def draw_scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Draw]:
    """The predictor, as Cog calls it: inputs in, pictures out."""
    folder = tmp_path_factory.mktemp("seen")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXT_SCENE_MODEL", "storybook")
        predictor = Runner()
        predictor.setup()

        def scenes(*prompts: str, image: State | None = None, **inputs: Any) -> list[Image.Image]:
            if image:
                draw(image).save(folder / "image.png")
                inputs["image"] = folder / "image.png"
            made = predictor.run(**DEFAULTS | QUICK | {"prompts": list(prompts)} | inputs)
            return [Image.open(Path(str(path))).convert("RGB") for path in made]

        yield scenes


def some_states(count: int) -> list[State]:
    """Worlds that the model never saw."""
    chance = random.Random("seeing")
    return [random_state(chance, held_out=True) for _ in range(count)]


def seen(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255


def apart(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(pixels(one) - pixels(other)).mean())


def nearly(state: State) -> Sequence[State]:
    """The state, and all that differ from it in one thing that has a name; each in every layout."""
    others = {state, *(state.but(**{name: value}) for name in NAMED for value in VALUES[name])}
    return [other.but(layout=layout) for other in others for layout in range(LAYOUTS)]


@pytest.mark.slow
def test_a_scene_shows_what_its_words_name(draw_scenes: Draw) -> None:
    """One of 17 worlds, and it is the right one."""
    states, chance = some_states(8), random.Random(1)
    made = [draw_scenes(caption(state, chance, held_out=True))[0] for state in states]
    found = [shown(seen(each), nearly(state)) for each, state in zip(made, states, strict=True)]
    assert sum(each.but(layout=state.layout) == state for each, state in zip(found, states, strict=True)) >= 5


@pytest.mark.slow
def test_a_scene_grows_from_the_picture_that_it_is_given(draw_scenes: Draw) -> None:
    """The same words and the same noise; among the pictures that were given, each is nearest to its own."""
    states = some_states(6)
    made = [draw_scenes("keep everything as it is", image=state)[0] for state in states]
    assert sum(shown(seen(each), states) == state for each, state in zip(made, states, strict=True)) >= 5


@pytest.mark.slow
def test_the_camera_moves_by_the_lora_alone(draw_scenes: Draw) -> None:
    """With it the camera goes the way that its words name; without it the same words leave it where it is."""
    chance = random.Random(2)
    asked = list(zip(some_states(12), MOVES * 2, strict=True))
    words = [camera(state, state.but(**{axis: step}), chance, held_out=True) for state, (axis, step) in asked]
    gone, stayed = 0, 0
    for said, (state, (axis, step)) in zip(words, asked, strict=True):
        without, moved = (
            shown(seen(draw_scenes(said, image=state, lora_scale=scale)[0]), every_view(state)) for scale in (0.0, 1.0)
        )
        gone += getattr(moved, axis) * step > 0
        stayed += without == state
    assert gone >= 7
    assert stayed >= 8


@pytest.mark.slow
def test_lower_strength_keeps_more_of_the_picture_before(draw_scenes: Draw) -> None:
    strengths, changed = (0.3, 0.5, 1.0), []
    for state in some_states(4):
        words = "now in the city" if state.place == "desert" else "now in the desert"
        made = [draw_scenes(words, image=state, strength=strength)[0] for strength in strengths]
        changed.append([apart(draw(state), each) for each in made])
    kept, some, most = (mean(each) for each in zip(*changed, strict=True))
    assert kept < 0.5 * some
    assert some < 0.9 * most


def test_another_seed_draws_another_picture_of_the_same_world(draw_scenes: Draw) -> None:
    state = some_states(1)[0]
    words = caption(state, random.Random(3))
    one, again, other = (draw_scenes(words, seed=seed)[0] for seed in (1, 1, 2))
    assert apart(one, again) < 0.05
    assert apart(one, other) > 1
    for each in (one, other):
        assert shown(seen(each), nearly(state)).but(layout=state.layout) == state

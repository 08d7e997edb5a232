"""Each way of teaching on the sample set, measured against its known grade.

    python -m storybook.look.measure outputs/look          # trains, draws, measures; goes on where it stopped
    python -m storybook.look.measure outputs/mood --mood   # a word for what the model can draw: sunset and snow

Trained and drawn through the same doors as anything else, by the built-in model on a CPU. Figures go to standard output
as the table of docs/looks.md, the grid to compare/.
"""

import argparse
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from PIL import Image

from nextscene import pictures
from nextscene.api import load
from nextscene.comparing import Comparing, Comparison
from nextscene.hub import find
from nextscene.measures import decibels, structure
from nextscene.settings import FilmSettings, StorySettings
from nextscene.story import SavedLook
from nextscene.training import Base, make_recipe, train
from storybook.look.grading import grade
from storybook.look.write import write
from storybook.oracle import shown
from storybook.words import SAYS, caption
from storybook.world import LAYOUTS, State, draw, random_state

TRIGGER = "cinematic film still"
SHARED: dict[str, Any] = {"batch": 2, "prefix": "all", "checkpointing": False, "sample_every": 0, "save_every": 25}
LORA: dict[str, Any] = {"rank": 8, "learning_rate": 1e-3, "trigger": TRIGGER}
RECIPES: dict[str, dict[str, Any]] = {
    "textual-inversion": {"vectors": 4, "learning_rate": 1e-2, "trigger": "<look>", "steps": 60},
    "lora": {**LORA, "steps": 500},
    "dreambooth": {**LORA, "steps": 400, "class_pictures": 8},
}
COUNT, SEED, STEPS = 6, 11, 12  # held-out worlds that are drawn, their noise, and with how many steps
MOOD = {"light": "sunset", "weather": "snow"}
COARSE = (16, 12)  # places at which colours are compared

Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m storybook.look.measure")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mood", action="store_true")
    options = parser.parse_args()
    folder = options.folder
    if options.mood:
        print(measure_mood(folder))
        return
    files = {method: teach(method, folder) for method in RECIPES}
    print(table(measure(files, folder / "compare")))


def teach(method: str, folder: Path) -> Path:
    """The file that a method makes of the sample set."""
    model = find("storybook")
    base = Base(model.folder, model.name, model.own_size)
    recipe = make_recipe(method=method, **SHARED | RECIPES[method])
    return train(write(folder / "pictures"), base, recipe, folder / method)


def measure_mood(folder: Path) -> str:
    """Teaches a word for sunset and snow, from pictures whose captions say neither; says how many then show them."""
    chance, data = random.Random("a mood"), folder / "pictures"
    for number in range(16 + 3):
        state = random_state(chance).but(**MOOD)
        name = f"validation/{number}" if number >= 16 else f"{number}"
        pictures.write(draw(state), data / f"{name}.png", {})
        (data / f"{name}.txt").write_text(_of_place(state))
    model = find("storybook")
    recipe = make_recipe(method="textual-inversion", trigger="<mood>", steps=60, learning_rate=1e-2, **SHARED)
    file = train(data, Base(model.folder, model.name, model.own_size), recipe, folder / "word")
    said = [(state, _of_place(state)) for state, _ in worlds()]
    comparison = Comparison(
        prompts=tuple(words for _, words in said),
        looks={"base": SavedLook(), "word": SavedLook(embeddings=(str(file),), style="<mood>")},
        seeds=(SEED,),
        settings=StorySettings(steps=STEPS),
    )
    comparing = Comparing(comparison, folder / "compare", model)
    for _ in comparing.run(lambda: load(model, lasting=False)):
        pass
    lines = []
    for look in comparison.looks:
        seen = [
            shown(one, (state, state.but(**MOOD)))
            for one, (state, _) in zip(_shown(comparing, look), said, strict=True)
        ]
        both = [(each.light == MOOD["light"], each.weather == MOOD["weather"]) for each in seen]
        counts = [sum(column) for column in zip(*both, strict=True)]
        kept = sum(
            each.landmark == state.landmark and each.place == state.place
            for each, (state, _) in zip(seen, said, strict=True)
        )
        lines.append(f"{look}: sunset in {counts[0]}, snow in {counts[1]} of {len(seen)}; place and landmark in {kept}")
    return "\n".join(lines)


def _of_place(state: State) -> str:
    return f"a {state.colour} {state.landmark}, {SAYS['place'][state.place][0]}"


def worlds() -> list[tuple[State, str]]:
    """What is drawn: held-out worlds, each in words."""
    chance = random.Random("looks to measure")
    states = [random_state(chance, held_out=True) for _ in range(COUNT)]
    return [(state, caption(state, chance)) for state in states]


def measure(files: Mapping[str, Path], folder: Path) -> dict[str, Figures]:
    """Draws the worlds in each look, with its trigger and without, and measures."""
    looks = {"base": SavedLook(), "grade of the film": SavedLook(film=FilmSettings(grade="teal_orange", vignette=0.9))}
    for method, file in files.items():
        word = method == "textual-inversion"
        acts = SavedLook(embeddings=(str(file),)) if word else SavedLook(lora_weights=str(file))
        looks[method] = SavedLook(**acts.given, style="<look>" if word else TRIGGER)
        looks[f"{method}, not called"] = acts
    comparison = Comparison(
        prompts=tuple(said for _, said in worlds()),
        looks=looks,
        seeds=(SEED,),
        settings=StorySettings(steps=STEPS),
        like=str(folder.parent / "pictures"),
    )
    model = find("storybook")
    comparing = Comparing(comparison, folder, model)
    for _ in comparing.run(lambda: load(model, lasting=False)):
        pass
    drawn = {name: list(_shown(comparing, name)) for name in looks}
    figures = {name: _figures(drawn[name], drawn["base"]) for name in looks if "not called" not in name}
    for method in files:
        without = [decibels(*both) for both in zip(drawn[f"{method}, not called"], drawn["base"], strict=True)]
        figures[method]["not called, dB to the base"] = median(without)
    return figures


def _shown(comparing: Comparing, look: str) -> Iterator[Image.Image]:
    yield from (cell.picture for cell in comparing.cells if cell.look == look)


def _figures(drawn: list[Image.Image], base: list[Image.Image]) -> Figures:
    states = [state for state, _ in worlds()]
    right = [_structure(one, state) for one, state in zip(drawn, states, strict=True)]
    usual = [_structure(one, state) for one, state in zip(base, states, strict=True)]
    return {
        "reached": mean(_reached(one, other) for one, other in zip(drawn, base, strict=True)),
        "content kept": mean(right) / mean(usual),
    }


def _reached(drawn: Image.Image, base: Image.Image) -> float:
    """The share of the way from the base's picture to the same in the known grade: 1, all of it; 0, none."""
    goal, start, here = (_coarse(each) for each in (grade(base), base, drawn))
    return float(1 - np.abs(here - goal).mean() / np.abs(start - goal).mean())


def _structure(drawn: Image.Image, state: State) -> float:
    """How far its shapes are those of the world that was asked for, in whichever layout, graded or not."""
    truths = [draw(state.but(layout=layout)) for layout in range(LAYOUTS)]
    return max(structure(drawn, each) for truth in truths for each in (truth, grade(truth)))


def _coarse(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB").resize(COARSE, Image.Resampling.BOX), float)


def table(figures: Mapping[str, Figures]) -> str:
    rows = ["| look | reached | content kept | not called: dB to the base |", "|---|---|---|---|"]
    for name, each in figures.items():
        drift = each.get("not called, dB to the base")
        said = "" if drift is None else "the same picture" if drift >= 99 else f"{drift:.1f}"
        rows.append(f"| {name} | {each['reached']:.0%} | {each['content kept']:.2f} | {said} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()

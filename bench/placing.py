"""What becomes of a thing that is moved: ways to draw it in its new place, and to draw what was behind it.

    script/bench placing [--count N] [--out FOLDER]

In the drawn world, where the right picture, the mask and the background are known. Worlds that no training saw; the
small model was never taught a landmark elsewhere than in its place.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import numpy as np
from PIL import Image

from bench import figures
from nextscene import hub
from nextscene.model import Flow, Model, load
from nextscene.moves import Latents, cover, cut_out, edit, fill, placing, put, removal, remove, settle
from nextscene.settings import Look
from storybook.placed import Spot, draw_placed
from storybook.words import caption
from storybook.world import HEIGHT, WIDTH, State, random_state

SIZE, STEPS = 0.7, 14  # of a landmark, beside its own; of denoising, as the small model's other figures
FAINT = 24  # of 255: what differs less from the background is not seen


@dataclass(frozen=True)
class Case:
    """A landmark that goes from one place to another, with all pictures drawn."""

    state: State
    words: str
    way: tuple[float, float]
    first: Image.Image
    first_mask: Image.Image
    truth: Image.Image
    mask: Image.Image
    background: Image.Image
    composite: Image.Image
    seen: Image.Image


def case(chance: random.Random, way: tuple[float, float]) -> Case:
    state = random_state(chance, held_out=True).but(weather="clear")  # rain is no part of a thing, and stays
    start = Spot(chance.uniform(30, 60), chance.uniform(32, 60), size=SIZE)
    end = Spot(start.x + way[0], start.y + way[1], size=SIZE)
    (first, first_mask), (truth, mask) = (draw_placed(state, spot) for spot in (start, end))
    background, _ = draw_placed(state, None)
    composite, seen = put(cut_out(first, first_mask, (start.x, start.y), background), background, end.x, end.y)
    words = caption(state, chance)
    return Case(state, words, way, first, first_mask, truth, mask, background, composite, seen)


def look(strength: float) -> Look:
    return Look(strength=strength, steps=STEPS, guidance=1, lora_scale=0)


Draw = Callable[[Model, Case], Image.Image]
PLACED: dict[str, Draw] = {
    "as the codec keeps the truth": lambda model, it: Image.composite(
        by_codec(model, it.truth), it.truth, cover(it.mask)
    ),
    "**the thing's exact transform**": lambda _, it: it.composite,
    "the same, its edge drawn over (`--engine model`)": lambda model, it: settle(
        model, it.composite, it.seen, it.words, look=look(placing.STRENGTH), seed=1
    ),
    "the same, all of it drawn over": lambda model, it: settle(
        model, it.composite, it.seen, it.words, look=look(placing.STRENGTH), seed=1, edge=None
    ),
    "the same, at strength 0.3": lambda model, it: settle(
        model, it.composite, it.seen, it.words, look=look(0.3), seed=1, edge=None
    ),
    "shifted in noise by cells (`--between latent`)": lambda model, it: Latents(
        model, it.first, it.first_mask, it.background, it.words
    ).at(*it.way)[0],
    "drawn anew in its place, by words": lambda model, it: settle(
        model, it.background, it.seen, it.words, look=look(1), seed=1, edge=None
    ),
}
REMOVED: dict[str, Draw] = {
    "filled from around": lambda _, it: fill(it.first, cover(it.first_mask)),
    "**filled, then drawn over**": lambda model, it: remove(
        model, it.first, it.first_mask, it.words, look=look(removal.STRENGTH), seed=1
    ),
    "as stock inpainting: looking at the picture with the thing": lambda model, it: edit(
        model, it.first, cover(it.first_mask), it.words, look=look(1), seed=1
    ),
}


def by_codec(model: Model, picture: Image.Image) -> Image.Image:
    flow = Flow(model.pipe, "", [], WIDTH, HEIGHT, steps=2)
    return flow.decode(flow.encode(picture))


def decibels(one: Image.Image, other: Image.Image, mask: Image.Image) -> float:
    """Of what a mask covers; what is the same counts as 50."""
    off = (np.asarray(one, float) - np.asarray(other, float))[np.asarray(mask) > 0]
    return min(float(10 * np.log10(255**2 / max((off**2).mean(), 1e-9))), 50.0)


def standing_out(picture: Image.Image, background: Image.Image) -> np.ndarray:
    return np.asarray(np.abs(np.asarray(picture, int) - np.asarray(background, int)).max(2) > FAINT)


def centre_of(seen: np.ndarray) -> np.ndarray:
    return np.argwhere(seen).mean(0) if seen.any() else np.array([-99.0, -99.0])


def measure_placed(model: Model, cases: list[Case], draw: Draw) -> str:
    dbs, off, one, changed = [], [], [], 0
    started = time.perf_counter()
    for it in cases:
        drawn = draw(model, it)
        seen, right = (standing_out(each, it.background) for each in (drawn, it.truth))
        dbs.append(decibels(drawn, it.truth, it.mask))
        off.append(float(np.linalg.norm(centre_of(seen) - centre_of(right))))
        one.append(0.5 <= seen.sum() / max(right.sum(), 1) <= 1.5)
        far = np.asarray(cover(it.seen)) == 0
        changed = max(changed, int(np.abs(np.asarray(drawn, int) - np.asarray(it.background, int))[far].max(initial=0)))
    seconds = (time.perf_counter() - started) / len(cases)
    return f"{median(dbs):.1f} | {median(off):.2f} | {fmean(one):.0%} | {changed} | {seconds:.1f}"


def measure_removed(model: Model, cases: list[Case], draw: Draw) -> str:
    pictures = [draw(model, it) for it in cases]
    dbs = [decibels(drawn, it.background, it.first_mask) for drawn, it in zip(pictures, cases, strict=True)]
    traces = [standing_out(drawn, it.background).sum() / standing_out(it.first, it.background).sum()
              for drawn, it in zip(pictures, cases, strict=True)]  # fmt: skip
    return f"{median(dbs):.1f} | {fmean(traces):.0%}"


def table(head: str, rows: Iterator[tuple[str, str]]) -> str:
    """As Markdown; each row is also said as soon as it is known."""
    columns = head.count("|") + 1
    lines = [f"| {head} |", "|---" + "|---:" * (columns - 1) + "|"]
    for name, values in rows:
        lines.append(f"| {name} | {values} |")
        print(lines[-1], file=sys.stderr)
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench placing")
    parser.add_argument("--count", type=int, default=12, help="landmarks of each kind")
    parser.add_argument("--out", type=Path, default=Path("outputs/bench"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    weights = hub.find("storybook")
    model, chance = load(weights.folder, weights.lora), random.Random("placing")
    model.use_look(look(1))
    page = ["# A thing in another place\n", f"The output of `script/bench placing --count {asked.count}`.\n"]
    for kind, ways in (("whole cells", [(24.0, 8.0)] * asked.count), ("21 and 5 pixels", [(21.0, 5.0)] * asked.count)):
        cases = [case(chance, way) for way in ways]
        head = f"moved by {kind} | dB | off, of 128 px | one thing | background off, of 255 | s"
        page.append(table(head, ((name, measure_placed(model, cases, draw)) for name, draw in PLACED.items())))
    rows = ((name, measure_removed(model, cases, draw)) for name, draw in REMOVED.items())
    page.append(table("what was behind it | dB | stands out, beside the thing", rows))
    text = "\n".join([*page, figures.about(f"{WIDTH}x{HEIGHT}, {STEPS} steps")]) + "\n"
    figures.write_whole(asked.out / "placing.md", text.encode())
    print(text)


if __name__ == "__main__":
    main()

"""How true planned motion is, in the drawn world: film, masks and background of any motion are known there.

Motions of every kind are planned by words, for landmarks in any place, and drawn: by exact transforms with the known
mask, with the mask found by its box, barely (whole pixels, no turn, a smooth fill), and as the seed does between its
keyframes (straight lines, by whole cells of latents). Writes a page with its table, and every value.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLQwenImage
from PIL import Image

from bench import figures
from nextscene import NextSceneError
from nextscene.hub import BUILT_IN, find
from nextscene.moves import (
    Composite,
    Drawing,
    Found,
    Place,
    Plan,
    count_bounces,
    count_parts,
    fill,
    find_by_box,
    hole_of,
    mean_around,
    plan_motion,
    read_sayings,
)
from storybook.placed import Spot, draw_placed
from storybook.world import HEIGHT, WIDTH, State, random_state

SAID = {
    "still": "stays", "line": "moves to the {side}", "arc": "jumps {few} times", "bounce": "bounces {many} times",
    "roll": "rolls {side}", "slide": "slides {side}", "drift": "drifts {side}", "float": "floats", "fall": "falls",
    "orbit": "moves in a circle", "pendulum": "swings {few} times", "spin": "spins", "grow": "grows",
    "shrink": "shrinks", "enter": "enters from the {side}", "leave": "leaves to the {side}",
    "path": "moves through ({x}, {y}), ({x2}, {y})",
}  # fmt: skip
FRAMES, CELL = 16, 8
CHANGED = 10  # of 255
CODEC = "the truth through the picture codec"


@dataclass(frozen=True)
class Motion:
    """A motion with its truth: frames, masks, the background, and the first picture."""

    kind: str
    plan: Plan
    bounces: int
    frames: list[np.ndarray]
    masks: list[np.ndarray]
    background: np.ndarray
    picture: Image.Image
    mask: Image.Image


Way = Callable[[Motion], tuple[list[np.ndarray], np.ndarray]]  # its frames, and its background


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench moves")
    parser.add_argument("--count", type=int, default=100, help="motions of each kind")
    parser.add_argument("--out", type=Path, default=Path("outputs/bench"))
    options = parser.parse_args()
    page, values = measure(options.count)
    figures.write_whole(options.out / "moves.md", page.encode())
    figures.write_whole(options.out / "moves.json", json.dumps(values, indent=1).encode())
    print(page)


def measure(count: int) -> tuple[str, dict[str, dict[str, list[dict[str, float]]]]]:
    """Every way's values for every motion, by kind."""
    values: dict[str, dict[str, list[dict[str, float]]]] = {name: {kind: [] for kind in SAID} for name in WAYS}
    for kind in SAID:
        chance = random.Random(f"moves {kind}")
        for _ in range(count):
            motion = invent(kind, chance)
            for name, way in WAYS.items():
                if name != CODEC or not values[name][kind]:  # once for each kind: it is slow
                    values[name][kind].append(compare(way, motion))
    return render(values, count), values


def invent(kind: str, chance: random.Random) -> Motion:
    """A motion that the picture has room for."""
    while True:
        state = _clear(random_state(chance))
        size = chance.uniform(0.45, 0.7)
        spot = Spot(chance.uniform(30, WIDTH - 30), chance.uniform(24, HEIGHT - 22), 0.0, size)
        picture, mask = draw_placed(state, spot)
        box = mask.point(lambda value: 255 * (value > 127)).getbbox()
        if box is None or box[0] < 2 or box[1] < 2 or box[2] > WIDTH - 2 or box[3] > HEIGHT - 2:
            continue
        many = chance.randint(1, 6)
        side, few = chance.choice(["left", "right"]), chance.randint(1, 3)
        points = {"x": chance.randint(24, 50), "x2": chance.randint(70, 99), "y": chance.randint(26, 60)}
        said = SAID[kind].format(side=side, few=few, many=many, **points)
        name = f"{state.colour} {state.landmark}"
        found = Found((float(box[0]), float(box[1]), float(box[2]), float(box[3])))
        try:
            plan = plan_motion(
                read_sayings(f"a {name} {said}"), {name: found}, (WIDTH, HEIGHT), FRAMES, 15, prompt=said
            )
        except NextSceneError:  # no room: another one
            continue
        return _with_truth(kind, plan, many if kind == "bounce" else 0, state, spot, picture, mask, box)


def _clear(state: State) -> State:
    return state.but(weather="clear")  # what falls would lie before the thing, and not move with it


def _with_truth(
    kind: str, plan: Plan, bounces: int, state: State, spot: Spot, picture: Image.Image, mask: Image.Image,
    box: tuple[int, int, int, int],
) -> Motion:  # fmt: skip
    """The motion with the film that the world itself draws of it. Turns and sizes are about the box's middle."""
    away = np.array([spot.x - (box[0] + box[2]) / 2, spot.y - (box[1] + box[3]) / 2])
    frames, masks = [], []
    for place in plan.places(plan.things[0].id):
        turn = np.radians(place.angle)
        x, y = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ away * place.size
        drawn, covered = draw_placed(state, Spot(place.x + x, place.y + y, place.angle, spot.size * place.size))
        frames.append(np.asarray(drawn))
        masks.append(np.asarray(covered) > 127)
    background = np.asarray(draw_placed(state, None)[0])
    return Motion(kind, plan, bounces, frames, masks, background, picture, mask)


def exact(motion: Motion, mask: Image.Image | None = None) -> tuple[list[np.ndarray], np.ndarray]:
    """Ours: exact transforms, the background filled with what is like its surroundings."""
    masks = {motion.plan.things[0].id: mask or motion.mask}
    drawing = Drawing(motion.plan, motion.picture, masks, Composite().background(motion.picture, masks))
    frames = [np.asarray(drawing.frame(number)[0]) for number in range(motion.plan.count)]
    return frames, np.asarray(drawing.background)


def exact_by_box(motion: Motion) -> tuple[list[np.ndarray], np.ndarray]:
    """The same with a mask that is found in the box."""
    left, top, right, bottom = motion.plan.things[0].box or (0, 0, 1, 1)
    box = max(left - 2, 0), max(top - 2, 0), min(right + 2, WIDTH), min(bottom + 2, HEIGHT)
    return exact(motion, find_by_box(motion.picture, box).mask)


def bare(motion: Motion) -> tuple[list[np.ndarray], np.ndarray]:
    """A hard cut-out, put to whole pixels and never turned, on a smooth fill."""
    return _pasted(motion, [(place.x, place.y) for place in _places(motion)], 1)


def straight(motion: Motion) -> tuple[list[np.ndarray], np.ndarray]:
    """As the seed between keyframes: every fourth frame is one; between them a straight line, by whole cells."""
    places, keys = _places(motion), sorted({*range(0, FRAMES, 4), FRAMES - 1})
    x = np.interp(range(FRAMES), keys, [places[key].x for key in keys])
    y = np.interp(range(FRAMES), keys, [places[key].y for key in keys])
    return _pasted(motion, list(zip(x, y, strict=True)), CELL)


def through_codec(motion: Motion) -> tuple[list[np.ndarray], np.ndarray]:
    """The truth itself, through the small model's picture codec and back: what no drawing by it can exceed."""
    *frames, background = (_coded(each) for each in (*motion.frames, motion.background))
    return frames, background


@torch.no_grad()
def _coded(frame: np.ndarray) -> np.ndarray:
    codec = _codec()
    values = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
    back = codec.decode(codec.encode(values).latent_dist.mode()).sample[0, :, 0]
    return np.asarray(((back.permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8))


@cache
def _codec() -> Any:
    return AutoencoderKLQwenImage.from_pretrained(find(BUILT_IN).folder / "vae")


def _places(motion: Motion) -> Sequence[Place]:
    return motion.plan.places(motion.plan.things[0].id)


def _pasted(motion: Motion, way: Sequence[tuple[float, float]], step: int) -> tuple[list[np.ndarray], np.ndarray]:
    left, top, right, bottom = motion.plan.things[0].box or (0, 0, 1, 1)
    hard = motion.mask.point(lambda value: 255 * (value > 127))
    background = fill(motion.picture, hole_of({"thing": motion.mask}))
    frames = []
    for x, y in way:
        by = tuple(
            round((to - begin) / step) * step for to, begin in ((x, (left + right) / 2), (y, (top + bottom) / 2))
        )
        frame = background.copy()
        frame.paste(motion.picture, (by[0], by[1]), hard)
        frames.append(np.asarray(frame))
    return frames, np.asarray(background)


WAYS: dict[str, Way] = {
    "exact transforms, mask known": exact,
    "exact transforms, mask found by its box": exact_by_box,
    "the bare composite": bare,
    "straight lines by whole cells (the seed's way)": straight,
    CODEC: through_codec,
}


def compare(way: Way, motion: Motion) -> dict[str, float]:
    """One way to draw a motion beside its truth."""
    began = time.process_time()
    frames, background = way(motion)
    seconds = (time.process_time() - began) / len(frames)
    off, single, sharp, outside, heights = [], [], [], 0, []
    for made, truth, mask in zip(frames, motion.frames, motion.masks, strict=True):
        change = np.abs(made.astype(int) - background.astype(int)).max(-1) > CHANGED
        wide = mean_around(mask.astype(float), 3) > 0
        outside = max(outside, int(np.abs(made.astype(int) - background.astype(int))[~wide].max(initial=0)))
        if mask.sum() < 30 or not change.any():
            heights.append(np.nan)
            continue
        truly = np.abs(truth.astype(int) - motion.background.astype(int)).max(-1) > CHANGED
        middles = [np.argwhere(each & wide2).mean(0) for each, wide2 in ((change, np.ones_like(change)), (truly, wide))]
        off.append(float(np.linalg.norm(middles[0] - middles[1])))
        heights.append(float(middles[0][0]))
        closed = mean_around(change.astype(float), 2) > 0.12
        single.append(float(count_parts(closed, 0.2) == 1))
        error = ((made.astype(float) - truth)[mask] ** 2).mean()
        sharp.append(10 * np.log10(255**2 / max(error, 1e-3)))
    found = {
        "pixels off": float(np.median(off)) if off else 0.0,
        "one thing": float(np.mean(single)) if single else 1.0,
        "dB of the thing": float(np.median(sharp)) if sharp else 0.0,
        "background the same": float(outside == 0),
        "seconds a frame": seconds,
    }
    if motion.bounces:
        found["bounces right"] = float(_bounces(heights) == motion.bounces)
    hidden = np.asarray(hole_of({"thing": motion.mask})) > 0
    error = ((background.astype(float) - motion.background)[hidden] ** 2).mean()
    return found | {"dB of what was behind": float(10 * np.log10(255**2 / max(error, 1e-3)))}


def _bounces(heights: Sequence[float]) -> int:
    """Contacts, in the frames themselves: two that are less than a pixel apart count as one height."""
    rounded = [heights[0]]
    for before, each in pairwise(heights):
        rounded.append(rounded[-1] if abs(each - rounded[-1]) < 0.7 else each)
        del before
    return count_bounces([each for at, each in enumerate(rounded) if at == 0 or each != rounded[at - 1]])


def render(values: dict[str, dict[str, list[dict[str, float]]]], count: int) -> str:
    return "\n".join(_lines(values, count)) + "\n"


def _lines(values: dict[str, dict[str, list[dict[str, float]]]], count: int) -> Iterator[str]:
    yield "# Planned motion in the drawn world"
    yield ""
    yield f"`script/bench moves --count {count}`: {count} motions of each of {len(SAID)} kinds, {FRAMES} frames each,"
    yield f"{WIDTH}x{HEIGHT}; clear weather, all places, lights, landmarks and colours. Medians; shares are means."
    yield ""
    measures = ("pixels off", "one thing", "dB of the thing", "background the same", "bounces right",
                "dB of what was behind", "seconds a frame")  # fmt: skip
    yield "| | " + " | ".join(measures) + " |"
    yield "|---" * (len(measures) + 1) + "|"
    for name, kinds in values.items():
        every = [each for kind in kinds.values() for each in kind]
        yield f"| {name} | " + " | ".join(_summed(every, measure) for measure in measures) + " |"
    yield ""
    yield "Each kind, by exact transforms with the mask known:"
    yield ""
    yield "| motion | " + " | ".join(measures[:4]) + " |"
    yield "|---" * 5 + "|"
    for kind, mine in next(iter(values.values())).items():
        yield f"| {kind} | " + " | ".join(_summed(mine, measure) for measure in measures[:4]) + " |"


def _summed(every: Sequence[dict[str, float]], measure: str) -> str:
    found = [each[measure] for each in every if measure in each]
    if not found:
        return ""
    if measure in ("one thing", "background the same", "bounces right"):
        return f"{np.mean(found):.1%}"
    return f"{np.median(found):.3g}"


if __name__ == "__main__":
    main()

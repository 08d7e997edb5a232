"""How well clips follow what was asked, frame by frame: the clip model beside what needs no model, on the same stills.

The stills are of the drawn world, where every frame of the truth is known. Where the camera moves: the still held, the
film's own camera move on it, the clip model. Where two scenes are joined: a cross-fade, the morph, the clip model.
Writes a page with its tables, and every value.
"""

import argparse
import json
import random
import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bench import figures
from nextscene.film import find_crop, find_morph
from storybook.moving.clips import FRAMES, MOVES, RATE, Clip, frames, moved
from storybook.moving.measure import KEYS, decibels, draw_all, way_of
from storybook.moving.words import said
from storybook.world import HEIGHT, WIDTH, random_state

MODEL = Path(__file__).parents[1] / "storybook" / "clips"
FILM_MOVES = {("pan", 1): "pan_right", ("pan", -1): "pan_left", ("tilt", 1): "tilt_up", ("tilt", -1): "tilt_down",
              ("zoom", 1): "push_in", ("zoom", -1): "pull_out"}  # fmt: skip
Way = Callable[[Clip], np.ndarray]  # a clip's frames from its first and, at a join, its last
Values = Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench clips")
    parser.add_argument("--count", type=int, default=48, help="clips of each kind")
    parser.add_argument("--model", type=Path, default=MODEL, help="the clip model's folder")
    parser.add_argument("--out", type=Path, default=Path("outputs/bench"))
    options = parser.parse_args()
    page, values = measure(options.count, options.model if (options.model / "model_index.json").is_file() else None)
    figures.write_whole(options.out / "clips.md", page.encode())
    figures.write_whole(options.out / "clips.json", json.dumps(values, indent=1).encode())
    print(page)


def measure(count: int, folder: Path | None) -> tuple[str, Mapping[str, Mapping[str, Values]]]:
    chance = random.Random("bench")
    stills = [random_state(chance, held_out=True) for _ in range(count)]
    moves = [Clip(still, still.but(**{axis: by})) for still, (axis, by) in zip(stills, MOVES * count, strict=False)]
    joins = [Clip(still, moved(still, chance)) for still in stills]
    alone: dict[str, Way] = {"the still, held": hold, "the film's camera move on it": move_still}
    joined: dict[str, Way] = {"a cross-fade": cross_fade, "the morph": morph}
    if folder:
        model = ClipModel(folder)
        alone["the clip model"] = model.animate
        joined["the clip model"] = model.join
    values = {
        "moves": {name: compare(way, moves, named=True) for name, way in alone.items()},
        "joins": {name: compare(way, joins, named=False) for name, way in joined.items()},
    }
    if folder:
        values["memory"] = {"the clip model": {"MiB more after 64 clips": model.memory_over(64)}}
    return render(values, count), values


def compare(way: Way, clips: list[Clip], named: bool) -> Values:
    """One way to make clips, beside the drawn truth."""
    started = time.perf_counter()
    made = torch.stack([torch.from_numpy(way(clip)).permute(0, 3, 1, 2) / 255 for clip in clips])
    seconds = (time.perf_counter() - started) / len(clips)
    drawn = draw_all(clips)
    light, truth = (each.mean((2, 3, 4)) * 255 for each in (made, drawn))
    found = {
        "dB to the truth": decibels(made[:, 1:], drawn[:, 1:]),
        "flicker of luminance, of 255": float((light[:, 2:] - 2 * light[:, 1:-1] + light[:, :-2]).abs().mean()),
        "step of luminance at the end, of 255": float((light[:, -1] - truth[:, -1]).abs().median()),
        "seconds a clip": seconds,
    }
    if named:
        went = torch.tensor([way_of(each, clip) for each, clip in zip(made, clips, strict=True)])
        found["goes the named way"] = float((went[:, -1] > 0.25).float().mean())
        found["off, of the way"] = float((went - torch.tensor(KEYS) / (FRAMES - 1)).abs().mean())
    return found


def hold(clip: Clip) -> np.ndarray:
    return np.repeat(frames(clip, range(1)), FRAMES, axis=0)


def move_still(clip: Clip) -> np.ndarray:
    """As the film moves over a still: it sees a part of it, so it begins closer."""
    still = Image.fromarray(frames(clip, range(1))[0])
    axis, by = next((axis, by) for axis, by in clip.step.items() if by)
    move = FILM_MOVES[axis, 1 if by > 0 else -1]
    crops = [find_crop(move, still.size, FRAMES / RATE, at / (FRAMES - 1)) for at in range(FRAMES)]  # type: ignore[arg-type]
    return np.stack([np.asarray(still.resize(still.size, Image.Resampling.LANCZOS, crop)) for crop in crops])


def cross_fade(clip: Clip) -> np.ndarray:
    first, last = (Image.fromarray(each) for each in _ends(clip))
    return np.stack([np.asarray(Image.blend(first, last, at / (FRAMES - 1))) for at in range(FRAMES)])


def morph(clip: Clip) -> np.ndarray:
    """Where the two have too little in common for one, the film cross-fades."""
    way = find_morph(*_ends(clip))
    return np.stack([way(at / (FRAMES - 1)) for at in range(FRAMES)]) if way else cross_fade(clip)


def _ends(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    first, last = frames(clip, range(0, FRAMES, FRAMES - 1))
    return first, last


class ClipModel:
    """The clip model by diffusers' own pipeline."""

    def __init__(self, folder: Path) -> None:
        from diffusers import WanImageToVideoPipeline

        self.card = json.loads((folder / "next_scene.json").read_text())
        self.pipe = WanImageToVideoPipeline.from_pretrained(folder, dtype=torch.float32)
        self.pipe.set_progress_bar_config(disable=True)

    def animate(self, clip: Clip, join: bool = False) -> np.ndarray:
        first, last = (Image.fromarray(each) for each in _ends(clip))
        chance = random.Random(repr(clip))
        made: Tensor = self.pipe(
            first, said(clip, chance, held_out=True), last_image=last if join else None,
            width=WIDTH, height=HEIGHT, num_frames=FRAMES, num_inference_steps=self.card["steps"],
            guidance_scale=self.card["guidance"], output_type="pt",
            generator=torch.Generator().manual_seed(chance.randrange(2**31)),
        ).frames[0]  # fmt: skip
        return (made.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()

    def join(self, clip: Clip) -> np.ndarray:
        return self.animate(clip, join=True)

    def memory_over(self, count: int) -> float:
        """How much more the process has held at most after so many clips than after the first."""
        clip = Clip(random_state(random.Random(0)), random_state(random.Random(0)))
        self.animate(clip)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(count - 1):
            self.animate(clip)
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def render(values: Mapping[str, Mapping[str, Values]], count: int) -> str:
    parts = [f"# Clips, frame by frame\n\n{count} clips of each kind, of worlds that no training saw.\n"]
    for kind, ways in values.items():
        columns = list(next(iter(ways.values())))
        rows = [f"| {name} | {' | '.join(f'{found[each]:.2f}' for each in columns)} |" for name, found in ways.items()]
        head = [f"| {kind} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join([*parts, figures.about(f"{WIDTH}x{HEIGHT}, {FRAMES} frames"), ""])


if __name__ == "__main__":
    main()

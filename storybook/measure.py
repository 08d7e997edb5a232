"""How good the small model is, on worlds and wordings that training never saw, without asking the model itself.

A picture is judged by the drawn picture that it is nearest to: among every world for a scene from words, among every
view of its own world for a move of the camera.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from storybook.edits import with_another
from storybook.words import FARTHEST, NAMED, camera, caption, instruction
from storybook.world import COLOURS, LANDMARKS, LAYOUTS, LIGHTS, PLACES, WEATHERS, State, draw, random_state

Figures = dict[str, float]
MakeScenes = Callable[..., Tensor]  # (words, states seen, **how) to pictures (N, 3, H, W), 0 to 1
MOVES = (("pan", 2), ("pan", -2), ("tilt", 1), ("tilt", -1), ("zoom", 1), ("zoom", -1))


def picture(state: State) -> Tensor:
    return torch.from_numpy(np.array(draw(state))).permute(2, 0, 1) / 255


def openings(make: MakeScenes, count: int, folder: Path, seed: int = 0) -> Figures:
    """How often a scene from words shows what they name, and how sharp it is beside the drawn one."""
    chance = random.Random(f"openings {seed}")
    states = [random_state(chance, held_out=True) for _ in range(count)]
    made = make([caption(state, chance, held_out=True) for state in states])
    nearest = _worlds_shown(made, folder)
    figures = {
        name: _share(getattr(one, name) == getattr(other, name) for one, other in zip(states, nearest, strict=True))
        for name in NAMED
    }
    truth = torch.stack([picture(state) for state in nearest])
    return figures | {"sharpness": float(_edges(made) / _edges(truth))}


def edits(make: MakeScenes, count: int, folder: Path, seed: int = 0, **how: float) -> Figures:
    """How often an edit is nearer the truth than the picture that it edits, and by how much (in dB, medians).

    how: guidance and strength, if not those that `make` has by itself.
    """
    chance = random.Random(f"edits {seed}")
    changed = [NAMED[number % len(NAMED)] for number in range(count)]
    before = [random_state(chance, held_out=True) for _ in changed]
    after = [with_another(state, [name], chance) for name, state in zip(changed, before, strict=True)]
    words = [instruction(one, other, chance, held_out=True) for one, other in zip(before, after, strict=True)]
    made = make(words, before, **how)
    references, truths = (torch.stack([picture(state) for state in states]) for states in (before, after))
    reached, kept = _decibels(made, truths), _decibels(references, truths)
    nearer = (reached > kept).tolist()
    seen = zip(changed, after, _worlds_shown(made, folder), strict=True)
    return {
        "nearer": _share(nearer),
        **{f"nearer, {name}": _share(nearer[at :: len(NAMED)]) for at, name in enumerate(NAMED)},
        "shows what was named": _share(getattr(one, name) == getattr(other, name) for name, one, other in seen),
        "dB": float(reached.median()),
        "dB of the reference": float(kept.median()),
        "sharpness": float(_edges(made) / _edges(truths)),
    }


def moves(make: MakeScenes, count: int, seed: int = 0) -> Figures:
    """Where the camera went: the named way, not at all, and how far of the way that was named (1: all of it)."""
    chance = random.Random(f"moves {seed}")
    states = [random_state(chance, held_out=True) for _ in range(count)]
    asked = [MOVES[number % len(MOVES)] for number in range(count)]
    after = [state.but(**{axis: step}) for state, (axis, step) in zip(states, asked, strict=True)]
    words = [camera(one, other, chance, held_out=True) for one, other in zip(states, after, strict=True)]
    made = make(words, states)
    went = []
    for state, seen, (axis, step) in zip(states, made, asked, strict=True):
        view = shown(seen, every_view(state))
        went.append((getattr(view, axis) / step, view == state, view == state.but(**{axis: step})))
    by_axis = {
        axis: _share(way > 0 for (way, *_), (at, _) in zip(went, asked, strict=True) if at == axis)
        for axis in ("pan", "tilt", "zoom")
    }
    return {
        "named way": _share(way > 0 for way, *_ in went),
        **by_axis,
        "still": _share(still for _, still, _ in went),
        "exactly there": _share(there for *_, there in went),
        "of the way": sum(way for way, *_ in went) / count,
    }


def strengths(make: MakeScenes, count: int, values: Sequence[float], seed: int = 0) -> Figures:
    """How near a change of the light stays to the picture before, by strength (in dB, medians)."""
    chance = random.Random(f"strengths {seed}")
    before = [random_state(chance, held_out=True) for _ in range(count)]
    after = [with_another(state, ["light"], chance) for state in before]
    words = [instruction(one, other, chance, held_out=True) for one, other in zip(before, after, strict=True)]
    drawn = torch.stack([picture(state) for state in before])
    return {f"{value:g}": float(_decibels(make(words, before, strength=value), drawn).median()) for value in values}


def _worlds_shown(made: Tensor, folder: Path) -> list[State]:
    worlds, bank = every_world(folder)
    return [worlds[at] for at in _nearest(_small(made), bank)]


def every_world(folder: Path) -> tuple[list[State], Tensor]:
    """All 10,240 worlds straight on, and their small pictures."""
    named = product(PLACES, LIGHTS, WEATHERS, LANDMARKS, COLOURS)
    worlds = [State(*names).but(layout=layout) for names in named for layout in range(LAYOUTS)]
    path = folder / "every_world.pt"
    if not path.is_file():
        torch.save(torch.cat([_small(picture(state)[None]).half() for state in worlds]), path)
    return worlds, torch.load(path, weights_only=True)


def shown(made: Tensor, among: Sequence[State]) -> State:
    """The one of these states whose drawn picture a picture is nearest to."""
    return among[_nearest(_small(made[None]), torch.stack([_drawn(state) for state in among]))[0]]


def every_view(state: State) -> list[State]:
    """A state as the camera sees it from everywhere."""
    pans, tilts, zooms = (range(-far, far + 1) for far in FARTHEST.values())
    return [state.but(pan=pan, tilt=tilt, zoom=zoom) for pan, tilt, zoom in product(pans, tilts, zooms)]


@lru_cache(maxsize=10_000)
def _drawn(state: State) -> Tensor:
    return _small(picture(state)[None])[0]


def _small(pictures: Tensor) -> Tensor:
    """(N, 3, H, W) to (N, numbers) at a third of the size: rain and snow count for less than shapes."""
    return functional.interpolate(pictures, (32, 42), mode="area").flatten(1)


def _nearest(made: Tensor, bank: Tensor) -> list[int]:
    bank = bank.float()
    return (bank.square().sum(1) - 2 * made @ bank.T).argmin(1).tolist()


def _edges(pictures: Tensor) -> Tensor:
    """The mean of the tenth of steps between neighbours that are the steepest."""
    steps = torch.cat([pictures.diff(dim=-1).abs().flatten(), pictures.diff(dim=-2).abs().flatten()])
    return steps.topk(len(steps) // 10).values.mean()


def _decibels(one: Tensor, other: Tensor) -> Tensor:
    return -10 * (one - other).square().flatten(1).mean(1).clamp(min=1e-6).log10()


def _share(hits: Iterable[bool]) -> float:
    values = list(hits)
    return sum(values) / max(1, len(values))

"""A hole in a picture filled with what is like its surroundings: lines go on through it, and surfaces keep their grain.

Small patches around the hole are searched for the one that fits best at each place, from coarse to fine; neighbours
tell each other what they found (PatchMatch). No model, and no chance: the same picture is filled alike.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nextscene.moves.composing import fill, widen
from nextscene.moves.regions import Flags, Floats, box_of

SIDE = 256  # pixels: on a picture of this size it is decided what comes from where
HALF, ROUNDS, SEARCHES = 2, 3, 2  # of a patch's side; of filling and searching on each level; of searching in each
COARSEST = 6  # pixels that a hole is wide on the coarsest level
AROUND = 1.0  # of the hole's size: how far around it is looked
HIGHER = 1e5  # what it costs to come from another height, as squared levels of 255: the sky from the sky
Places = NDArray[np.int64]


def fill_from_around(picture: Image.Image, hole: Image.Image) -> Image.Image:
    """The picture with its hole filled; elsewhere it stays as it is, to the bit."""
    smooth = fill(picture, hole)
    gone = np.asarray(hole.convert("L")) > 0
    left, top, right, bottom = box_of(gone)
    more = max(round(AROUND * max(right - left, bottom - top)), 24)
    window = (
        max(left - more, 0),
        max(top - more, 0),
        min(right + more, picture.width),
        min(bottom + more, picture.height),
    )
    crop, cut, guess = picture.convert("RGB").crop(window), hole.convert("L").crop(window), smooth.crop(window)
    filled = _fill_coarse_to_fine(guess, cut)
    if filled is None:
        return smooth
    whole = smooth.copy()
    whole.paste(Image.composite(filled, crop, widen(cut, 0)), window[:2])
    return whole


def _fill_coarse_to_fine(guess: Image.Image, cut: Image.Image) -> Image.Image | None:
    """The window, filled; None: there is no whole patch around the hole to take from."""
    gone = np.asarray(cut) > 0
    left, top, right, bottom = box_of(gone)
    finest = min(SIDE / max(guess.size), 1.0)
    scale = min(COARSEST / max(min(right - left, bottom - top), 1), finest)
    chance = np.random.default_rng(0)
    colours, nearest = None, None
    while True:
        size = (max(round(guess.width * scale), 2), max(round(guess.height * scale), 2))
        level = np.asarray(guess.resize(size, Image.Resampling.BOX), np.float64)
        hidden = np.asarray(cut.resize(size, Image.Resampling.BOX)) > 0
        search = _Search(level if colours is None else _over(level, colours, hidden), hidden, chance)
        if not search.possible:
            return None if colours is None else _image(colours, guess.size)
        nearest = search.run(nearest)
        colours = search.colours
        if scale >= finest:
            break
        scale = min(scale * 2, finest)
    if finest == 1:
        return _image(colours, guess.size)
    return _in_full(guess, nearest, finest)


def _over(level: Floats, coarse: Floats, hidden: Flags) -> Floats:
    """This level's own pixels, and in the hole what was found on the coarser one."""
    larger = np.asarray(_image(coarse, level.shape[1::-1]), np.float64)
    return np.where(hidden[..., None], larger, level)


def _image(colours: Floats, size: tuple[int, ...]) -> Image.Image:
    picture = Image.fromarray(np.rint(colours.clip(0, 255)).astype(np.uint8))
    return picture.resize((size[0], size[1]), Image.Resampling.BICUBIC) if picture.size != tuple(size) else picture


class _Search:
    """One level: for each place in the hole, and at its edge, the patch around it that is most like it."""

    def __init__(self, colours: Floats, hidden: Flags, chance: np.random.Generator) -> None:
        self.colours, self._hidden, self._chance = colours.copy(), hidden, chance
        height, width = hidden.shape
        near = np.asarray(widen(Image.fromarray(hidden.astype(np.uint8) * 255), HALF)) > 0
        self._may = ~near
        self._may[:HALF], self._may[-HALF:], self._may[:, :HALF], self._may[:, -HALF:] = False, False, False, False
        self.places: Places = np.argwhere(near)
        self._sources: Places = np.argwhere(self._may)
        self.possible = bool(len(self._sources)) and bool(len(self.places)) and height > 2 * HALF and width > 2 * HALF
        step = range(-HALF, HALF + 1)
        self._offsets: Places = np.array([(down, across) for down in step for across in step])
        self._number = np.full(hidden.shape, -1)
        self._number[near] = np.arange(len(self.places))

    def run(self, before: tuple[Places, Places, tuple[int, int]] | None) -> tuple[Places, Places, tuple[int, int]]:
        """Searches and fills in turn. before: what the coarser level found, with its places and size."""
        found = self._first(before)
        for _ in range(ROUNDS):
            cost = self._cost(found)
            for _ in range(SEARCHES):
                found, cost = self._ask_neighbours(found, cost)
                found, cost = self._look_around(found, cost)
            self._fill(found, cost)
        height, width = self._hidden.shape
        return self.places, found, (height, width)

    def _first(self, before: tuple[Places, Places, tuple[int, int]] | None) -> Places:
        """The coarser level's finds; at first what lies beside each place, at its own height."""
        if before is not None:
            places, found, (height, width) = before
            ratio = np.array([self._hidden.shape[0] / height, self._hidden.shape[1] / width])
            table = np.zeros((height, width, 2))
            table[places[:, 0], places[:, 1]] = found - places
            at = np.minimum((self.places / ratio).astype(int), [height - 1, width - 1])
            return self._valid(np.rint(self.places + table[at[:, 0], at[:, 1]] * ratio).astype(int))
        best = self._valid(self.places)
        cost = self._cost(best)
        for _ in range(12):
            across = self._chance.integers(0, self._hidden.shape[1], len(self.places))
            best, cost = self._better(best, cost, np.stack([self.places[:, 0], across], 1))
        return best

    def _valid(self, found: Places) -> Places:
        """The same, and some source where that is none."""
        inside = np.clip(found, 0, np.array(self._hidden.shape) - 1)
        other = self._sources[self._chance.integers(0, len(self._sources), len(found))]
        valid: Places = np.where(self._may[inside[:, 0], inside[:, 1]][:, None], inside, other)
        return valid

    def _patches(self, centres: Places) -> Floats:
        at = np.clip(centres[:, None] + self._offsets, 0, np.array(self._hidden.shape) - 1)
        patches: Floats = self.colours[at[..., 0], at[..., 1]]
        return patches

    def _cost(self, found: Places) -> Floats:
        unlike = ((self._patches(self.places) - self._patches(found)) ** 2).sum((1, 2))
        cost: Floats = unlike + HIGHER * ((found[:, 0] - self.places[:, 0]) / len(self._hidden)) ** 2
        return cost

    def _better(self, found: Places, cost: Floats, other: Places) -> tuple[Places, Floats]:
        other = np.clip(other, 0, np.array(self._hidden.shape) - 1)
        others = np.where(self._may[other[:, 0], other[:, 1]], self._cost(other), np.inf)
        wins = others < cost
        return np.where(wins[:, None], other, found), np.where(wins, others, cost)

    def _ask_neighbours(self, found: Places, cost: Floats) -> tuple[Places, Floats]:
        for shift in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            beside = np.clip(self.places - shift, 0, np.array(self._hidden.shape) - 1)
            number = self._number[beside[:, 0], beside[:, 1]]
            theirs = np.where((number >= 0)[:, None], found[number] + shift, found)
            found, cost = self._better(found, cost, theirs)
        return found, cost

    def _look_around(self, found: Places, cost: Floats) -> tuple[Places, Floats]:
        reach = max(self._hidden.shape)
        while reach >= 1:
            off = self._chance.integers(-reach, reach + 1, (len(found), 2))
            off[:, 0] //= 2  # rather at the same height, as what lies far is
            found, cost = self._better(found, cost, found + off)
            reach //= 3
        return found, cost

    def _fill(self, found: Places, cost: Floats) -> None:
        """Each hidden pixel anew, from all patches that reach over it; those that fit best count most."""
        height, width = self._hidden.shape
        usual = max(float(np.median(cost)), 1e-3)
        weight = np.exp(-cost / usual)[:, None] + 1e-6
        at = self.places[:, None] + self._offsets
        inside = ((at >= 0) & (at < (height, width))).all(-1)
        flat = np.where(inside, at[..., 0] * width + at[..., 1], 0).ravel()
        share = (weight * inside).ravel()
        patches = self._patches(found).reshape(-1, 3)
        total = np.bincount(flat, share, height * width)
        sums = np.stack([np.bincount(flat, share * patches[:, each], height * width) for each in range(3)], 1)
        mixed = (sums / np.maximum(total, 1e-12)[:, None]).reshape(height, width, 3)
        self.colours = np.where((self._hidden & (total.reshape(height, width) > 0))[..., None], mixed, self.colours)


def _in_full(guess: Image.Image, nearest: tuple[Places, Places, tuple[int, int]], scale: float) -> Image.Image:
    """At the picture's own size: each pixel from where its place on the finest level was found."""
    places, found, (height, width) = nearest
    shift = np.zeros((height, width, 2))
    shift[places[:, 0], places[:, 1]] = (found - places) / scale
    rows, columns = np.mgrid[: guess.height, : guess.width]
    at = (
        np.minimum((rows * height) // guess.height, height - 1),
        np.minimum((columns * width) // guess.width, width - 1),
    )
    down = np.clip(rows + np.rint(shift[at][..., 0]), 0, guess.height - 1).astype(int)
    across = np.clip(columns + np.rint(shift[at][..., 1]), 0, guess.width - 1).astype(int)
    return Image.fromarray(np.asarray(guess)[down, across])

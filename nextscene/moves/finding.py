"""Where a thing is in a picture: its mask, by a box, by the colour in its name, or because it stands out. No model.

    cut = find_by_box(picture, (40, 20, 80, 60))
    cuts = find_things(picture, said.things)        # by their words

A mask is a grey picture, white where the thing is. The colours around a box are learnt, and what is unlike them within
it is the thing; the border is then led along the picture's own edges (GrabCut's idea, with a guided filter in place of
its cut).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from nextscene import NextSceneError
from nextscene.moves.plan import Box
from nextscene.moves.regions import (
    Flags,
    Floats,
    box_of,
    fill_holes,
    label_parts,
    largest_part,
    mean_around,
    smooth_along,
    to_lab,
)
from nextscene.moves.sayings import Who
from nextscene.moves.vocabulary import COLOURS

SIDE = 256  # pixels: on pictures of this size things are looked for; their borders are found on the whole
CLUSTERS, ROUNDS, PASSES = 6, 8, 3  # colours of a side; rounds to find them; passes of cutting
SMEAR = 4.0  # variance that every colour has at least, in Lab
ANYTHING = 0.25, -16.0  # share and log density of colours that a thing may have besides those that were learnt
UNLIKE = 2.0  # in Lab: a thing is at least so far from what is around it
SMALLEST, LARGEST = 0.0008, 0.6  # of the picture: what else is no thing
SHARES = 0.01, 0.02, 0.04, 0.06, 0.08, 0.11, 0.15, 0.2, 0.3, 0.5  # of the picture: how much of it a thing may be
GREYISH, FAINT = 12.0, 4.0  # of chroma: below this a named colour is a grey; a pixel has no colour
MOST_BEYOND = 3.0  # of a coloured part's pixels: what is larger is more than a thing
AROUND = 0.35  # of a coloured part's size: how far the rest of the thing may reach beyond it


@dataclass(frozen=True)
class Cut:
    """A thing that was found. by: how. confidence: 1 for what was told, less for what was guessed."""

    mask: Image.Image
    by: str
    confidence: float

    @property
    def box(self) -> Box:
        left, top, right, bottom = self.mask.point(lambda value: 255 * (value > 127)).getbbox() or (0, 0, 1, 1)
        return float(left), float(top), float(right), float(bottom)


def find_things(picture: Image.Image, things: Sequence[Who], told: Mapping[str, Cut] | None = None) -> dict[str, Cut]:
    """Every thing's mask; a NextSceneError names the first that is not found. told: those that are known already."""
    found, small = dict(told or {}), _small(picture)
    taken = np.zeros((small.height, small.width), bool)
    for cut in found.values():
        taken |= np.asarray(cut.mask.resize(small.size)) > 127
    for who in (each for each in things if each.name not in found):
        part = _part_for(who, np.asarray(small), taken)
        if part is None:
            raise NextSceneError(
                f"The {who.name} was not found in the picture: say where it is with --box LEFT,TOP,RIGHT,BOTTOM in "
                "pixels, or give its mask with --mask FILE."
            )
        taken |= part
        core = mean_around(part.astype(np.float64), 1) > 0.99  # a part's border is mixed with what is around it
        seeds = Image.fromarray(core if core.any() else part).resize(picture.size)
        found[who.name] = _cut(picture, np.asarray(seeds), who)
        taken |= np.asarray(found[who.name].mask.resize(small.size)) > 127
    return found


def find_by_box(picture: Image.Image, box: Sequence[float], name: str = "thing") -> Cut:
    """What fills a box, without what is around it."""
    left, top, right, bottom = box
    if not (0 <= left < right <= picture.width and 0 <= top < bottom <= picture.height):
        raise NextSceneError(
            f"The box of the {name}, {left:g},{top:g},{right:g},{bottom:g}, does not lie in the picture, which is "
            f"{picture.width}x{picture.height}: give left,top,right,bottom in pixels."
        )
    inside = tuple(round(each) for each in box)
    mask = _segment(picture, (inside[0], inside[1], max(inside[2], inside[0] + 1), max(inside[3], inside[1] + 1)), None)
    seen = np.asarray(_small(mask).convert("L")) > 127
    plain = not seen.any() or _contrast(seen, to_lab(np.asarray(_small(picture)))) < UNLIKE
    if plain or np.asarray(mask).mean() / 255 * picture.width * picture.height < 0.05 * (right - left) * (bottom - top):
        raise NextSceneError(f"In the box of the {name} nothing stands out from what is around: give --mask FILE.")
    return Cut(mask, "box", 1.0)


def find_by_mask(picture: Image.Image, mask: Image.Image, name: str = "thing") -> Cut:
    """A mask that somebody made, brought to the picture's size where it has its shape."""
    if abs(mask.width / mask.height - picture.width / picture.height) > 0.02 * picture.width / picture.height:
        raise NextSceneError(
            f"The mask of the {name} is {mask.width}x{mask.height}, and the picture {picture.width}x{picture.height}: "
            "give a mask of the picture's shape, white where the thing is."
        )
    grey = mask.convert("L").resize(picture.size, Image.Resampling.LANCZOS)
    share = float((np.asarray(grey) > 127).mean())
    if not 0 < share < 1:
        raise NextSceneError(
            f"The mask of the {name} is {'white' if share else 'black'} everywhere: make it white where the "
            "thing is, and black elsewhere."
        )
    return Cut(grey, "mask", 1.0)


def _small(picture: Image.Image) -> Image.Image:
    scale = min(SIDE / max(picture.size), 1.0)
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    return picture.convert("RGB").resize(size, Image.Resampling.BOX) if scale < 1 else picture.convert("RGB")


def _part_for(who: Who, pixels: np.ndarray, taken: Flags) -> Flags | None:
    """The part of the picture that is most likely the thing; of its colour, where that was said."""
    lab = to_lab(pixels)
    likeness = like_colour(lab, who.colour) if who.colour else unlike_border(lab)
    candidates = [likeness > max(float(np.quantile(likeness, 1 - share)), 0.0) for share in SHARES]
    found = [_best_part(seen & ~taken, lab) for seen in candidates]
    return max(found, key=lambda each: each[1])[0]


def _best_part(seen: Flags, lab: Floats) -> tuple[Flags | None, float]:
    """The part that looks most like a thing, large, compact, and unlike what is around it; and how much it does."""
    labels, count = label_parts(seen)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    best, most = None, 0.0
    for number in range(1, count + 1):
        share = sizes[number] / labels.size
        if SMALLEST < share < LARGEST:
            part = labels == number
            score = float(np.sqrt(sizes[number])) * _compactness(part) * _contrast(part, lab)
            if score > most:
                best, most = part, score
    return best, most


def _contrast(part: Flags, lab: Floats) -> float:
    """How far its colours are from those just around it, up to what is plain to see."""
    near = (mean_around(part.astype(np.float64), 3) > 0) & ~part
    if not near.any():
        return 0.0
    return min(float(np.linalg.norm(lab[part].mean(0) - lab[near].mean(0))), 40.0)


def _compactness(part: Flags) -> float:
    """How much a part looks like a thing: it fills its box, and does not run along the picture's border."""
    left, top, right, bottom = box_of(part)
    filled = part.sum() / ((right - left) * (bottom - top))
    border = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]).mean()
    return float(filled**2 * max(1 - 4 * border, 0.01))


def like_colour(lab: Floats, name: str) -> Floats:
    """How much of a named colour each pixel has; above 0 it has some."""
    light, across, down = to_lab(np.array(COLOURS[name], np.uint8))
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    if np.hypot(across, down) < GREYISH:  # white, grey, black
        return np.asarray(60 - np.abs(lab[..., 0] - light) - 1.5 * chroma)
    way = np.array([across, down]) / np.hypot(across, down)
    along, aside = lab[..., 1:] @ way, np.abs(lab[..., 1:] @ (way[1], -way[0]))
    lighter = 0.2 * np.abs(lab[..., 0] - light)  # by which alone orange and brown differ
    return np.asarray(along - aside - FAINT - lighter)


def unlike_border(lab: Floats) -> Floats:
    """How unlike each pixel is what lies along the picture's border; above 0 it plainly is."""
    height, width = lab.shape[:2]
    deep = max(round(0.06 * min(height, width)), 1)
    border = np.ones((height, width), bool)
    border[deep:-deep, deep:-deep] = False
    density = _Colours(lab[border]).density(lab)
    unlike: Floats = np.quantile(density[border], 0.02) - 1 - density
    return unlike


def _grown(box: tuple[int, int, int, int], size: tuple[int, int], reach: float) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    more = round(reach * max(right - left, bottom - top)) + 2
    return max(left - more, 0), max(top - more, 0), min(right + more, size[0]), min(bottom + more, size[1])


def _cut(picture: Image.Image, seeds: Flags, who: Who) -> Cut:
    """The whole thing from a part of it; no more than the part, where there is no telling where it ends."""
    for reach in (AROUND, AROUND / 5, 0.0):
        mask = _segment(picture, _grown(box_of(seeds), picture.size, reach), seeds)
        if np.asarray(mask).mean() / 255 < MOST_BEYOND * seeds.mean():
            break
    rough = np.asarray(mask) > 127
    mask = _segment(picture, _grown(box_of(rough), picture.size, 0.0), seeds)  # again, with more around to learn from
    return Cut(mask, f"the colour {who.colour}" if who.colour else "standing out", 0.8 if who.colour else 0.5)


def _segment(picture: Image.Image, box: tuple[int, int, int, int], seeds: Flags | None) -> Image.Image:
    """The mask of what fills a box. seeds: what surely belongs to it; None: what is least like what is around."""
    window = _window(box, picture.size)
    crop = picture.convert("RGB").crop(window)
    scale = min(SIDE / max(crop.size), 1.0)
    size = (max(round(crop.width * scale), 1), max(round(crop.height * scale), 1))
    lab = to_lab(np.asarray(crop.resize(size, Image.Resampling.BOX) if scale < 1 else crop))
    inside = _inside(box, window, size, scale)
    own = None
    if seeds is not None:
        own = np.asarray(Image.fromarray(seeds).crop(window).resize(size)) & inside
    seen = _separate(lab, inside, own)
    whole = Image.new("L", picture.size)
    whole.paste(_with_soft_border(seen, crop), window[:2])
    return whole


def _window(box: tuple[int, int, int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box with as much around it as is needed to know the background."""
    left, top, right, bottom = box
    more = max(round(0.4 * max(right - left, bottom - top)), 8)
    return max(left - more, 0), max(top - more, 0), min(right + more, size[0]), min(bottom + more, size[1])


def _inside(box: tuple[int, ...], window: tuple[int, ...], size: tuple[int, int], scale: float) -> Flags:
    inside = np.zeros(size[::-1], bool)
    left, top, right, bottom = ((each - window[at % 2]) * scale for at, each in enumerate(box))
    inside[max(round(top), 0) : max(round(bottom), 1), max(round(left), 0) : max(round(right), 1)] = True
    return inside


def _separate(lab: Floats, inside: Flags, seeds: Flags | None) -> Flags:
    """What within the box is more like the thing than like what is around it."""
    around = ~inside
    if around.sum() < 16:  # the box is the whole picture: its border is what is around
        around = np.ones_like(inside)
        around[2:-2, 2:-2] = False
    background = _Colours(lab[around])
    odd = background.density(lab)
    known = seeds if seeds is not None and seeds.any() else inside & (odd <= np.quantile(odd[inside], 0.5))
    guide = lab[..., 0] / 100
    seen = known
    for _ in range(PASSES):
        share, anything = ANYTHING
        own = np.logaddexp(np.log(1 - share) + _Colours(lab[seen]).density(lab), np.log(share) + anything)
        odds = np.where(inside, np.clip(own - background.density(lab), -12, 12), -12.0)
        odds = np.maximum(odds, np.where(known & (seeds is not None), 6.0, -12.0))
        found = inside & (smooth_along(guide, odds, 2, 0.002) > 0)
        if not found.any():
            break
        seen = _touching(found, known)
        background = _Colours(lab[~seen & (around | inside)])
    return fill_holes(largest_part(seen))


def _touching(seen: Flags, seeds: Flags) -> Flags:
    """The parts that have something of the seeds in them."""
    labels, _ = label_parts(seen)
    kept = np.unique(labels[seeds & seen])
    kept = kept[kept > 0]
    touching: Flags = np.isin(labels, kept) if len(kept) else seen
    return touching


def _with_soft_border(seen: Flags, crop: Image.Image) -> Image.Image:
    """A mask at the crop's own size, its border between two pixels as soft as the picture's own."""
    rough = Image.fromarray(seen.astype(np.uint8) * 255).resize(crop.size, Image.Resampling.BILINEAR)
    guide = np.asarray(crop.convert("L"), np.float64) / 255
    share = np.asarray(rough, np.float64) / 255
    reach = max(1, round(max(crop.size) / SIDE))
    soft = np.clip((smooth_along(guide, share, reach, 1e-3) - 0.15) / 0.7, 0, 1)
    return Image.fromarray(np.rint(soft * 255).astype(np.uint8))


class _Colours:
    """What colours there are in a part of a picture: a few clusters, each with its spread."""

    def __init__(self, colours: Floats) -> None:
        colours = colours[:: max(len(colours) // 4000, 1)]
        count = min(CLUSTERS, len(colours))
        means = _apart(colours, count)
        for _ in range(ROUNDS):
            nearest = ((colours[:, None] - means) ** 2).sum(-1).argmin(1)
            means = np.stack([
                colours[nearest == at].mean(0) if (nearest == at).any() else means[at] for at in range(count)
            ])  # fmt: skip
        self._parts = [
            (mean, _spread(colours[nearest == at]), max((nearest == at).mean(), 1e-6)) for at, mean in enumerate(means)
        ]

    def density(self, lab: Floats) -> Floats:
        """The logarithm of how usual each colour is."""
        each = []
        for mean, spread, share in self._parts:
            off = lab - mean
            distance = ((off @ np.linalg.inv(spread)) * off).sum(-1)
            each.append(np.log(share) - 0.5 * (distance + np.log(np.linalg.det(spread)) + 3 * np.log(2 * np.pi)))
        density: Floats = np.logaddexp.reduce(each)
        return density


def _apart(colours: Floats, count: int) -> Floats:
    """Some of the colours that are far from each other."""
    chosen = [colours[len(colours) // 2]]
    for _ in range(1, count):
        off = np.min([((colours - each) ** 2).sum(1) for each in chosen], axis=0)
        chosen.append(colours[int(off.argmax())])
    return np.stack(chosen)


def _spread(colours: Floats) -> Floats:
    floor = np.eye(3) * SMEAR
    spread: Floats = np.cov(colours.T) + floor if len(colours) > 3 else floor
    return spread

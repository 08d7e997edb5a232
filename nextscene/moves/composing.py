"""A thing cut out of a picture, and put elsewhere: moved, turned and resized exactly, without a model.

Places are in pixels from the top left corner, where a pixel's middle lies at a half; angles in degrees, clockwise.
Masks are grey pictures, white where the thing is; between black and white they are how much of a pixel it covers.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image, ImageChops

from nextscene import NextSceneError

FAINT = 0.05  # a share of a pixel from which no colour can be told
Spot = tuple[float, float]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class CutOut:
    """A thing by itself: its colours, and how much of each pixel it covers.

    middle: the point of it, in its own pixels, that lies where it is put.
    """

    picture: Image.Image  # RGBA
    middle: Spot


def cut_out(
    picture: Image.Image, mask: Image.Image, middle: Spot | None = None, behind: Image.Image | None = None
) -> CutOut:
    """The thing that a mask covers.

    middle: the point of the picture that lies where the thing is put; None: the middle of the mask.
    behind: the same picture without it: where both show in a pixel, the thing's own colour is found.
    """
    box = mask.getbbox()
    if box is None:
        raise NextSceneError("There is nothing to cut out: the mask is black everywhere.")
    left, top, right, bottom = box
    colours = np.asarray(picture.convert("RGB").crop(box), np.float32)
    covered = np.asarray(mask.convert("L").crop(box), np.float32)[..., None] / 255
    if behind:
        other = np.asarray(behind.convert("RGB").crop(box), np.float32)
        colours = np.where(covered > FAINT, (colours - (1 - covered) * other) / np.maximum(covered, FAINT), colours)
    whole = np.concatenate([colours.clip(0, 255), covered * 255], axis=2)
    x, y = middle or ((left + right) / 2, (top + bottom) / 2)
    return CutOut(Image.fromarray(np.rint(whole).astype(np.uint8)), (x - left, y - top))


def put(
    thing: CutOut, onto: Image.Image, x: float, y: float, angle: float = 0.0, size: float = 1.0
) -> tuple[Image.Image, Image.Image]:
    """The picture with the thing there, and a mask of where it is seen."""
    moved = _transformed(thing, onto.size, x, y, angle, size)
    mask = moved.getchannel("A")
    return Image.composite(moved.convert("RGB"), onto, mask), mask


def _transformed(thing: CutOut, size: tuple[int, int], x: float, y: float, angle: float, scale: float) -> Image.Image:
    picture, (middle_x, middle_y) = thing.picture, thing.middle
    if scale < 1:  # first smaller by averaging, as the transform itself only looks at the nearest pixels
        small = [max(round(side * scale), 1) for side in picture.size]
        across, down = (new / old for new, old in zip(small, picture.size, strict=True))
        picture = picture.resize(small, Image.Resampling.LANCZOS)
        middle_x, middle_y = middle_x * across, middle_y * down
        across, down = scale / across, scale / down
    else:
        across = down = scale
    turn = math.radians(angle)
    cos, sin = math.cos(turn), math.sin(turn)
    # Where each pixel of the result lies in the cut-out.
    back = (cos / across, sin / across, -sin / down, cos / down)
    shift_x, shift_y = middle_x - back[0] * x - back[1] * y, middle_y - back[2] * x - back[3] * y
    edge = 2  # pixels: what is just beyond the cut-out's border is transparent, not its last pixel's colour
    framed = Image.new("RGBA", (picture.width + 2 * edge, picture.height + 2 * edge))
    framed.paste(picture, (edge, edge))
    matrix = (back[0], back[1], shift_x + edge, back[2], back[3], shift_y + edge)
    return framed.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)


def widen(mask: Image.Image, across: int, below: int | None = None) -> Image.Image:
    """White where the mask is not black, and so many pixels around; below it so many."""
    seen = np.asarray(mask) > 0
    down = across if below is None else below
    seen = _near(seen, (across, across), 1)
    return Image.fromarray(np.where(_near(seen, (down, across), 0), 255, 0).astype(np.uint8))


def narrow(mask: Image.Image, by: int) -> Image.Image:
    """White where the mask is white, and so many pixels around."""
    return ImageChops.invert(widen(ImageChops.invert(mask), by))


def _near(seen: NDArray[np.bool_], reach: tuple[int, int], axis: int) -> NDArray[np.bool_]:
    """Whether anything is seen up to so far before each place, and after it."""
    room = [(0, 0), (0, 0)]
    room[axis] = reach
    near = sliding_window_view(np.pad(seen, room), sum(reach) + 1, axis).any(-1)
    return np.asarray(near)


def fill(picture: Image.Image, hole: Image.Image) -> Image.Image:
    """The picture with a hole filled smoothly from what is around it, pulled from ever smaller pictures of it."""
    seen = np.asarray(hole.convert("L")) == 0
    if not seen.any():
        raise NextSceneError("The mask covers the whole picture: nothing is left to fill it from.")
    before = np.asarray(picture.convert("RGB"))
    filled = _pulled(before.astype(np.float32), seen[..., None].astype(np.float32))
    return Image.fromarray(np.where(seen[..., None], before, np.rint(filled)).astype(np.uint8))


def _pulled(colours: Floats, known: Floats) -> Floats:
    """Each place's own colour as far as it is known, and for the rest that of a picture of half the size."""
    if known.min() >= 1:
        return colours
    height, width = known.shape[:2]
    odd = ((0, height % 2), (0, width % 2), (0, 0))
    weights = _sums_of_four(np.pad(known, odd))
    own = _sums_of_four(np.pad(colours * known, odd)) / np.maximum(weights, 1e-6)
    coarse = _pulled(np.asarray(own, np.float32), np.asarray(weights.clip(max=1), np.float32))
    size = (width + width % 2, height + height % 2)
    channels = [np.asarray(Image.fromarray(coarse[..., at]).resize(size, Image.Resampling.BILINEAR)) for at in range(3)]
    around: Floats = np.stack(channels, axis=2)[:height, :width]
    return known * colours + (1 - known) * around


def _sums_of_four(values: Floats) -> Floats:
    height, width, depth = values.shape
    sums: Floats = values.reshape(height // 2, 2, width // 2, 2, depth).sum((1, 3))
    return sums

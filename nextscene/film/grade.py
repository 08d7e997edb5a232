"""A film's grade: the same colours for all of its scenes, a vignette, grain.

    grade = Grade.of(film_settings)
    graded = grade(frame, number)           # each frame of the film, before letters are put on it

Deterministic: the same settings give the same bytes. It never changes a scene's own picture, only what the film shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from nextscene import NextSceneError
from nextscene.film.blends import Frame
from nextscene.settings import FilmSettings, GradeName

Colours = NDArray[np.float64]  # in rows of red, green and blue, from 0 to 1
Table = ImageFilter.Color3DLUT

STEPS = 33  # of the tables that are made here, in each channel
LARGEST, LONGEST = 65, 20_000_000  # of a .cube file: steps in each channel, which is what Pillow takes, and bytes
LUMA = np.array((0.2126, 0.7152, 0.0722))
DARKEST = 0.75  # how much light the strongest vignette takes from the corners
COARSEST = 16  # levels of 255: the deviation of the strongest grain


@dataclass(frozen=True)
class Grade:
    """What a film's colours go through. table: the colours; vignette, grain: how much, from 0 to 1."""

    table: Table | None = None
    vignette: float = 0
    grain: float = 0

    @classmethod
    def of(cls, film: FilmSettings, lut: Path | None = None) -> "Grade":
        """lut: where the film's .cube file is, if it names one; it takes the place of a grade."""
        return cls(read_cube(lut) if lut else named(film.grade), film.vignette, film.grain)

    def __call__(self, frame: Frame, number: int) -> Frame:
        """A frame of the film, graded; its number gives its grain."""
        if self.table:
            frame = np.asarray(Image.fromarray(frame).filter(self.table))
        if not (self.vignette or self.grain):
            return frame
        light = frame.astype(np.float32)
        if self.vignette:
            light *= _vignette(frame.shape[1], frame.shape[0], self.vignette)
        if self.grain:
            grain = np.random.default_rng(number).standard_normal(frame.shape[:2], dtype=np.float32)
            light += grain[:, :, None] * (COARSEST * self.grain)
        graded: Frame = np.clip(light + 0.5, 0, 255).astype(np.uint8)
        return graded


UNGRADED = Grade()


@lru_cache(maxsize=2)
def _vignette(width: int, height: int, strength: float) -> NDArray[np.float32]:
    """How much light is left in each place: all of it in the middle, falling as a lens lets it fall."""
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    outwards = (x[None, :] ** 2 + y[:, None] ** 2) / 2
    return np.asarray(1 - DARKEST * strength * outwards**1.5, dtype=np.float32)[:, :, None]


def named(name: GradeName) -> Table | None:
    """The table of a grade by its name."""
    if name not in GRADES:
        return None
    steps = np.linspace(0, 1, STEPS)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")  # red changes fastest
    colours = np.stack([red, green, blue], -1).reshape(-1, 3)
    return Table(STEPS, np.clip(GRADES[name](colours), 0, 1).ravel().tolist())


def _luma(colours: Colours) -> Colours:
    return np.asarray(colours @ LUMA[:, None])


def _with_contrast(colours: Colours, amount: float) -> Colours:
    """Along an S-curve through black, middle grey and white."""
    clipped = np.clip(colours, 0, 1)
    return clipped + amount * (clipped**2 * (3 - 2 * clipped) - clipped)


def _toned(colours: Colours, shadows: Sequence[float], lights: Sequence[float], share: float) -> Colours:
    """Dark ones towards one colour, light ones towards another, all as light as they were."""
    light = _luma(colours)
    tone = np.asarray(shadows) * (1 - light) + np.asarray(lights) * light
    return colours + share * (tone * light / _luma(tone) - colours)


def _teal_orange(colours: Colours) -> Colours:
    return _with_contrast(_toned(colours, (0.12, 0.42, 0.50), (1.0, 0.78, 0.55), 0.28), 0.35)


def _warm(colours: Colours) -> Colours:
    return _with_contrast(colours * (1.08, 1.01, 0.86), 0.15)


def _cool(colours: Colours) -> Colours:
    return _with_contrast(colours * (0.88, 0.99, 1.08) + (0, 0, 0.02), 0.15)


def _noir(colours: Colours) -> Colours:
    return _with_contrast(np.repeat(_luma(colours), 3, axis=1), 0.8)


def _faded(colours: Colours) -> Colours:
    pale = colours + 0.35 * (_luma(colours) - colours)
    return pale + 0.22 * (np.asarray((0.62, 0.58, 0.50)) - pale)


GRADES: dict[GradeName, Callable[[Colours], Colours]] = {
    "teal_orange": _teal_orange,
    "warm": _warm,
    "cool": _cool,
    "noir": _noir,
    "faded": _faded,
}


def read_cube(file: Path) -> Table:
    """A table of colours from a .cube file, as grading programs write them."""
    try:
        if file.stat().st_size > LONGEST:
            raise NextSceneError(f"The LUT {file.name} is larger than {LONGEST // 10**6} MB: no table of colours is.")
        lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise NextSceneError(f"The LUT {file} cannot be read ({error.strerror}).") from None
    fields, rows = dict[str, list[str]](), list[list[float]]()
    for line in lines:
        words = line.split("#")[0].split()
        if words and words[0][0].isalpha():
            fields[words[0]] = words[1:]
        elif words:
            rows.append(_numbers(words, file))
    size = int(_numbers(fields.get("LUT_3D_SIZE", ["0"]), file)[0])
    if not 2 <= size <= LARGEST:
        raise NextSceneError(f"The LUT {file.name} has no LUT_3D_SIZE from 2 to {LARGEST}: give a 3D .cube file.")
    if len(rows) != size**3 or any(len(row) != 3 for row in rows):
        raise NextSceneError(f"The LUT {file.name} has {len(rows)} rows of colours, not {size**3} of three numbers.")
    for name, end in (("DOMAIN_MIN", 0), ("DOMAIN_MAX", 1)):
        if name in fields and _numbers(fields[name], file) != [end] * 3:
            raise NextSceneError(
                f"The LUT {file.name} has another {name} than {end}: give one for colours from 0 to 1."
            )
    return Table(size, [channel for row in rows for channel in row])


def _numbers(words: list[str], file: Path) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError:
        raise NextSceneError(f"The LUT {file.name} has {' '.join(words)[:40]!r} where numbers should be.") from None

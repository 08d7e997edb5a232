"""How steady and how true a restyled film is, beside what is simpler: films of the drawn world, whose night is known.

Each film goes by at day, and is restyled by "night falls": frame by frame with new noise, frame by frame with the same
noise, and as `script/restyle` does it. The true film is the same world drawn at night. Writes a page with its table,
every value, and a sheet of frames. What was made is kept in the work folder: the same command goes on.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image

from bench import figures
from nextscene import api, hub, pictures
from nextscene.film import Frame, NewFilm
from nextscene.restyle import Measures, Order, Restyling
from nextscene.settings import RestyleSettings, StorySettings
from nextscene.shooting import Studio
from storybook.moving.clips import BOAT, RISE
from storybook.world import HEIGHT, WIDTH, Moment, State, draw

FRAMES, FPS, WORDS, SEED = 49, 12, "night falls", 5
FILMS: dict[str, tuple[State, Callable[[float], Moment]]] = {
    "the camera pans": (State("sea", layout=3), lambda share: Moment(pan=2 * share)),
    "the camera comes closer": (
        State("mountains", landmark="tower", colour="blue", layout=2),
        lambda share: Moment(zoom=share),
    ),
    "a balloon rises": (
        State("forest", landmark="balloon", colour="white", layout=2),
        lambda share: Moment(rise=RISE * share),
    ),
    "a boat passes": (
        State("sea", colour="white", layout=2, pan=1),
        lambda share: Moment(boat=BOAT[0] + (BOAT[1] - BOAT[0]) * share),
    ),
}
SOURCE, TRUE, NEW, SAME, OURS = (
    "the source itself",
    "the true night",
    "each frame alone, new noise",
    "each frame alone, same noise",
    "script/restyle",
)
Values = Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench restyle")
    parser.add_argument("--films", type=int, default=len(FILMS), help="the first so many")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--work", type=Path, default=Path("outputs/bench/restyle"))
    parser.add_argument("--out", type=Path, default=Path("outputs/bench"))
    options = parser.parse_args()
    studio = api.load("storybook")
    values = {}
    for name in list(FILMS)[: options.films]:
        folder = options.work / name.replace(" ", "-")
        values[name] = measure(name, folder, studio, options.frames, options.steps)
        page = render(values, options.frames, options.steps)
        figures.write_whole(options.out / "restyle.md", page.encode())
        figures.write_whole(options.out / "restyle.json", json.dumps(values, indent=1).encode())
    print(page)


def measure(name: str, folder: Path, studio: Studio, frames: int, steps: int) -> dict[str, Values]:
    """Each way's figures for one film."""
    day, night = ([at(name, number, frames, light) for number in range(frames)] for light in ("noon", "night"))
    source = folder / "day.mp4"
    if not source.is_file():
        with NewFilm(source, (WIDTH, HEIGHT), Fraction(FPS), None, {}) as film:
            for frame in day:
                film.add(frame)
    settings = StorySettings(steps=steps, seed=SEED)
    ours, same = (
        Order(
            film=source,
            words=WORDS,
            folder=folder / way,
            settings=settings,
            restyle=RestyleSettings(per_frame=way == "same", keep_frames=True),
            at_home=True,
        )
        for way in ("ours", "same")
    )
    for order in (ours, same):
        list(Restyling(order, hub.find("storybook")).run(lambda: studio))
    films = {
        SOURCE: day,
        TRUE: night,
        NEW: list(new_noise(ours, day, studio)),
        SAME: list(read(same.folder, frames)),
        OURS: list(read(ours.folder, frames)),
    }
    sheet(list(films.values()), folder / "sheet.png")
    found = {way: compare(day, film, night) for way, film in films.items()}
    drawn = json.loads((ours.folder / "restyle.json").read_text())["drawn"]
    found[OURS]["drawings"] = len(drawn)
    return {way: {"drawings": 0.0 if way in (SOURCE, TRUE) else float(frames)} | each for way, each in found.items()}


def at(name: str, number: int, frames: int, light: str) -> Frame:
    state, moment = FILMS[name]
    return np.asarray(draw(state.but(light=light), moment=moment(number / (frames - 1))))


def new_noise(order: Order, day: Sequence[Frame], studio: Studio) -> Iterator[Frame]:
    """Each frame drawn alone, as all shots of a story are."""
    shot = Restyling(order, hub.find("storybook")).plan.shot
    folder = order.folder.with_name("new")
    for number, frame in enumerate(day):
        file = folder / f"frame_{number + 1:06d}.png"
        if not file.is_file():
            take = studio.draw(replace(shot, seed=SEED + number), [Image.fromarray(frame)])
            pictures.write(take.picture, file, {})
        yield np.asarray(pictures.read(file))


def read(folder: Path, frames: int) -> Iterator[Frame]:
    for number in range(frames):
        yield np.asarray(pictures.read(folder / "frames" / f"frame_{number + 1:06d}.png"))


def compare(day: Sequence[Frame], film: Sequence[Frame], night: Sequence[Frame]) -> dict[str, float]:
    measures = Measures()
    for number, (was, shown) in enumerate(zip(day, film, strict=True)):
        measures.add(number, was, shown, begins=not number)
    squares = [float(np.mean((one.astype(float) - two) ** 2)) for one, two in zip(film, night, strict=True)]
    found = measures.facts()
    return {
        "warp error": float(found["warp_error"] or 0),
        "dB to the true night": fmean(min(60.0, 10 * np.log10(255**2 / max(each, 1e-9))) for each in squares),
        "structure": float(found["structure"] or 0),
    }


def sheet(films: Sequence[Sequence[Frame]], file: Path) -> None:
    """Six frames of each film, one film a row."""
    shown = np.linspace(0, len(films[0]) - 1, 6).round().astype(int)
    rows = [np.concatenate([film[number] for number in shown], axis=1) for film in films]
    Image.fromarray(np.concatenate(rows)).save(file)


def render(values: Mapping[str, Mapping[str, Values]], frames: int, steps: int) -> str:
    parts = [f"# Restyled films\n\n{len(values)} films of the drawn world, {frames} frames each, by {WORDS!r}.\n"]
    means = {
        way: {name: fmean(film[way][name] for film in values.values()) for name in next(iter(values.values()))[way]}
        for way in next(iter(values.values()))
    }
    for title, table in {**values, "all of them": means}.items():
        base = table[SOURCE]["warp error"]
        rows = [
            f"| {way} | {found['warp error']:.4f} | {found['warp error'] / base:.2f} | "
            f"{found['dB to the true night']:.1f} | {found['structure']:.2f} | {found['drawings']:.0f} |"
            for way, found in table.items()
        ]
        head = f"| {title} | warp error | times the source's | dB to the true night | structure | drawings |"
        parts.append("\n".join([head, "|---|---:|---:|---:|---:|---:|", *rows]) + "\n")
    return "\n".join([*parts, figures.about(f"storybook, {WIDTH}x{HEIGHT}, {steps} steps"), ""])


if __name__ == "__main__":
    main()

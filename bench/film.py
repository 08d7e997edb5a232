"""How fast a film is made, over ffmpeg called by hand on the very same frames, which lie there as a file.

What is more is the price of making the frames: nothing for a picture that stands, its share for moves and transitions.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from bench.figures import Report, in_turn, percent_over, timed
from nextscene import NextSceneError
from nextscene.film import FORMATS, Film, Projector, Timeline, lay_out
from nextscene.story import from_data
from storybook.world import LIGHTS, PLACES, State, draw

SIZE = (1024, 768)
FILMS: Mapping[str, Mapping[str, Any]] = {
    "Stills and cuts": {},
    "Stills and crossfades": {"transition": "crossfade"},
    "Moves and cuts": {"move": "auto"},
    "Moves and crossfades": {"move": "auto", "transition": "crossfade"},
    "Stills and morphs": {"transition": "morph"},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench film")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    scenes, rounds = (2, 2) if options.quick else (4, 5)
    report = Report(f"{SIZE[0]}x{SIZE[1]}, H.264")
    try:
        for what, film in FILMS.items():
            measure(report, what, film, scenes, rounds)
    except NextSceneError as error:
        sys.exit(f"error: {error}")
    print(report)
    if options.json:
        report.write(options.json)


def measure(report: Report, what: str, film: Mapping[str, Any], scenes: int, rounds: int) -> None:
    timeline = lay_out(from_data({"fps": 1, "film": film, "scenes": ["a"] * scenes}))
    pictures = [a_picture(number) for number in range(scenes)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_frames(folder, timeline, pictures)
        seconds = in_turn(
            rounds,
            hand=timed(partial(by_hand, folder, timeline)),
            ours=timed(partial(ours, folder, timeline, pictures)),
        )
    frames = timeline.frame(timeline.duration)
    how = f"{frames} frames of {scenes} scenes, {rounds} pairs"
    report.add(f"{what}: frames per second", [frames / each for each in seconds["ours"]], "{:.0f}", how)
    report.add(f"{what}: over ffmpeg by hand", percent_over(seconds["ours"], seconds["hand"]), "{:+.0f} %", how)


def lay_frames(folder: Path, timeline: Timeline, pictures: list[Image.Image]) -> None:
    projector = Projector(timeline, SIZE)
    with (folder / "frames.rgb").open("wb") as raw:
        for picture in pictures:
            raw.writelines(frame.data for frame in projector.show(picture))


def ours(folder: Path, timeline: Timeline, pictures: list[Image.Image]) -> None:
    with Film(folder / "ours.mp4", timeline) as film:
        for picture in pictures:
            film.add(picture)


def by_hand(folder: Path, timeline: Timeline) -> None:
    size, rate = f"{SIZE[0]}x{SIZE[1]}", str(timeline.video_fps)
    frames = f"-f rawvideo -pix_fmt rgb24 -video_size {size} -framerate {rate} -i".split()
    encode = f"-vf {FORMATS['.mp4'].filters} {FORMATS['.mp4'].video} -y".split()
    command = [get_ffmpeg_exe(), "-loglevel", "error", *frames, folder / "frames.rgb", *encode, folder / "hand.mp4"]
    subprocess.run(command, check=True)


def a_picture(number: int) -> Image.Image:
    """A drawn place, another light each time, as a chain would give."""
    return draw(State(place=PLACES[number // 4 % len(PLACES)], light=LIGHTS[number % 4], pan=number % 3 - 1), *SIZE)


if __name__ == "__main__":
    main()

"""The pictures of docs/script.md: each size of a shot, and each move of its camera, in the drawn world.

python -m bench.vocabulary [FOLDER]
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from nextscene.script import Camera, Size
from storybook.world import Moment, State, draw

WORLD = State(place="sea", light="sunset", landmark="windmill", colour="white", layout=1)
WIDTH, HEIGHT, GAP, FOOT = 224, 168, 8, 26
SIZES: Mapping[Size, Moment] = {
    "wide": Moment(zoom=-2),
    "full": Moment(zoom=1.6, tilt=0.6),
    "medium": Moment(zoom=4, tilt=1.2),
    "close": Moment(zoom=6.5, tilt=3),
    "detail": Moment(zoom=9, tilt=7),
}
MOVES: Mapping[Camera, tuple[Moment, Moment]] = {
    "pan_left": (Moment(pan=1), Moment(pan=-2)),
    "pan_right": (Moment(pan=-1), Moment(pan=2)),
    "track_left": (Moment(pan=0.5), Moment(pan=-0.5)),
    "track_right": (Moment(pan=-0.5), Moment(pan=0.5)),
    "tilt_up": (Moment(tilt=-1), Moment(tilt=1)),
    "tilt_down": (Moment(tilt=1), Moment(tilt=-1)),
    "push_in": (Moment(zoom=-1), Moment(zoom=2)),
    "pull_out": (Moment(zoom=2), Moment(zoom=-1)),
}


def show(rows: Sequence[Sequence[tuple[str, Sequence[Moment]]]]) -> Image.Image:
    """Rows of pictures with their names below them; those of one name side by side."""
    across = max(sum(len(moments) * WIDTH + GAP for _, moments in row) for row in rows) + GAP
    whole = Image.new("RGB", (across, len(rows) * (HEIGHT + FOOT) + GAP), "white")
    ink, letters = ImageDraw.Draw(whole), ImageFont.load_default(15)
    for y, row in enumerate(rows):
        left, top = GAP, GAP + y * (HEIGHT + FOOT)
        for name, moments in row:
            ink.text((left, top + HEIGHT + 2), name, fill="black", font=letters)
            for moment in moments:
                whole.paste(draw(WORLD, WIDTH - 2, HEIGHT, moment), (left, top))
                left += WIDTH
            left += GAP
    return whole


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    moves = list(MOVES.items())
    sizes = show([[(size, [moment]) for size, moment in SIZES.items()]])
    cameras = show([moves[at : at + 2] for at in range(0, len(moves), 2)])
    for name, picture in {"script_sizes": sizes, "script_moves": cameras}.items():
        picture.quantize(128).save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()

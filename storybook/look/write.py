"""Writes the sample set: 50 graded pictures with their captions, and 6 of held-out worlds to watch.

    python -m storybook.look.write samples/cinematic

Always the same files. The captions say what is to be seen and nothing of the grade.
"""

import argparse
import random
from pathlib import Path

from nextscene import pictures
from storybook.look.grading import grade
from storybook.words import FARTHEST, caption
from storybook.world import State, draw, random_state

COUNT, WATCHED = 50, 6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m storybook.look.write")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("samples/cinematic"))
    print(write(parser.parse_args().folder))


def write(folder: Path, count: int = COUNT) -> Path:
    """As NAME.png and NAME.txt, those to watch in the folder `validation`."""
    for name, state, said in examples(count):
        pictures.write(grade(draw(state)), folder / f"{name}.png", {"prompt": said})
        (folder / f"{name}.txt").write_text(f"{said}\n")
    return folder


def examples(count: int = COUNT) -> list[tuple[str, State, str]]:
    """The name, the state and the caption of each."""
    chance = random.Random("a look to teach")
    made = []
    for number in range(count + WATCHED):
        watched = number >= count
        state = random_state(chance, held_out=watched)
        if chance.random() < 0.3:
            state = state.but(**{axis: chance.randint(-far, far) for axis, far in FARTHEST.items()})
        name = f"validation/{number + 1:02d}" if watched else f"{number + 1:02d}"
        made.append((name, state, caption(state, chance, held_out=watched)))
    return made


if __name__ == "__main__":
    main()

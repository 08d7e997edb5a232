"""What the small model's control LoRA is taught: an edge map, words, and the picture that has those edges.

    python -m storybook.look.control WORK        # draws the pairs, trains; goes on where it stopped

The full model reads such maps as it is. The small one was never taught them; its LoRA is kept only if it passes.
"""

import argparse
import random
from pathlib import Path

from nextscene import pictures
from nextscene.control import find_edges
from nextscene.hub import find
from nextscene.training import Base, make_recipe, train
from storybook.words import FARTHEST, caption
from storybook.world import draw, random_state

PAIRS, WATCHED = 600, 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m storybook.look.control")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    model = find("storybook")
    recipe = make_recipe(
        steps=options.steps, rank=16, learning_rate=1e-3, batch=4, prefix="all", checkpointing=False, sample_every=200,
        save_every=20, caption_dropout=0.1,
    )  # fmt: skip
    base = Base(model.folder, model.name, model.own_size)
    print(train(write(options.folder / "pairs"), base, recipe, options.folder / "lora"))


def write(folder: Path) -> Path:
    """NAME_a.png, a map; NAME_b.png, its picture; NAME.txt, its caption."""
    if folder.is_dir():
        return folder
    chance, part = random.Random("control"), folder.with_name(f"{folder.name}.part")
    for number in range(PAIRS + WATCHED):
        watched = number >= PAIRS
        state = random_state(chance, held_out=watched)
        if chance.random() < 0.5:
            state = state.but(**{axis: chance.randint(-far, far) for axis, far in FARTHEST.items()})
        name = f"validation/{number:04d}" if watched else f"{number:04d}"
        picture, said = draw(state), caption(state, chance)
        pictures.write(picture, part / f"{name}_b.png", {"prompt": said})
        pictures.write(find_edges(picture), part / f"{name}_a.png", {})
        (part / f"{name}.txt").write_text(f"{said}\n")
    return part.rename(folder)


if __name__ == "__main__":
    main()

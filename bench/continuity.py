"""Whether sequences hold together: ours against the plain way, in the drawn world, where the right picture is known.

Writes a page with its table, every value, curves over the scenes, and three stories to look at.
"""

import json
import sys
from collections.abc import Iterable
from itertools import permutations

import numpy as np

from bench import chains, plots
from bench.chains import Options
from bench.columns import AGREEMENT, COLUMNS, Column, Ways, as_data, better, told, values
from bench.figures import write_whole
from bench.stories import THINGS, tell
from bench.ways import OURS, PLAIN
from nextscene import NextSceneError
from storybook.world import State, draw

AIM = 90  # percent of scene 2's agreement with the truth that shall be left in the last scene


def main() -> None:
    options = chains.options("continuity", stories=24)
    try:
        seen = chains.looked_at((OURS, PLAIN), options)
    except NextSceneError as error:
        sys.exit(f"error: {error}")
    page = _page(seen, options)
    words = [tell(number, options.scenes).words for number in range(1, options.stories + 1)]
    data = {"about": chains.about(), "words": words, **as_data(seen)}
    write_whole(options.out / "continuity.md", page.encode())
    write_whole(options.out / "continuity.json", json.dumps(data).encode())
    title = f"{options.stories} stories of {options.scenes} scenes in the drawn world, scene by scene"
    plots.curves(seen, title, options.out / "continuity.png")
    plots.stories(_least_middle_most(seen, options), options.out / "continuity-stories.png")
    print(page)


def _page(seen: Ways, options: Options) -> str:
    last = options.scenes
    head = (
        f"| | scene 2: ours | plain | scene {last}: ours | plain | scenes 2 to {last}: ours | plain | surely better |"
    )
    return PAGE.format(
        stories=options.stories,
        scenes=last,
        aims="\n".join(_aims(seen)),
        table="\n".join([head, "|---|" + "---:|" * 6 + "---|", *(_row(column, seen) for column in COLUMNS)]),
        strangers=_strangers(seen),
        still=_still(seen),
        about=chains.about(),
    )


def _row(column: Column, seen: Ways) -> str:
    ours, plain = (values(column, seen[way.name]) for way in (OURS, PLAIN))
    cells = [told(column, way[:, part]) for part in (1, -1, slice(1, None)) for way in (ours, plain)]
    return f"| {column.name} | {' | '.join(cells)} | {_verdict(column, seen)} |"


def _verdict(column: Column, seen: Ways) -> str:
    return {1: "ours", 0: "", -1: "plain"}[better(column, seen[OURS.name], seen[PLAIN.name])]


def _aims(seen: Ways) -> list[str]:
    left = {way: values(AGREEMENT, told).mean(axis=0) for way, told in seen.items()}
    kept = {way: 100 * each[-1] / each[1] for way, each in left.items()}
    not_better = [column.name for column in COLUMNS if _verdict(column, seen) != OURS.name]
    won = f"in {len(COLUMNS) - len(not_better)} of {len(COLUMNS)} columns"
    return [
        "| the aim | reached | |",
        "|---|---|---|",
        f"| in the last scene ours keeps at least {AIM} % of scene 2's agreement with the truth "
        f"| {kept[OURS.name]:.0f} % (plain: {kept[PLAIN.name]:.0f} %) | {_met(kept[OURS.name] >= AIM)} |",
        f"| ours beats the plain way in every column | {won}{'; not in ' * bool(not_better)}{', '.join(not_better)} "
        f"| {_met(not not_better)} |",
    ]


def _met(aim: bool) -> str:
    return "met" if aim else "**not met**"


def _strangers(seen: Ways) -> float:
    """How much the truths of two different stories agree, scene by scene: what a chain has that has lost everything."""
    return _agree(pair for one, other in permutations(_truths(seen), 2) for pair in zip(one, other, strict=True))


def _still(seen: Ways) -> float:
    """How much the last scene's truth agrees with the opening's: what a chain has that never changes."""
    return _agree((truth[0], truth[-1]) for truth in _truths(seen))


def _truths(seen: Ways) -> list[list[State]]:
    return [[each.truth for each in scenes] for scenes in seen[OURS.name]]


def _agree(pairs: Iterable[tuple[State, State]]) -> float:
    return 100 * float(np.mean([getattr(one, name) == getattr(other, name) for one, other in pairs for name in THINGS]))


def _least_middle_most(seen: Ways, options: Options) -> list[plots.Story]:
    """The stories that ours keeps least, in the middle of all, and most: their truth, ours and plain."""
    kept = values(AGREEMENT, seen[OURS.name])[:, 1:].mean(axis=1)
    order = sorted(range(len(kept)), key=lambda at: float(kept[at]))
    chosen = {"ours keeps least": order[0], "the middle one": order[len(order) // 2], "ours keeps most": order[-1]}
    return [
        (
            f"Story {at + 1}: {how}",
            truth := _truths(seen)[at],
            {
                "truth": chains.side_by_side([draw(state) for state in truth]),
                **{way.name: chains.strip(at + 1, way, options) for way in (OURS, PLAIN)},
            },
        )
        for how, at in chosen.items()
    ]


PAGE = """# How well sequences hold together

The output of `script/bench continuity --stories {stories} --scenes {scenes} --out docs/measurements`; every value is in
[continuity.json](continuity.json).

{aims}

![Curves over the scenes](continuity.png)

{table}

*Surely better*: the stories' own differences, over all scenes after the opening, have a mean whose 95 % interval
(Student's t) leaves none out. Bands in the plot are such intervals too.

![Three stories, scene by scene](continuity-stories.png)

## What is compared

**The stories.** {stories} stories of {scenes} scenes in the drawn world that the built-in model was taught
(`storybook/world.py`). Each opens with words, in a world that training never saw; of every five further scenes three
move the camera (a pan, a tilt, a zoom), one changes the light and one the weather, all in wordings that training never
used. What is to be seen in each scene is known from the words alone (`next_state` in `storybook/words.py`); only which
of a place's eight layouts it is, which words do not say, is taken from the opening picture.

**Ours**: our defaults. **Plain**: what is done without a tool like this: the previous picture only, handed on as a JPEG
of quality 95; one seed for all scenes; references resized as diffusers does, at this model's scale (144x112 for a scene
of 128x96, as 1184x896 for 1024x768); no negative prompt, so that diffusers leaves guidance out; no strength. Both have
the same words, opening picture, LoRA, number of steps and right text positions (which a plain call with transformers 5
would not have).

**What a picture shows** is the state whose drawn picture it is nearest to, searched from the true state and from what
the scene before showed. A state says nine things: place, light, weather, landmark, its colour, pan, tilt, zoom, layout.

- **agreement with the truth**: how many of the nine things are as the truth has them. Two different stories agree in
  {strangers:.0f} %: that is left where everything is lost. A chain that repeats its opening agrees in {still:.0f} % by
  scene {scenes}.
- **what the words ask**: of the one change that a scene's words name, whether the camera went that way since the
  picture before, or the light or the weather is the one named.
- **camera in its place, light, weather, place, its layout, landmark, its colour**: whether these are as the truth has
  them. What was lost, or not done, in an earlier scene counts in every later one.
- **structure**: how much of the drawn truth's edges is there, after a move of the camera is undone
  (`nextscene/shooting/drift.py`).
- **nearness to the truth**: PSNR beside the drawn truth.
- **colour shift**: Delta E from the drawn truth's colours to the picture's.
- **sharpness**: gradient energy for the contrast, beside the drawn truth's, against the opening's; 1 is best.
- **zoom creep**: how much closer the camera has come so far in scenes whose words leave it where it is; 0 is best.
- **bars**: pictures with bars.

**What it does not say.** The built-in model is small: what hurts it need not hurt the full one as much. It has seen
references of its own picture's size only, so that other sizes may hurt it more.

{about}
"""


if __name__ == "__main__":
    main()

"""What a scene should grow from: the continuity stories as chains, and as trees.

Writes a page with its table, and every value.
"""

import json
import sys

import numpy as np

from bench import chains
from bench.chains import Options
from bench.columns import COLUMNS, Column, Ways, as_data, better, spread, told, values
from bench.figures import write_whole
from bench.ways import AUTO, CHAIN, REWORDED, TREE
from nextscene import NextSceneError

LAST = 4  # scenes, that are shown on their own
MARKS = {1: " ▲", 0: "", -1: " ▼"}


def main() -> None:
    options = chains.options("parents", stories=24)
    try:
        seen = chains.looked_at((CHAIN, REWORDED, TREE, AUTO), options)
    except NextSceneError as error:
        sys.exit(f"error: {error}")
    page = render(seen, options)
    write_whole(options.out / "parents.md", page.encode())
    write_whole(options.out / "parents.json", json.dumps({"about": chains.about(), **as_data(seen)}).encode())
    print(page)


def render(seen: Ways, options: Options) -> str:
    return PAGE.format(
        stories=options.stories, scenes=options.scenes, last=LAST, table=tabulate(seen), about=chains.about()
    )


def tabulate(seen: Ways) -> str:
    """Every column of every way, each beside the first way."""
    head = f"| | {' | '.join(f'{way} | its last {LAST}' for way in seen)} |"
    return "\n".join([head, "|---" * (2 * len(seen) + 1) + "|", *(_row(column, seen) for column in COLUMNS)])


def _row(column: Column, seen: Ways) -> str:
    cells: list[str] = []
    first = next(iter(seen))
    for way, scenes in seen.items():
        each = values(column, scenes)
        cells.append(told(column, each[:, 1:]) + (_beyond(column, seen, first, way) if way != first else ""))
        cells.append(told(column, each[:, -LAST:]))
    return f"| {column.name} | {' | '.join(cells)} |"


def _beyond(column: Column, seen: Ways, first: str, way: str) -> str:
    """How far a way is from the first, with the 95 % interval of the mean of the stories' own differences."""
    one, other = (values(column, seen[name])[:, 1:].mean(axis=1) for name in (first, way))
    middle, each_side = (float(np.asarray(each)) for each in spread(other - one))
    mark = MARKS[better(column, seen[way], seen[first])]
    return f" ({middle:+{column.form.strip('+')}} ± {each_side:{column.form.strip('+')}}){mark}"


PAGE = """# What a scene should grow from

The output of `script/bench parents --stories {stories} --scenes {scenes} --out docs/measurements`; every value is in
[parents.json](parents.json). The stories, the columns and their truth are those of [continuity](continuity.md). Each
way shows the mean of all scenes after the opening, beside it that of the last {last}; in brackets its difference from
the chain, with the 95 % interval of the mean of the stories' own differences. ▲ surely better, ▼ surely worse.

*chain*: each scene grows from the one before, in the user's own words. *chain, reworded*: the same, in the words that a
tree would use: so much comes from words alone. *tree*, *auto*: see [What keeps scenes together](../continuity.md).

{table}

{about}
"""


if __name__ == "__main__":
    main()

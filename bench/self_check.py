"""Whether it pays that the model looks at its own pictures: continuity stories with and without, and beside the truth.

Writes a page with its table, and every value.
"""

import json
import sys

from bench import chains
from bench.chains import Options
from bench.columns import Ways, as_data
from bench.figures import write_whole
from bench.parents import LAST, tabulate
from bench.ways import BEST_OF_THREE, SELF_CHECK, TREE
from nextscene import NextSceneError


def main() -> None:
    options = chains.options("self-check", stories=6)
    try:
        seen = chains.looked_at((TREE, SELF_CHECK, BEST_OF_THREE), options)
    except NextSceneError as error:
        sys.exit(f"error: {error}")
    page = render(seen, options)
    write_whole(options.out / "self-check.md", page.encode())
    write_whole(options.out / "self-check.json", json.dumps({"about": chains.about(), **as_data(seen)}).encode())
    print(page)


def render(seen: Ways, options: Options) -> str:
    return PAGE.format(
        stories=options.stories, scenes=options.scenes, last=LAST, table=tabulate(seen), about=chains.about()
    )


PAGE = """# Whether it pays that the model looks at its own pictures

The output of `script/bench self-check --stories {stories} --scenes {scenes} --out docs/measurements`; every value is in
[self-check.json](self-check.json). The stories, the columns and their truth are those of [continuity](continuity.md).
Each way shows the mean of all scenes after the opening, beside it that of the last {last}; in brackets its difference
from the tree, with the 95 % interval of the mean of the stories' own differences. ▲ surely better, ▼ surely worse.

*tree*: see [What keeps scenes together](../continuity.md). *looks*: the same with `self_check` 2: a scene that the
model itself sees to show something else than planned is drawn again. *best of 3 by the truth*: three takes of each
scene, and the one that agrees most with the truth is kept; nobody could know it but in the drawn world.

{table}

{about}
"""


if __name__ == "__main__":
    main()

"""What keeps a chain true: the continuity stories, a chain, each time with one thing changed.

Writes a page with its table, and every value.
"""

import json
import sys

from bench import chains
from bench.chains import Options
from bench.columns import AGREEMENT, ASKED, COLUMNS, Ways, as_data, better, told, values
from bench.figures import write_whole
from bench.ways import CHAIN, CHANGES
from nextscene import NextSceneError

MARKS = {1: " ▲", 0: "", -1: " ▼"}
SAYS = {1: "**helps**", 0: "no sure difference", -1: "hurts"}


def main() -> None:
    options = chains.options("ablation", stories=8)
    try:
        seen = chains.looked_at((CHAIN, *CHANGES), options)
    except NextSceneError as error:
        sys.exit(f"error: {error}")
    page = _page(seen, options)
    write_whole(options.out / "ablation.md", page.encode())
    write_whole(options.out / "ablation.json", json.dumps({"about": chains.about(), **as_data(seen)}).encode())
    print(page)


def _page(seen: Ways, options: Options) -> str:
    head = f"| | {' | '.join(column.name for column in COLUMNS)} |"
    return PAGE.format(
        stories=options.stories,
        scenes=options.scenes,
        verdicts="\n".join(_verdict(seen, way) for way in seen if way != CHAIN.name),
        table="\n".join([head, "|---" * (len(COLUMNS) + 1) + "|", *(_row(way, seen) for way in seen)]),
        about=chains.about(),
    )


def _row(way: str, seen: Ways) -> str:
    cells = [
        told(column, values(column, seen[way])[:, 1:]) + MARKS[better(column, seen[way], seen[CHAIN.name])]
        for column in COLUMNS
    ]
    return f"| {way} | {' | '.join(cells)} |"


def _verdict(seen: Ways, change: str) -> str:
    """Whether one change helps, and every column where it surely does anything."""
    found = {column.name: better(column, seen[change], seen[CHAIN.name]) for column in COLUMNS}
    judged = {found[column.name] for column in (AGREEMENT, ASKED)}
    helps = "trades one for the other" if {1, -1} == judged else SAYS[max(judged, key=abs)]
    surely = [
        f"{word} in {', '.join(names)}"
        for word, sign in (("better", 1), ("worse", -1))
        if (names := [name for name, verdict in found.items() if verdict == sign])
    ]
    return f"- {change}: {'; '.join([helps, *surely])}."


PAGE = """# What keeps a chain true

The output of `script/bench ablation --stories {stories} --scenes {scenes} --out docs/measurements`; every value is in
[ablation.json](ablation.json). The stories, the columns and their truth are those of [continuity](continuity.md); each
row is our defaults in a chain, each scene grown from the one before, with the one change that it names, and shows the
means of all scenes after the opening. ▲ surely better than the chain, ▼ surely worse: the 95 % interval of the mean of
the stories' own differences leaves none out; of a hundred marks where nothing differs, five would come by chance.

A change helps if it is surely better in agreement with the truth or in what the words ask, and surely worse in neither:
a chain that hardly changes agrees in much, and does little of what it is asked.

{verdicts}

{table}

*Low frequencies held*: after each scene that shall not have another light or weather, the mean and the deviation of
each colour of the blurred picture are brought to a running mean of those of the scenes before (the idea of arXiv
2605.08250, which does so in the VAE's latents). *Handed on as latents*: a scene looks at, and starts from, the latents
that the last one ended with; the text encoder still sees the picture. *References at diffusers' size*: 144x112.

{about}
"""


if __name__ == "__main__":
    main()

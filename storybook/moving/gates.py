"""The gates of the clip model: what it has to reach, and whether it does. Figures in, a table out."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

Figures = Mapping[str, Mapping[str, float]]


class Gate(NamedTuple):
    """What is asked of a figure: at least a floor, or at most a ceiling."""

    name: str
    table: str
    figure: str
    floor: float | None = None
    ceiling: float | None = None
    as_share: bool = False

    def reached(self, value: float) -> bool:
        return value >= self.floor if self.floor is not None else value <= (self.ceiling or 0)

    def row(self, value: float) -> str:
        asked = (
            f"at least {self._say(self.floor)}" if self.floor is not None else f"at most {self._say(self.ceiling or 0)}"
        )
        return f"| {self.name} | {self._say(value)} | {asked} | {'yes' if self.reached(value) else '**no**'} |"

    def _say(self, value: float) -> str:
        return f"{value:.0%}" if self.as_share else f"{value:.2f}"


GATES = (
    Gate("the camera goes the named way", "camera", "named way", floor=0.9, as_share=True),
    Gate("it is where it should be in each frame: off by this share of the way", "camera", "displacement off",
         ceiling=0.1, as_share=True),
    Gate("swapped words reverse it", "camera", "swapped words reverse it", floor=0.9, as_share=True),
    Gate("it stands still when words say so", "stillness", "stands still, told to", floor=0.9, as_share=True),
    Gate("it stands still when nothing is said", "stillness", "stands still, told nothing", floor=0.9, as_share=True),
    Gate("what is said to happen happens", "events", "happens", floor=0.8, as_share=True),
    Gate("rain and snow fall, and sails turn", "by itself", "rain, snow and sails are where they should be",
         floor=0.8, as_share=True),
    Gate("the first frame, dB beside what the codec gives", "camera", "first frame, dB to the codec", floor=-1),
    Gate("the last frame that is given, dB beside what the codec gives", "joins", "last frame, dB to the codec",
         floor=-1.5),
    Gate("the step of luminance at a join, of 255", "joins", "step of luminance", ceiling=1),
    Gate("edges as sharp as the drawn ones", "camera", "edges", floor=0.8),
    Gate("flicker once the drawn motion is taken away, beside the codec's", "camera", "flicker beside the codec's",
         ceiling=1.5),
    Gate("the codec on moving pictures, dB", "codec", "dB", floor=28),
)  # fmt: skip


def table(figures: Figures) -> str:
    """The gates in Markdown, in so far as they were measured."""
    return "\n".join(["| gate | figure | asked | reached |", "|---|---|---|---|", *_rows(figures)]) + "\n"


def _rows(figures: Figures) -> Iterator[str]:
    for gate in GATES:
        if gate.table in figures:
            yield gate.row(figures[gate.table][gate.figure])

"""The gates: what the small model has to reach, and whether it does. Figures in, a table out; it measures nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Figures = Mapping[str, Mapping[str, float]]

SCALES = (0.0, 0.25, 0.5, 0.75, 1.0)
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
GUIDANCES = {"edits at strength 0.6": 3.0, "edits at strength 0.6, no guidance": 1.0}


@dataclass(frozen=True)
class Gate:
    name: str
    figure: str
    reached: bool


def gates(figures: Figures) -> Iterator[Gate]:
    """Every gate, judged by the figures of `measure`."""
    openings, edits, still = (figures[name] for name in ("openings", "edits", moved(0)))
    for name, floor in (("place", 0.9), ("light", 0.9), ("weather", 0.9), ("landmark", 0.8), ("colour", 0.8)):
        yield _share(f"scenes from words show the named {name}", openings[name], floor)
    yield _share("edits are nearer the truth than their reference", edits["nearer"], 0.9)
    for scale in (0.75, 1):
        for axis in ("pan", "tilt", "zoom"):
            yield _share(f"{axis}s go the named way, LoRA at {scale:g}", figures[moved(scale)][axis], 0.9)
    yield _share("the camera stands still without the LoRA", still["still"], 0.9)
    words = figures["words by other hands"]
    yield _share("words by other hands are followed", words["followed"], 0.8)
    yield _share("words by other hands change nothing else", words["nothing else changed"], 0.9)
    way = [figures[moved(scale)]["of the way"] for scale in SCALES]
    yield _row("movement grows with the LoRA's scale (0 to 0.75; the last at 1)", way, _grows(way[:-1]))
    kept = [figures["strength"][f"{strength:g}"] for strength in STRENGTHS]
    name = f"lower strength keeps more (dB to the picture before, at {', '.join(f'{each:g}' for each in STRENGTHS)})"
    yield _row(name, kept, _grows(kept[::-1]))
    on, off = (figures[name]["shows what was named"] for name in GUIDANCES)
    yield Gate("guidance on beats off: edits that show what was named", f"{on:.1%}, off {off:.1%}", on > off)
    for name in ("openings", "edits"):
        sharp = figures[name]["sharpness"]
        yield Gate(f"edges as sharp as the drawn ones: {name}", f"{sharp:.2f} (0.80)", sharp >= 0.8)


def moved(scale: float) -> str:
    return f"moves, LoRA at {scale:g}"


def table(figures: Figures) -> str:
    """The gates in Markdown."""
    rows = [f"| {each.name} | {each.figure} | {'yes' if each.reached else '**no**'} |" for each in gates(figures)]
    return "\n".join(["| gate | figure (asked) | reached |", "|---|---|---|", *rows]) + "\n"


def _share(name: str, share: float, floor: float) -> Gate:
    return Gate(name, f"{share:.1%} ({floor:.0%})", share >= floor)


def _row(name: str, values: Sequence[float], reached: bool) -> Gate:
    return Gate(name, ", ".join(f"{value:.2f}" for value in values), reached)


def _grows(values: Sequence[float]) -> bool:
    return all(one < other for one, other in pairwise(values))

"""Looks side by side: prompts down, looks across, each cell a normal take of a run of its own.

    comparison = read_comparison(Path("looks.json"))
    for file in Comparing(comparison, Path("outputs/compare"), weights).run(load): ...

    looks.json ──definition──▶ Comparison ──cells──▶ productions ──▶ Cells ──▶ compare.png, compare.html, compare.json

One load for all; the adapters are switched.
"""

from nextscene.comparing.cells import Comparing
from nextscene.comparing.definition import Comparison, comparison_of_flags, read_comparison

__all__ = ["Comparing", "Comparison", "comparison_of_flags", "read_comparison"]

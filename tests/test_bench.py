"""The bench: that it compares like with like, and that it runs; what it measures is judged by people."""

import json
import subprocess
from pathlib import Path

from bench import work
from bench.figures import Row, in_turn, percent_over
from nextscene import pictures
from nextscene.model import Model
from nextscene.studio import Studio

ROOT = Path(__file__).resolve().parent.parent


def test_the_chain_and_the_bare_calls_draw_the_same_pictures(small: Model, tmp_path: Path) -> None:
    prompts, size = work.a_story(3), (64, 64)
    drawn = list(work.bare(small.pipe, work.planned(prompts, 2, size)))
    delivered = work.chain(Studio(small), prompts, 2, size, tmp_path)
    assert [pictures.read(path) for path in delivered] == drawn


def test_ways_are_measured_in_turn() -> None:
    clock = iter(range(6))
    assert in_turn(3, one=lambda: next(clock), other=lambda: next(clock)) == {"one": [0, 2, 4], "other": [1, 3, 5]}


def test_a_row_shows_the_median_and_the_middle_half() -> None:
    values = percent_over([102, 103, 104, 105, 126], [100] * 5)
    assert str(Row("chain", values, "{:+.1f} %", "5 pairs")) == "| chain | +4.0 % | +3.0 % to +5.0 % | 5 pairs |"


def test_a_single_value_has_no_spread() -> None:
    assert str(Row("memory", [712.4], "{:.0f} MB", "one process")) == "| memory | 712 MB |  | one process |"


def test_quick_prints_the_table_of_the_chain_and_writes_its_values(tmp_path: Path) -> None:
    values = tmp_path / "values.json"
    command = [str(ROOT / "script" / "bench"), "chain", "--quick", "--json", str(values)]
    table = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "| The whole chain over them, PNG files |" in table
    rows = json.loads(values.read_text())["rows"]
    assert [len(row["values"]) for row in rows] == [2, 2, 2]


def test_what_cannot_be_measured_is_refused() -> None:
    done = subprocess.run([ROOT / "script" / "bench", "beauty"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "There is no beauty to measure: see script/bench --help.\n")

"""batch.json: every story of a batch with how it ended, and every scene with its file, its seed and its time.

batch.parquet, where it is asked for, is the same as a table with a row for each scene.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from nextscene import NextSceneError, __version__
from nextscene.batch.jobs import Job, Outcome
from nextscene.batch.table import refuse_without_pyarrow, write_table
from nextscene.files import write_whole

FILE, TABLE = "batch.json", "batch.parquet"
SHARE = 20  # times as long as a manifest takes to write, the next one is not: it may be large

Entry = dict[str, object]


class Manifest:
    """The manifest of a batch's folder. What earlier runs of it wrote of other stories is kept."""

    def __init__(self, out: Path, jobs: Sequence[Job], *, parquet: bool = False) -> None:
        if parquet:
            refuse_without_pyarrow()
        self._file, self._jobs, self._due = out / FILE, jobs, -float("inf")
        self._table = out / TABLE if parquet else None
        self._earlier = _read(self._file)

    def write(self, outcomes: Mapping[str, Outcome], every: float = 0) -> None:
        """Writes it. every: seconds in which it is not written twice; 0: this is the last time."""
        started = time.monotonic()
        if every and started < self._due:
            return
        stories = self._entries(outcomes)
        data = {"made_by": f"next-scene {__version__}", "stories": stories}
        write_whole(self._file, json.dumps(data, indent=1, ensure_ascii=False).encode())
        if self._table and not every:
            write_table(self._table, stories)
        self._due = started + max(every, SHARE * (time.monotonic() - started))

    def _entries(self, outcomes: Mapping[str, Outcome]) -> dict[str, Entry]:
        names = {job.name for job in self._jobs}
        stories = {name: story for name, story in self._earlier.items() if name not in names}
        for job in self._jobs:
            outcome = outcomes.get(job.name)
            stories[job.name] = _entry(outcome) if outcome else self._earlier.get(job.name, {"state": "waiting"})
        return stories


def _entry(outcome: Outcome) -> Entry:
    reason = {"reason": outcome.reason} if outcome.reason else {}
    scenes = [{name: value for name, value in asdict(scene).items() if name != "new"} for scene in outcome.scenes]
    return {"state": outcome.state, **reason, "seconds": round(outcome.seconds, 3), "scenes": scenes}


def _read(file: Path) -> dict[str, Entry]:
    if not file.exists():
        return {}
    try:
        return dict(json.loads(file.read_bytes())["stories"])
    except (OSError, ValueError, KeyError, TypeError):
        raise NextSceneError(
            f"{file} is in the way, and no batch wrote it: move it, or choose another folder."
        ) from None

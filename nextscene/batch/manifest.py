"""batch.json: every story of a batch with how it ended, and every scene with its file, its seed and its time.

batch.parquet, where it is asked for, is the same as a table with a row for each scene.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from nextscene import NextSceneError, __version__
from nextscene.batch.jobs import Job, Outcome
from nextscene.batch.place import Changes, Place
from nextscene.batch.table import as_table, refuse_without_pyarrow

FILE, TABLE = "batch.json", "batch.parquet"
SHARE = 20  # times as long as a manifest takes to write, the next one is not: it may be large

Entry = dict[str, object]


class Manifest:
    """The manifest of a batch's folder. What earlier runs of it wrote of other stories is kept."""

    def __init__(self, place: Place, jobs: Sequence[Job], *, parquet: bool = False) -> None:
        if parquet:
            refuse_without_pyarrow()
        self._place, self._jobs, self._parquet, self._due = place, jobs, parquet, -float("inf")
        self._earlier = _read(place)

    def write(self, outcomes: Mapping[str, Outcome], every: float = 0) -> None:
        """Writes it. every: seconds in which it is not written twice; 0: it is the last time."""
        started = time.monotonic()
        if every and started < self._due:
            return
        stories = self._entries(outcomes)
        data = {"made_by": f"next-scene {__version__}", "stories": stories}
        files = {FILE: json.dumps(data, indent=1, ensure_ascii=False).encode()}
        if self._parquet and not every:
            files[TABLE] = as_table(stories)
        self._place.write("", Changes(files))
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


def _read(place: Place) -> dict[str, Entry]:
    try:
        data = place.fetch(FILE)
        return dict(json.loads(data)["stories"]) if data is not None else {}
    except (OSError, ValueError, KeyError, TypeError):
        raise NextSceneError(
            f"{place}/{FILE} is in the way, and no batch wrote it: move it, or choose another folder."
        ) from None

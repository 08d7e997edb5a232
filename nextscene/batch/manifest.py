"""batch.json: every story of a batch with how it ended, and every scene with its file, its seed and its time."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from nextscene import NextSceneError, __version__
from nextscene.batch.jobs import Job, Outcome
from nextscene.files import write_whole

FILE = "batch.json"


class Manifest:
    """The manifest of a batch's folder. What earlier runs of it wrote of other stories is kept."""

    def __init__(self, out: Path, jobs: Sequence[Job]) -> None:
        self._file, self._jobs, self._written = out / FILE, jobs, -float("inf")
        self._earlier = _read(self._file)

    def write(self, outcomes: Mapping[str, Outcome], every: float = 0) -> None:
        """Writes it, at most once in so many seconds."""
        if time.monotonic() - self._written < every:
            return
        names = {job.name for job in self._jobs}
        stories = {name: story for name, story in self._earlier.items() if name not in names}
        for job in self._jobs:
            outcome = outcomes.get(job.name)
            stories[job.name] = _entry(outcome) if outcome else self._earlier.get(job.name, {"state": "waiting"})
        data = {"made_by": f"next-scene {__version__}", "stories": stories}
        write_whole(self._file, json.dumps(data, indent=1, ensure_ascii=False).encode())
        self._written = time.monotonic()


def _entry(outcome: Outcome) -> dict[str, object]:
    reason = {"reason": outcome.reason} if outcome.reason else {}
    scenes = [{name: value for name, value in asdict(scene).items() if name != "new"} for scene in outcome.scenes]
    return {"state": outcome.state, **reason, "seconds": round(outcome.seconds, 3), "scenes": scenes}


def _read(file: Path) -> dict[str, dict[str, object]]:
    if not file.exists():
        return {}
    try:
        return dict(json.loads(file.read_bytes())["stories"])
    except (OSError, ValueError, KeyError, TypeError):
        raise NextSceneError(
            f"{file} is in the way, and no batch wrote it: move it, or choose another folder."
        ) from None

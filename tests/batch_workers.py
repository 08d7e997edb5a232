"""What the workers of tests/test_batch.py do: in a module of its own, which brings no torch into their processes."""

import os
from collections.abc import Iterator
from pathlib import Path

from nextscene.batch import Outcome, Task


def make(folder: Path, task: Task) -> Iterator[Outcome]:
    """Makes a story of nothing. It dies of its first try at "weak", and of every try at "deadly"."""
    job = task.job
    tried = folder / f"{job.name}-{len(list(folder.glob(f'{job.name}-*')))}"
    tried.write_text(os.environ["OMP_NUM_THREADS"])
    if job.name == "deadly" or tried.name == "weak-0":
        os._exit(9)
    yield Outcome(job.name, "made", 0)

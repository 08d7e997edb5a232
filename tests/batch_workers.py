"""What the workers of tests/test_batch.py do: in a module of its own, which brings no torch into their processes."""

import os
from pathlib import Path

from nextscene.batch import Job
from nextscene.batch.jobs import Outcome


def make(folder: Path, job: Job) -> Outcome:
    """Makes a story of nothing. It dies of its first try at "weak", and of every try at "deadly"."""
    tried = folder / f"{job.name}-{len(list(folder.glob(f'{job.name}-*')))}"
    tried.write_text(os.environ["OMP_NUM_THREADS"])
    if job.name == "deadly" or tried.name == "weak-0":
        os._exit(9)
    return Outcome(job.name, "made", 0)

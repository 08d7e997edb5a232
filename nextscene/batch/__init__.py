"""Many stories, each in a run folder of its own, with the model loaded once for each worker.

    jobs = read_jobs(["stories/"])
    for batch in Batch(jobs, Path("outputs/batch"), Wanted()).run():
        print(batch)  # after each story: what is done, what failed, how long the rest will take

    files ──stories──▶ Jobs ──line──▶ Tasks ──workers──▶ runs ──manifest──▶ batch.json

A story is a production like any other, and its folder one that `script/sequence` goes on with. What is whole is not
drawn again, so the same command goes on after anything that ended it.
"""

from nextscene.batch.estimate import Estimate, describe_hours
from nextscene.batch.jobs import Drawn, Job, Outcome, Task, Wanted, production
from nextscene.batch.run import Batch
from nextscene.batch.stories import read_jobs

__all__ = [
    "Batch",
    "Drawn",
    "Estimate",
    "Job",
    "Outcome",
    "Task",
    "Wanted",
    "describe_hours",
    "production",
    "read_jobs",
]

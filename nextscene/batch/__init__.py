"""Many stories, each in a run folder of its own, with the model loaded once for each worker.

    jobs = read_jobs(["stories/"])
    place, wanted = open_place("outputs/batch", "--output-dir"), Wanted()
    for batch in Batch(jobs, place, wanted).run(workers_on("local", place, wanted)):
        print(batch)  # after each story: what is done, what failed, how long the rest will take

    files ──stories──▶ Jobs ──line──▶ Tasks ──workers──▶ runs ──manifest──▶ batch.json

A story is a production like any other, and its folder one that `script/sequence` goes on with. What is whole is not
drawn again, so the same command goes on after anything that ended it.
"""

from nextscene.batch.estimate import Estimate, describe_hours
from nextscene.batch.jobs import Drawn, Job, Outcome, Task, Wanted, production
from nextscene.batch.place import Address, Folder, open_place
from nextscene.batch.run import Batch
from nextscene.batch.stories import read_jobs
from nextscene.batch.where import KINDS, workers_on
from nextscene.batch.workers import Workers

__all__ = [
    "KINDS",
    "Address",
    "Batch",
    "Drawn",
    "Estimate",
    "Folder",
    "Job",
    "Outcome",
    "Task",
    "Wanted",
    "Workers",
    "describe_hours",
    "open_place",
    "production",
    "read_jobs",
    "workers_on",
]

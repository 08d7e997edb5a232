"""Where a batch runs: on this machine, on a Ray cluster, or on Replicate. All give the same files and manifest."""

from collections.abc import Callable

from nextscene import NextSceneError
from nextscene.batch.away import Stored
from nextscene.batch.jobs import Wanted
from nextscene.batch.place import Address, Folder
from nextscene.batch.workers import Here, Maker, Processes, Workers, settings_of
from nextscene.hub import count_gpus

KINDS = "local, ray[:ADDRESS] or replicate:OWNER/NAME[:VERSION]"


def workers_on(on: str, place: Folder | Address, wanted: Wanted, workers: int | None = None) -> Callable[[], Workers]:
    """Who makes the stories. workers: how many at once; None: as many as there is room for."""
    kind, _, which = on.partition(":")
    if kind == "local" and not which:
        return lambda: _local(place, wanted, workers)
    if kind == "ray":
        from nextscene.batch.on_ray import OnRay

        return lambda: OnRay(which, place, wanted, workers)
    if kind == "replicate":
        from nextscene.batch.on_replicate import OnReplicate

        return lambda: OnReplicate(which, place, wanted, workers)
    raise NextSceneError(f"--on: give {KINDS}, not {on!r}.")


def _local(place: Folder | Address, wanted: Wanted, workers: int | None) -> Workers:
    gpus = count_gpus()
    number = workers or max(gpus, 1)
    make = Maker(place.path, wanted) if isinstance(place, Folder) else Stored(place, wanted)
    return Here(make) if number == 1 else Processes(make, settings_of(number, gpus))

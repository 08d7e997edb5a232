"""A breakdown made to fit: at most so many shots, at most so many places. What is put together is said."""

from collections.abc import Sequence

from nextscene import NextSceneError
from nextscene.script.breakdown import Breakdown, Place, ScriptScene, ScriptShot


def fit(breakdown: Breakdown, max_shots: int, max_places: int | None = None) -> Breakdown:
    """The same script in fewer shots and places, where it has too many. No word of it is lost."""
    if max_places is not None:
        breakdown = _with_fewer_places(breakdown, max_places)
    return _with_fewer_shots(breakdown, max_shots)


def _with_fewer_shots(breakdown: Breakdown, most: int) -> Breakdown:
    """Of neighbours in a scene those are put together, again and again, that say the least."""
    if len(breakdown.scenes) > most:
        raise NextSceneError(
            f"This script has {len(breakdown.scenes)} scenes, and each needs a shot: {most} shots are too few for it."
        )
    scenes = {scene.id: list(scene.shots) for scene in breakdown.scenes}
    last: dict[str, str] = {}  # of those that were put together, by the first
    for _ in range(len(breakdown.shots) - most):
        _, name, at = min(
            (shots[at + 1].end - shots[at].start, name, at)
            for name, shots in scenes.items()
            for at in range(len(shots) - 1)
        )
        one, other = scenes[name][at : at + 2]
        scenes[name][at : at + 2] = [_together(one, other)]
        last[one.id] = last.pop(other.id, other.id)
    if not last:
        return breakdown
    changed = tuple(scene.model_copy(update={"shots": tuple(scenes[scene.id])}) for scene in breakdown.scenes)
    together = ", ".join(f"{shot.id} to {last[shot.id]}" for shot in breakdown.shots if shot.id in last)
    said = f"To make at most {most} shots, these were put together: {together}."
    return breakdown.model_copy(update={"scenes": changed, "notes": (*breakdown.notes, said[:1000])})


def _together(one: ScriptShot, other: ScriptShot) -> ScriptShot:
    pictures = [each for each in (one.picture, other.picture) if each]
    return one.model_copy(
        update={
            "end": other.end,
            "people": tuple(dict.fromkeys((*one.people, *other.people))),
            "picture": ". ".join(pictures)[:1000] if pictures else None,
            "ends": other.ends or one.ends,
            "says": (*one.says, *other.says),
            "sounds": (*one.sounds, *other.sounds),
            "seconds": one.seconds + other.seconds if one.seconds and other.seconds else None,
        }
    )


def _with_fewer_places(breakdown: Breakdown, most: int) -> Breakdown:
    """Parts of one place, as HARBOUR - PIER is of HARBOUR, become that place; the rarest first."""
    places, scenes = list(breakdown.places), breakdown.scenes
    notes: list[str] = []
    for part in sorted(places, key=lambda place: _uses(scenes, place)):
        whole = next((each for each in places if each is not part and _is_part(part, each)), None)
        if len(places) <= most or whole is None:
            continue
        places.remove(part)
        scenes = tuple(
            scene.model_copy(update={"place": whole.id}) if scene.place == part.id else scene for scene in scenes
        )
        notes.append(f"{part.names[0]} is taken for {whole.names[0]}.")
    if len(places) > most:
        notes.append(f"{len(places)} places are left, more than {most}: no other two belong together.")
    if not notes:
        return breakdown
    changed = {"places": tuple(places), "scenes": scenes, "notes": (*breakdown.notes, *notes)}
    return breakdown.model_copy(update=changed)


def _is_part(part: Place, whole: Place) -> bool:
    first, other = (each.names[0].upper().split(" - ")[0] for each in (part, whole))
    return first == other and part.inside == whole.inside


def _uses(scenes: Sequence[ScriptScene], place: Place) -> int:
    return sum(scene.place == place.id for scene in scenes)

"""What a scene grows from, and in which words.

A picture loses a little of what it holds with every generation, and two moves of the camera at once go wrong. So of the
earlier scenes that one move of the camera reaches, a scene grows from the one with the fewest generations behind it
(docs/continuity.md has the measurements). States go in; an earlier scene and the words of the difference come out.
"""

from collections.abc import Callable, Mapping, Sequence

from nextscene.story.state import SKY, Camera, State

Cost = Callable[[int, int], float | None]  # of generations behind a scene and axes of the camera; None: it is no parent

_CAMERA: Mapping[str, Mapping[int, str]] = {
    "pan": {
        -2: "the camera pans left",
        -1: "the camera tracks left",
        1: "the camera tracks right",
        2: "the camera pans right",
    },
    "tilt": {-1: "the camera tilts down", 1: "the camera tilts up"},
    "zoom": {-1: "the camera pulls back", 1: "the camera moves closer"},
}
_SKY = {
    "dawn": "dawn breaks",
    "day": "daylight comes",
    "dusk": "the sun sets",
    "night": "night falls",
    "clear": "the sky clears",
    "rain": "it starts to rain",
    "snow": "it starts to snow",
    "fog": "fog rolls in",
}
UNCHANGED = "keep everything as it is"


def fewest_generations(generations: int, axes: int) -> float | None:
    return generations if axes <= 1 else None


def same_view_first(generations: int, axes: int) -> float | None:
    """What came into view with a move of the camera is the same one only in the picture that it came into."""
    return generations + axes * 1_000_000 if axes <= 1 else None


COSTS: Mapping[str, Cost] = {"tree": fewest_generations, "auto": same_view_first}  # by the setting of continuity


def choose_parent(
    earlier: Sequence[State], generations: Sequence[int], scene: State, cost: Cost = fewest_generations
) -> int | None:
    """Which earlier scene it should grow from, by its place in the story; None: no earlier one is sure to do.

    earlier, generations: of all earlier scenes, in order. Of those that cost the same it is the one that differs least,
    and then the latest.
    """
    costs: list[tuple[float, int, int]] = []
    for at, (state, behind) in enumerate(zip(earlier, generations, strict=True)):
        axes = len(_moved(state.camera, scene.camera))
        if (changes := _changes(state, scene)) is not None and (price := cost(behind, axes)) is not None:
            costs.append((price, changes, -at))
    return -min(costs)[-1] if costs else None


def difference(before: State, after: State) -> str | None:
    """The words that lead from one state to another, the camera first; empty: there is nothing to say.

    None where words cannot say it, or where it is not known.
    """
    if _changes(before, after) is None:
        return None
    moves = [_CAMERA[axis][steps] for axis, steps in _moved(before.camera, after.camera).items()]
    sky = [_SKY[getattr(after, kind)] for kind in _sky(before, after)]
    camera, weather = (" and ".join(said) for said in (moves, sky))
    return " as ".join(filter(None, [camera, weather]))


def _changes(before: State, after: State) -> int | None:
    """How many things differ; None where words cannot lead from the one to the other."""
    moved = _moved(before.camera, after.camera)
    one, other = before.camera, after.camera
    sayable = all(steps in _CAMERA[axis] for axis, steps in moved.items())
    known = all(getattr(after, kind) for kind in _sky(before, after))
    if before.since != after.since or (one.turn, one.lens) != (other.turn, other.lens) or not (sayable and known):
        return None
    return len(moved) + len(_sky(before, after))


def _moved(before: Camera, after: Camera) -> dict[str, int]:
    return {axis: steps for axis in _CAMERA if (steps := getattr(after, axis) - getattr(before, axis))}


def _sky(before: State, after: State) -> list[str]:
    return [kind for kind in SKY if getattr(before, kind) != getattr(after, kind)]

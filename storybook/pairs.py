"""What the small model's next-scene.safetensors is taught: scenes and their next scenes, as the trainer takes them.

NAME_a.png, NAME_b.png and NAME.txt for each. Most are moves of the camera in its own words, which the base does not
know; the others change something else or nothing, so that the camera stands still when nobody moves it.
"""

import random
import shutil
from pathlib import Path

from storybook import sayings, words
from storybook.edits import AXES, FARTHEST_AT_ONCE, FREE, TWO_AXES, with_another
from storybook.words import FARTHEST, NAMED
from storybook.world import State, draw, is_held_out, random_state

WATCHED = 3
MOVES = 0.85  # of all pairs
MOODS = 0.25  # of those that move: how many change the light or the weather as well


def write(folder: Path, count: int) -> None:
    """Draws the pairs, and a few of held-out worlds to watch, into a folder that is not there yet."""
    chance, part = random.Random("pairs"), folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "validation").mkdir(parents=True)
    for number in range(count + WATCHED):
        watched = number >= count
        before, after, said = next_scene(chance, held_out=watched)
        name = f"validation/{number:05d}" if watched else f"{number:05d}"
        draw(before).save(part / f"{name}_a.png")
        draw(after).save(part / f"{name}_b.png")
        (part / f"{name}.txt").write_text(said)
    part.replace(folder)


def next_scene(chance: random.Random, held_out: bool = False) -> tuple[State, State, str]:
    """A scene seen from anywhere, the one after it, and the words that lead there; watched ones always move."""
    before = random_state(chance, held_out)
    if chance.random() < 0.5:
        before = before.but(**{axis: chance.randint(-far, far) for axis, far in FARTHEST.items()})
    if held_out or chance.random() < MOVES:
        after = _moved(before, chance)
        if chance.random() < MOODS:
            after = with_another(after, ("light", "weather"), chance)
        return before, after, _said(before, after, chance, camera=True)
    after = with_another(before, NAMED, chance)
    if is_held_out(after):
        after = before
    return before, after, _said(before, after, chance, camera=False)


def _said(before: State, after: State, chance: random.Random, camera: bool) -> str:
    """In the plain grammar, or in any of many ways."""
    if chance.random() >= FREE:
        return (words.camera if camera else words.instruction)(before, after, chance)
    free = sayings.change(before, after, chance, camera)
    return f"Next Scene: {free}" if camera else free


def _moved(state: State, chance: random.Random) -> State:
    """A move further, on every axis alike, but for zoom: the hardest, twice as often; some on two axes at once."""
    axes = [chance.choice(("pan", "tilt", "zoom", "zoom"))]
    if chance.random() < TWO_AXES:
        axes.append(chance.choice([axis for axis in AXES if axis not in axes]))
    for axis in axes:
        state = _moved_on(state, axis, chance)
    return state


def _moved_on(state: State, axis: str, chance: random.Random) -> State:
    now, far, most = getattr(state, axis), FARTHEST[axis], FARTHEST_AT_ONCE[axis]
    places = [at for at in range(max(-far, now - most), min(far, now + most) + 1) if at != now]
    return state.but(**{axis: chance.choice(places)})

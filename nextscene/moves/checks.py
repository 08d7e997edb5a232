"""What can be told of a planned motion without looking: each check has a value, what it may be, and a sentence.

Of the plan by its numbers; of what was drawn by comparing frames with the background; of the film by reading it again.
It knows no stages; files are opened by whoever has them.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from PIL import Image

from nextscene.moves.drawing import Drawing
from nextscene.moves.matching import View, match_back_and_forth
from nextscene.moves.plan import Place, Plan, Thing, count_bounces, distance
from nextscene.moves.planning import check_within
from nextscene.moves.regions import count_parts, mean_around

FASTEST, SHARPEST = 0.4, 0.4  # of the picture's diagonal, in a frame: speed, and its change where nothing is touched
LEAST_COVER, MOST_COVER = 0.5, 2.0  # of the planned
OFF, LOST = 0.03, 0.1  # of the diagonal: how far from its plan a thing is found; the share of frames in which it may be
CHANGED = 10  # of 255: what differs from the background by more was put there
DRIFT = 0.02  # of the diagonal: what following a thing to the next frame and back may be off
SOFTENED = 4  # pixels: how far a border reaches in a picture that a moving camera sees
HIDDEN = 0.5  # the share of a thing that may be out of sight at once
Frames = Callable[[int], Image.Image]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. says: what is wrong, and what to do; empty: nothing is."""

    check: str
    of: str
    value: float
    threshold: str
    verdict: str
    says: str = ""

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def _check(name: str, of: str, value: float, fits: bool, threshold: str, says: str) -> Check:
    return Check(name, of, round(float(value), 4), threshold, "good" if fits else "bad", "" if fits else says)


def check_plan(plan: Plan, wanted: int) -> Iterator[Check]:
    """Whether it has its frames, stays in the picture, does nothing impossible, and bounces as often as it says."""
    count = plan.count
    yield _check("frames", "plan", count, count == wanted, f"{wanted}", f"The plan has {count} frames, not {wanted}.")
    diagonal = math.hypot(plan.width or 1, plan.height or 1)
    for thing in plan.things:
        yield from _check_path(plan, thing, diagonal)


def _check_path(plan: Plan, thing: Thing, diagonal: float) -> Iterator[Check]:
    rows, name = plan.places(thing.id), thing.id
    leaves = any(event.direction and {"in", "out"} & set(event.direction.split()) for event in thing.events)
    if not leaves:
        inside = sum(check_within(plan, thing, row) for row in rows) / len(rows)
        says = f"The {name} is out of the picture in {1 - inside:.0%} of the frames: change its rows in the plan."
        yield _check("inside", name, inside, inside == 1, "1", says)
    steps = [distance(one, other) / diagonal for one, other in pairwise(rows)]
    seen = [check_within(plan, thing, row) for row in rows]  # what is out of the picture may go as it likes
    fastest = max((step for step, both in zip(steps, pairwise(seen), strict=True) if any(both)), default=0.0)
    says = f"The {name} goes {fastest:.0%} of the picture in one frame: ask for more frames."
    yield _check("speed", name, fastest, fastest <= FASTEST, f"<= {FASTEST}", says)
    free = [at for at in range(1, len(rows) - 1) if not any(rows[each].keyframe for each in (at - 1, at, at + 1))]
    sharpest = max((_bend(*rows[at - 1 : at + 2]) / diagonal for at in free), default=0.0)
    says = f"The {name} changes its speed by {sharpest:.0%} of the picture in a frame, and touches nothing."
    yield _check("acceleration", name, sharpest, sharpest <= SHARPEST, f"<= {SHARPEST}", says)
    for event in thing.events:
        if event.motion == "bounce" and event.count:
            found = count_bounces([row.y for row in rows[event.first : event.last + 1]])
            says = f"The {name} bounces {found} times in the plan, not {event.count}: plan again, or change its rows."
            yield _check("bounces", name, found, found == event.count, f"{event.count}", says)


def _bend(before: Place, at: Place, after: Place) -> float:
    """How many pixels its speed changes there."""
    return math.hypot(after.x - 2 * at.x + before.x, after.y - 2 * at.y + before.y)


def check_masks(plan: Plan, masks: dict[str, Image.Image]) -> Iterator[Check]:
    """Whether each thing's mask is as large as was planned, and in one piece."""
    for thing in plan.things:
        seen = np.asarray(masks[thing.id]) > 127
        first = plan.places(thing.id)[0]
        planned = math.pi * (first.radius / first.size) ** 2
        cover = float(seen.sum()) / planned
        fits = LEAST_COVER <= cover <= MOST_COVER
        says = f"The mask of the {thing.id} covers {cover:.2g} times what was planned: give its box or a mask of it."
        yield _check("cover", thing.id, cover, fits, f"{LEAST_COVER} to {MOST_COVER}", says)
        parts = count_parts(seen)
        says = f"The mask of the {thing.id} is in {parts} pieces: give its box or a mask of it."
        yield _check("pieces", thing.id, parts, parts == 1, "1", says)


def check_frames(plan: Plan, drawing: Drawing, frame: Frames, exact: bool) -> Iterator[Check]:
    """Whether what moves is seen in each frame where it was planned, once, and nothing else has changed."""
    lost, ghosts, off, beyond, seen_frames = 0, 0, [0.0], 0, 0
    diagonal = math.hypot(*drawing.background.size)
    for number in range(plan.count):
        mask = np.asarray(drawing.frame(number)[1]) > 0
        behind = np.asarray(drawing.seen(drawing.background, number)).astype(np.int16)
        change = np.abs(np.asarray(frame(number)).astype(np.int16) - behind).max(-1)
        around = mask if plan.camera == "none" else mean_around(mask.astype(np.float64), SOFTENED) > 0
        beyond = max(beyond, int(change[~around].max(initial=0)))
        if (mask.sum()) < 16:
            continue
        seen_frames += 1
        changed = mean_around((change > CHANGED).astype(np.float64), 1) > 0.2
        cover = changed.sum() / mask.sum()
        if not LEAST_COVER <= cover <= MOST_COVER:
            lost += 1
            continue
        ghosts += count_parts(_closed(changed), 0.2) > count_parts(_closed(mask), 0.2)
        middles = [np.argwhere(each).mean(0) for each in (changed, mask)]
        off.append(float(np.linalg.norm(middles[0] - middles[1])) / diagonal)
    share = lost / max(seen_frames, 1)
    says = f"In {share:.0%} of the frames what moves is hardly told from the background, or is larger than planned."
    yield _check("seen", "frames", 1 - share, share <= LOST, f">= {1 - LOST}", says)
    says = f"In {ghosts} frames there is more than was planned: give a mask that holds all of the thing."
    yield _check("ghosts", "frames", ghosts, ghosts <= LOST * seen_frames, f"<= {LOST * seen_frames:.3g}", says)
    middle = float(np.median(off))
    says = f"What moves is {middle:.1%} of the picture away from where it was planned."
    yield _check("place", "frames", middle, middle <= OFF, f"<= {OFF}", says)
    if exact:
        says = f"Beyond its mask the background differs by up to {beyond} of 255: something else changed the frames."
        yield _check("background", "frames", beyond, beyond == 0, "0", says)


def _closed(seen: np.ndarray) -> np.ndarray:
    """With small gaps closed."""
    closed: np.ndarray = mean_around(seen.astype(np.float64), 2) > 0.12
    return closed


def check_flow(plan: Plan, drawing: Drawing, frame: Frames) -> Iterator[Check]:
    """Whether each thing can be followed to the next frame and back, and is not hidden all at once."""
    diagonal = math.hypot(*drawing.background.size)
    for thing in plan.things:
        if not thing.events or all(event.motion == "still" for event in thing.events):
            continue
        errors, hidden = [0.0], [0.0]
        areas = [float((np.asarray(drawing.mask_of(thing.id, at)) > 127).sum()) for at in range(plan.count)]
        for at in range(plan.count - 1):
            if min(areas[at], areas[at + 1]) < 16:
                continue
            one, other = (_view(plan, thing, drawing, frame, number) for number in (at, at + 1))
            errors.append(match_back_and_forth(one, other) / diagonal)
            hidden.append(max(1 - areas[at + 1] / areas[at], 0.0) if _goes_out(thing, at) is False else 0.0)
        worst = float(np.median(errors))
        says = f"Followed to the next frame and back, the {thing.id} is {worst:.1%} of the picture off."
        yield _check("flow", thing.id, worst, worst <= DRIFT, f"<= {DRIFT}", says)
        most = max(hidden)
        says = f"{most:.0%} of the {thing.id} is gone from one frame to the next: ask for more frames."
        yield _check("occluded", thing.id, most, most <= HIDDEN, f"<= {HIDDEN}", says)


def _view(plan: Plan, thing: Thing, drawing: Drawing, frame: Frames, number: int) -> View:
    place = plan.places(thing.id)[number]
    x, y, closer = drawing.spot(place)
    return View(frame(number), drawing.mask_of(thing.id, number), x, y, place.angle, place.radius * closer)


def _goes_out(thing: Thing, at: int) -> bool:
    """Whether it is leaving, coming in, or changing its size there, so that it is to be seen less."""
    ways = {"in", "out"}
    return any(
        event.first <= at <= event.last
        and (event.motion in ("shrink", "leave", "enter") or ways & set((event.direction or "").split()))
        for event in thing.events
    )


def check_film(count: int, fps: float, film_fps: float, data: bytes, wanted: int) -> Iterator[Check]:
    """Whether the film, read again, is what every player plays and has all its frames."""
    yield _check("frames", "film", count, count == wanted, f"{wanted}", f"The film has {count} frames, not {wanted}.")
    close = abs(film_fps - fps) <= 0.01 * fps
    yield _check(
        "rate", "film", film_fps, close, f"{fps:g}", f"The film runs at {film_fps:g} frames a second, not {fps:g}."
    )
    seconds = count / film_fps
    length = abs(seconds - wanted / fps) <= 1 / fps
    yield _check("duration", "film", seconds, length, f"{wanted / fps:.3f}", f"The film lasts {seconds:.2f} s.")
    coded = b"avc1" in data
    yield _check("codec", "film", float(coded), coded, "h264", "The film is not coded as H.264.")

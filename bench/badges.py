"""Whether the badges are right: how often one is said of a scene that has the fault, and of one that has not.

The stories are of the drawn world, where the right picture is known; the badges' thresholds were chosen on others.
Faults that these chains do not have are painted into their pictures. Writes a page, and every value.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import numpy as np
from PIL import Image, ImageFilter

from bench import chains
from bench.chains import Options
from bench.figures import write_whole
from bench.sight import Sight
from bench.stories import THINGS, Told, tell_of_everything
from bench.ways import OURS, PLAIN
from nextscene import NextSceneError
from nextscene.shooting import Drift, drift
from nextscene.story import asks_for_change
from storybook.world import NOTHING, WIDTH

ENOUGH = 80  # percent, of both: what a badge must reach to be said
CHOSEN_ON = 24  # stories, before these
RARE = 0.1  # of all scenes that a painted fault is taken to be in
BARS = 0.09  # of the height, at the top and at the bottom
BLUR = 0.012  # of the width
NOISE = 4  # levels of 255

Painter = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class Scene:
    """A scene that grew from another: both pictures, what they show, and what was noticed."""

    words: str
    before: Image.Image
    after: Image.Image
    was: Sight
    now: Sight
    change: Drift
    badges: Sequence[str]


@dataclass(frozen=True)
class Score:
    """One badge: how many scenes have its fault, how often it is right when it is said, and said when it is right."""

    faulty: int
    precision: float
    recall: float

    @property
    def enough(self) -> bool:
        return min(self.precision, self.recall) >= ENOUGH


def main() -> None:
    options = chains.options("badges", stories=24)
    try:
        scenes = list(_scenes(options))
    except NextSceneError as error:
        sys.exit(f"error: {error}")
    said = {"near-copy": near_copy(scenes), **{name: painted(name, scenes) for name in PAINTED}}
    dropped = {name: score(scenes, *each) for name, each in DROPPED.items()}
    page = _page(said, dropped, options, scenes)
    values = {"about": chains.about(), "said": _as_data(said), "dropped": _as_data(dropped)}
    write_whole(options.out / "badges.md", page.encode())
    write_whole(options.out / "badges.json", json.dumps(values, indent=1).encode())
    print(page)


def tell_unseen(number: int, scenes: int) -> Told:
    return tell_of_everything(CHOSEN_ON + number, scenes)


def _scenes(options: Options) -> Iterator[Scene]:
    """All scenes that can be judged: where the landmark is gone already, nobody can tell where the camera is."""
    for way, seen in chains.looked_at((OURS, PLAIN), options, tell_unseen).items():
        for number, sights in enumerate(seen, 1):
            told = tell_unseen(number, options.scenes)
            drawn = chains.drawn(number, next(each for each in (OURS, PLAIN) if each.name == way), options, tell_unseen)
            pairs = zip(told.words[1:], pairwise(drawn), pairwise(sights), strict=True)
            for words, (before, after), (was, now) in pairs:
                if was.shown.landmark != NOTHING:
                    change = drift.compare(before, after)
                    badges = drift.badges(change, drift.bars(after), asks_for_change(words))
                    yield Scene(words, before, after, was, now, change, badges)


def near_copy(scenes: Sequence[Scene]) -> Score:
    """Its fault: words name a change, and place, light, weather, landmark, colour and camera are as they were."""
    return score(scenes, lambda scene: "near-copy" in scene.badges, _copied)


def painted(name: str, scenes: Sequence[Scene]) -> Score:
    """A fault that is painted into every scene, as if it were in few: what is said without it counts the more."""
    paint = PAINTED[name]
    alarms = fmean(name in scene.badges for scene in scenes)
    found = fmean(name in _badges(scene, paint(scene.after)) for scene in scenes)
    right, wrong = RARE * found, (1 - RARE) * alarms
    return Score(len(scenes), _percent(right, right + wrong), _percent(found, 1))


def score(scenes: Sequence[Scene], flagged: Callable[[Scene], bool], faulty: Callable[[Scene], bool]) -> Score:
    said, true = ([judge(scene) for scene in scenes] for judge in (flagged, faulty))
    both = sum(one and other for one, other in zip(said, true, strict=True))
    return Score(sum(true), _percent(both, sum(said)), _percent(both, sum(true)))


def _badges(scene: Scene, after: Image.Image) -> list[str]:
    return drift.badges(drift.compare(scene.before, after), drift.bars(after), asks_for_change(scene.words))


def _differ(scene: Scene) -> list[str]:
    """What of the nine things is another than before; the layout, which nobody can ask for, aside."""
    one, other = scene.was.shown, scene.now.shown
    return [name for name in THINGS if name != "layout" and getattr(one, name) != getattr(other, name)]


def _copied(scene: Scene) -> bool:
    return asks_for_change(scene.words) and not _differ(scene)


def _unasked(scene: Scene, *names: str) -> bool:
    """Whether one of these changed although the truth says that it stays."""
    asked = [name for name in THINGS if getattr(scene.was.truth, name) != getattr(scene.now.truth, name)]
    return any(name in names and name not in asked for name in _differ(scene))


def _gone(scene: Scene) -> bool:
    return scene.now.shown.landmark == NOTHING


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0


def _with_bars(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    barred, deep = picture.copy(), round(BARS * height)
    for top in (0, height - deep):
        barred.paste((6, 6, 8), (0, top, width, top + deep))
    return barred


def _blurred(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(BLUR * WIDTH))


def _noisy(picture: Image.Image) -> Image.Image:
    grain = np.random.default_rng(0).normal(0, NOISE, (picture.height, picture.width, 3))
    return Image.fromarray((np.asarray(picture) + grain).round().clip(0, 255).astype(np.uint8))


PAINTED: Mapping[str, Painter] = {"bars": _with_bars, "blurred": _blurred, "noisy": _noisy}
DROPPED: Mapping[str, tuple[Callable[[Scene], bool], Callable[[Scene], bool]]] = {
    "other place: few edges left": (
        lambda scene: scene.change.structure < 0.15,
        lambda scene: _unasked(scene, "place") or _gone(scene),
    ),
    "colour shift: other colours": (
        lambda scene: scene.change.colour_shift > 15,
        lambda scene: _unasked(scene, "light", "colour"),
    ),
    "harsh: twice the gradient energy": (
        lambda scene: scene.change.sharpness > 2,
        lambda scene: scene.now.sharpness > 2,
    ),
    "blurred: half the gradient energy": (
        lambda scene: scene.change.sharpness < 0.5,
        lambda scene: scene.now.sharpness < 0.5,
    ),
}


def _as_data(scores: Mapping[str, Score]) -> dict[str, dict[str, float]]:
    return {name: {**vars(each), "enough": each.enough} for name, each in scores.items()}


def _page(said: Mapping[str, Score], dropped: Mapping[str, Score], options: Options, scenes: Sequence[Scene]) -> str:
    return PAGE.format(
        stories=options.stories,
        scenes=len(scenes),
        unnamed=sum(not asks_for_change(each.words) and not _differ(each) for each in scenes),
        chosen=CHOSEN_ON,
        enough=ENOUGH,
        said="\n".join(_row(name, each) for name, each in said.items()),
        dropped="\n".join(_row(name, each) for name, each in dropped.items()),
        about=chains.about(),
    )


def _row(name: str, each: Score) -> str:
    verdict = "yes" if each.enough else "**no**"
    return f"| {name} | {each.faulty} | {each.precision:.0f} % | {each.recall:.0f} % | {verdict} |"


PAGE = """# Whether the badges are right

The output of `script/bench badges --stories {stories} --out docs/measurements`; every value is in
[badges.json](badges.json).

A badge is a word beside a scene on the contact sheet, in the log and in the record: it says that the scene is worth a
look. One that is said of good scenes, or not of bad ones, is worse than none. So a badge is said only if, in the drawn
world, it is right for {enough} % of the scenes that it is said of, and said of {enough} % of those with its fault.

| badge | scenes with its fault | right when said | said when right | enough |
|---|---:|---:|---:|---|
{said}

- **near-copy**: the words name a change, and the scene shows what the scene before showed: the camera stood still,
  and all that changed is faint (in 95 of 100 cells of the picture less than six tenths of its contrast) or small. Words
  such as "a yellow windmill" name no change ({unnamed} more near-copies).
- **bars**: borders that are no part of the scene, as wide screen films have them.
- **blurred**: edges that are strong in this scene and in the one before are less than 0.76 times as steep as there.
- **noisy**: grain that the scene before did not have.

The drawn world's chains have no bars, no grain and hardly a blur of their own. These faults were painted into every
scene: bars of 9 % of the height, a blur of 1.2 % of the width, grain of 4 levels of 255. "Right when said" is for one
scene of ten that has the fault, and counts what is said of the other nine.

## What is not said any more

| what was said | scenes with its fault | right when said | said when right | enough |
|---|---:|---:|---:|---|
{dropped}

*Other place* was to find a place that changed, or a landmark that went, without being asked for; *colour shift*
another light or another colour of the landmark; *harsh* and *blurred* pictures with more or less detail than what
they should show has when it is drawn. Pixels do not say these things. A pan brings other edges, rain brings detail,
a place that words ask for brings other colours; and a house that is gone changes less than a cloud. Eleven other
measures of a landmark that goes (how much stands out of its row, in colour and in light, before and after; how many
colours are found again) told at most 57 % of them at 57 % precision. Only something that knows what it sees can say
so.

## How it was measured

{stories} stories of 16 scenes, ours and the plain way (see [continuity](continuity.md)), in which the place, the
landmark and its colour change too; the thresholds were chosen on {chosen} others. A picture shows what the drawn
picture shows that it is nearest to. Judged are the {scenes} scenes that grew from a picture whose landmark still
stands: where it is gone, nobody can tell where the camera is.

{about}
"""


if __name__ == "__main__":
    main()

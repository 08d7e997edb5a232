"""Places and effects: each sounds as what it is called, and lies in the film where the story says."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from conftest import photo
from test_sound import Tone

from bench.ears import heard, loudness
from nextscene.film import RATE, CuttingRoom, Samples, Timeline, lay_out, sound, voice
from nextscene.film.effects import Effects
from nextscene.film.foley import AMBIENT, KINDS, LOOP, ambience, effect, find_kind
from nextscene.story import Story, from_data


@pytest.fixture(scope="module")
def loops() -> dict[str, Samples]:
    return {kind: ambience(kind, 1) for kind in KINDS}


def centre(samples: Samples) -> float:
    """Around which frequency it sounds."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float((power * np.fft.rfftfreq(len(samples), 1 / RATE)).sum() / power.sum())


def swell(samples: Samples) -> Samples:
    """How loud each twentieth of a second is."""
    parts = samples[: len(samples) // 2400 * 2400].reshape(-1, 2400)
    return np.array([np.sqrt(np.mean(part**2)) for part in parts])


def beat(samples: Samples) -> float:
    """How often a second it becomes louder and softer, most of all."""
    moves = swell(samples)
    found = np.abs(np.fft.rfft(moves - moves.mean()))
    return float(np.argmax(found) / (len(moves) / 20))


def unrest(samples: Samples) -> float:
    moves = swell(samples)
    return float(moves.std() / moves.mean())


# What they sound like


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("heartbeat", 40, 90),
        ("room", 80, 300),
        ("thunder", 60, 300),
        ("wind", 150, 500),
        ("city", 80, 500),
        ("knock", 120, 400),
        ("bell", 300, 900),
        ("sea", 300, 1500),
        ("fire", 200, 2500),
        ("clock", 1500, 3500),
        ("rain", 3000, 7500),
    ],
)
def test_each_sounds_around_its_own_frequency(loops: dict[str, Samples], kind: str, low: float, high: float) -> None:
    assert low < centre(loops[kind][:, 0]) < high


@pytest.mark.parametrize(("kind", "often"), [("sea", 0.15), ("clock", 2), ("steps", 1.9)])
def test_waves_clocks_and_steps_come_as_often_as_they_do(loops: dict[str, Samples], kind: str, often: float) -> None:
    assert beat(loops[kind][:, 0]) == pytest.approx(often, abs=0.06)


def test_a_heart_beats_72_times_a_minute(loops: dict[str, Samples]) -> None:
    moves = swell(loops["heartbeat"][:, 0])
    again = [float(np.corrcoef(moves, np.roll(moves, by))[0, 1]) for by in range(10, 25)]
    assert (10 + int(np.argmax(again))) / 20 == pytest.approx(60 / 72, abs=0.05)


def test_rain_and_rooms_are_even_and_wind_and_sea_are_not(loops: dict[str, Samples]) -> None:
    assert max(unrest(loops[kind][:, 0]) for kind in ("rain", "room")) < 0.2
    assert min(unrest(loops[kind][:, 0]) for kind in ("wind", "sea")) > 0.3


def test_a_bell_rings_on_and_dies_away_and_a_knock_is_three() -> None:
    rings = swell(effect("bell", 1))
    assert rings[:5].max() > 3 * rings[40:].max() > 0
    blows = swell(effect("knock", 1)) > 0.02
    assert int(np.sum(blows[1:] & ~blows[:-1]) + blows[0]) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_an_ambience_goes_on_without_a_seam(loops: dict[str, Samples], kind: str) -> None:
    loop = loops[kind]
    assert loop.shape == (LOOP, 2)
    steps = np.abs(np.diff(loop[:, 0]))
    assert abs(loop[0, 0] - loop[-1, 0]) <= steps.max()
    assert np.abs(loop).max() <= 0.5


def test_places_are_as_loud_as_each_other_but_for_rooms_and_cities(loops: dict[str, Samples]) -> None:
    loud = {kind: 20 * np.log10(np.sqrt(np.mean(loop**2))) for kind, loop in loops.items()}
    assert [loud[kind] for kind in ("wind", "rain", "sea", "fire")] == pytest.approx([AMBIENT] * 4, abs=0.1)
    assert loud["room"] < loud["city"] < AMBIENT - 2


def test_the_same_seed_gives_the_same_sound_and_another_another() -> None:
    assert np.array_equal(effect("knock", 1), effect("knock", 1))
    assert not np.array_equal(effect("knock", 1), effect("knock", 2))


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Waves crash on the shore", "sea"),
        ("a distant church bell", "bell"),
        ("FOOTSTEPS", "steps"),
        ("thunder and rain", "thunder"),
        ("city hum", "city"),
        ("heart beat", "heartbeat"),
        ("knocking at the door", "knock"),
        ("a phone rings", None),
        ("brain", None),
        ("", None),
    ],
)
def test_sounds_are_known_by_their_words(words: str, kind: str | None) -> None:
    assert find_kind(words) == kind


# Where they lie


def told(*scenes: dict[str, Any], **story: Any) -> Story:
    return from_data({"scenes": [{"prompt": "a", "duration": 4} | scene for scene in scenes], **story})


def blocks_of(story: Story) -> Samples:
    timeline = lay_out(story)
    effects, length = Effects(story, timeline), round(timeline.duration * RATE)
    both = zip(effects.places(length), effects.moments(length), strict=True)
    return np.concatenate([place + moment for place, moment in both])


def loud(samples: Samples, begin: float, end: float) -> float:
    return float(np.sqrt(np.mean(samples[int(begin * RATE) : int(end * RATE)] ** 2)))


def test_a_place_sounds_as_long_as_scenes_name_it_and_comes_and_goes_softly() -> None:
    samples = blocks_of(told({}, {"ambience": ["sea"]}, {"ambience": ["sea"]}, {}))
    assert loud(samples, 0, 3.5) == loud(samples, 12.5, 16) == 0
    assert min(loud(samples, at, at + 0.5) for at in np.arange(4.5, 11.4, 0.25)) > 0.002
    coming = [loud(samples, at, at + 0.1) for at in np.arange(3.5, 4.5, 0.1)]
    assert coming[1] < 0.2 * max(coming)
    assert np.abs(samples[int(3.6 * RATE) : int(3.65 * RATE)]).max() < 0.01


def test_the_storys_places_are_those_of_scenes_that_name_none() -> None:
    samples = blocks_of(told({}, {"ambience": []}, ambience=["wind"]))
    assert loud(samples, 1, 3) > 0.005
    assert loud(samples, 5, 7) == 0


@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_an_effect_begins_at_its_share_of_its_scene(share: float) -> None:
    samples = np.abs(blocks_of(told({}, {"sounds": [{"what": "a bell", "at": share}]}, {}))[:, 0])
    assert np.argmax(samples > 0.005) / RATE == pytest.approx(4 + 4 * share, abs=0.01)


def test_an_effect_goes_on_over_the_borders_of_blocks_and_scenes_and_ends_with_the_film() -> None:
    story = told({"sounds": [{"what": "bell", "at": 0.9}]}, {"duration": 1})
    samples, alone = blocks_of(story), effect("bell", 0)
    assert len(samples) == 5 * RATE
    assert loud(samples, 4.5, 5) > 0.1 * loud(samples, 3.6, 4)
    assert len(alone) == 5 * RATE


def test_what_nobody_can_make_stays_silent_and_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story = told({"sounds": [{"what": "a phone rings"}]})
    room = CuttingRoom(story, tmp_path / "film.mp4")
    with room:
        room.add(photo(), None, None)
    (note,) = room.facts().notes
    assert note.startswith("Scene 1: 'a phone rings' stays silent: the sounds that are made here are wind, rain, ")
    assert capsys.readouterr().err == note + "\n"


# How they go with speech


def hiss(samples: Samples, begin: float, end: float) -> float:
    """How loud all that is higher than the voice is from one second to another, in dB."""
    part = samples[int(begin * RATE) : int(end * RATE), 0]
    power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
    return float(10 * np.log10(power[np.fft.rfftfreq(len(part), 1 / RATE) > 2000].sum()))


def mixed(folder: Path, story: Story, speaker: voice.Voice | None = None) -> tuple[Timeline, Samples]:
    clips = voice.narrate(lay_out(story), speaker or Tone(), folder / "clips")
    timeline = lay_out(story, voice.measure(clips))
    sound.mix(folder / "film.wav", timeline, clips, effects=Effects(story, timeline))
    return timeline, heard(folder / "film.wav")


def test_places_make_way_for_speech_and_the_whole_is_as_loud_as_the_web_wants_it(tmp_path: Path) -> None:
    story = told({}, {"narration": "one two three"}, {"duration": 8}, ambience=["rain"])
    timeline, samples = mixed(tmp_path, story)
    after = float(timeline.segments[2].start) + 1.5
    before, under, again = (hiss(samples, at, at + 2) for at in (1.0, 5.0, after))
    assert before - under == pytest.approx(-sound.DUCKED, abs=0.5)
    assert again == pytest.approx(before, abs=0.5)
    whole, peak = loudness(tmp_path / "film.wav")
    assert whole == pytest.approx(-16, abs=0.5)
    assert peak <= -1.4


def test_an_effect_is_heard_through_speech(tmp_path: Path) -> None:
    lines = {"narration": "one two three", "sounds": [{"what": "bell", "at": 0.4}]}
    timeline, samples = mixed(tmp_path, told(lines))
    plain = mixed(tmp_path, told(lines | {"sounds": []}))[1]
    at = float(timeline.segments[0].duration) * 0.4 + 0.05
    strike, spoken = samples - plain, plain
    assert 20 * np.log10(loud(strike, at, at + 0.4) / loud(spoken, at, at + 0.4)) == pytest.approx(-5, abs=3)


def test_places_alone_are_not_blown_up_to_the_loudness_of_speech(tmp_path: Path) -> None:
    mixed(tmp_path, told({}, {}, ambience=["room"]))
    whole, _ = loudness(tmp_path / "film.wav")
    assert whole < -30


@pytest.mark.parametrize(("effects", "has_sound"), [("rules", True), ("none", False)])
def test_a_film_may_do_without_effects(tmp_path: Path, effects: str, has_sound: bool) -> None:
    story = told({"ambience": ["wind"]}, film={"effects": effects})
    with CuttingRoom(story, tmp_path / "film.mp4") as room:
        room.add(photo(), None, None)
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert bool(film.streams.audio) is has_sound

"""A film's sound is in step with its pictures, clear, as loud as the web wants it, and never clipped."""

import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.ears import Clap, claps, flashes, heard, loudness, music
from nextscene import NextSceneError
from nextscene.film import RATE, Film, Samples, Timeline, lay_out, sound, voice
from nextscene.film.sound import LEAD
from nextscene.story import from_data


class Tone:
    """A voice that sounds one tone of 440 Hz, for a second for each word, swelling and falling as speech does."""

    name = "tone"

    def speak(self, text: str) -> tuple[Samples, int]:
        times = np.arange(len(text.split()) * RATE) / RATE
        return np.sin(2 * np.pi * 440 * times) * (0.3 + 0.2 * np.sin(2 * np.pi * 4 * times)), RATE


def film_of(
    folder: Path, *scenes: tuple[str, float], speaker: voice.Voice | None = None
) -> tuple[Timeline, voice.Recordings]:
    """A film of scenes that say these words or nothing, for so many seconds at least, and its clips."""
    story = from_data([{"prompt": "a", "narration": words, "duration": seconds} for words, seconds in scenes])
    clips = voice.narrate(lay_out(story), speaker or Tone(), folder / "clips")
    return lay_out(story, voice.measure(clips)), clips


def mixed(folder: Path, timeline: Timeline, clips: voice.Recordings, under: sound.Music | None = None) -> Samples:
    sound.mix(folder / "film.wav", timeline, clips, under)
    return heard(folder / "film.wav")


def level(samples: Samples, hertz: float, begin: float, end: float) -> float:
    """How loud one tone is from one second to another, in dB."""
    part = samples[int(begin * RATE) : int(end * RATE), 0]
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(part)) / RATE)
    return float(20 * np.log10(2 * np.abs(np.mean(part * wave * np.hanning(len(part)) * 2)) + 1e-9))


@pytest.fixture(scope="module")
def hum(tmp_path_factory: pytest.TempPathFactory) -> sound.Music:
    """Half a minute of a tone of 1500 Hz."""
    return sound.open_music(music(tmp_path_factory.mktemp("music") / "hum.flac", "sine=1500", 30))


STORY = (("", 4.0), ("one two three", 0.5), ("", 1.0), ("one two", 0.5), ("", 6.0))


# When it is heard


def test_each_clip_begins_at_its_scenes_start_and_a_little(tmp_path: Path) -> None:
    timeline, clips = film_of(tmp_path, *STORY)
    samples = mixed(tmp_path, timeline, clips)
    loud = np.abs(samples[:, 0]) > 0.02
    onsets = [at / RATE for at in np.flatnonzero(loud) if not loud[max(at - RATE // 10, 0) : at].any()]
    assert onsets == pytest.approx([float(timeline.segments[at].start) + LEAD for at in (1, 3)], abs=0.003)


def test_the_sound_is_exactly_as_long_as_the_film(tmp_path: Path, hum: sound.Music) -> None:
    timeline, clips = film_of(tmp_path, ("one", 1 / 3), ("", 1.01))
    for under in (None, hum):
        assert len(mixed(tmp_path, timeline, clips, under)) == round(timeline.duration * RATE)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_clap_is_in_step_with_its_flash_to_within_a_frame(tmp_path: Path, suffix: str) -> None:
    scenes = [("", 1.37) if number % 2 else ("clap", 0.5) for number in range(12)]
    timeline, clips = film_of(tmp_path, *scenes, speaker=Clap())
    sound.mix(tmp_path / "claps.wav", timeline, clips)
    with Film(tmp_path / f"film{suffix}", timeline, sound=tmp_path / "claps.wav") as film:
        for words, _ in scenes:
            film.add(Image.new("RGB", (64, 48), "white" if words else "black"))
    seen = flashes(tmp_path / f"film{suffix}")
    assert len(seen) == 6
    assert claps(tmp_path / f"film{suffix}") - LEAD == pytest.approx(seen, abs=0.5 / 24)


# How loud it is


def quiet_noise(folder: Path) -> sound.Music:
    return sound.open_music(music(folder / "quiet.wav", "anoisesrc=amplitude=0.005:color=pink:seed=1", 5))


@pytest.mark.parametrize("what", ["speech", "music", "both"])
def test_the_whole_is_as_loud_as_the_web_wants_it_and_never_clipped(tmp_path: Path, what: str) -> None:
    timeline, clips = film_of(tmp_path, *STORY)
    samples = mixed(
        tmp_path, timeline, clips if what != "music" else {}, quiet_noise(tmp_path) if what != "speech" else None
    )
    whole, peak = loudness(tmp_path / "film.wav")
    assert whole == pytest.approx(-16, abs=0.5)
    assert peak <= -1.4
    assert np.abs(samples).max() < 0.9


def test_a_voice_with_hard_peaks_is_held_down_and_not_clipped(tmp_path: Path) -> None:
    timeline, clips = film_of(tmp_path, *[("clap", 0.5)] * 6, speaker=Clap())
    samples = mixed(tmp_path, timeline, clips)
    whole, peak = loudness(tmp_path / "film.wav")
    assert peak <= -1
    assert whole < -16
    assert np.abs(samples).max() < 0.9


# How music goes with speech


def test_music_makes_way_for_speech_and_comes_back(tmp_path: Path, hum: sound.Music) -> None:
    timeline, clips = film_of(tmp_path, *STORY)
    samples = mixed(tmp_path, timeline, clips, hum)
    first, second = (timeline.segments[at] for at in (1, 3))
    begins, ends = float(first.start), float(second.start) + LEAD + 2
    before = level(samples, 1500, 1, 3)
    under = level(samples, 1500, begins + 0.5, begins + 2.5)
    between = level(samples, 1500, begins + 3.5, float(second.start))
    after = level(samples, 1500, ends + 1.5, ends + 3)
    spoken = level(samples, 440, begins + 0.5, begins + 2.5)
    assert before == pytest.approx(after, abs=0.5)
    assert before - under == pytest.approx(sound.APART - sound.UNDER, abs=0.5)
    assert between == pytest.approx(under, abs=0.5)
    assert spoken - under > 15
    assert spoken > before > under


def test_music_goes_down_and_up_smoothly(tmp_path: Path, hum: sound.Music) -> None:
    timeline, clips = film_of(tmp_path, *STORY)
    samples = mixed(tmp_path, timeline, clips, hum)
    levels = [level(samples, 1500, at / 20, at / 20 + 0.1) for at in range(20, 20 * 14)]
    assert np.abs(np.diff(levels)).max() < 2


def test_music_fades_in_and_out(tmp_path: Path, hum: sound.Music) -> None:
    timeline, _ = film_of(tmp_path, ("", 10))
    samples = np.abs(mixed(tmp_path, timeline, {}, hum)).max(axis=1)
    levels = [part.max() for part in np.array_split(samples, 100)]
    assert samples[:100].max() < 0.01
    assert samples[-100:].max() < 0.01
    assert levels[:5] == sorted(levels[:5])
    assert levels[81:] == sorted(levels[81:], reverse=True)
    assert min(levels[6:80]) == pytest.approx(max(levels[6:80]), rel=0.05)


def test_music_that_is_too_short_is_played_again_without_a_gap(tmp_path: Path) -> None:
    short = sound.open_music(music(tmp_path / "short.ogg", "anoisesrc=color=pink:seed=2", 4))
    timeline, _ = film_of(tmp_path, ("", 21))
    samples = mixed(tmp_path, timeline, {}, short)
    energy = np.array([np.sqrt(np.mean(part**2)) for part in np.array_split(samples[RATE : -3 * RATE], 170)])
    assert energy.min() > 0.5 * np.median(energy)
    assert energy.max() < 2 * np.median(energy)


@pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".ogg", ".flac", ".wav", ".opus"])
def test_music_may_come_in_any_common_format(tmp_path: Path, suffix: str) -> None:
    found = sound.open_music(music(tmp_path / f"-odd: name%d{suffix}", "sine=440:sample_rate=48000", 2))
    assert found.seconds == pytest.approx(2, abs=0.1)
    assert -25 < found.loudness < -15


def text_file(path: Path) -> None:
    path.write_text("la la la")


def picture(path: Path) -> None:
    Image.new("RGB", (8, 8)).save(path, "PNG")


def silence(path: Path) -> None:
    music(path, "anullsrc", 3)


def blip(path: Path) -> None:
    music(path, "sine", 0.3)


@pytest.mark.parametrize("make", [text_file, picture, silence, blip, Path.mkdir])
def test_music_that_cannot_be_played_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "song.wav")
    with pytest.raises(NextSceneError, match=r"^song\.wav has no sound that can be played: give a music file"):
        sound.open_music(tmp_path / "song.wav")


def test_sound_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    timeline, clips = film_of(tmp_path, ("one", 1))
    (tmp_path / "film.wav").mkdir()
    with pytest.raises(NextSceneError, match=r"film\.wav cannot be written \(Is a directory\)"):
        sound.mix(tmp_path / "film.wav", timeline, clips)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "film.wav"]


def test_sound_that_outgrows_its_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    timeline, clips = film_of(tmp_path, ("one", 5))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(NextSceneError, match=r"film\.wav cannot be written \(.*\): make room"):
            sound.mix(tmp_path / "film.wav", timeline, clips)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]

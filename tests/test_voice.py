"""Narration: each scene's words are spoken once, into a clip of a known length and level."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nextscene import NextSceneError
from nextscene.film import RATE, Samples, Timeline, lay_out, voice
from nextscene.film.voice import Recording
from nextscene.story import from_data

ROOT = Path(__file__).resolve().parent.parent


class Hum:
    """A voice that hums half a second for each word, with silence before and after; and remembers what it was given."""

    name = "hum"

    def __init__(self, rate: int = 16_000, level: float = 0.05) -> None:
        self.rate, self.level = rate, level
        self.said: list[str] = []

    def speak(self, text: str) -> tuple[Samples, int]:
        self.said.append(text)
        times = np.arange(len(text.split()) * self.rate // 2) / self.rate
        silence = np.zeros(self.rate // 4)
        return np.concatenate([silence, self.level * np.sin(2 * np.pi * 220 * times), silence]), self.rate


def told(*narrations: str | None, **film: object) -> Timeline:
    scenes = [{"prompt": "a", **({} if words is None else {"narration": words})} for words in narrations]
    return lay_out(from_data({"film": film, "scenes": scenes}))


def samples_of(clip: Recording) -> Samples:
    return np.concatenate([*clip.blocks()])


def pitch(samples: Samples) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * RATE / len(samples))


# Of any voice


def test_only_scenes_with_words_of_their_own_are_spoken(tmp_path: Path) -> None:
    hum = Hum()
    clips = voice.narrate(told("one two", None, "", "three"), hum, tmp_path)
    assert list(clips) == ["scene_001", "scene_004"]
    assert hum.said == ["one two", "three"]


def test_prompts_are_spoken_where_the_film_wants_that(tmp_path: Path) -> None:
    voice.narrate(told(None, "one", narration="prompts"), hum := Hum(), tmp_path)
    assert hum.said == ["a", "one"]


@pytest.mark.parametrize("rate", [8000, 22_050, 24_000, 44_100, 48_000])
def test_a_clip_is_the_words_alone_at_one_rate_and_level(tmp_path: Path, rate: int) -> None:
    clip = voice.narrate(told("one two three"), Hum(rate), tmp_path)["scene_001"][0]
    samples = samples_of(clip)
    assert clip.seconds == len(samples) / RATE == pytest.approx(1.5 + 2 * voice.MARGIN, abs=0.001)
    assert pitch(samples) == pytest.approx(220, abs=1)
    assert np.sqrt(np.mean(samples[RATE // 2 : RATE] ** 2)) == pytest.approx(voice.LEVEL, rel=0.02)
    assert samples[0] == samples[-1] == 0


def test_a_loud_and_a_quiet_voice_come_out_alike(tmp_path: Path) -> None:
    quiet, loud = (
        samples_of(voice.narrate(told("one"), Hum(level=level), tmp_path / str(level))["scene_001"][0])
        for level in (0.001, 0.99)
    )
    assert np.abs(quiet - loud).max() < 0.001


def test_what_was_said_once_is_not_said_again(tmp_path: Path) -> None:
    first, second = Hum(), Hum()
    before = voice.narrate(told("one", "two", "one"), first, tmp_path)
    after = voice.narrate(told("two", "  one\n", "three"), second, tmp_path)
    assert (first.said, second.said) == (["one", "two"], ["three"])
    assert before["scene_001"] == before["scene_003"] == after["scene_002"]


def test_another_voice_says_it_in_its_own_clip(tmp_path: Path) -> None:
    other = Hum()
    other.name = "other"
    assert voice.narrate(told("one"), Hum(), tmp_path) != voice.narrate(told("one"), other, tmp_path)


def test_a_scene_stands_as_long_as_its_words_and_a_breath(tmp_path: Path) -> None:
    story = from_data([{"prompt": "a", "narration": "one two three", "duration": 0.5}, "b"])
    clips = voice.narrate(lay_out(story), Hum(), tmp_path)
    spoken, silent = lay_out(story, voice.measure(clips)).segments
    assert clips["scene_001"][0].seconds + 0.5 < spoken.duration < clips["scene_001"][0].seconds + 0.7
    assert silent.duration == 0.5


def test_a_silent_voice_is_an_error_that_names_the_scene(tmp_path: Path) -> None:
    with pytest.raises(NextSceneError, match=r"^Scene 2's narration came back silent from the voice"):
        voice.narrate(told(None, "one"), Hum(level=0), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_hold_the_clips_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NextSceneError, match=r"file/\w+\.wav cannot be written \(.*\): make room"):
        voice.narrate(told("one"), Hum(), tmp_path / "file")


# Of the built-in one


@pytest.fixture(scope="module")
def built_in() -> voice.Voice:
    return voice.find_voice()


def test_the_built_in_voice_speaks_at_a_natural_pace_and_the_same_each_time(
    built_in: voice.Voice, tmp_path: Path
) -> None:
    words = "The city was asleep when the first train left the harbour, and nobody saw her go."
    clips = [voice.narrate(told(words), built_in, tmp_path / name)["scene_001"][0] for name in ("one", "two")]
    assert 3.5 < clips[0].seconds < 5.5
    assert clips[0].path.read_bytes() == clips[1].path.read_bytes()
    assert np.abs(samples_of(clips[0])).max() < 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Good evening, 東京", "has the letter 東, and the built-in voice speaks English only"),
        ("Доброе утро", "has the letter Д, and the built-in voice speaks English only"),
        ("...!", "has no words in it"),
        (f"It is {'9' * 60} days", "has 99999999999999999999…, which the built-in voice cannot read: write it out"),
        ('Stop at "① please', 'has "①, which the built-in voice cannot read: write it out in words'),
    ],
)
def test_what_it_cannot_speak_is_refused_with_the_scene(
    built_in: voice.Voice, tmp_path: Path, words: str, reason: str
) -> None:
    with pytest.raises(NextSceneError, match=f"^Scene 2's narration {reason}"):
        voice.narrate(told(None, words), built_in, tmp_path)


def test_a_voice_that_nobody_has_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(NextSceneError, match=r"^Scene 1's narration is for the voice 'bob', .*available: heart, emma"):
        voice.narrate(told("one"), voice.find_voice("bob"), tmp_path)


def test_without_its_package_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)
    with pytest.raises(NextSceneError, match=r"^Scene 1's narration needs a voice: pip install hibari-tts\.$"):
        voice.narrate(told("one"), voice.find_voice(), tmp_path)


def test_a_film_without_narration_loads_no_voice() -> None:
    program = (
        "import sys; from pathlib import Path; from nextscene.film import CuttingRoom\n"
        "from nextscene.story.story import from_prompts\n"
        "CuttingRoom(from_prompts(['a']), Path('a.mp4'))\n"
        "print({'hibari', 'onnxruntime'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

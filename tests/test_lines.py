"""What people say in a story: each in a voice of their own, one after another, read with their names."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import use_endpoint
from hub import Hub
from takes import run_in
from test_sound import Tone
from test_voice import Hum, pitch, samples_of

from bench.ears import heard, loudness
from nextscene import NextSceneError
from nextscene.cli import main
from nextscene.film import RATE, CuttingRoom, Samples, Timeline, lay_out, sound, voice
from nextscene.film.captions import make_cues
from nextscene.film.casting import cast_voices
from nextscene.film.lettering import letter
from nextscene.film.timeline import BREATH, LEAD, PAUSE
from nextscene.hub import VOICES, fetch
from nextscene.story import Story, from_data

TALK = {"prompt": "a", "lines": [{"who": "MARA", "text": "Who is there?"}, {"who": "TOM", "text": "Only me."}]}


def told(*scenes: Any, **story: Any) -> Story:
    return from_data({"scenes": list(scenes), **story})


def seconds_of(timeline: Timeline) -> list[tuple[str, float, float]]:
    """Who speaks, from when to when."""
    said = [speech for segment in timeline.segments for speech in segment.speech]
    return [(speech.who, round(float(speech.start), 3), round(float(speech.end), 3)) for speech in said]


# When they speak


def test_a_scene_stands_as_long_as_its_narration_and_its_lines_and_a_breath() -> None:
    story = told(TALK | {"narration": "Night."}, "b")
    timeline = lay_out(story, {"scene_001": [1.0, 2.0, 0.5]})
    assert seconds_of(timeline) == [
        ("", LEAD, LEAD + 1),
        ("MARA", LEAD + 1 + PAUSE, LEAD + 3 + PAUSE),
        ("TOM", LEAD + 3 + 2 * PAUSE, LEAD + 3.5 + 2 * PAUSE),
    ]
    assert float(timeline.segments[0].duration) == pytest.approx(3.5 + 2 * PAUSE + BREATH, abs=0.5 / 24)


def test_what_is_not_spoken_shares_its_scenes_time_by_its_length() -> None:
    story = told(TALK | {"duration": 21, "lines": [{"who": "A", "text": "x" * 14}, {"who": "B", "text": "x" * 7}]})
    assert seconds_of(lay_out(story)) == [("A", 0, 14), ("B", 14, 21)]


def test_each_speaker_is_heard_in_their_own_voice_at_their_own_time(tmp_path: Path) -> None:
    story = told(TALK, {"prompt": "b", "narration": "one two"})
    cast: Mapping[str, voice.Voice] = {"MARA": Hum(rate=16_000), "TOM": Hum(rate=8_000)}
    clips = voice.narrate(lay_out(story), narrator := Hum(), tmp_path, speakers=cast)
    assert [each.said for each in (cast["MARA"], cast["TOM"], narrator)] == [  # type: ignore[attr-defined]
        ["Who is there?"],
        ["Only me."],
        ["one two"],
    ]
    assert [len(spoken) for spoken in clips.values()] == [2, 1]
    assert [round(pitch(samples_of(clip))) for clip in clips["scene_001"]] == [220, 220]


def test_nobody_speaks_where_the_film_wants_no_narration(tmp_path: Path) -> None:
    room = CuttingRoom(told(TALK, film={"narration": "none"}), tmp_path / "film.mp4")
    assert room.facts().voices == {}
    assert float(room.timeline.duration) == 0.5


def test_each_line_begins_at_its_time_to_the_millisecond(tmp_path: Path) -> None:
    story = told(TALK | {"narration": "Night."}, TALK)
    clips = voice.narrate(lay_out(story), Tone(), tmp_path)
    timeline = lay_out(story, voice.measure(clips))
    sound.mix(tmp_path / "film.wav", timeline, clips)
    loud = np.abs(heard(tmp_path / "film.wav")[:, 0]) > 0.02
    begins = [at / RATE for at in np.flatnonzero(loud) if not loud[max(at - RATE // 10, 0) : at].any()]
    assert begins == pytest.approx([begin for _, begin, _ in seconds_of(timeline)], abs=0.003)


# What is read


def test_lines_are_read_with_the_speakers_names_while_they_are_said() -> None:
    story = told(TALK | {"narration": "Night."}, {"prompt": "b"})
    cues = make_cues(lay_out(story, {"scene_001": [1.0, 2.0, 0.5]}))
    assert [cue.text for cue in cues] == ["Night.", "MARA: Who is there?", "TOM: Only me.", "b"]
    starts = [LEAD, LEAD + 1 + PAUSE, LEAD + 3 + 2 * PAUSE]
    assert [float(cue.start) for cue in cues[:3]] == pytest.approx(starts, abs=0.5 / 24)
    assert all(before.end <= after.start for before, after in pairwise(cues))


def test_a_caption_of_its_own_is_read_in_their_place() -> None:
    cues = make_cues(lay_out(told(TALK | {"caption": "At the door", "duration": 4})))
    assert [cue.text for cue in cues] == ["At the door"]
    assert make_cues(lay_out(told(TALK | {"caption": ""}))) == []


def test_a_line_that_no_typeface_can_write_is_refused_by_its_scene(tmp_path: Path) -> None:
    strange = {"prompt": "a", "lines": [{"who": "A", "text": "ཀ"}]}
    with pytest.raises(NextSceneError, match=r"^Scene 1's caption has ཀ, which no typeface"):
        CuttingRoom(told(strange, film={"captions": "burned", "narration": "none"}), tmp_path / "film.mp4")


# Whose voice is whose


def cast_of(*speakers: str, here: tuple[str, ...] = (), **story: Any) -> list[str]:
    lines = [{"who": who, "text": "Yes."} for who in speakers]
    told_by = told({"prompt": "a", "narration": "Night.", "lines": lines}, **story)
    return list(cast_voices(told_by, here.__contains__).values())


def test_each_speaker_has_another_voice_than_the_narrator_and_each_other() -> None:
    assert cast_of("MARA", "TOM", "MARA", "KAI") == ["heart@0.84", "heart@1.16", "heart@0.92"]
    assert cast_of("MARA", "TOM", film={"voice": "emma"}) == ["heart", "heart@0.84"]


def test_without_a_narrator_the_first_speaker_has_the_voice_as_it_is() -> None:
    assert cast_voices(told(TALK), lambda _: False) == {"MARA": "heart", "TOM": "heart@0.84"}


def test_voices_that_were_fetched_are_taken_first() -> None:
    assert cast_of("MARA", "TOM", "KAI", here=("fenrir", "kore")) == ["fenrir", "kore", "heart@0.84"]


def test_a_story_says_whose_voice_is_whose_and_nobody_else_has_it() -> None:
    named = cast_voices(told(TALK, voices={"TOM": "heart"}), lambda _: False)
    assert named == {"TOM": "heart", "MARA": "heart@0.84"}


def test_a_name_is_the_same_however_it_is_spaced_and_commands_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = {"prompt": "a", "lines": [{"who": "OLD\x1b[2J  TOM", "text": "Yes."}]}
    room = CuttingRoom(told(strange, voices={"OLD\x1b[2J TOM": "heart@0.7"}), tmp_path / "film.mp4")
    assert room.facts().voices == {"OLD [2J TOM": "heart@0.7"}
    assert "\x1b" not in capsys.readouterr().err


def test_more_speakers_than_voices_share_them() -> None:
    voices = cast_of(*[f"P{number}" for number in range(20)])
    assert len(voices) == 20
    assert len(set(voices)) == 8


def centre(samples: Samples) -> float:
    """Around which frequency it sounds."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float((power * np.fft.rfftfreq(len(samples), 1 / RATE)).sum() / power.sum())


def test_the_built_in_voice_is_deeper_or_higher_at_the_same_pace(tmp_path: Path) -> None:
    words = told({"prompt": "a", "narration": "The city was asleep when the first train left."})
    deep, own, high = (
        voice.narrate(lay_out(words), voice.find_voice(name), tmp_path)["scene_001"][0]
        for name in ("heart@0.8", "heart", "heart@1.25")
    )
    assert centre(samples_of(deep)) < 0.92 * centre(samples_of(own))
    assert centre(samples_of(high)) > 1.08 * centre(samples_of(own))
    assert [deep.seconds, high.seconds] == pytest.approx([own.seconds] * 2, rel=0.15)


@pytest.mark.parametrize("name", ["heart@", "heart@deep", "heart@0.1", "heart@nan"])
def test_a_pitch_that_no_voice_has_is_refused(name: str) -> None:
    if name == "heart@":
        assert voice.find_voice(name).name == "hibari heart"
        return
    with pytest.raises(NextSceneError, match=r"has no pitch from 0\.6 to 1\.6: write it as heart@0\.85\."):
        voice.find_voice(name)


# Voices from the hub


@pytest.fixture
def hub(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub whose emma is heart under another name."""
    assets = Path(str(files("hibari"))) / "assets"
    known = json.loads((assets / "voices.json").read_text())
    monkeypatch.setitem(VOICES, "emma", replace(VOICES["emma"], sha256=known["heart"]["sha256"]))
    with Hub({VOICES["emma"].repo: {VOICES["emma"].file: (assets / "hibari.onnx").read_bytes()}}) as hub:
        use_endpoint(hub.url, monkeypatch)
        yield hub


def test_the_table_of_voices_is_that_of_their_package() -> None:
    known = json.loads((Path(str(files("hibari"))) / "assets" / "voices.json").read_text())
    there = {name: (f"voices/{row['file']}", row["sha256"]) for name, row in known.items() if name != "heart"}
    assert {name: (row.file, row.sha256) for name, row in VOICES.items()} == there


def test_a_voice_is_fetched_once_speaks_and_is_then_a_speakers_own(hub: Hub, tmp_path: Path) -> None:
    story = told({"prompt": "a", "lines": [{"who": "MARA", "text": "Yes."}]})
    two = told(TALK)
    assert cast_voices(two) == {"MARA": "heart", "TOM": "heart@0.84"}
    clips = voice.narrate(lay_out(story), voice.find_voice("emma"), tmp_path)
    assert np.abs(samples_of(clips["scene_001"][0])).max() > 0.1
    assert hub.downloads() == [VOICES["emma"].file]
    fetch("emma")
    assert hub.downloads() == [VOICES["emma"].file]
    assert cast_voices(two) == {"MARA": "heart", "TOM": "emma"}


def test_a_voice_with_another_checksum_than_its_package_knows_is_not_used(hub: Hub) -> None:
    hub.repos[VOICES["emma"].repo][VOICES["emma"].file] = b"something else"
    with pytest.raises(NextSceneError, match=r"^The voice emma is not the one that its package knows"):
        fetch("emma")


def test_a_voice_that_cannot_be_fetched_is_refused_with_the_scene(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_endpoint("http://127.0.0.1:9", monkeypatch)
    with pytest.raises(NextSceneError, match=r"^Scene 1's narration needs a voice: emma could not be fetched: "):
        voice.narrate(lay_out(told({"prompt": "a", "narration": "x"})), voice.find_voice("emma"), tmp_path)


# The whole way


def test_a_film_with_lines_says_and_records_who_spoke(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = run_in(tmp_path, TALK, voices={"TOM": "heart"}, film={"captions": "soft"})
    assert main(["film", str(run), "--otio"]) == 0
    assert "Voices: TOM heart, MARA heart@0.84\n" in capfd.readouterr().err
    record = json.loads((run / "run.json").read_text())["stages"]["film"]["about"]
    assert record["voices"] == {"TOM": "heart", "MARA": "heart@0.84"}
    assert "MARA: Who is there?" in (run / "sequence.srt").read_text()
    clip = json.loads((run / "sequence.otio").read_text())["tracks"]["children"][0]["children"][0]
    assert clip["metadata"]["next_scene"]["lines"] == TALK["lines"]


def test_burned_lines_stand_in_the_picture_while_they_are_said() -> None:
    overlay = letter(lay_out(told(TALK), {"scene_001": [1.0, 1.0]}))
    seen = [overlay(Fraction(tenths, 10), (320, 240)) for tenths in (1, 5, 20, 32)]
    assert [image is not None for image in seen] == [False, True, True, False]
    assert seen[1] != seen[2]


def test_narration_only_speaks_the_story_and_draws_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    story = tmp_path / "story.json"
    story.write_text(json.dumps({"scenes": [TALK, {"prompt": "b", "narration": "Night falls."}]}))
    assert main(["sequence", str(story), "--output-dir", str(tmp_path / "run"), "--narration-only"]) == 0
    assert capfd.readouterr().out == f"{tmp_path / 'run' / 'narration.wav'}\n"
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["narration", "narration.wav"]
    assert len(list((tmp_path / "run" / "narration").iterdir())) == 3
    assert -17 < loudness(tmp_path / "run" / "narration.wav")[0] < -15


def test_a_story_without_words_has_nothing_to_speak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sequence", "a | b", "--output-dir", str(tmp_path / "run"), "--narration-only"]) == 1
    assert "Nothing is spoken in this story: give its scenes narration or lines." in capsys.readouterr().err

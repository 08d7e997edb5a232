"""Sound and words by somebody who means harm: nothing of theirs opens, blocks, loops, or speaks to a terminal or player."""

import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from bench.ears import heard, music
from nextscene import NextSceneError
from nextscene.film import sound
from nextscene.film.timeline import lay_out
from nextscene.story.story import from_data

MINUTES = lay_out(from_data([{"prompt": "a", "duration": 90}]))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A sound file that nobody gave to us."""
    return music(tmp_path / "secret.mp3", "sine", 3)


# Music that names other files, or waits for somebody


def hls(folder: Path, secret: Path) -> Path:
    (folder / "song.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    )
    return folder / "song.m3u8"


def concatenation(folder: Path, secret: Path) -> Path:
    (folder / "song.mp3").write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    return folder / "song.mp3"


def session_description(folder: Path, _: Path) -> Path:
    (folder / "song.sdp").write_text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=audio 5004 RTP/AVP 0\n")
    return folder / "song.sdp"


def subtitles(folder: Path, _: Path) -> Path:
    (folder / "song.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:09.000\nla\n")
    return folder / "song.vtt"


def pipe_that_nobody_writes_to(folder: Path, _: Path) -> Path:
    os.mkfifo(folder / "song.wav")
    return folder / "song.wav"


def device(folder: Path, _: Path) -> Path:
    (folder / "song.wav").symlink_to("/dev/zero")
    return folder / "song.wav"


@pytest.mark.parametrize(
    "attack", [hls, concatenation, session_description, subtitles, pipe_that_nobody_writes_to, device]
)
def test_music_is_one_sound_file_and_nothing_else(tmp_path: Path, secret: Path, attack) -> None:
    song = attack(tmp_path, secret)
    with pytest.raises(NextSceneError, match=f"^{song.name} has no sound that can be played"):
        sound.open_music(song)


# Music whose clock lies


def with_a_gap(path: Path) -> Path:
    """A second of sound, half of it before and half of it after minutes of nothing."""
    late = "asetpts='PTS+gte(T,0.5)*100/TB'"
    command = [get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "sine=440:duration=1.1", "-af", late, str(path)]
    subprocess.run(command, check=True)
    return path


def test_music_with_a_gap_in_its_clock_is_as_long_as_its_sound(tmp_path: Path) -> None:
    song = sound.open_music(with_a_gap(tmp_path / "song.mka"))
    assert song.seconds == pytest.approx(1.1, abs=0.1)
    sound.mix(tmp_path / "film.wav", MINUTES, {}, song)
    samples = np.abs(heard(tmp_path / "film.wav")[:, 0])
    assert len(samples) == 90 * 48_000
    assert all(second.max() > 0.01 for second in np.split(samples, 90)[1:-2])

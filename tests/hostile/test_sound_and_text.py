"""Sound and words by somebody who means harm: nothing of theirs opens, blocks, loops, or is obeyed."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import photo
from imageio_ffmpeg import get_ffmpeg_exe

from bench.ears import heard, music
from nextscene import NextSceneError
from nextscene.film import CuttingRoom, ffmpeg, lay_out, sound
from nextscene.story import Story, from_data

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
def test_music_is_one_sound_file_and_nothing_else(
    tmp_path: Path, secret: Path, attack: Callable[[Path, Path], Path]
) -> None:
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


def test_an_ffmpeg_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = music(tmp_path / "song.mp3", "sine", 3)
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\nexec sleep 1000")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "ffmpeg"))
    monkeypatch.setattr(ffmpeg, "PATIENCE", 0.1)
    with pytest.raises(NextSceneError, match=r"^song\.mp3 has no sound that can be played"):
        sound.open_music(song)
    with pytest.raises(NextSceneError, match=r"film\.mp4 cannot be filmed \(ffmpeg took too long\)"):
        make(from_data(["a"]), tmp_path / "film.mp4")
    assert {path.name for path in tmp_path.iterdir()} == {"song.mp3", "ffmpeg"}


# Names


@pytest.mark.parametrize("name", ["n" * 300, "~nouser/x", "a\0b", "/proc/self/mem/x"])
def test_music_of_any_name_is_there_or_is_refused(name: str) -> None:
    with pytest.raises(NextSceneError, match=r"^There is no music .*: check its name and folder\.$"):
        sound.open_music(Path(name))


@pytest.mark.parametrize("name", ["n" * 300 + ".mp4", "n" * 300 + "/a.mp4", "file/a.mp4", "folder.mp4"])
def test_an_output_that_cannot_be_is_refused_before_anything_is_drawn(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.mp4").mkdir()
    with (
        pytest.raises(NextSceneError, match=r"cannot be written \(.*\): make room or choose another folder\.$"),
        CuttingRoom(from_data(["a"]), tmp_path / name),
    ):
        pytest.fail("a scene would be drawn now")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder.mp4"}


def test_narration_is_spoken_where_it_cannot_be_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    story = from_data([{"prompt": "a", "narration": "One."}])
    (tmp_path / "narration").write_text("in the way, as a disk that cannot be written would be")
    make(story, tmp_path / "film.mp4")
    assert np.abs(heard(tmp_path / "film.mp4")).max() > 0.1
    assert "The narration is not kept: " in capfd.readouterr().err


# Words that are orders


MARKUP = r"<b>bold</b> {\an8} {y:i} 5 <\N 6 --> 7 & <c.red>x &lt;i&gt;"
ORDERS = "a\x1b[31mred\x1b]0;title\x07 \u202eevil\u2066 \x9b2J\0 end"


def make(story: Story, path: Path) -> Path:
    with CuttingRoom(story, path) as room:
        for _ in story.scenes:
            room.add(photo(), None, None)
    return path


def with_caption(caption: str) -> Story:
    return from_data(
        {
            "title": caption,
            "film": {"captions": "soft", "otio": True},
            "scenes": [{"prompt": "a", "caption": caption, "duration": 9}],
        }
    )


def as_players_read(path: Path) -> str:
    """What ffmpeg's readers of subtitles, which most players use, make of a file: ASS, in which orders stand in {}."""
    command = [get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:s", "-f", "ass", "-"]
    _, event = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("Dialogue:")
    return event.split(",", 9)[9].strip()


@pytest.mark.parametrize("name", ["film.mp4", "film.webm", "film.srt", "film.vtt"])
def test_markup_in_captions_is_read_and_not_obeyed(tmp_path: Path, name: str) -> None:
    make(with_caption(MARKUP), tmp_path / ("film.webm" if name == "film.webm" else "film.mp4"))
    read = as_players_read(tmp_path / name).replace(r"\{{}", "\uff5b")  # how they say that it is only a brace
    assert "{" not in read
    shown = read.replace(r"\N", " ").translate({ord("\uff5b"): "{", ord("\uff5d"): "}", ord("\u2060"): None})
    assert "".join(shown.split()) == "".join(MARKUP.split())


def test_a_films_own_captions_keep_their_signs_from_being_markup(tmp_path: Path) -> None:
    with av.open(str(make(with_caption(MARKUP), tmp_path / "film.webm"))) as film:
        (packet,) = (bytes(packet).decode() for packet in film.demux(subtitles=0) if packet.size)
    assert "&lt;b&gt;bold" in packet
    assert "<b>" not in packet


def test_what_a_terminal_would_obey_is_nowhere_in_a_film(tmp_path: Path) -> None:
    path = make(with_caption(ORDERS), tmp_path / "film.mp4")
    with av.open(str(path)) as film:
        names = [film.metadata["title"], *(chapter["metadata"]["title"] for chapter in film.chapters())]
    texts = [path.with_suffix(suffix).read_text() for suffix in (".srt", ".vtt", ".otio")]
    for text in [*names, *texts]:
        assert "red" in text
        assert not set(text.replace("\\u", "\\")) & set("\x1b\x07\x9b\0\u202e\u2066")
        assert "u001b" not in text


def test_errors_quote_nothing_that_a_terminal_would_obey() -> None:
    with pytest.raises(NextSceneError, match=r"^There is no music a \[31mred: check"):
        sound.open_music(Path("a\x1b[31mred"))

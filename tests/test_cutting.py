"""From a story's own words to a film that is heard and read: terminal and Cog both come through this room."""

import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import ROOT, in_seconds, photo

from bench.ears import heard, music
from nextscene import NextSceneError
from nextscene.cli import main
from nextscene.film import CuttingRoom
from nextscene.story import Story, from_data

TRAIN = "The city was asleep when the first train left the harbour."
SPOKEN = [
    {"prompt": "a", "narration": TRAIN},
    {"prompt": "a quiet street", "caption": "Nobody saw her go.", "duration": 2},
]


def told(**film: object) -> Story:
    return from_data({"title": "Rain", "film": film, "scenes": SPOKEN})


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was spoken, kept for all of these films."""
    return tmp_path_factory.mktemp("spoken")


def made(story: Story, path: Path, spoken: Path | None = None) -> list[Path]:
    with CuttingRoom(story, path, spoken) as room:
        for _ in story.scenes:
            room.add(photo(), None, path)
    return room.files


def streams(path: Path) -> dict[str, float]:
    """Each kind of stream but chapters, and how many seconds it lasts."""
    with av.open(str(path)) as film:
        return {
            each.type: float(in_seconds(each.duration, each.time_base)) for each in film.streams if each.type != "data"
        }


def test_a_storys_narration_is_heard_in_its_film(tmp_path: Path, spoken: Path) -> None:
    assert made(told(), tmp_path / "film.mp4", spoken) == [tmp_path / "film.mp4"]
    lasts = streams(tmp_path / "film.mp4")
    assert list(lasts) == ["video", "audio"]
    assert 5 < lasts["video"] < 7
    assert lasts["audio"] == pytest.approx(lasts["video"], abs=0.03)
    samples = np.abs(heard(tmp_path / "film.mp4"))
    assert samples[: 3 * 48_000].max() > 0.2
    assert samples[-48_000:].max() < 0.01


def test_soft_captions_are_in_the_film_and_beside_it(tmp_path: Path, spoken: Path) -> None:
    files = made(told(captions="soft"), tmp_path / "film.mp4", spoken)
    assert [file.name for file in files] == ["film.mp4", "film.vtt", "film.srt"]
    with av.open(str(tmp_path / "film.mp4")) as film:
        shown = [bytes(packet)[2:].decode() for packet in film.demux(subtitles=0) if packet.size]
    assert shown == ["a", "Nobody saw her go."]
    assert "--> " in (tmp_path / "film.srt").read_text()
    assert (tmp_path / "film.vtt").read_text().startswith("WEBVTT")


def test_burned_captions_are_in_the_picture_and_not_twice(tmp_path: Path, spoken: Path) -> None:
    made(told(captions="burned"), tmp_path / "burned.mp4", spoken)
    made(told(captions="none"), tmp_path / "plain.mp4", spoken)
    assert list(streams(tmp_path / "burned.mp4")) == ["video", "audio"]
    last = []
    for name in ("burned.mp4", "plain.mp4"):
        with av.open(str(tmp_path / name)) as film:
            *_, frame = film.decode(video=0)
            last.append(frame.to_ndarray(format="gray").astype(int))
    changed = np.abs(last[0] - last[1]) > 40
    assert changed[: changed.shape[0] // 2].sum() == 0
    assert changed.sum() > 50


def test_a_film_made_again_does_not_speak_again(tmp_path: Path) -> None:
    made(told(), tmp_path / "film.mp4")
    clips = {path: path.stat().st_mtime_ns for path in (tmp_path / "narration").iterdir()}
    made(told(captions="soft"), tmp_path / "film.mp4")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "narration").iterdir()} == clips
    assert len(clips) == 1


def test_a_film_without_words_and_music_is_only_pictures(tmp_path: Path) -> None:
    made(told(narration="none"), tmp_path / "film.mp4")
    assert list(streams(tmp_path / "film.mp4")) == ["video"]
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_music_is_heard_in_its_film(tmp_path: Path) -> None:
    song = music(tmp_path / "song.mp3", "sine=440", 2)
    made(told(narration="none", music=str(song)), tmp_path / "film.mp4")
    assert np.abs(heard(tmp_path / "film.mp4")).max() > 0.05


@pytest.mark.parametrize(
    ("film", "reason"),
    [
        ({"music": "nowhere.mp3"}, r"^There is no music nowhere\.mp3"),
        ({"voice": "bob"}, "^Scene 1's narration is for the voice 'bob'"),
    ],
)
def test_what_cannot_be_heard_is_refused_before_anything_is_drawn(
    tmp_path: Path, spoken: Path, film: dict[str, str], reason: str
) -> None:
    with pytest.raises(NextSceneError, match=reason):
        CuttingRoom(told(**film), tmp_path / "film.mp4", spoken)


def test_a_film_that_fails_leaves_no_sound_behind(tmp_path: Path, spoken: Path) -> None:
    room = CuttingRoom(told(), tmp_path / "film.mp4", spoken)

    def interrupted() -> None:
        with room:
            assert (tmp_path / ".film.mp4.wav").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_film_is_not_made_again_where_nothing_has_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(ROOT / "tests/runs/version_1", tmp_path / "run")
    table = "LUT_3D_SIZE 2\n" + "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))
    (folder / "film.cube").write_text(table)
    film, command = folder / "sequence.mp4", ["film", str(folder), "--lut", str(folder / "film.cube")]

    def made_again(*more: str) -> bool:
        before = film.stat().st_mtime_ns if film.exists() else 0
        assert main([*command, *more]) == 0
        return film.stat().st_mtime_ns != before

    assert made_again()
    assert not made_again()
    assert f"{film} is made already." in capsys.readouterr().err
    assert made_again("--vignette", "0.3")
    assert made_again()
    (folder / "film.cube").write_text(table.replace("1 1 1", "1 1 0.5"))
    assert made_again()
    film.write_bytes(film.read_bytes()[:-1])
    assert made_again()
    assert not made_again()

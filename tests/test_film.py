"""A film decoded back is its scenes, each for exactly its time; a film that fails leaves nothing behind."""

import os
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from conftest import ROOT, in_seconds
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageSequence

import bench.film
from nextscene import NextSceneError
from nextscene.film import Film, Timeline, lay_out
from nextscene.film.timeline import find_borders
from nextscene.story import from_data

DURATIONS = [0.5, 0.1, 2.37, 1 / 3, 0.01, 1 / 3]
CUTS = [0, 12, 14, 71, 79, 80, 88]  # by hand: the shortest scene takes a frame of its own, 1/24 s


@cache
def scene(number: int, size: tuple[int, int] = (128, 96)) -> Image.Image:
    """An evening sky over a field, a house and the scene's number."""
    width, height = 512, 384
    sky = Image.linear_gradient("L").resize((width, height)).rotate(180)
    picture = Image.merge("RGB", [sky.point(lambda v, c=c: v * c // 4 + 30 * number % 90) for c in (1, 2, 3)])
    draw = ImageDraw.Draw(picture)
    draw.ellipse((-100, 240, 620, 700), fill=(70, 90, 40 + 10 * number))
    draw.rectangle((60 + 40 * number, 180, 180 + 40 * number, 270), fill=(140, 80, 70))
    draw.text((400, 100), str(number), font=ImageFont.load_default(120), anchor="mm", fill=(220, 230, 240))
    return picture.resize(size, Image.Resampling.LANCZOS)


def timeline(durations: list[float], **wanted: Any) -> Timeline:
    """A cut for each duration, however short."""
    borders = [Fraction(frame, 24) for frame in find_borders(durations, 24)]
    told = lay_out(from_data({"film": wanted, "scenes": ["a"] * len(durations)}))
    segments = zip(told.segments, pairwise(borders), strict=True)
    return replace(
        told, segments=tuple(replace(each, start=start, duration=end - start) for each, (start, end) in segments)
    )


def film_of(path: Path, pictures: list[Image.Image], durations: list[float], title: str = "") -> Path:
    with Film(path, timeline(durations), title) as film:
        for picture in pictures:
            film.add(picture)
    return path


def frames_of(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as film:
        shown = [frame.reformat(format="rgb24", src_colorspace="ITU709") for frame in film.decode(video=0)]
    return [np.asarray(frame.to_ndarray(), np.uint8) for frame in shown]


def likeness(frame: NDArray[np.uint8], picture: Image.Image) -> float:
    """Peak signal to noise ratio, in dB."""
    return float(10 * np.log10(255**2 / np.mean((frame.astype(float) - np.asarray(picture, float)) ** 2)))


def encoders() -> list[Path]:
    """The ffmpeg processes, running or undead, that this process has started."""
    children = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    processes = [Path("/proc") / child for child in Path(children).read_text().split()]
    return [process for process in processes if (process / "comm").read_text().startswith("ffmpeg")]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "sequence.mp4"
    return film_of(path, [scene(number) for number in range(6)], DURATIONS, "Tōkyō: a “walk” = 1;\n2")


# What the file is


def test_a_film_is_what_browsers_play(film: Path) -> None:
    with av.open(str(film)) as opened:
        assert len(opened.streams.video) == 1
        video = opened.streams.video[0]
        frame = next(opened.decode(video))
    assert (video.codec.name, video.profile, frame.format.name) == ("h264", "High", "yuv420p")
    assert (video.width, video.height) == (128, 96)
    bt709, limited = 1, 1
    assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (bt709, bt709, bt709)
    assert frame.color_range == limited


def test_a_films_index_comes_before_its_pictures(film: Path) -> None:
    content = film.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_a_film_runs_at_a_constant_24_frames_per_second(film: Path) -> None:
    with av.open(str(film)) as opened:
        video = opened.streams.video[0]
        assert video.average_rate == 24
        assert video.frames == CUTS[-1]
        assert in_seconds(video.duration, video.time_base) == Fraction(CUTS[-1], 24)
        times = [frame.time for frame in opened.decode(video)]
    assert times == pytest.approx([number / 24 for number in range(CUTS[-1])])


def test_a_film_carries_its_title_and_no_date(film: Path) -> None:
    with av.open(str(film)) as opened:
        assert opened.metadata["title"] == "Tōkyō: a “walk” = 1;\n2"
        assert "creation_time" not in opened.metadata


def test_the_same_film_twice_is_the_same_file(film: Path, tmp_path: Path) -> None:
    again = film_of(tmp_path / "a.mp4", [scene(number) for number in range(6)], DURATIONS, "Tōkyō: a “walk” = 1;\n2")
    assert again.read_bytes() == film.read_bytes()


@pytest.mark.parametrize(
    ("colour", "video"), [("red", (63, 102, 240)), ("lime", (173, 42, 26)), ("white", (235, 128, 128))]
)
def test_colours_are_converted_as_declared(tmp_path: Path, colour: str, video: tuple[int, int, int]) -> None:
    path = film_of(tmp_path / "a.mp4", [Image.new("RGB", (64, 64), colour)], [0.1])
    with av.open(str(path)) as opened:
        planes = next(opened.decode(video=0)).to_ndarray().reshape(-1)
    y, u, v = planes[: 64 * 64], planes[64 * 64 : 64 * 80], planes[64 * 80 :]
    assert (np.median(y), np.median(u), np.median(v)) == pytest.approx(video, abs=1)


# What it shows


def test_every_frame_is_the_scene_whose_time_it_is(film: Path) -> None:
    for at, frame in enumerate(frames_of(film)):
        shown = max(range(6), key=lambda number: likeness(frame, scene(number)))
        assert CUTS[shown] <= at < CUTS[shown + 1]


@pytest.mark.parametrize("size", [(128, 96), (1024, 768)])
def test_decoded_frames_are_faithful_to_their_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    path = film_of(tmp_path / "a.mp4", [scene(number, size) for number in range(3)], [0.25] * 3)
    frames = frames_of(path)
    assert len(frames) == 18
    assert min(likeness(frame, scene(at // 6, size)) for at, frame in enumerate(frames)) > 35


def test_an_odd_row_and_column_are_cut_off(tmp_path: Path) -> None:
    odd = scene(1, (127, 95))
    frame = frames_of(film_of(tmp_path / "a.mp4", [odd], [0.1]))[0]
    assert frame.shape == (94, 126, 3)
    assert likeness(frame, odd.crop((0, 0, 126, 94))) > 35


def test_later_pictures_are_fitted_to_the_first(tmp_path: Path) -> None:
    frames = frames_of(film_of(tmp_path / "a.mp4", [scene(0), scene(1, (512, 384))], [0.25, 0.25]))
    assert likeness(frames[-1], scene(1)) > 33


def test_a_picture_need_not_be_rgb(tmp_path: Path) -> None:
    frame = frames_of(film_of(tmp_path / "a.mp4", [scene(2).convert("RGBA")], [0.1]))[0]
    assert likeness(frame, scene(2)) > 35


# Its chapters, its facts, its formats


def test_every_scene_has_a_chapter_that_begins_and_ends_with_it(tmp_path: Path) -> None:
    told = lay_out(from_data({"scenes": [{"prompt": "a = b; #1\nand \\ on"}, {"prompt": "c", "duration": 0.75}]}))
    with Film(tmp_path / "a.mp4", told) as film:
        film.add(scene(0))
        film.add(scene(1))
    with av.open(str(tmp_path / "a.mp4")) as opened:
        chapters = [
            (in_seconds(c["start"], c["time_base"]), in_seconds(c["end"], c["time_base"])) for c in opened.chapters()
        ]
        names = [c["metadata"]["title"] for c in opened.chapters()]
    assert chapters == [(0, Fraction(1, 2)), (Fraction(1, 2), Fraction(5, 4))]
    assert names == ["1. a = b; #1 and \\ on", "2. c"]


def test_a_film_says_what_made_it(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.webm"):
        with Film(tmp_path / name, timeline([0.1]), "Title") as film:
            film.add(scene(0), "Next Scene 1: m, seed 42")
        with av.open(str(tmp_path / name)) as opened:
            said = {key.lower(): value for key, value in opened.metadata.items()}
        assert said["comment"] == "Next Scene 1: m, seed 42"
        assert said["title"] == "Title"


def test_webm_is_vp9_with_the_same_frames_and_chapters(tmp_path: Path) -> None:
    path = film_of(tmp_path / "a.webm", [scene(0), scene(1)], [0.5, 0.25])
    with av.open(str(path)) as opened:
        video = opened.streams.video[0]
        times = [frame.time for frame in opened.decode(video)]
        assert (video.codec.name, len(opened.chapters())) == ("vp9", 2)
        assert opened.duration == 750_000
    assert times == pytest.approx([number / 24 for number in range(18)], abs=0.0011)  # WebM counts milliseconds
    assert min(likeness(frame, scene(at // 12)) for at, frame in enumerate(frames_of(path))) > 30


def test_a_gif_stands_as_long_as_its_scenes_and_has_their_colours(tmp_path: Path) -> None:
    path = film_of(tmp_path / "a.gif", [scene(0), scene(1), scene(1)], [0.5, 1, 2])
    with Image.open(path) as gif:
        shown = [(frame.info["duration"], frame.convert("RGB")) for frame in ImageSequence.Iterator(gif)]
        assert gif.info["loop"] == 0
    assert sum(lasting for lasting, _ in shown) == 3500
    assert shown[0][0] == 500
    assert len(shown) == 3  # pictures that stand are not repeated
    assert likeness(np.asarray(shown[0][1]), scene(0)) > 33
    assert likeness(np.asarray(shown[-1][1]), scene(1)) > 33


def test_the_same_webm_or_gif_twice_is_the_same_file(tmp_path: Path) -> None:
    for suffix in ("webm", "gif"):
        one, other = (film_of(tmp_path / f"{name}.{suffix}", [scene(0)], [0.2]) for name in "ab")
        assert one.read_bytes() == other.read_bytes()


def test_a_name_that_is_no_films_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NextSceneError, match=r"^a\.avi has no known film format: name it \.mp4, \.webm or \.gif\.$"):
        Film(tmp_path / "a.avi", timeline([1]))


def test_a_film_may_be_twice_as_large_as_its_scenes(tmp_path: Path) -> None:
    with Film(tmp_path / "a.mp4", timeline([0.1]), upscale=2) as film:
        film.add(scene(0))
    frame = frames_of(tmp_path / "a.mp4")[0]
    assert frame.shape == (192, 256, 3)
    assert likeness(frame, scene(0).resize((256, 192), Image.Resampling.LANCZOS)) > 35


def test_the_films_own_frame_rate_changes_no_time(tmp_path: Path) -> None:
    told = lay_out(from_data({"film": {"video_fps": 30}, "scenes": ["a", {"prompt": "b", "duration": 1.1}]}))
    with Film(tmp_path / "a.mp4", told) as film:
        film.add(scene(0))
        film.add(scene(1))
    with av.open(str(tmp_path / "a.mp4")) as opened:
        assert opened.streams.video[0].average_rate == 30
        assert opened.streams.video[0].frames == 48
    shown = frames_of(tmp_path / "a.mp4")
    assert likeness(shown[14], scene(0)) > 33
    assert likeness(shown[15], scene(1)) > 33


def test_a_film_of_300_scenes_takes_no_more_memory_than_a_short_one() -> None:
    """Measured in processes of their own, each the most that it ever held."""
    peaks = []
    for scenes in (30, 300):
        code = (
            "import re, tempfile, pathlib; from PIL import Image; from nextscene.film.encoder import Film;"
            "from nextscene.story.story import from_data; from nextscene.film.timeline import lay_out\n"
            f"told = lay_out(from_data({{'fps': 10, 'film': {{'transition': 'crossfade', 'move': 'auto'}},"
            f" 'scenes': ['a'] * {scenes}}}))\n"
            "with tempfile.TemporaryDirectory() as folder:\n"
            "    with Film(pathlib.Path(folder, 'a.mp4'), told) as film:\n"
            f"        for n in range({scenes}): film.add(Image.new('RGB', (128, 96), (n % 256, 90, 30)))\n"
            "print(re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1])"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 4000  # kB


def test_the_bench_compares_films_of_the_very_same_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.film, "SIZE", (128, 96))
    told, shown = timeline([0.25, 0.25], transition="crossfade", move="auto"), [scene(0), scene(1)]
    bench.film.lay_frames(tmp_path, told, shown)
    bench.film.by_hand(tmp_path, told)
    bench.film.ours(tmp_path, told, shown)
    assert np.array_equal(frames_of(tmp_path / "hand.mp4"), frames_of(tmp_path / "ours.mp4"))


# When things go wrong


class Cancelled(BaseException):
    pass


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt, Cancelled])
def test_an_interrupted_film_leaves_no_file_and_no_process(tmp_path: Path, kind: type[BaseException]) -> None:
    def interrupted() -> None:
        with Film(tmp_path / "a.mp4", timeline([5])) as film:
            film.add(scene(0))
            assert len(encoders()) == 1
            raise kind

    with pytest.raises(kind):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    assert encoders() == []


def test_a_film_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("the film before")
    with Film(tmp_path / "a.mp4", timeline([0.5])) as film:
        film.add(scene(0))
        assert (tmp_path / "a.mp4").read_text() == "the film before"
    assert len(frames_of(tmp_path / "a.mp4")) == 12
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mp4"]
    assert encoders() == []


def test_a_film_without_a_picture_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NextSceneError, match=r"^a\.mp4 would be a film without a picture"):
        film_of(tmp_path / "a.mp4", [], [1])
    assert list(tmp_path.iterdir()) == []


def test_names_that_ffmpeg_would_misread_are_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    film_of(Path("-new:folder") / "pipe:1 %03d é.mp4", [scene(0)], [0.1])
    assert [path.name for path in (tmp_path / "-new:folder").iterdir()] == ["pipe:1 %03d é.mp4"]


def test_a_folder_that_cannot_be_made_is_refused_before_the_first_picture(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NextSceneError, match="File exists"):
        film_of(tmp_path / "file" / "a.mp4", [], [1])


def test_a_size_that_cannot_be_encoded_is_refused_in_the_encoders_words(tmp_path: Path) -> None:
    with pytest.raises(NextSceneError, match=r"\(invalid width x height \(20000x2\)\)"):
        film_of(tmp_path / "a.mp4", [Image.new("RGB", (20_000, 2))], [10])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_vanishes_under_the_film_is_an_error(tmp_path: Path) -> None:
    def vanishing() -> None:
        with Film(tmp_path / "folder" / "a.mp4", timeline([0.5])) as film:
            film.add(scene(0))
            shutil.rmtree(tmp_path / "folder")

    with pytest.raises(NextSceneError, match=r"a\.mp4 cannot be filmed"):
        vanishing()
    assert encoders() == []


def test_a_film_that_outgrows_its_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    noise = [Image.effect_noise((256, 192), 99).convert("RGB") for _ in range(4)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(NextSceneError, match=r"a\.mp4 cannot be filmed"):
            film_of(tmp_path / "a.mp4", noise, [10.0] * 4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
    assert encoders() == []

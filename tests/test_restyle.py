"""A film that is there, in another look: what comes in, what is carried, what is drawn, and how a run goes on."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import clips
import imageio_ffmpeg
import numpy as np
import pytest
from hosted import Hosted
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nextscene import NextSceneError, replicate_client
from nextscene.cli import main
from nextscene.film import Frame, NewFilm, motion, open_footage
from nextscene.hub import find
from nextscene.model import Model
from nextscene.production import Production
from nextscene.request import Request
from nextscene.restyle import Order, Restyling
from nextscene.restyle.carrying import carry
from nextscene.restyle.cuts import SMALL, find_cuts
from nextscene.restyle.pieces import Pieces
from nextscene.restyle.stretches import find_stretches
from nextscene.settings import FilmSettings, RestyleSettings, StorySettings
from nextscene.shooting import Studio
from nextscene.story import from_prompts
from storybook.world import Moment, State, draw

HOUSE = State("sea", "noon", "clear", "house", "red", layout=3)
PLACES = (HOUSE, State("city", layout=1, colour="blue"), State("forest", landmark="balloon"), State("desert", "night"))
QUICK = StorySettings(steps=2, seed=3, guidance=1.0)


def panned(state: State, frames: int, size: tuple[int, int] = (64, 48), by: float = 1 / 12) -> list[Frame]:
    """The camera pans, by so much of a step from frame to frame."""
    return [np.asarray(draw(state, *size, moment=Moment(pan=by * at))) for at in range(frames)]


def ffmpeg(folder: Path, *options: str) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *options], cwd=folder, check=True)


def film(path: Path, frames: Sequence[Frame], fps: int = 8) -> Path:
    height, width = frames[0].shape[:2]
    with NewFilm(path, (width, height), Fraction(fps), None, {}) as new:
        for frame in frames:
            new.add(frame)
    return path


@pytest.fixture(autouse=True, scope="module")
def _small_motions() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(motion, "NEAREST", 64)  # a tenth of the time, for pictures that are small anyway
        yield


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phone's video: held upright, frames that come unevenly, sound that goes on after the picture."""
    folder = tmp_path_factory.mktemp("phone")
    picture = "testsrc2=size=96x64:rate=30:duration=1.5"
    uneven = "select='lt(mod(n,5),3)',setpts=PTS+0.5/TB*gt(N\\,12)"
    sound = "sine=440:duration=4"
    encoders = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-fps_mode", "vfr", "-c:a", "aac"]
    ffmpeg(folder, *["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-vf", uneven], *encoders, "a.mp4")
    ffmpeg(folder, "-display_rotation", "90", "-i", "a.mp4", "-c", "copy", "phone.mp4")
    return folder / "phone.mp4"


def test_a_phones_video_is_seen_upright_and_at_an_even_pace_for_as_long_as_it_takes(phone: Path) -> None:
    footage = open_footage(phone)
    assert (footage.width, footage.height, footage.fps, footage.sound) == (64, 96, Fraction(30), "aac")
    assert "come unevenly" in footage.notes[0]
    frames = list(footage.frames(32, 48))
    assert frames[0].shape == (48, 32, 3)
    assert len(frames) == pytest.approx(60, abs=2)  # it stands still for half a second


def test_a_new_film_keeps_the_sound_to_its_end(phone: Path, tmp_path: Path) -> None:
    footage = open_footage(phone)
    with NewFilm(tmp_path / "new.mp4", (32, 48), footage.fps, footage, {}) as new:
        for frame in footage.frames(32, 48):
            new.add(frame)
    with av.open(str(tmp_path / "new.mp4")) as opened:
        heard = opened.streams.audio[0]
        assert float((heard.duration or 0) * (heard.time_base or 0)) == pytest.approx(4, abs=0.1)


def test_odd_sizes_and_a_single_frame_are_films_too(tmp_path: Path) -> None:
    ffmpeg(tmp_path, *["-f", "lavfi", "-i", "testsrc=size=173x97:rate=25", "-frames:v", "1", "-c:v", "ffv1", "one.mkv"])
    footage = open_footage(tmp_path / "one.mkv")
    assert (footage.width, footage.height, footage.sound) == (173, 97, "")
    assert [frame.shape for frame in footage.frames(172, 96)] == [(96, 172, 3)]


def refused(name: str, folder: Path) -> None:
    """Writes what is no film under this name."""
    if name == "still.png":
        Image.new("RGB", (64, 64)).save(folder / name)
    elif name == "sound.m4a":
        ffmpeg(folder, *f"-f lavfi -i sine=440:duration=0.2 -c:a aac {name}".split())
    elif name == "cut.mp4":
        film(folder / "whole.mp4", panned(HOUSE, 2))
        (folder / name).write_bytes((folder / "whole.mp4").read_bytes()[:2000])
    elif name == "narrow.mkv":
        ffmpeg(folder, *f"-f lavfi -i testsrc2=size=640x64:rate=25 -frames:v 1 -c:v ffv1 {name}".split())
    elif name == "list.m3u8":
        (folder / name).write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nowhere.mp4", "nowhere.mp4 is not there: give a video's file"),
        (".", "is a folder: give a video's file"),
        ("still.png", "still.png is a still picture: give a film, or draw on from the picture"),
        ("sound.m4a", "sound.m4a holds no moving picture, only sound or data: give a video"),
        ("cut.mp4", "cut.mp4 cannot be read as a film"),
        ("list.m3u8", "list.m3u8 cannot be read as a film"),
        ("narrow.mkv", "narrow.mkv is 640x64, which cannot be drawn"),
    ],
)
def test_what_is_no_film_is_refused_in_a_sentence(name: str, why: str, tmp_path: Path) -> None:
    refused(name, tmp_path)
    with pytest.raises(NextSceneError, match=why):
        Restyling(Order(film=tmp_path / name, words="night falls", folder=tmp_path / "out"), find("storybook"))


def test_empty_words_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["restyle", str(film(tmp_path / "a.mp4", panned(HOUSE, 2))), "  "]) == 1
    assert "The words are empty: say how the film is to look" in capfd.readouterr().err


def small(frames: Sequence[Frame]) -> list[Frame]:
    return [np.asarray(Image.fromarray(frame).resize(SMALL)) for frame in frames]


def test_three_cuts_are_found_and_a_pan_and_a_flash_are_none() -> None:
    shots = [panned(state, 6) for state in PLACES]
    assert find_cuts(small([frame for shot in shots for frame in shot])) == (24, [0, 6, 12, 18])
    pan = panned(HOUSE, 16, by=1 / 4)
    pan[7] = np.clip(pan[7].astype(int) + 150, 0, 255).astype(np.uint8)
    assert find_cuts(small(pan)) == (16, [0])
    assert find_cuts(small(pan[:1])) == (1, [0])
    assert find_cuts([]) == (0, [])


@settings(max_examples=40)
@given(st.integers(1, 200), st.sets(st.integers(1, 199)), st.integers(1, 20))
def test_every_frame_is_in_one_stretch_between_keyframes_that_are_near(frames: int, cuts: set[int], every: int) -> None:
    stretches = find_stretches(frames, [0, *sorted(cut for cut in cuts if cut < frames)], every)
    assert [number for each in stretches for number in range(each.first, each.last + 1)] == list(range(frames))
    for each in stretches:
        assert (each.keys[0], each.keys[-1]) == (each.first, each.last)
        assert all(0 <= two - one <= every for one, two in zip(each.keys, each.keys[1:], strict=False))


def apart(one: Any, other: Any) -> float:
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def test_night_is_carried_along_the_day_and_what_comes_into_view_is_known_to_be_unknown() -> None:
    day, night = (panned(HOUSE.but(light=light), 13, (128, 96), by=1 / 12) for light in ("noon", "night"))
    carried = carry(day[12], day[0], night[0])
    assert apart(carried.picture, night[12]) < apart(night[0], night[12]) / 2
    assert carried.seen[:, 40:100].mean() > 0.85
    assert carried.seen[:, -8:].mean() < 0.3


@pytest.fixture(scope="module")
def pan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shots, of five frames and of two."""
    return film(tmp_path_factory.mktemp("pan") / "pan.mp4", [*panned(HOUSE, 5), *panned(PLACES[1], 2)])


class Counting:
    """A studio that counts what it draws, and is called away after so many."""

    def __init__(self, model: Model, most: int = 1000) -> None:
        self.drawn, self._most, self._studio = 0, most, Studio(model)
        self.use = self._studio.use

    def draw(self, *given: Any, **more: Any) -> Any:
        if self.drawn == self._most:
            raise KeyboardInterrupt
        self.drawn += 1
        return self._studio.draw(*given, **more)


def restyled(
    source: Path, folder: Path, weights: Path, studio: Counting | None, film: FilmSettings = FilmSettings(), **how: Any
) -> tuple[list[Path], dict[str, Any]]:
    order = Order(
        film=source,
        words="night falls",
        folder=folder,
        settings=QUICK,
        film_settings=film,
        restyle=RestyleSettings(every=4, **how),
        at_home=True,
    )

    def load() -> Any:
        assert studio, "nothing is to be drawn"
        return studio

    files = list(Restyling(order, find(str(weights))).run(load))
    return files, json.loads((folder / "restyle.json").read_text())


def frames_of(path: Path) -> list[Frame]:
    footage = open_footage(path)
    return list(footage.frames(footage.width, footage.height))


@pytest.fixture(scope="module")
def night(pan: Path, tmp_path_factory: pytest.TempPathFactory, loaded: Model, weights_folder: Path) -> Any:
    """That film restyled: its folder, its record, and how many drawings it took."""
    studio, folder = Counting(loaded), tmp_path_factory.mktemp("night")
    _, record = restyled(pan, folder, weights_folder, studio)
    return folder, record, studio.drawn


def test_a_film_is_restyled_with_few_drawings_and_its_record_says_how_steady_and_true_it_is(night: Any) -> None:
    folder, record, drawn = night
    assert len(frames_of(folder / "film.mp4")) == 7
    assert frames_of(folder / "side-by-side.mp4")[0].shape == (48, 128, 3)
    assert record["keyframes"] == [1, 5, 6, 7]
    assert drawn == len(record["drawn"]) < 7
    assert record["source"]["cuts"] == [6]
    assert record["measures"]["warp_error"] < 0.2
    assert 0 < record["measures"]["warp_error_of_the_source"] < 0.1
    assert 0 <= record["measures"]["structure"] <= 1
    assert sorted(file.name[-5] for file in (folder / "frames").iterdir()) == ["1", "5", "6", "7"]


def test_a_run_that_was_stopped_goes_on_and_comes_to_the_same_film(
    pan: Path, night: Any, tmp_path: Path, small: Model, weights_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, _, drawn = night
    with pytest.raises(KeyboardInterrupt):
        restyled(pan, tmp_path, weights_folder, Counting(small, most=drawn - 1))
    assert not (tmp_path / "film.mp4").exists()
    rest = Counting(small)
    restyled(pan, tmp_path, weights_folder, rest)
    assert rest.drawn == 1
    assert (tmp_path / "film.mp4").read_bytes() == (folder / "film.mp4").read_bytes()
    capfd.readouterr()
    restyled(pan, tmp_path, weights_folder, None)
    assert "film.mp4 is made already." in capfd.readouterr().err


def test_other_colours_draw_no_keyframe_again_and_other_words_draw_all(
    tmp_path: Path, small: Model, weights_folder: Path
) -> None:
    source = film(tmp_path / "still.mp4", [*panned(HOUSE, 1)] * 5)
    first = Counting(small)
    (made, *_), _ = restyled(source, tmp_path / "out", weights_folder, first)
    plain = frames_of(made)
    (made, *_), record = restyled(source, tmp_path / "out", weights_folder, None, FilmSettings(grade="noir"))
    assert first.drawn == 1  # what stands still is drawn once
    assert apart(frames_of(made)[0], plain[0]) > 2
    assert record["film"] == {"grade": "noir"}


def test_per_frame_draws_each_frame_alone(tmp_path: Path, small: Model, weights_folder: Path) -> None:
    studio = Counting(small)
    source = film(tmp_path / "pan.mp4", panned(HOUSE, 2))
    restyled(source, tmp_path / "out", weights_folder, studio, per_frame=True, keep_frames=True)
    assert studio.drawn == 2
    assert len(list((tmp_path / "out" / "frames").iterdir())) == 2


def test_one_look_says_how_a_story_and_a_film_are_drawn_and_coloured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = {"negative_prompt": "neon", "guidance": 3.0, "lora_weights": "me/lora", "lora_weights_scale": 0.5}
    (tmp_path / "look.json").write_text(json.dumps({**drawn, "film": {"grade": "cool", "vignette": 0.4}}))
    look = StorySettings(look=str(tmp_path / "look.json"))
    monkeypatch.setenv("NEXT_SCENE_VACE_MODEL", str(clips.model_for("vace")))
    source, folder = film(tmp_path / "a.mp4", panned(HOUSE, 2)), tmp_path / "out"
    pictures, by_vace = (
        Restyling(
            Order(
                film=source,
                words="night falls",
                folder=folder,
                settings=look,
                restyle=RestyleSettings.checked(engine=engine),
                at_home=True,
            ),
            find("storybook"),
        ).plan
        for engine in ("pictures", "vace")
    )
    story = Production(
        Request(story=from_prompts(["a"]), folder=folder, settings=look, at_home=True), find("storybook")
    )
    for shot in (pictures.shot, story.shots[0]):
        said = shot.look.model_dump() | {"lora_weights": shot.lora_weights}
        assert {name: said[name] for name in drawn} == drawn
    assert story.story.film.given == pictures.story.film.given == {"grade": "cool", "vignette": 0.4}
    assert (pictures.grade.vignette, pictures.grade.table is None) == (0.4, False)
    assert by_vace.clip
    assert (by_vace.clip.negative_prompt, by_vace.clip.guidance) == ("neon", 3.0)


def test_a_dry_run_counts_and_writes_nothing(pan: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["restyle", str(pan), "night falls", "--dry-run", "--seed", "3", "--output-dir", str(tmp_path / "out")]
    assert main(command) == 0
    said = capfd.readouterr().out
    assert "pan.mp4: 7 frames, 0.9 s at 8 a second, 2 shots, 64x48; it has no sound." in said
    assert "4 keyframes; 3 frames are carried between them" in said
    assert not (tmp_path / "out").exists()


def test_a_strangers_film_in_the_folder_is_not_overwritten(pan: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "film.mp4").write_bytes(b"holidays")
    with pytest.raises(NextSceneError, match="is in the way, and it was not made here"):
        Restyling(Order(film=pan, words="night falls", folder=tmp_path / "out"), find("storybook"))


def ordered(source: Path, folder: Path, engine: str, **how: Any) -> Restyling:
    order = Order(
        film=source,
        words="snow falls",
        folder=folder,
        settings=StorySettings(seed=3),
        restyle=RestyleSettings.checked(engine=engine, **how),
        at_home=True,
    )
    return Restyling(order, find("storybook"))


def draws_nothing() -> Any:
    raise AssertionError("the model that draws is not needed")


def test_a_model_for_films_goes_on_from_piece_to_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_VACE_MODEL", str(clips.model_for("vace")))
    source = film(tmp_path / "pan.mp4", panned(HOUSE, 12))
    restyling = ordered(source, tmp_path / "out", "vace", keep_frames=True)
    assert "2 pieces of up to 9 frames by vace at 64x48, 2 steps" in "".join(restyling.plan.describe())
    (made, *_) = restyling.run(draws_nothing)
    assert len(frames_of(made)) == 12
    frames = tmp_path / "out" / "frames"
    (frames / "frame_000011.png").unlink()
    before = [(frames / f"frame_{number:06d}.png").read_bytes() for number in range(1, 13) if number != 11]
    list(ordered(source, tmp_path / "out", "vace", keep_frames=True).run(draws_nothing))
    assert [(frames / f"frame_{number:06d}.png").read_bytes() for number in range(1, 13) if number != 11] == before


def test_a_hosted_model_is_sent_pieces_and_its_film_has_the_sources_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = film(tmp_path / "pan.mp4", panned(HOUSE, 5))
    film(tmp_path / "made.mp4", panned(PLACES[1], 9, size=(128, 96)), fps=16)
    with Hosted((tmp_path / "made.mp4").read_bytes(), looks=1) as api:
        monkeypatch.setenv("REPLICATE_API_TOKEN", "a-token")
        monkeypatch.setenv("REPLICATE_API_BASE_URL", api.url)
        monkeypatch.setattr(replicate_client, "sleep", lambda _: None)
        (made, *_) = ordered(source, tmp_path / "out", "replicate").run(draws_nothing)
    assert [frame.shape for frame in frames_of(made)] == [(48, 64, 3)] * 5
    (inputs,) = api.inputs
    assert (inputs["prompt"], inputs["seed"], inputs["video"]) == ("snow falls", 3, f"{api.url}/v1/files/f1")
    assert b"video/mp4" in api.uploads[0]


@pytest.mark.parametrize(
    ("engine", "how", "why"),
    [
        ("vace", {}, "The clip engine vace needs a GPU of at least"),
        ("replicate", {}, "needs REPLICATE_API_TOKEN"),
        ("replicate", {"hosted_model": "a/b"}, "How a/b calls its inputs is not known here"),
        ("replicate", {"per_frame": True}, "per_frame is for the engine pictures"),
    ],
)
def test_an_engine_that_cannot_work_is_refused_before_anything_is_made(
    engine: str, how: dict[str, Any], why: str, pan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEXT_SCENE_VACE_MODEL", raising=False)
    if how:
        monkeypatch.setenv("REPLICATE_API_TOKEN", "a-token")
    else:
        monkeypatch.delenv("REPLICATE_API_TOKEN", raising=False)
    with pytest.raises(NextSceneError, match=why):
        ordered(pan, tmp_path, engine, **how)


@settings(max_examples=40)
@given(st.integers(1, 120), st.integers(6, 40), st.integers(0, 5))
def test_pieces_cover_a_stretch_and_none_is_longer_than_its_engine_makes(frames: int, most: int, overlap: int) -> None:
    pieces = Pieces(most, 4, overlap).of(find_stretches(frames, [0], 8)[0])
    assert [number for first, last in pieces for number in range(first, last + 1)] == list(range(frames))
    assert all(last - first + 1 + overlap * (at > 0) <= most for at, (first, last) in enumerate(pieces))

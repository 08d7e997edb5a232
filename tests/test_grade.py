"""A film's grade: known colours go in, known colours come out; the scenes themselves stay as they are."""

from pathlib import Path

import numpy as np
import pytest
from conftest import photo, same
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from takes import made_of

from nextscene import NextSceneError
from nextscene.cli import main
from nextscene.film import CuttingRoom
from nextscene.film.grade import GRADES, UNGRADED, Grade, named, read_cube
from nextscene.settings import FilmSettings, GradeName
from nextscene.story import from_data

FRAME = np.asarray(photo(96, 64))
IDENTITY = 'TITLE "as it is"\nLUT_3D_SIZE 2\n# red first\n' + "\n".join(
    f"{red} {green} {blue}" for blue in (0, 1) for green in (0, 1) for red in (0, 1)
)
SWAPPED = "LUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n" + "\n".join(
    f"{blue} {green} {red}" for blue in (0, 1) for green in (0, 1) for red in (0, 1)
)


def frame_of(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((4, 4, 3), (red, green, blue), np.uint8)


def cube(folder: Path, text: str) -> Path:
    (folder / "film.cube").write_text(text)
    return folder / "film.cube"


def test_without_a_grade_a_frame_is_the_very_frame() -> None:
    assert Grade.of(FilmSettings()) == UNGRADED
    assert UNGRADED(FRAME, 3) is FRAME


def test_a_cube_file_says_every_colour(tmp_path: Path) -> None:
    assert np.abs(Grade(read_cube(cube(tmp_path, IDENTITY)))(FRAME, 0).astype(int) - FRAME).max() <= 1
    swapped = Grade(read_cube(cube(tmp_path, SWAPPED)))(FRAME, 0)
    assert np.abs(swapped.astype(int) - FRAME[:, :, ::-1]).max() <= 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no LUT_3D_SIZE"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1 1", "has no LUT_3D_SIZE"),
        ("LUT_3D_SIZE 400", "has no LUT_3D_SIZE from 2 to 65"),
        ("LUT_3D_SIZE 2\n0 0 0", "has 1 rows of colours, not 8"),
        (IDENTITY.replace("1 1 1", "1 1"), "not 8 of three numbers"),
        (IDENTITY.replace("0 0 0", "0 0 0.x"), "'0 0 0.x' where numbers should be"),
        ("LUT_3D_SIZE two", "'two' where numbers should be"),
        ("DOMAIN_MAX 4 4 4\n" + IDENTITY, "another DOMAIN_MAX than 1"),
    ],
)
def test_what_is_no_table_of_colours_is_refused_in_a_sentence(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(NextSceneError, match=why):
        read_cube(cube(tmp_path, text))
    with pytest.raises(NextSceneError, match="cannot be read"):
        read_cube(tmp_path / "nowhere.cube")


@pytest.mark.parametrize("name", GRADES)
def test_every_grade_keeps_what_is_dark_darker_than_what_is_light(name: GradeName) -> None:
    greys = [Grade(named(name))(frame_of(level, level, level), 0).mean() for level in range(0, 256, 15)]
    assert greys == sorted(greys)
    assert greys[-1] - greys[0] > 150


def test_grades_are_what_their_names_say() -> None:
    def graded(name: GradeName, *colour: int) -> list[int]:
        return [int(channel) for channel in Grade(named(name))(frame_of(*colour), 0)[0, 0]]

    red, green, blue = graded("noir", 200, 40, 90)
    assert red == green == blue
    shadow, light = graded("teal_orange", 40, 40, 40), graded("teal_orange", 220, 220, 220)
    assert shadow[2] > shadow[0]  # teal
    assert light[0] > light[2]  # orange
    assert graded("warm", 128, 128, 128)[0] > graded("warm", 128, 128, 128)[2]
    assert graded("cool", 128, 128, 128)[0] < graded("cool", 128, 128, 128)[2]
    assert np.ptp(graded("faded", 220, 40, 40)) < 150


def test_a_vignette_takes_light_from_the_corners_and_none_from_the_middle() -> None:
    white = np.full((101, 151, 3), 255, np.uint8)
    dark = Grade(vignette=1)(white, 0)
    assert dark[50, 75].tolist() == [255] * 3
    assert dark[0, 0, 0] == dark[-1, -1, 0] == pytest.approx(64, abs=1)
    assert Grade(vignette=0.3)(white, 0)[0, 0, 0] > dark[0, 0, 0]


@given(grain=st.floats(0.05, 1), number=st.integers(0, 10**6))
def test_grain_is_the_same_for_the_same_frame_and_as_strong_as_asked(grain: float, number: int) -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    one, other = Grade(grain=grain)(grey, number), Grade(grain=grain)(grey, number + 1)
    assert np.array_equal(one, Grade(grain=grain)(grey, number))
    assert not np.array_equal(one, other)
    assert np.ptp(one, axis=2).max() == 0  # of light, not of colour
    assert one.std() == pytest.approx(16 * grain, rel=0.15, abs=0.5)


def test_a_graded_film_has_its_colours_and_its_scenes_keep_theirs(tmp_path: Path) -> None:
    story, scene = from_data({"scenes": ["a"], "fps": 4, "film": {"grade": "noir"}}), photo(96, 64)
    before = scene.copy()
    with CuttingRoom(story, tmp_path / "film.gif") as room:
        room.add(scene, made_of(), None)
    with Image.open(tmp_path / "film.gif") as film:
        shown = np.asarray(film.convert("RGB")).astype(int)
    assert np.ptp(shown, axis=2).max() <= 8
    assert same(scene, before)


def test_a_strangers_story_opens_no_table_outside_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story, out = tmp_path / "story" / "story.json", tmp_path / "out"
    story.parent.mkdir()
    story.write_text('{"scenes": ["a"], "film": {"lut": "../film.cube"}}')
    cube(tmp_path, IDENTITY)
    assert main(["sequence", str(story), "--output-dir", str(out), "--output-video", str(out / "a.mp4")]) == 1
    assert "names the file '../film.cube', which is not in its folder: give it with --lut." in capsys.readouterr().err
    assert not out.exists()

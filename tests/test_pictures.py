"""Pictures of every kind come in as plain RGB or are refused in a sentence; pictures go out whole, with their facts."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import files_of_at_most
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, ImageDraw

from nextscene import NextSceneError, pictures

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
SUFFIXES = [".png", ".webp", ".jpg", ".jpeg"]
FACTS = {"prompt": 'Next Scene: 雪の夜, "a café" — 🌙\n', "seed": 2**31 - 1, "lora": {"scale": 0.75}, "steps": None}


@pytest.fixture
def picture() -> Image.Image:
    """Red on the left, blue on the right, a white square in the middle."""
    drawn = Image.new("RGB", (64, 32), RED)
    draw = ImageDraw.Draw(drawn)
    draw.rectangle((32, 0, 63, 31), fill=BLUE)
    draw.rectangle((24, 8, 39, 23), fill=WHITE)
    return drawn


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def assert_near(one: Image.Image, other: Image.Image, at_most: int) -> None:
    assert (one.mode, one.size) == (other.mode, other.size)
    assert np.abs(np.asarray(one, int) - np.asarray(other, int)).max() <= at_most


# Pictures in


EXACT = ["RGB.png", "RGB.bmp", "RGB.tiff", "RGB.ppm", "RGB.jp2", "P.png", "P.gif", "RGBA.png", "RGBA.tiff", "CMYK.tiff"]


@pytest.mark.parametrize("name", EXACT)
def test_a_picture_of_any_kind_comes_in_as_the_same_plain_rgb(picture: Image.Image, tmp_path: Path, name: str) -> None:
    picture.convert(Path(name).stem).save(tmp_path / name)
    assert_near(pictures.read(tmp_path / name), picture, 0)


@pytest.mark.parametrize("name", ["RGB.jpg", "CMYK.jpg", "RGB.webp", "RGB.avif"])
def test_a_lossy_picture_comes_in_as_nearly_the_same_plain_rgb(tmp_path: Path, name: str) -> None:
    smooth = Image.linear_gradient("L").convert("RGB")
    smooth.convert(Path(name).stem).save(tmp_path / name, quality=95)
    assert_near(pictures.read(tmp_path / name), smooth, 6)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_stays_grey(picture: Image.Image, tmp_path: Path, mode: str) -> None:
    picture.convert(mode).save(tmp_path / "a.png")
    assert_near(pictures.read(tmp_path / "a.png"), picture.convert(mode).convert("RGB"), 0)


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    see_through = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    see_through.putpixel((1, 0), (0, 0, 255, 128))
    see_through.save(tmp_path / "a.png")
    read = pictures.read(tmp_path / "a.png")
    assert [read.getpixel((x, 0)) for x in (0, 1)] == [WHITE, (127, 127, 255)]


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_a_transparent_palette_colour_lies_on_white(picture: Image.Image, tmp_path: Path, name: str) -> None:
    palette = picture.quantize(4)
    red = palette.getpixel((0, 0))
    palette.save(tmp_path / name, transparency=red)
    read = pictures.read(tmp_path / name)
    assert [read.getpixel((x, 0)) for x in (0, 63)] == [WHITE, BLUE]


@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_sixteen_bits_are_scaled_to_eight_not_clipped(tmp_path: Path, name: str) -> None:
    ramp = np.arange(256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(np.maximum(ramp * 257, 100) - 100).save(tmp_path / name)
    assert np.array_equal(np.asarray(pictures.read(tmp_path / name))[..., 0], ramp)


def test_floating_point_runs_from_black_to_white(tmp_path: Path) -> None:
    ramp = np.arange(256).reshape(16, 16)
    Image.fromarray((ramp / 255).astype(np.float32)).save(tmp_path / "a.tiff")
    assert np.array_equal(np.asarray(pictures.read(tmp_path / "a.tiff"))[..., 0], ramp)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_an_animation_gives_its_first_picture(tmp_path: Path, name: str) -> None:
    first, second = Image.new("RGB", (8, 8), RED), Image.new("RGB", (8, 8), BLUE)
    first.save(tmp_path / name, save_all=True, append_images=[second], lossless=True)
    assert_near(pictures.read(tmp_path / name), first, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_or_mirrored_photograph_comes_in_upright(
    picture: Image.Image, tmp_path: Path, orientation: int
) -> None:
    turns = dict(zip((2, 3, 4, 5, 6, 7, 8), (0, 3, 1, 5, 2, 6, 4), strict=True))  # what the camera did, as PIL's method
    stored = picture.transpose(Image.Transpose(turns[orientation])) if orientation > 1 else picture
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    assert_near(pictures.read(tmp_path / "a.png"), picture, 0)


def test_damaged_exif_does_not_cost_the_picture_or_its_rotation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Software] = "x"
    software, width = b"\x01\x31", b"\x01\x00"
    width_in_words = exif.tobytes().replace(software, width)
    Image.new("RGB", (8, 4)).save(tmp_path / "a.jpg", exif=width_in_words)
    assert pictures.read(tmp_path / "a.jpg").size == (4, 8)


def test_colours_are_brought_to_srgb_by_the_pictures_own_profile(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")
    Image.new("RGB", (4, 4), RED).save(tmp_path / "a.png", icc_profile=swapped)
    assert_near(pictures.read(tmp_path / "a.png"), Image.new("RGB", (4, 4), BLUE), 2)


@pytest.mark.parametrize(
    "profile", [b"no profile at all", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()]
)
def test_a_profile_that_cannot_be_used_is_ignored(picture: Image.Image, tmp_path: Path, profile: bytes) -> None:
    picture.save(tmp_path / "a.png", icc_profile=profile)
    assert_near(pictures.read(tmp_path / "a.png"), picture, 0)


def test_nothing_of_the_files_metadata_comes_in(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "a.png", dpi=(72, 72), icc_profile=b"profile")
    assert pictures.read(tmp_path / "a.png").info == {}


def test_a_single_pixel_is_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), RED).save(tmp_path / "a.png")
    assert pictures.read(tmp_path / "a.png").getpixel((0, 0)) == RED


def test_a_picture_of_a_hundred_megapixels_is_not_too_large_and_gives_no_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    Image.new("1", (12_500, 8_000)).save(tmp_path / "a.png")
    assert pictures.facts(tmp_path / "a.png") is None
    assert not recwarn.list


@pytest.mark.parametrize("side", [10_001, 14_000, 60_000])
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(side, side) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(NextSceneError, match=r"^bomb\.png has more than 100 megapixels: make it smaller first\.$"):
        pictures.read(tmp_path / "bomb.png")


NOT_A_PICTURE = {
    "text.png": b"Once upon a time there was a windmill.\n" * 20,
    "page.jpg": b"<html><body>404</body></html>",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "script.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n",
    "empty.webp": b"",
}


@pytest.mark.parametrize("name", NOT_A_PICTURE)
def test_what_is_no_picture_is_refused_in_a_sentence_that_names_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(NOT_A_PICTURE[name])
    with pytest.raises(NextSceneError, match=rf"^{name} is not a picture of a known kind: give .*\.$"):
        pictures.read(tmp_path / name)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_a_picture_that_was_cut_short_is_refused_in_a_sentence_that_names_the_file(tmp_path: Path, form: str) -> None:
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(whole, form)
    (tmp_path / "cut.png").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(NextSceneError, match=r"^cut\.png (cannot be read|is not a picture).*\.$") as refusal:
        pictures.read(tmp_path / "cut.png")
    assert str(tmp_path) not in str(refusal.value)


def test_a_missing_picture_and_a_folder_are_refused_as_such(tmp_path: Path) -> None:
    with pytest.raises(NextSceneError, match=r"^There is no picture a\.png: "):
        pictures.read(tmp_path / "a.png")
    with pytest.raises(NextSceneError, match=f"^{tmp_path.name} is a folder: "):
        pictures.read(tmp_path)


# Fitting


def test_a_picture_of_the_right_size_is_left_alone(picture: Image.Image) -> None:
    assert pictures.fit(picture, 64, 32) is picture


def test_a_picture_is_cropped_at_its_sides_and_never_stretched(picture: Image.Image) -> None:
    fitted = np.asarray(pictures.fit(picture, 96, 96))
    white = np.argwhere((fitted > 128).all(axis=2))
    assert white.min(axis=0) == pytest.approx([24, 24], abs=1)
    assert white.max(axis=0) == pytest.approx([71, 71], abs=1)


@given(st.tuples(*[st.integers(1, 80)] * 4))
def test_a_picture_of_any_size_is_brought_to_any_size(sizes: tuple[int, int, int, int]) -> None:
    width, height, *wanted = sizes
    assert pictures.fit(Image.new("RGB", (width, height)), *wanted).size == tuple(wanted)


# Pictures out


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_facts_come_back_from_every_format_as_they_went_in(picture: Image.Image, tmp_path: Path, suffix: str) -> None:
    pictures.write(picture, tmp_path / f"a{suffix}", FACTS)
    assert pictures.facts(tmp_path / f"a{suffix}") == FACTS


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_programs_find_the_facts_as_the_pictures_description(
    picture: Image.Image, tmp_path: Path, suffix: str
) -> None:
    pictures.write(picture, tmp_path / f"a{suffix}", FACTS)
    with Image.open(tmp_path / f"a{suffix}") as opened:
        exif = opened.getexif()
    assert json.loads(exif[ExifTags.Base.ImageDescription]) == FACTS
    assert exif[ExifTags.Base.Software].startswith("Next Scene ")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_writing_the_same_twice_gives_the_same_bytes(picture: Image.Image, tmp_path: Path, suffix: str) -> None:
    for name in "ab":
        pictures.write(picture, tmp_path / f"{name}{suffix}", FACTS)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_png_keeps_every_pixel_and_quality_counts_for_the_others(picture: Image.Image, tmp_path: Path) -> None:
    noise = Image.effect_noise((64, 64), 50).convert("RGB")
    pictures.write(noise, tmp_path / "a.png", {}, quality=1)
    assert_near(pictures.read(tmp_path / "a.png"), noise, 0)
    for suffix in (".webp", ".jpg"):
        sizes = []
        for quality in (20, 90):
            pictures.write(noise, tmp_path / f"a{suffix}", {}, quality)
            sizes.append((tmp_path / f"a{suffix}").stat().st_size)
        assert sizes[0] < sizes[1]


def test_the_format_is_the_suffixs_whatever_its_case(picture: Image.Image, tmp_path: Path) -> None:
    pictures.write(picture, tmp_path / "new" / "folder" / "a.WebP", {})
    with Image.open(tmp_path / "new" / "folder" / "a.WebP") as opened:
        assert opened.format == "WEBP"


@pytest.mark.parametrize("name", ["a.gif", "a", "a.png.txt"])
def test_another_suffix_is_refused_with_the_three_that_work(picture: Image.Image, tmp_path: Path, name: str) -> None:
    with pytest.raises(NextSceneError, match=r"name it \.png, \.webp or \.jpg\.$"):
        pictures.write(picture, tmp_path / name, {})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_picture_that_cannot_be_written_whole_leaves_the_old_one_and_nothing_else(
    picture: Image.Image, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    pictures.write(picture, path, {})
    before = path.read_bytes()
    with files_of_at_most(100), pytest.raises(NextSceneError, match="make room or choose another folder"):
        pictures.write(picture, path, FACTS)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_an_error_in_a_sentence(picture: Image.Image, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NextSceneError, match="cannot be written"):
        pictures.write(picture, tmp_path / "file" / "a.png", {})


def test_a_folder_in_the_place_of_a_picture_is_an_error_in_a_sentence_and_stays(
    picture: Image.Image, tmp_path: Path
) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(
        NextSceneError, match=r"a\.png cannot be written \(it is a folder\): make room or choose another"
    ):
        pictures.write(picture, tmp_path / "a.png", {})
    assert (tmp_path / "a.png").is_dir()


def test_a_link_in_the_place_of_the_part_is_not_followed(picture: Image.Image, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / ".a.png.part").symlink_to(tmp_path / "mine.txt")
    pictures.write(picture, tmp_path / "a.png", {})
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "mine.txt"]


def test_only_what_was_written_here_is_ours(picture: Image.Image, tmp_path: Path) -> None:
    pictures.write(picture, tmp_path / "ours.png", {})
    picture.save(tmp_path / "mine.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "ours.png")
    (tmp_path / "text.png").write_text("Next Scene 1")
    (tmp_path / "folder.png").mkdir()
    files = [*tmp_path.iterdir(), tmp_path / "nowhere.png"]
    assert [file.name for file in files if pictures.made_here(file)] == ["ours.png"]


def test_facts_too_long_for_jpeg_are_refused_there_and_kept_elsewhere(picture: Image.Image, tmp_path: Path) -> None:
    long = {"prompt": "a windmill " * 10_000}
    with pytest.raises(NextSceneError, match="choose png or webp"):
        pictures.write(picture, tmp_path / "a.jpg", long)
    for name in ("a.png", "a.webp"):
        pictures.write(picture, tmp_path / name, long)
        assert pictures.facts(tmp_path / name) == long


@pytest.mark.parametrize(
    ("software", "description"),
    [
        (None, None),
        ("GIMP", '{"seed": 1}'),
        ("Next Scene 0", "mine"),
        ("Next Scene 0", "[" * 20_000),
        ("Next Scene 0", f'{{"seed": {"9" * 5000}}}'),
    ],
    ids=["nothing", "another program's", "text", "deep", "huge number"],
)
def test_a_picture_that_is_not_ours_has_no_facts(
    picture: Image.Image, tmp_path: Path, software: str | None, description: str | None
) -> None:
    exif = Image.Exif()
    if software:
        exif[ExifTags.Base.Software] = software
        exif[ExifTags.Base.ImageDescription] = description
    picture.save(tmp_path / "a.png", exif=exif)
    assert pictures.facts(tmp_path / "a.png") is None

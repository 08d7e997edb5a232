"""Pictures in and out.

In comes whatever picture a user brings; what the rest of the house gets is plain RGB: upright, in sRGB, on white where
it was transparent. Out go PNG, WebP and JPEG files that carry the facts of how they were made in their own metadata.
Knows files and PIL; does not know stories, shots or models.
"""

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EACCES, EISDIR
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFilter, ImageOps, UnidentifiedImageError

from nextscene import NextSceneError, __version__
from nextscene.files import unwritable, write_whole

MOST_MEGAPIXELS = 100

# Left out: EPS, which would run Ghostscript, and formats without a signature, which take a text for a picture.
READABLE = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
WRITABLE = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}

WHITE = {"I": 65535, "F": 1}  # of the modes deeper than 8 bits, by their first letter
SRGB = ImageCms.createProfile("sRGB")
SOFTWARE = f"Next Scene {__version__}"
FEATHER = 4  # pixels over which what is pasted goes over into what is around it
MOST_JPEG_EXIF = 65_000  # bytes: it has to fit one segment


def read(path: str | os.PathLike[str]) -> Image.Image:
    """The picture at `path` (of an animation, the first), ready to use.

    Of its metadata only this is left: whether it is a draft, one of ours that was drawn fast (`info["draft"]`).
    """
    with _opened(path) as opened:
        made = _facts(opened) or {}
        picture = _in_srgb(_on_white(_eight_bit(_upright(opened))), opened.info.get("icc_profile"))
        picture.info = {"draft": True} if "fast_lora" in made else {}
        return picture


def pixels(path: str | os.PathLike[str]) -> int:
    """How many pixels the picture at `path` has, by its header: nothing is decoded."""
    with _opened(path) as opened:
        return opened.width * opened.height


def fit(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Brought to exactly this size by scaling and centre-cropping, never by stretching."""
    if picture.size == (width, height):
        return picture
    return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)


def paste(new: Image.Image, onto: Image.Image, mask: Image.Image, feather: int = FEATHER) -> Image.Image:
    """The new picture where the mask is white, and `onto` elsewhere, to the bit.

    feather: pixels of the mask's edge, inside of it, over which the one goes over into the other.
    """
    shares, inner = np.zeros((mask.height, mask.width)), mask
    for _ in range(feather):
        shares += np.asarray(inner) / feather
        inner = inner.filter(ImageFilter.MinFilter(3))
    return Image.composite(new, onto, Image.fromarray(np.rint(shares).astype(np.uint8)))


def write(picture: Image.Image, path: str | os.PathLike[str], facts: Mapping[str, object], quality: int = 80) -> None:
    """Writes it in the format that the suffix names, whole or not at all.

    facts: how it was made, as JSON's own types.
    quality: of WebP and JPEG, 0 to 100.
    """
    path = Path(path)
    prepare(path)
    data = encoded(picture, path, facts, quality)
    if not holds(path, data):
        write_whole(path, data)


def holds(path: Path, data: bytes) -> bool:
    """Whether exactly this is in the file, which then need not be touched."""
    is_file = path.is_file() and not path.is_symlink()
    return is_file and path.stat().st_size == len(data) and path.read_bytes() == data


def encoded(picture: Image.Image, path: Path, facts: Mapping[str, object], quality: int = 80) -> bytes:
    """What `write` would write there."""
    form = WRITABLE[path.suffix.lower()]
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = json.dumps(dict(facts))
    exif[ExifTags.Base.Software] = SOFTWARE
    if form == "JPEG" and len(exif.tobytes()) > MOST_JPEG_EXIF:
        raise NextSceneError(f"{path.name} cannot carry a prompt this long: shorten it, or choose png or webp.")
    out = BytesIO()
    picture.save(out, form, exif=exif, quality=quality, compress_level=4)  # PNG's default, 6, is slower, and no smaller
    return out.getvalue()


def prepare(path: Path) -> None:
    """Makes the folder for a picture, and refuses one that cannot be written: before anything is drawn for it."""
    if path.suffix.lower() not in WRITABLE:
        raise NextSceneError(f"{path.name} has no known picture format: name it .png, .webp or .jpg.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(EISDIR, "it is a folder")
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(EACCES, "nothing may be written there")
    except OSError as error:
        raise unwritable(path, error) from error


def facts(path: str | os.PathLike[str]) -> dict[str, object] | None:
    """What `write` put into the picture's metadata; None when the picture is not one of ours."""
    with _opened(path) as picture:
        return _facts(picture)


def made_here(path: Path) -> bool:
    """Whether a file is a picture that `write` wrote; whoever has a link, a damaged or another file there keeps it."""
    try:
        return path.is_file() and not path.is_symlink() and facts(path) is not None
    except NextSceneError:
        return False


def _facts(picture: Image.Image) -> dict[str, object] | None:
    exif = picture.getexif()
    if not str(exif.get(ExifTags.Base.Software)).startswith("Next Scene "):
        return None
    try:
        found = json.loads(str(exif.get(ExifTags.Base.ImageDescription)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """The picture, opened but not decoded; whatever opening or decoding raises ends in one sentence."""
    name = Path(path).name
    too_large = f"{name} has more than {MOST_MEGAPIXELS} megapixels: make it smaller first."
    try:
        with (
            warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
            Image.open(path, formats=READABLE) as picture,
        ):
            if picture.width * picture.height > MOST_MEGAPIXELS * 1_000_000:
                raise NextSceneError(too_large)
            yield picture
    except NextSceneError:
        raise
    except Image.DecompressionBombError as error:
        raise NextSceneError(too_large) from error
    except FileNotFoundError as error:
        raise NextSceneError(f"There is no picture {name}: check its name and folder.") from error
    except IsADirectoryError as error:
        raise NextSceneError(f"{name} is a folder: give a picture in it.") from error
    except UnidentifiedImageError as error:
        raise NextSceneError(f"{name} is not a picture of a known kind: give a PNG, JPEG, WebP or GIF.") from error
    except Exception as error:  # a decoder may raise nearly anything on a broken file
        reason = getattr(error, "strerror", None) or error
        raise NextSceneError(f"{name} cannot be read ({reason}): save it anew, as PNG or JPEG.") from error


def _upright(opened: Image.Image) -> Image.Image:
    # The picture remembers what getexif() read; without the raw bytes PIL does not fail at rewriting damaged EXIF.
    opened.load()
    opened.getexif()
    opened.info.pop("exif", None)
    return ImageOps.exif_transpose(opened)


def _eight_bit(picture: Image.Image) -> Image.Image:
    deep = picture.mode[0]
    if deep not in WHITE:
        return picture
    scale = 255 / WHITE[deep]
    return picture.convert(deep).point(lambda value: value * scale + 0.5).convert("L")


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """As RGB, through the picture's own colour profile when it has one that can be used."""
    if picture.mode not in ("RGB", "CMYK", "L"):
        picture = picture.convert("RGB")
    if profile:
        with suppress(ImageCms.PyCMSError):  # broken, or meant for another kind of picture: do without
            return ImageCms.buildTransform(BytesIO(profile), SRGB, picture.mode, "RGB").apply(picture)
    return picture.convert("RGB")

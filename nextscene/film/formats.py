"""The formats that a film can have, by its file's suffix, as ffmpeg wants them, and what is written about it inside.

A timeline and words go in, arguments and a metadata file's text come out. It runs nothing.
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from nextscene import NextSceneError
from nextscene.film.timeline import Timeline
from nextscene.text import in_one_line, plain

# What every browser plays: even sizes (an odd row or column is cut off) and HD video's colours, converted and declared.
YUV = (
    "crop=trunc(iw/2)*2:trunc(ih/2)*2,"
    "scale=out_color_matrix=bt709:out_range=tv,setparams=color_primaries=bt709:color_trc=bt709"
)
# A picture that stands is one frame, but for the film's last, which a trace of noise saves, with the time that it ends.
# Each frame has a palette of its own, so that none waits for those to come.
PALETTE = (
    "format=gbrp,noise=alls=4:enable='eq(n,{last})',mpdecimate=hi=1:lo=1:frac=0,"
    "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=sierra2_4a"
)


@dataclass(frozen=True)
class Format:
    """Filters and encoders, as ffmpeg names them; sound and subtitles: None where the format holds none.

    filters: {last} in them is the number of the film's last frame.
    """

    filters: str
    video: str
    sound: str | None = None
    subtitles: str | None = None


FORMATS = {
    # A slower preset doubles the time and, on pictures that stand still, gives the same quality in the same space.
    ".mp4": Format(
        YUV,
        "-c:v libx264 -profile:v high -preset veryfast -crf 16 -pix_fmt yuv420p -movflags +faststart -f mp4",
        "-c:a aac -b:a 192k",
        "-c:s mov_text",
    ),
    ".webm": Format(
        YUV,
        "-c:v libvpx-vp9 -crf 28 -b:v 0 -deadline good -cpu-used 4 -row-mt 1 -pix_fmt yuv420p -bitexact -f webm",
        "-c:a libopus -b:a 128k",
        "-c:s copy",
    ),
    ".gif": Format(PALETTE, "-fps_mode vfr -c:v gif -f gif"),
}


def find_format(path: Path) -> Format:
    """The format that a film's name asks for."""
    if (form := FORMATS.get(path.suffix.lower())) is None:
        raise NextSceneError(f"{path.name} has no known film format: name it .mp4, .webm or .gif.")
    return form


def format_metadata(timeline: Timeline, title: str, comment: str) -> str:
    """Title, comment and a chapter for each scene, in ffmpeg's own text format."""
    facts = {"title": plain(title), "comment": plain(comment)}
    lines = [";FFMETADATA1", *(f"{name}={_escape(fact)}" for name, fact in facts.items() if fact)]
    for segment in timeline.segments:
        name = f"{segment.number}. {segment.words or in_one_line(segment.id)}"
        name = textwrap.shorten(name, 60, placeholder=" ...", break_on_hyphens=False)
        begin, end = timeline.frame(segment.start), timeline.frame(segment.end)
        lines += ["[CHAPTER]", f"TIMEBASE=1/{timeline.video_fps}", f"START={begin}", f"END={end}"]
        lines += [f"title={_escape(name)}"]
    return "\n".join([*lines, ""])


def _escape(text: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", text)

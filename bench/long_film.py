"""script/bench long-film: a script of 120 shots becomes a film of ten minutes, in a process that is killed twice.

By rules, on the built-in model, in pictures of few steps: what is measured is the way, not the pictures. How much
memory a process takes while it draws; whether the run goes on where it was killed; whether pictures and sound end
together, and whether a bell is heard where its shot says. It types the command and reads files.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from bench.figures import about
from nextscene import NextSceneError
from nextscene.script import break_down, read_script

ROOT = Path(__file__).resolve().parent.parent
SEQUENCE = (sys.executable, "-m", "nextscene.cli", "sequence")
QUICK = ("--steps", "2", "--guidance", "1", "--width", "128", "--height", "96", "--seed", "2509")
DRAWN = re.compile(r"Scene (\d+) drawn")
SHOTS_OF_A_SCENE, SECONDS = 3, 5.0
TOLD_EVERY = 8  # shots
PLACES = ("sea", "forest", "desert", "city", "mountains")
LIGHTS = ("DAWN", "DAY", "SUNSET", "NIGHT")
MOVES = ("The camera pans left.", "The camera moves closer.", "The camera tracks right.", "The camera pulls back.")
BELL = "A bell rings."
BEFORE, AFTER = 0.6, 2.0  # seconds around where a bell should be, in which it is looked for


def write_script(shots: int) -> str:
    """A screenplay of so many shots; in its first, its middle and its last one a bell rings."""
    text = "Title: A long film\n\n"
    for at in range(shots):
        scene, shot = divmod(at, SHOTS_OF_A_SCENE)
        place = PLACES[scene % len(PLACES)]
        if shot == 0:
            text += f"EXT. {place.upper()} - {LIGHTS[scene % len(LIGHTS)]}\n\n"
            text += f"A white tower {'by' if place == 'sea' else 'in'} the {place}.\n\n"
        elif at in bells(shots):
            text += f"{BELL}\n\n"
        else:
            text += f"{MOVES[at % len(MOVES)]}\n\n"
        if at % TOLD_EVERY == 1 and at not in bells(shots):
            text += f"NARRATOR (V.O.)\nThis is shot {at + 1}.\n\n"
    return text


def bells(shots: int) -> tuple[int, ...]:
    """The shots in which a bell rings: never the first of its scene."""
    return tuple(at - (at % SHOTS_OF_A_SCENE == 0) for at in (2, shots // 2, shots - 1))


def write_breakdown(folder: Path, shots: int) -> Path:
    """breakdown.json as a person may change it: each shot stands as long as the others, and is silent but for bells."""
    data = json.loads(break_down(read_script(write_script(shots).encode())).to_json())
    for place in data["places"]:
        place["sounds"] = []
    for scene in data["scenes"]:
        for shot in scene["shots"]:
            shot["seconds"] = SECONDS
            shot["sounds"] = [{"what": "bell", "at": 0.5}] if shot["sounds"] else []
    file = folder / "long.json"
    file.write_text(json.dumps(data))
    return file


@dataclass
class Telling:
    """The run, through all kills. memory: in MB, after each scene that a process drew, process by process."""

    folder: Path
    breakdown: Path
    memory: list[list[float]] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def film(self) -> Path:
        return self.folder / "film.mp4"

    def run(self, until: int | None = None) -> None:
        """Types the command, and kills it when it has drawn this scene."""
        started = time.monotonic()
        files = [str(self.breakdown), "--output-dir", str(self.folder), "--output-video", str(self.film)]
        command = [*SEQUENCE, *files, *QUICK]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert process.stderr
        self.memory.append([])
        told = ""
        for line in process.stderr:
            told += line
            if found := DRAWN.match(line):
                self.drawn.append(int(found[1]))
                self.memory[-1].append(_memory(process.pid))
                if int(found[1]) == until:
                    process.kill()
                    break
        if process.wait() != (-9 if until else 0):
            raise NextSceneError(f"script/sequence ended with {process.returncode}: {told[-500:]}")
        self.seconds += time.monotonic() - started


def _memory(process: int) -> float:
    """What a process has of the machine's memory now, in MB."""
    said = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", said)
    return int(found[1]) / 1000 if found else 0.0


@dataclass(frozen=True)
class Ends:
    """When pictures and sound of a film end, in seconds, and how long a frame is."""

    pictures: Fraction
    sound: Fraction
    frame: Fraction


def read_ends(film: Path) -> tuple[Ends, np.ndarray, int]:
    """Where a film ends, and its sound: its samples, how many of them a second."""
    with av.open(str(film)) as file:
        video = file.streams.video[0]
        assert video.average_rate
        frame = 1 / video.average_rate
        pictures = frame * sum(1 for _ in file.decode(video))
    with av.open(str(film)) as file:
        audio = file.streams.audio[0]
        sound, rate = np.concatenate([each.to_ndarray().mean(axis=0) for each in file.decode(audio)]), audio.rate
    return Ends(pictures, Fraction(len(sound), rate), frame), sound, rate


def find_bells(sound: np.ndarray, rate: int, wanted: Sequence[float]) -> Iterator[float]:
    """How much later than wanted each bell begins, in seconds: where it is first a tenth as loud as it becomes."""
    for at in wanted:
        begin = max(int((at - BEFORE) * rate), 0)
        around = np.abs(sound[begin : int((at + AFTER) * rate)])
        yield begin / rate + float(np.argmax(around > 0.1 * around.max())) / rate - at


def measure(shots: int, kills: Sequence[int], folder: Path) -> Iterator[str]:
    telling = Telling(folder / "run", write_breakdown(folder, shots))
    for until in kills:
        telling.run(until)
        print(f"killed after scene {until}", file=sys.stderr)
    telling.run()
    run = json.loads((telling.folder / "run.json").read_text())
    starts = list(run["stages"]["film"]["about"]["starts"].values())
    ends, sound, rate = read_ends(telling.film)
    late = find_bells(sound, rate, [starts[at] + 0.5 * SECONDS for at in bells(shots)])
    yield f"| shots, scenes of the script | {shots}, {-(-shots // SHOTS_OF_A_SCENE)} |"
    yield f"| kill -9 | after scenes {' and '.join(map(str, kills))} |"
    again = len(telling.drawn) - len(set(telling.drawn))
    yield f"| scenes drawn again (those under way when it was killed) | {again} |"
    yield f"| the film | {float(ends.pictures):.2f} s |"
    apart = abs(ends.pictures - ends.sound)
    yield f"| pictures and sound end apart | {1000 * float(apart):.0f} ms, {float(apart / ends.frame):.2f} frames |"
    for at, each in zip(bells(shots), late, strict=True):
        yield f"| the bell of shot {at + 1} is late by | {1000 * each:.0f} ms |"
    for number, memory in enumerate(telling.memory, 1):
        middle, last = memory[len(memory) // 2], memory[-1]
        what = f"process {number}: MB after its 2nd, its middle and its last scene ({len(memory)} drawn)"
        yield f"| {what} | {memory[1]:.0f}, {middle:.0f}, {last:.0f} |"
    yield f"| time, all processes | {telling.seconds / 60:.1f} min |"
    yield f"| all files | {sum(each.stat().st_size for each in folder.rglob('*') if each.is_file()) / 1e6:.0f} MB |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench long-film", description="A long film, killed twice.")
    parser.add_argument("--shots", type=int, default=120)
    parser.add_argument("--work", type=Path, help="where it is made (default: a temporary folder)")
    options = parser.parse_args()
    kills = [options.shots // 3, options.shots * 4 // 5]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.work or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print("| | |\n|---|---:|")
        for line in measure(options.shots, kills, folder):
            print(line)
    print(f"\n{about('storybook, 128x96, 2 steps')}")


if __name__ == "__main__":
    main()

"""Whether a run outlives `kill -9`: a story is drawn in a process that is killed at random moments and taken up again.

Each time the folder is looked at as the killed process left it; when the story is at last told to its end, its pictures
are compared with those of a run that nobody disturbed. It knows nothing of the inside of a run: it types the command
and reads files.
"""

import argparse
import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from PIL import Image

from bench.figures import about
from nextscene import NextSceneError

SEQUENCE = Path(__file__).resolve().parent.parent / "script" / "sequence"
SIZE = ("--width", "64", "--height", "64", "--steps", "2", "--seed", "2509")
DRAWN = re.compile(r"^Scene (\d+) drawn", re.MULTILINE)
MOST = 4  # scenes that a process may draw before it is killed
STAGES = ("starting", "loading the model", "drawing", "making the sheet and the film")
TOLD, UNDER_WAY = "stories told to their end", "scenes drawn but not yet kept, and so drawn again"
FAULTS = UNREADABLE, LOST, REDRAWN, BEYOND, BROKEN, IN_PARTS, UNLIKE = (  # what shall never happen
    "records that could not be read",
    "finished scenes lost or changed",
    "finished scenes drawn again",
    "scenes drawn again beyond the one under way",
    "pictures not whole",
    "files left in parts at the end",
    "scenes, sheets and films at the end unlike the undisturbed run's",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench kills")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found: Counter[str] = Counter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            tell(Path(folder), options.kills, options.scenes, random.Random(options.seed), found)
    except NextSceneError as error:
        sys.exit(f"error: {error}")
    print(table(found, options.kills, options.scenes))
    sys.exit(1 if any(found[fault] for fault in FAULTS) else 0)


def tell(folder: Path, kills: int, scenes: int, chance: random.Random, found: Counter[str]) -> None:
    """Tells the story again and again until there were so many kills."""
    undisturbed, killed = Telling(folder / "undisturbed", scenes, Counter()), 0
    undisturbed.run()
    wanted = undisturbed.pictures()
    while killed < kills:
        telling = Telling(folder / str(found[TOLD]), scenes, found, [*undisturbed.pace])
        while not telling.run(Moment.by(chance) if killed < kills else None):
            killed += 1
            print(f"killed {killed} times", file=sys.stderr)
        there = telling.pictures()
        found[UNLIKE] += sum(there.get(name) != picture for name, picture in wanted.items())
        found[IN_PARTS] += sum(1 for _ in telling.folder.glob("**/*.part"))
        found[TOLD] += 1


class Moment(NamedTuple):
    """When to kill: after so many scenes, and then after so much of the time that the next thing takes."""

    scenes: int
    part: float

    @classmethod
    def by(cls, chance: random.Random) -> "Moment":
        return cls(chance.randint(0, MOST), chance.random())


@dataclass
class Telling:
    """One story in one folder, from its beginning to its end, through all kills."""

    folder: Path
    scenes: int
    found: Counter[str]
    pace: list[float] = field(default_factory=list)  # seconds between one scene and the next, in an undisturbed run
    finished: dict[str, str] = field(default_factory=dict)  # scenes that the record calls done, and their pictures

    def run(self, until: Moment | None = None) -> bool:
        """Types the command, and kills it at a moment. Whether it came to its end before."""
        words = "|".join(f"Camera pans left along the harbour, light {number}" for number in range(self.scenes))
        folder = str(self.folder)
        command = [str(SEQUENCE), words, *SIZE, "--output-dir", folder, "--output-video", f"{folder}/film.mp4"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        told = self._listen(process, until)
        if until:
            time.sleep(until.part * (self.pace[0] if until.scenes == 0 else 2 * median(self.pace)))
            process.kill()
        told += process.communicate()[1]
        if process.returncode > 0:
            raise NextSceneError(f"script/sequence ended badly: {told[-500:]}")
        if process.returncode < 0:
            self.found[self._stage(told)] += 1
        self._look([int(number) for number in DRAWN.findall(told)])
        return process.returncode == 0

    def _listen(self, process: "subprocess.Popen[str]", until: Moment | None) -> str:
        """What a process says until it has drawn so many scenes; to its end, if there is no moment to wait for."""
        told, scenes, clock = "", 0, time.monotonic()
        assert process.stderr
        while until is None or scenes < until.scenes:
            if not (line := process.stderr.readline()):
                break
            told += line
            if DRAWN.match(line):
                scenes += 1
                if until is None:
                    self.pace.append(time.monotonic() - clock)
                    clock = time.monotonic()
        return told

    def _stage(self, told: str) -> str:
        """How far a process was, by what it had said."""
        last = (f"Scene {self.scenes} drawn", f"{self.scenes} of {self.scenes} scenes are made")
        signs = (True, "Loading the model" in told, " drawn (" in told, any(sign in told for sign in last))
        return [stage for stage, there in zip(STAGES, signs, strict=True) if there][-1]

    def _look(self, drawn: list[int]) -> None:
        """What the process left, and what it drew although it was there."""
        before, self.finished = self.finished, dict(self._finished())
        under_way = len(drawn) - (len(self.finished) - len(before))
        self.found[LOST] += len(before.items() - self.finished.items())
        self.found[REDRAWN] += sum(f"scene_{number:03d}" in before for number in drawn)
        self.found[UNDER_WAY] += under_way
        self.found[BEYOND] += max(under_way - 1, 0)
        for file in self.folder.glob("**/*.png"):
            try:
                Image.open(file).load()
            except OSError:
                self.found[BROKEN] += 1

    def _finished(self) -> Iterator[tuple[str, str]]:
        """The scenes that the record calls done, each with the sha256 of what really lies there."""
        if not (file := self.folder / "run.json").exists():
            return
        try:
            takes = {scene["id"]: scene["takes"] for scene in json.loads(file.read_text())["scenes"]}
        except (ValueError, KeyError):
            self.found[UNREADABLE] += 1
            return
        for name, (take, *_) in ((name, each) for name, each in takes.items() if each):
            picture = self.folder / take["file"]
            there = hashlib.sha256(picture.read_bytes()).hexdigest() if picture.exists() else ""
            self.found[LOST] += there != take["sha256"]
            yield name, there

    def pictures(self) -> dict[str, bytes]:
        """All that a person looks at: scenes, contact sheet, film."""
        return {file.name: file.read_bytes() for file in self.folder.glob("*.*") if file.suffix in (".png", ".mp4")}


def table(found: Counter[str], kills: int, scenes: int) -> str:
    rows = {
        f"kill -9, each after 0 to {MOST} scenes and a random part of the next, in stories of {scenes} scenes": kills,
        **{f"... while {stage}": found[stage] for stage in STAGES},
        **{what: found[what] for what in (TOLD, UNDER_WAY, *FAULTS)},
    }
    lines = [f"| {what} | {count} |" for what, count in rows.items()]
    return "\n".join(["| | |", "|---|---:|", *lines, "", about("storybook, 64x64, 2 steps")])


if __name__ == "__main__":
    main()

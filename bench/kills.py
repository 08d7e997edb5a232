"""Whether a run outlives `kill -9`: a story is drawn in a process that is killed at random moments and taken up again.

Each time the folder is looked at as the killed process left it; when the story is at last told to its end, its pictures
are compared with those of a run that nobody disturbed. With --clips it is the making of clips that is killed, of a run
that is drawn. It knows nothing of the inside of a run: it gives the command and reads files. Each process is forked
from this one, where all that it imports is imported already.
"""

import argparse
import hashlib
import importlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, ClassVar, NamedTuple, TextIO

import av
from PIL import Image

from bench.figures import about
from nextscene import NextSceneError, cli

IMPORTED = ("nextscene.model.loading", "nextscene.shooting.studio", "nextscene.motion.wan", "nextscene.film.morph")
SIZE = ("--width", "64", "--height", "64", "--steps", "2", "--seed", "2509")
MOST = 4  # scenes that a process may draw before it is killed
TOLD, UNDER_WAY = "stories told to their end", "scenes drawn but not yet kept, and so drawn again"
FAULTS = UNREADABLE, LOST, REDRAWN, BEYOND, BROKEN, IN_PARTS, UNLIKE = (  # what shall never happen
    "records that could not be read",
    "finished scenes lost or changed",
    "finished scenes drawn again",
    "scenes drawn again beyond the one under way",
    "pictures or clips not whole",
    "files left in parts at the end",
    "scenes, sheets and films at the end unlike the undisturbed run's",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench kills")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--clips", action="store_true", help="kill while clips are made, not while scenes are drawn")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found: Counter[str] = Counter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            kind = Moving if options.clips else Telling
            tell(kind, Path(folder), options.kills, options.scenes, random.Random(options.seed), found)
    except NextSceneError as error:
        sys.exit(f"error: {error}")
    print(table(found, kind.stages, options.kills, options.scenes))
    sys.exit(1 if any(found[fault] for fault in FAULTS) else 0)


def tell(
    kind: type["Telling"], folder: Path, kills: int, scenes: int, chance: random.Random, found: Counter[str]
) -> None:
    """Tells the story again and again until there were so many kills."""
    undisturbed, killed = kind(folder / "undisturbed", scenes, Counter()), 0
    undisturbed.run()
    wanted = undisturbed.pictures()
    while killed < kills:
        telling = kind(folder / str(found[TOLD]), scenes, found, [*undisturbed.pace])
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


class Process:
    """A command of the terminal in a process of its own. told: what it says to the user."""

    def __init__(self, arguments: list[str]) -> None:
        for name in IMPORTED:
            importlib.import_module(name)
        heard, said = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.dup2(said, 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os._exit(cli.main(arguments))
        os.close(said)
        self.told = os.fdopen(heard)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit code, or the negative number of the signal that ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@dataclass
class Telling:
    """One story in one folder, from its beginning to its end, through all kills.

    stages: what a process may be at, with what it has said by then.
    """

    done: ClassVar = re.compile(r"^Scene (\d+) drawn", re.MULTILINE)
    stages: ClassVar = {
        "starting": "",
        "loading the model": "Loading the model",
        "drawing": " drawn (",
        "making the sheet and the film": "({0} of {0}, |{0} of {0} scenes are made",
    }
    folder: Path
    scenes: int
    found: Counter[str]
    pace: list[float] = field(default_factory=list)  # seconds between one scene and the next, in an undisturbed run
    finished: dict[str, str] = field(default_factory=dict)  # scenes that the record calls done, and their pictures

    def run(self, until: Moment | None = None) -> bool:
        """Types the command, and kills it at a moment. Whether it came to its end before."""
        process = Process([*self._command(), "--output-video", f"{self.folder}/film.mp4"])
        told = self._listen(process.told, until)
        if until:
            time.sleep(until.part * (self.pace[0] if until.scenes == 0 else 2 * median(self.pace)))
            process.kill()
        told += process.told.read()
        if (code := process.wait()) > 0:
            raise NextSceneError(f"The command ended badly: {told[-500:]}")
        if code < 0:
            self.found[self._stage(told)] += 1
        self._look([int(number) for number in self.done.findall(told)])
        return code == 0

    def _command(self) -> list[str]:
        return ["sequence", "|".join(self._words), *SIZE, "--output-dir", str(self.folder)]

    @property
    def _words(self) -> list[str]:
        return [f"Camera pans left along the harbour, light {number}" for number in range(self.scenes)]

    def _listen(self, told_by: TextIO, until: Moment | None) -> str:
        """What a process says until it has drawn so many scenes; to its end, if there is no moment to wait for."""
        told, scenes, clock = "", 0, time.monotonic()
        while until is None or scenes < until.scenes:
            if not (line := told_by.readline()):
                break
            told += line
            if self.done.match(line):
                scenes += 1
                if until is None:
                    self.pace.append(time.monotonic() - clock)
                    clock = time.monotonic()
        return told

    def _stage(self, told: str) -> str:
        """How far a process was, by what it had said."""
        signs = {stage: sign.format(self.scenes).split("|") for stage, sign in self.stages.items()}
        return [stage for stage, each in signs.items() if any(sign in told for sign in each)][-1]

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
        for file in self.folder.glob("**/*.mp4"):
            try:
                with av.open(str(file)) as opened:
                    list(opened.decode(video=0))
            except (OSError, av.FFmpegError):
                self.found[BROKEN] += 1

    def _finished(self) -> Iterator[tuple[str, str]]:
        """The scenes that the record calls done, each with the sha256 of what really lies there."""
        if not (file := self.folder / "run.json").exists():
            return
        try:
            takes = {scene["id"]: self._made(scene) for scene in json.loads(file.read_text())["scenes"]}
        except (ValueError, KeyError):
            self.found[UNREADABLE] += 1
            return
        for name, (take, *_) in ((name, each) for name, each in takes.items() if each):
            picture = self.folder / take["file"]
            there = hashlib.sha256(picture.read_bytes()).hexdigest() if picture.exists() else ""
            self.found[LOST] += there != take["sha256"]
            yield name, there

    def _made(self, scene: dict[str, Any]) -> list[dict[str, Any]]:
        """What the record has of a scene, by which it is done."""
        return list(scene["takes"])

    def pictures(self) -> dict[str, bytes]:
        """All that a person looks at: scenes, contact sheet, film."""
        return {file.name: file.read_bytes() for file in self.folder.glob("*.*") if file.suffix in (".png", ".mp4")}


@dataclass
class Moving(Telling):
    """The clips of a run that is drawn, and its film."""

    done: ClassVar = re.compile(r"^Clip (\d+) made", re.MULTILINE)
    stages: ClassVar = {
        "starting": "",
        "loading the model": "Clips by",
        "making clips": " made (",
        "making the sheet and the film": "({0} of {0}, |{0} of {0} clips are made",
    }

    def __post_init__(self) -> None:
        """Draws the run, once, and takes a copy of it."""
        drawn = self.folder.with_name("drawn")
        if not drawn.is_dir():
            story = self.folder.with_name("story.json")
            story.write_text(json.dumps({"scenes": self._words, "film": {"video_fps": 8}}))
            process = Process(["sequence", str(story), *SIZE, "--output-dir", str(drawn)])
            told = process.told.read()
            if process.wait():
                raise NextSceneError(f"The command ended badly: {told[-500:]}")
        shutil.copytree(drawn, self.folder)

    def _command(self) -> list[str]:
        return ["animate", str(self.folder), "--clips", "join"]

    def _made(self, scene: dict[str, Any]) -> list[dict[str, Any]]:
        return list(scene.get("clips", []))


def table(found: Counter[str], stages: Iterable[str], kills: int, scenes: int) -> str:
    rows = {
        f"kill -9, each after 0 to {MOST} scenes and a random part of the next, in stories of {scenes} scenes": kills,
        **{f"... while {stage}": found[stage] for stage in stages},
        **{what: found[what] for what in (TOLD, UNDER_WAY, *FAULTS)},
    }
    lines = [f"| {what} | {count} |" for what, count in rows.items()]
    return "\n".join(["| | |", "|---|---:|", *lines, "", about("storybook, 64x64, 2 steps")])


if __name__ == "__main__":
    main()

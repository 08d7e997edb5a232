"""A fresh process: how long it takes to be ready, what its first scene takes, and the most memory that it ever holds.

`measure` starts one: this file, run as `python -m bench.fresh STARTED SCENES STEPS`. It prints its figures as JSON.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = {
    "python": "Setup: Python starts",
    "imports": "Setup: imports",
    "weights": "Setup: weights found and verified",
    "load": "Setup: weights loaded, LoRA fused",
    "ready": "Setup in all, from process start to ready",
    "first_scene": "The first scene after that",
}
# glibc keeps more and more freed memory for itself, by chance, unless its threshold is set (here to its default).
TRIMMED = {"MALLOC_TRIM_THRESHOLD_": "131072"}


def measure(scenes: int, steps: int) -> dict[str, float]:
    """Starts a process that draws a story with its film; gives its figures, in seconds and bytes."""
    command = [sys.executable, "-m", "bench.fresh", str(time.monotonic()), str(scenes), str(steps)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **TRIMMED}, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def main(started: float, scenes: int, steps: int) -> None:
    running = time.monotonic()
    from bench import work
    from nextscene import hub  # here, because the time of imports, torch's above all, is one of the figures

    imported = time.monotonic()
    weights = hub.choose()
    _ = weights.folder, weights.lora
    found = time.monotonic()
    studio, _ = work.load()
    ready = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder, "sequence.mp4")
        delivered = work.chain(studio, weights, work.a_story(scenes), steps, weights.card.size, Path(folder), film)
        next(delivered)
        first = time.monotonic()
        list(delivered)
    figures = {
        "python": running - started,
        "imports": imported - running,
        "weights": found - imported,
        "load": ready - found,
        "ready": ready - started,
        "first_scene": first - ready,
        "peak_memory": peak_memory(),
    }
    print(json.dumps(figures))


def peak_memory() -> int:
    """The most RAM that this process held, in bytes; getrusage would count what its parent held when it was born."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

"""What threads cost a training of the built-in model on a CPU: one, as the trainer takes, beside all that there are.

    python -m bench.threads [--steps 3] [--rounds 3]

Each training is a process of its own, and both kinds take turns, so that they share whatever else the machine does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.threads")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.threads:
        print(json.dumps(measure(options.steps, options.threads)))
        return
    kinds = (1, os.cpu_count() or 1)
    seconds: dict[int, list[float]] = {threads: [] for threads in kinds}
    losses: dict[int, list[float]] = {}
    for _ in range(options.rounds):
        for threads in kinds:
            taken, losses[threads] = run(options.steps, threads)
            seconds[threads].append(taken)
    print("| threads | seconds for each step, median (all) |\n|---:|---:|")
    for threads, several in seconds.items():
        each = ", ".join(f"{one / options.steps:.2f}" for one in several)
        print(f"| {threads} | {median(several) / options.steps:.2f} ({each}) |")
    one, most = (median(seconds[threads]) for threads in kinds)
    print(f"\n{most / one:.1f} times as long; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    apart = max(abs(one - other) / one for one, other in zip(*losses.values(), strict=True))
    print(f"The losses are at most {apart:.1e} of themselves apart.")


def run(steps: int, threads: int) -> tuple[float, list[float]]:
    """A training in a process of its own: its seconds, and its losses."""
    command = [sys.executable, "-m", "bench.threads", "--steps", str(steps), "--threads", str(threads)]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    seconds, losses = json.loads(done.stdout)
    return seconds, losses


def measure(steps: int, threads: int) -> tuple[float, list[float]]:
    import torch

    from nextscene import hub
    from nextscene.model import memory
    from nextscene.training import Base, make_recipe, trainer
    from storybook import pairs

    memory.SMALL = 0  # no transformer is too small for many threads
    torch.set_num_threads(threads)
    seconds = 0.0
    train = trainer.Trainer.run

    def timed(self: trainer.Trainer) -> Path:
        nonlocal seconds
        started = time.monotonic()
        file = train(self)
        seconds = time.monotonic() - started
        return file

    trainer.Trainer.run = timed  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        pairs.write(Path(folder, "pairs"), 4)
        weights = hub.find("storybook")
        base = Base(weights.folder, weights.name, weights.own_size)
        recipe = make_recipe(steps=steps, sample_every=0, save_every=steps)
        trainer.train(Path(folder, "pairs"), base, recipe, Path(folder, "out"))
        saved = torch.load(Path(folder, "out/checkpoint.pt"), weights_only=True)
    return seconds, saved["losses"]


if __name__ == "__main__":
    main()

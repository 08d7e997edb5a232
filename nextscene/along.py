"""The pictures that come along with a story: its first picture, and its cast.

Files go in, in the order of the story's cast; pictures come out, by what refers to them in a plan.
"""

import os
from collections.abc import Sequence

from PIL import Image

from nextscene import pictures
from nextscene.story.plan import IMAGE, Reference
from nextscene.story.story import Story

Along = dict[Reference, Image.Image]


def read(story: Story, image: os.PathLike[str] | None, references: Sequence[os.PathLike[str]]) -> tuple[Story, Along]:
    """The story with a name for each picture of its cast, and all pictures."""
    story = story.with_cast(len(references))
    along = {Reference("picture", name): pictures.read(path) for name, path in zip(story.cast, references, strict=True)}
    return story, along | ({IMAGE: pictures.read(image)} if image else {})

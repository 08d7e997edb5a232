"""Takes that no model drew, for tests of what is done with takes."""

from typing import Any

from PIL import Image

from nextscene.provenance import Lora, Provenance
from nextscene.settings import StorySettings
from nextscene.story import Shot, from_prompts, plan
from nextscene.take import Take


def shot_of(prompt: str = "a harbour", **settings: Any) -> Shot:
    (shot,) = plan(from_prompts([prompt]), StorySettings(**{"seed": 5} | settings), 5, (128, 96))
    return shot


def made_of(shot: Shot | None = None, **more: Any) -> Provenance:
    lora = Lora("l.safetensors", "0" * 64, 0.75)
    said: dict[str, Any] = {"model": "m", "lora": lora, "made_by": "Next Scene 1"} | more
    return Provenance(shot=shot or shot_of(), **said)


def take_of(shot: Shot, picture: Image.Image) -> Take:
    return Take(shot, picture, 0.1, made_of(shot))

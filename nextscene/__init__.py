"""Next Scene: a story goes in, pictures that belong together come out, and a film if you ask for one.

    story = nextscene.read_story("a red house by the sea at noon | the camera pans left")
    for file in nextscene.make(story, "outputs/house"):
        print(file)

The names of the library are loaded when they are first used: `import nextscene` brings neither torch nor anything else.
"""

import importlib
import logging
import os
from typing import TYPE_CHECKING

from nextscene.text import plain

if TYPE_CHECKING:
    from nextscene.api import load as load
    from nextscene.api import make as make
    from nextscene.api import read_story as read_story
    from nextscene.api import restyle_film as restyle_film
    from nextscene.production import Production as Production
    from nextscene.request import Request as Request
    from nextscene.shooting import Studio as Studio
    from nextscene.story import Story as Story
    from nextscene.take import Take as Take

__version__ = "0.1.0"

# On a CPU, MKL else adds up in an order that depends on where memory lies and on how busy the machine is: a scene's
# last bits differ from one process to the next, and a chain carries that on. These are Intel's own conditions for equal
# results from run to run.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
os.environ.setdefault("MKL_DYNAMIC", "FALSE")

# onnxruntime, under the safety checker and the voice, would else say to its makers that it runs, and on which machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# peft and diffusers import these wherever they are installed; what is said then is of parts that nobody uses here.
for _name in ("torchao", "bitsandbytes", "torch.utils._pytree", "diffusers.quantizers.torchao.torchao_quantizer"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class NextSceneError(Exception):
    """Something the user can put right. Its text is one sentence: what was wrong, where, and what to do."""

    def __init__(self, text: str = "") -> None:
        super().__init__(plain(text))  # it may quote a stranger, and is shown in terminals

    __qualname__ = "Next Scene"  # all that Cog lets us choose of what it puts before the text, in a failed answer


_WHERE = {
    "load": "api",
    "make": "api",
    "read_story": "api",
    "restyle_film": "api",
    "Production": "production",
    "Request": "request",
    "Story": "story.story",
    "Studio": "shooting.studio",
    "Take": "take",
}
__all__ = ["NextSceneError", "__version__", *_WHERE]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'nextscene' has no attribute {name!r}")
    return getattr(importlib.import_module(f"nextscene.{_WHERE[name]}"), name)

"""Next Scene: a story goes in, pictures that belong together come out, and a film if you ask for one.

    Story ──plan──▶ Shots ──shoot──▶ Takes ──cut──▶ Film

`story` and `plan` are pure and import no torch. `studio` is the only place that uses a model. `film` knows pictures,
not models.
"""

import logging
import os

from nextscene.text import plain

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

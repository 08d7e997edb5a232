"""Drawing faster, and not otherwise: the fastest attention that is here, and blocks compiled before the first request.

A loaded model goes in; what was done to it comes out, in words. It knows no stories.
"""

import os
import time

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from PIL import Image
from torch._dynamo.exc import TorchDynamoException

from nextscene.model.loading import Model
from nextscene.story.plan import Size

ATTENTION = ("native", "_native_cudnn", "_native_flash", "flash", "_flash_3")  # diffusers' names; all of them exact
TRIES = 5
MOST_GRAPHS = 32  # of a block: one for each way in which LoRAs ride on it, whatever their scales and the picture's size


def warm_up(model: Model, size: Size, lasting: bool) -> list[str]:
    """Makes the model ready to draw pictures of this size fast, and of other sizes nearly so.

    lasting: whether it will draw for long, so that compiling pays; NEXT_SCENE_COMPILE (1 or 0) overrules that.
    """
    plan, device = model.plan, model.pipe.transformer.device
    done = []
    if device.type == "cuda":
        done.append(f"attention by {_fastest_attention(model, size)}")
    wanted = os.environ.get("NEXT_SCENE_COMPILE") or str(int(lasting and device.type == "cuda" and not plan.streamed))
    if wanted != "0":
        done.append(_compiled(model, size))
    return done


def _fastest_attention(model: Model, size: Size) -> str:
    """Takes the backend that is fastest for a picture with one reference, of those that work here."""
    transformer = model.pipe.transformer
    tokens = 2 * size[0] * size[1] // 256
    shape = (1, tokens, transformer.config.num_attention_heads, transformer.config.attention_head_dim)
    tensors = torch.randn(3, *shape, device=transformer.device, dtype=transformer.dtype)
    seconds = {}
    for name in ATTENTION:
        try:
            transformer.set_attention_backend(name)
            seconds[name] = _seconds(name, *tensors)
        except (RuntimeError, ValueError, ImportError):
            continue  # not installed, or not for this GPU
    best = min(seconds, key=lambda name: seconds[name])
    transformer.set_attention_backend(best)
    return best


def _seconds(backend: str, *tensors: torch.Tensor) -> float:
    """The fastest of a few tries."""
    found = []
    for _ in range(TRIES):
        torch.cuda.synchronize()
        started = time.perf_counter()
        dispatch_attention_fn(*tensors, backend=backend)
        torch.cuda.synchronize()
        found.append(time.perf_counter() - started)
    return min(found)


def _compiled(model: Model, size: Size) -> str:
    """Compiles the transformer's blocks, one for all and for all sizes, and draws what makes that happen."""
    started = time.perf_counter()
    blocks = model.pipe.transformer.transformer_blocks
    # Not as one whole graph: the first-block cache, if it is ever asked for, decides in Python.
    model.pipe.transformer.compile_repeated_blocks(dynamic=True)
    torch._dynamo.config.recompile_limit = MOST_GRAPHS
    picture = Image.new("RGB", size)
    try:
        model.pipe("a", [picture], width=size[0], height=size[1], steps=2, generator=torch.Generator().manual_seed(0))
    except TorchDynamoException as error:
        for block in blocks:
            block._compiled_call_impl = None
        why = str(error).strip().splitlines()[0]
        return f"blocks not compiled, which did not work here ({why}): all is drawn as well, only slower"
    return f"blocks compiled in {time.perf_counter() - started:.0f} s"

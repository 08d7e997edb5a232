"""Drawing faster, and not otherwise: the fastest attention that is here, and blocks compiled before the first request.

A loaded model goes in; what was done to it comes out, in words. It knows no stories.
"""

import os
import time

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from PIL import Image
from torch._dynamo.exc import TorchDynamoException

from nextscene.model import lora as loras
from nextscene.model.loading import Model
from nextscene.settings import Look
from nextscene.story import Size

# diffusers' names; all of them exact. The last is Flash Attention 3, as a kernel that lies in the image (cog.yaml) or
# is fetched from the hub: no index has it as a wheel. Flash Attention 4 needs a compiler that is not free software.
ATTENTION = ("native", "_native_cudnn", "_native_flash", "_flash_3_hub")
TRIES = 5
MOST_GRAPHS = 32  # of a block: one for each set of LoRAs beside it, whatever their scales and the picture's size


def warm_up(model: Model, size: Size, lasting: bool) -> list[str]:
    """Makes the model ready to draw pictures of this size fast, and of other sizes nearly so.

    lasting: whether it will draw for long, so that compiling pays; NEXT_SCENE_COMPILE (1 or 0) overrules that.
    """
    plan, device = model.plan, model.pipe.transformer.device
    done = []
    if device.type == "cuda":
        done.append(choose_attention(model, size))
    wanted = os.environ.get("NEXT_SCENE_COMPILE") or str(int(lasting and device.type == "cuda" and not plan.streamed))
    if wanted != "0":
        done.append(compile_blocks(model, size))
    return done


def choose_attention(model: Model, size: Size) -> str:
    """Takes the attention that is fastest for a picture with one reference; says which, and which cannot be used here.

    What computes something else than PyTorch's own cannot be used either.
    """
    transformer = model.pipe.transformer
    tokens = 2 * size[0] * size[1] // 256
    shape = (1, tokens, transformer.config.num_attention_heads, transformer.config.attention_head_dim)
    tensors = torch.randn(3, *shape, device=transformer.device, dtype=transformer.dtype)
    right = dispatch_attention_fn(*tensors, backend="native")
    seconds, unusable = {}, {}
    for name in ATTENTION:
        try:
            with loras.silence():
                transformer.set_attention_backend(name)
                result = dispatch_attention_fn(*tensors, backend=name)
            torch.testing.assert_close(result, right, rtol=0.05, atol=0.02)
            seconds[name] = _seconds(name, *tensors)
        except Exception as error:  # noqa: BLE001 - a kernel may fail in any way; drawing does without it, and says so
            unusable[name] = loras.in_one_line(error)
    best = min(seconds, key=lambda name: seconds[name])
    transformer.set_attention_backend(best)
    others = [f"{name} cannot be used here ({why})" for name, why in unusable.items()]
    return "; ".join([f"attention by {best}", *others])


def _seconds(backend: str, *tensors: torch.Tensor) -> float:
    """The fastest of a few tries."""
    finish = getattr(torch, tensors[0].device.type).synchronize
    found = []
    for _ in range(TRIES):
        finish()
        started = time.perf_counter()
        dispatch_attention_fn(*tensors, backend=backend)
        finish()
        found.append(time.perf_counter() - started)
    return min(found)


def compile_blocks(model: Model, size: Size) -> str:
    """Compiles the transformer's blocks, one for all and for all sizes, and draws what makes that happen."""
    started = time.perf_counter()
    blocks = model.pipe.transformer.transformer_blocks
    # Not as one whole graph: the first-block cache, if it is ever asked for, decides in Python.
    model.pipe.transformer.compile_repeated_blocks(dynamic=True)
    torch._dynamo.config.recompile_limit = MOST_GRAPHS
    picture = Image.new("RGB", size)
    try:
        model.pipe(
            "a",
            [picture],
            look=Look(steps=2),
            width=size[0],
            height=size[1],
            generator=torch.Generator().manual_seed(0),
        )
    except TorchDynamoException as error:
        for block in blocks:
            block._compiled_call_impl = None
        why = str(error).strip().splitlines()[0]
        return f"blocks not compiled, which did not work here ({why}): all is drawn as well, only slower"
    return f"blocks compiled in {time.perf_counter() - started:.0f} s"

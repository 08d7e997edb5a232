"""A LoRA as a file that this project, diffusers and ComfyUI load: bf16, the scale already in its weights.

The same LoRA gives the same bytes: safetensors' own writer orders its header at random.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from nextscene.files import whole_file

KEY = "diffusion_model."  # what LoRA files for this model put before each layer's name


def write_lora(path: Path, weights: Mapping[str, Tensor], scale: float, facts: Mapping[str, str]) -> None:
    """Writes it whole or not at all; `facts` say what made it, in its metadata."""
    tensors = {
        KEY + name: (weights[name] * (scale if "lora_B" in name else 1)).detach().to("cpu", torch.bfloat16).contiguous()
        for name in sorted(weights)
    }
    header: dict[str, object] = {"__metadata__": dict(sorted({"format": "pt", **facts}.items()))}
    start = 0
    for name, tensor in tensors.items():
        end = start + tensor.nbytes
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [start, end]}
        start = end
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # the data begins at a multiple of 8
    with whole_file(path) as part, part.open("wb") as out:
        out.write(len(head).to_bytes(8, "little") + head)
        for tensor in tensors.values():
            out.write(tensor.view(torch.uint8).numpy().tobytes())

"""What was taught as a file: a LoRA that this project, diffusers and ComfyUI load, or a word with its vectors.

A LoRA is in bf16, its scale already in its weights. The same numbers give the same bytes: safetensors' own writer
orders its header at random.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from nextscene import NextSceneError
from nextscene.files import whole_file

KEY = "diffusion_model."  # what LoRA files for this model put before each layer's name
DTYPES = {torch.bfloat16: "BF16", torch.float32: "F32"}


def write_lora(path: Path, weights: Mapping[str, Tensor], scale: float, facts: Mapping[str, str]) -> None:
    """Writes it whole or not at all; `facts` say what made it, in its metadata."""
    scaled = {name: weights[name] * (scale if "lora_B" in name else 1) for name in weights}
    write_tensors(path, {KEY + name: tensor.to(torch.bfloat16) for name, tensor in scaled.items()}, facts)


def read_lora(path: Path, wanted: Mapping[str, Tensor], scale: float) -> dict[str, Tensor]:
    """The weights of a LoRA that was written here, to be trained further.

    wanted: the weights that a new one would have; those of the file must be as many and of the same shapes.
    """
    try:
        found = {name.removeprefix(KEY): tensor.float() for name, tensor in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise NextSceneError(f"The LoRA file {str(path)!r} cannot be read ({error}).") from None
    ranks = {len(tensor) for name, tensor in found.items() if "lora_A" in name}
    rank = len(next(tensor for name, tensor in wanted.items() if "lora_A" in name))
    if len(ranks) == 1 and ranks != {rank}:
        raise NextSceneError(f"The LoRA file {path.name!r} has rank {min(ranks)}, not {rank}: train with that rank.")
    if {name: each.shape for name, each in found.items()} != {name: each.shape for name, each in wanted.items()}:
        raise NextSceneError(
            f"The LoRA file {path.name!r} cannot be trained further: its layers are not those that a training here "
            "makes for this model."
        )
    return {name: tensor / (scale if "lora_B" in name else 1) for name, tensor in found.items()}


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Any tensors, in bf16 or fp32, in the order of their names."""
    tensors = {name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)}
    header: dict[str, object] = {"__metadata__": dict(sorted({"format": "pt", **facts}.items()))}
    start = 0
    for name, tensor in tensors.items():
        end = start + tensor.nbytes
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
        start = end
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # the data begins at a multiple of 8
    with whole_file(path) as part, part.open("wb") as out:
        out.write(len(head).to_bytes(8, "little") + head)
        for tensor in tensors.values():
            out.write(tensor.view(torch.uint8).numpy().tobytes())

"""Where a model's weights lie: the plan that this machine's memory allows, and each weight put into its place by it.

Sizes are read off the files' own headers, so that a plan that cannot work is refused before anything is loaded. Weights
go from their files straight to their place, layer by layer: each gets its LoRA first and is then made smaller.
"""

import gc
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
import torch
from diffusers.hooks import apply_group_offloading
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError, safe_open
from torch import nn

from nextscene import NextSceneError

# Bytes for each number of a block's matrices, scales included, by what they are kept in.
BYTES = {"fp32": 4.0, "bf16": 2.0, "fp8": 1.01, "4bit": 0.52}
ROOM = 0.08  # of all weights before they are made smaller: what drawing a scene takes beside them, a guess so far
# Numbers of a transformer whose layers are done before several threads have met. On two idle cores the second thread
# saves a quarter of the time; beside anything else that runs, both wait for each other ten times as long.
SMALL = 10**8
PARTS = ("transformer", "text_encoder", "vae")
ALL_PARTS = (*PARTS, "transformer_2", "unet", "image_encoder")  # of the pipelines for clips as well
_BLOCK = re.compile(r"(?:^|\.)(?:transformer_blocks|layers|blocks?)\.\d+\.")  # UMT5 has its own in `block`


@dataclass(frozen=True)
class Plan:
    """How the weights are kept.

    blocks: in what the matrices of the blocks are kept, which are nearly all there is.
    streamed: whether they stay in the machine's own memory, and each block comes to the device when it is its turn.
    """

    name: str
    blocks: Literal["fp32", "bf16", "fp8", "4bit"]
    about: str
    streamed: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.about})"

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32 if self.blocks == "fp32" else torch.bfloat16


PLANS = {
    plan.name: plan
    for plan in (
        Plan("bf16", "bf16", "all weights on the device, in bf16"),
        Plan("fp8", "fp8", "all weights on the device, in 8 bits"),
        Plan("4bit", "4bit", "all weights on the device, in 4 bits"),
        Plan("stream", "fp8", "weights in 8 bits in the machine's memory, streamed block by block", streamed=True),
        Plan("cpu", "fp32", "all on the CPU, in fp32"),
    )
}


@dataclass(frozen=True)
class Need:
    """Bytes that a plan takes: on the device, and in the machine's own memory."""

    device: float
    machine: float


def device() -> torch.device:
    """Where scenes are drawn."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_plan(folder: Path, stages: Sequence[Sequence[str]] = (PARTS,)) -> Plan:
    """The plan for the model in a folder: what NEXT_SCENE_MEMORY names, or the first that fits this machine.

    stages: the parts that lie in memory together, one lot after another.
    """
    named = os.environ.get("NEXT_SCENE_MEMORY", "auto")
    here, free = device(), psutil.virtual_memory().available
    on_device = torch.cuda.mem_get_info()[0] if here.type == "cuda" else free
    if named == "auto":
        plans = [plan for plan in PLANS.values() if plan.name != "cpu"] if here.type == "cuda" else [PLANS["cpu"]]
    elif named in PLANS:
        plans = [PLANS[named]]
    else:
        raise NextSceneError(f"NEXT_SCENE_MEMORY is {named!r}, which is no plan: name one of auto, {', '.join(PLANS)}.")
    short = []
    for plan in plans:
        needs = [needed(folder, plan, parts) for parts in stages]
        need = Need(max(each.device for each in needs), max(each.machine for each in needs))
        if need.device <= on_device and need.machine <= free:
            return plan
        where = f"{_gb(need.device)} on the {'GPU' if here.type == 'cuda' else 'CPU'} ({_gb(on_device)} free)"
        memory = f" and {_gb(need.machine)} of the machine's memory ({_gb(free)} free)" if need.machine else ""
        short.append(f"{plan.name} needs about {where}{memory}")
    raise NextSceneError(
        f"This model does not fit here: {'; '.join(short)}. Close other programs, or set NEXT_SCENE_MODEL to storybook."
    )


def needed(folder: Path, plan: Plan, parts: Sequence[str] = PARTS) -> Need:
    """What a plan takes for the model in a folder, or for some of its parts."""
    inside, outside, largest = 0, 0, 0
    for part in parts:
        blocks, rest, block = _numbers(folder / part)
        inside, outside, largest = inside + blocks, outside + rest, max(largest, block)
    each, other = BYTES[plan.blocks], plan.dtype.itemsize
    room = ROOM * (inside + outside) * other
    if plan.streamed:
        return Need(2 * each * largest + other * outside + room, each * inside + other * outside)
    return Need(each * inside + other * outside + room, 0)


def place(pipe: Any, plan: Plan) -> None:
    """Puts a pipeline that lies on the CPU where it belongs, with the LoRA that rides on it fused at its scale."""
    here = device() if plan.name != "cpu" else torch.device("cpu")
    home = torch.device("cpu") if plan.streamed else here
    parts = {name: part for name in ALL_PARTS if (part := getattr(pipe, name, None)) is not None}
    for part in parts.values():
        _settle(part, plan, here, home)
    if hasattr(pipe, "unload_lora_weights"):
        pipe.unload_lora_weights()  # what is left of it: only its name
    limit_threads(max(_count(part) for part in parts.values()), here)
    if plan.streamed:
        stream: dict[str, Any] = {"onload_device": here, "offload_device": home, "use_stream": here.type == "cuda"}
        for name, part in parts.items():
            if name.startswith("transformer"):
                part.enable_group_offload(**stream, offload_type="block_level", num_blocks_per_group=1)
            else:
                apply_group_offloading(part, **stream, offload_type="leaf_level")
        if "vae" in parts and hasattr(pipe.vae, "enable_tiling"):
            pipe.vae.enable_tiling()


def free(pipe: Any, keep: bool) -> None:
    """Makes room on the device for another model.

    keep: whether its weights wait in the machine's own memory, for `bring_back`; else nothing is left of them.
    """
    to = torch.device("cpu" if keep else "meta")
    for part in filter(None, (getattr(pipe, name, None) for name in ALL_PARTS)):
        part.to(to)
    give_back()


def bring_back(pipe: Any) -> None:
    """Puts what `free` kept where it draws."""
    for part in filter(None, (getattr(pipe, name, None) for name in ALL_PARTS)):
        part.to(device())


def give_back() -> None:
    """Gives the device's memory back that nothing holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def limit_threads(numbers: int, here: torch.device) -> None:
    """One thread for a transformer that is too small for more, before it draws or is trained on a CPU."""
    if here.type == "cpu" and numbers < SMALL:
        torch.set_num_threads(1)


def count_numbers(folder: Path) -> int:
    """How many numbers a part of a model has, as its files' headers say."""
    inside, outside, _ = _numbers(folder)
    return inside + outside


def _count(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def _settle(module: nn.Module, plan: Plan, here: torch.device, home: torch.device) -> None:
    """Layer by layer, so that never more than one is kept twice."""
    layers = {name: each for name, each in module.named_modules() if isinstance(each, LoraLayer | nn.Linear)}
    for name, layer in layers.items():
        if name.rpartition(".")[0] in layers or ".lora_" in name:
            continue  # a LoRA's own
        layer.to(here)
        if isinstance(layer, LoraLayer):
            layer.merge(safe_merge=True)
            layer = layer.get_base_layer()
        if _BLOCK.search(f"{name}."):
            layer = _smaller(layer, plan)
        module.set_submodule(name, layer.to(home))
    module.to(home)


def _smaller(layer: nn.Module, plan: Plan) -> nn.Module:
    if plan.blocks == "fp8":
        from torchao.quantization import Float8WeightOnlyConfig, quantize_  # slow to import, and seldom needed

        quantize_(layer, Float8WeightOnlyConfig())
    if plan.blocks == "4bit":
        from bitsandbytes.nn import Linear4bit, Params4bit

        assert isinstance(layer, nn.Linear)
        weight, bias = layer.weight, layer.bias
        layer = Linear4bit(layer.in_features, layer.out_features, bias is not None, weight.dtype, device="meta")
        layer.weight = Params4bit(weight.data, requires_grad=False, quant_type="nf4", module=layer).to(weight.device)
        layer.bias = bias
    return layer


def _numbers(folder: Path) -> tuple[int, int, int]:
    """How many numbers a part has: in its blocks' matrices, outside of them, and in the matrices of one block."""
    inside: dict[str, int] = {}
    outside = 0
    for name, shape in _shapes(folder):
        count = torch.Size(shape).numel()
        if len(shape) == 2 and (block := _BLOCK.search(name)):
            inside[name[: block.end()]] = inside.get(name[: block.end()], 0) + count
        else:
            outside += count
    return sum(inside.values()), outside, max(inside.values(), default=0)


def _shapes(folder: Path) -> Iterator[tuple[str, list[int]]]:
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, "pt") as opened:
                for name in opened.keys():  # noqa: SIM118 - it is no dict
                    yield name, opened.get_slice(name).get_shape()
        except (SafetensorError, OSError) as error:
            raise NextSceneError(f"The model's file {str(file)!r} cannot be read ({error}): fetch it again.") from None


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"

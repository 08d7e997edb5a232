"""Pipelines from weights: one shot drawn, LoRAs, where the weights are kept, speed.

    model = load(folder, lora)
    warm_up(model, size, lasting=True)
    picture = model.pipe("Next Scene: night falls", [before], look=Look(), width=1024, height=768)

It needs torch, which is imported only when something of it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextscene.model.inversion import Flow
    from nextscene.model.loading import Model, PictureProcessor, load, load_pipeline
    from nextscene.model.lora import Lora
    from nextscene.model.memory import PARTS, PLANS, Plan, choose_plan, count_numbers, device, limit_threads
    from nextscene.model.own_words import MARK, WORD, find_mark
    from nextscene.model.pipeline import NextScenePipeline, guide
    from nextscene.model.prompts import check_words
    from nextscene.model.seeing import NOTHING, SEEING, Asking, Probes, Sight
    from nextscene.model.speed import warm_up

__all__ = [
    "MARK",
    "NOTHING",
    "PARTS",
    "PLANS",
    "SEEING",
    "WORD",
    "Asking",
    "Flow",
    "Lora",
    "Model",
    "NextScenePipeline",
    "PictureProcessor",
    "Plan",
    "Probes",
    "Sight",
    "check_words",
    "choose_plan",
    "count_numbers",
    "device",
    "find_mark",
    "guide",
    "limit_threads",
    "load",
    "load_pipeline",
    "warm_up",
]

_MODULES = {
    **dict.fromkeys(("Model", "PictureProcessor", "load", "load_pipeline"), "loading"),
    **dict.fromkeys(("PARTS", "PLANS", "Plan", "choose_plan", "count_numbers", "device", "limit_threads"), "memory"),
    **dict.fromkeys(("NextScenePipeline", "guide"), "pipeline"),
    "Flow": "inversion",
    "Lora": "lora",
    **dict.fromkeys(("MARK", "WORD", "find_mark"), "own_words"),
    "check_words": "prompts",
    **dict.fromkeys(("NOTHING", "SEEING", "Asking", "Probes", "Sight"), "seeing"),
    "warm_up": "speed",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

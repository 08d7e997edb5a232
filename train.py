"""Cog's door for trainings: a LoRA from your own pictures.

Cog reads `train` without running it, so each input is one plain literal call.
"""

from cog import BaseModel, Input, Path

from nextscene.api import train_lora
from nextscene.files import own_folder
from nextscene.form import fetched_file
from nextscene.training import make_recipe


class TrainingOutput(BaseModel):
    weights: Path
    loss_curve: Path
    samples: list[Path]


def train(
    data: Path = Input(
        description="A zip of NAME_a.png, NAME_b.png and NAME.txt (the words that lead from a to b), or of NAME.png and NAME.txt (its caption), for each NAME. Recommended: 20 to 200 pairs. What lies in a folder named validation is only drawn and measured."
    ),
    steps: int = Input(
        default=1000, ge=1, le=100000, description="Optimiser steps, 1 to 100000. Recommended: 1000 to 3000."
    ),
    rank: int = Input(default=16, ge=1, le=256, description="Size of the LoRA, 1 to 256. Recommended: 8 to 32."),
    alpha: float | None = Input(
        default=None,
        ge=0.1,
        le=1024.0,
        description="The LoRA acts with alpha / rank, 0.1 to 1024. Recommended: leave blank for the rank.",
    ),
    learning_rate: float = Input(
        default=0.0001,
        ge=0.0000001,
        le=0.1,
        description="How far each step goes, 0.0000001 to 0.1. Recommended: 0.00005 to 0.0002.",
    ),
    batch: int = Input(
        default=1, ge=1, le=64, description="Examples that are trained on at once, 1 to 64. Recommended: 1 to 4."
    ),
    accumulation: int = Input(
        default=1, ge=1, le=256, description="Batches for each step, on each GPU, 1 to 256. Recommended: 1 to 4."
    ),
    resolution: int | None = Input(
        default=None,
        ge=64,
        le=2048,
        description="Side of a square with the area to train at, in pixels, 64 to 2048; shapes are kept. Recommended: leave blank for the model's own.",
    ),
    trigger: str = Input(
        default="", max_length=100, description="Words put before each caption, to call the LoRA by. Blank: none."
    ),
    prefix: str = Input(
        default="pairs",
        choices=["pairs", "all", "none"],
        description="Which captions get 'Next Scene:' before them. Recommended: pairs.",
    ),
    caption_dropout: float = Input(
        default=0.05,
        ge=0.0,
        le=1.0,
        description="Share of examples that lose their words, 0 to 1. Recommended: 0.05 to 0.1.",
    ),
    seed: int = Input(
        default=0,
        ge=0,
        le=2147483647,
        description="The same seed with the same inputs gives the same LoRA, 0 to 2147483647.",
    ),
    base: str = Input(
        default="full",
        choices=["full", "4bit"],
        description="Whether the base model is held in full or in 4 bits (which needs an NVIDIA GPU).",
    ),
    optimizer: str = Input(
        default="adamw",
        choices=["adamw", "adamw8bit"],
        description="The optimiser; adamw8bit needs less memory, and an NVIDIA GPU.",
    ),
    checkpointing: bool = Input(
        default=True, description="Gradient checkpointing: much less memory, about a third slower."
    ),
    sample_every: int = Input(
        default=250, ge=0, le=100000, description="Steps between samples of up to three examples; 0: none."
    ),
    save_every: int = Input(default=250, ge=1, le=100000, description="Steps between checkpoints."),
) -> TrainingOutput:
    """Gives the LoRA's file, and what to judge it by."""
    inputs = {name: value for name, value in locals().items() if name != "data"}
    out = own_folder("next-scene-training")
    file = train_lora(fetched_file(data, "data"), make_recipe(**inputs), out)
    samples = [Path(sample) for sample in sorted(out.glob("samples/*.png"))]
    return TrainingOutput(weights=Path(file), loss_curve=Path(out / "loss.png"), samples=samples)

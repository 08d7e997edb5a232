"""Cog's door for trainings: a look from your own pictures, as a LoRA or a word.

Cog reads `train` without running it, so each input is one plain literal call.
"""

from cog import BaseModel, Input, Path

from nextscene.api import train_look
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
    start: Path | None = Input(
        default=None, description="A LoRA file that was made here, to train further, optional; of the same rank."
    ),
    method: str = Input(
        default="lora",
        choices=["lora", "textual-inversion", "dreambooth"],
        description="What is taught. lora: a LoRA; textual-inversion: a word with vectors of its own, all weights as they are; dreambooth: a LoRA that keeps what it does without its trigger.",
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
    learning_rate: float | None = Input(
        default=None,
        ge=0.0000001,
        le=0.1,
        description="How far each step goes, 0.0000001 to 0.1. Recommended: 0.00005 to 0.0002, or leave blank for 0.0001, or 0.005 with textual-inversion.",
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
        default="",
        max_length=100,
        description="Words put before each caption, to call the look by. Blank: none, or <look> with textual-inversion.",
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
    vectors: int = Input(
        default=2,
        ge=1,
        le=64,
        description="Of textual-inversion: how many vectors its word has, 1 to 64. Recommended: 2 to 8.",
    ),
    like: str = Input(
        default="", max_length=100, description="Of textual-inversion: words that it begins as. Blank: none."
    ),
    patience: int = Input(
        default=5,
        ge=0,
        le=1000,
        description="Of textual-inversion: it stops after so many checks without gain, 0 to 1000; 0: never.",
    ),
    class_prompt: str = Input(
        default="",
        max_length=1000,
        description="Of dreambooth: what the base draws to be kept. Recommended: leave blank for each caption without its trigger.",
    ),
    class_pictures: int = Input(
        default=50,
        ge=1,
        le=1000,
        description="Of dreambooth: how many pictures the base draws, 1 to 1000. Recommended: 50 to 200.",
    ),
    prior_weight: float = Input(
        default=1.0,
        ge=0.0,
        le=10.0,
        description="Of dreambooth: how much those count beside your own, 0 to 10. Recommended: 1.",
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
    """Gives the file, and what to judge it by."""
    inputs = {name: value for name, value in locals().items() if name not in ("data", "start")}
    out = own_folder("next-scene-training")
    lora = fetched_file(start, "start") if start else None
    file = train_look(fetched_file(data, "data"), make_recipe(**inputs), out, lora)
    samples = [Path(sample) for sample in sorted(out.glob("samples/*.png"))]
    return TrainingOutput(weights=Path(file), loss_curve=Path(out / "loss.png"), samples=samples)

"""A recipe: everything that a training decides, checked. It knows no pictures and no models."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nextscene import NextSceneError
from nextscene.files import short
from nextscene.story import PREFIX, with_prefix

Value = str | float | bool | None  # as a form or a terminal gives it


class Recipe(BaseModel):
    """How to train. The same recipe on the same examples makes the same LoRA on the same machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    steps: Annotated[int, Field(ge=1, le=100_000, description="optimiser steps; 1000 to 3000 for 20 to 200 pairs")] = (
        1000
    )
    rank: Annotated[int, Field(ge=1, le=256, description="size of the LoRA; 8 to 32 recommended")] = 16
    alpha: Annotated[float | None, Field(ge=0.1, le=1024, description="its scale is alpha / rank; blank: the rank")] = (
        None
    )
    learning_rate: Annotated[float, Field(ge=1e-7, le=0.1, description="5e-5 to 2e-4 recommended")] = 1e-4
    batch: Annotated[int, Field(ge=1, le=64, description="examples that are trained on at once")] = 1
    accumulation: Annotated[int, Field(ge=1, le=256, description="batches for each step, on each GPU")] = 1
    resolution: Annotated[
        int | None,
        Field(ge=64, le=2048, description="side of a square with the area to train at; blank: the model's own area"),
    ] = None
    trigger: Annotated[str, Field(max_length=100, description="words put before each caption; blank: none")] = ""
    prefix: Annotated[
        Literal["pairs", "all", "none"], Field(description="which captions get 'Next Scene:' before them")
    ] = "pairs"
    caption_dropout: Annotated[float, Field(ge=0, le=1, description="share of examples without their words")] = 0.05
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="of the order, the noise and the LoRA's start")] = 0
    base: Annotated[Literal["full", "4bit"], Field(description="4bit: the base in 4 bits; needs an NVIDIA GPU")] = (
        "full"
    )
    optimizer: Annotated[Literal["adamw", "adamw8bit"], Field(description="adamw8bit: needs an NVIDIA GPU")] = "adamw"
    checkpointing: Annotated[bool, Field(description="much less memory, about a third slower")] = True
    sample_every: Annotated[
        int, Field(ge=0, le=100_000, description="steps between samples of up to 3 examples; 0: none")
    ] = 250
    save_every: Annotated[int, Field(ge=1, le=100_000, description="steps between checkpoints")] = 250

    @property
    def scale(self) -> float:
        return (self.alpha or self.rank) / self.rank

    def words(self, caption: str, *, pair: bool) -> str:
        """A caption as the model reads it."""
        bare = with_prefix(caption).removeprefix(PREFIX)
        words = f"{self.trigger}, {bare}" if self.trigger and self.trigger.lower() not in bare.lower() else bare
        return with_prefix(words) if self.prefix == "all" or (pair and self.prefix == "pairs") else words


def make_recipe(**values: Value) -> Recipe:
    """A recipe of these values; the others have their defaults."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        found = [f"{each['loc'][0]}: {each['msg'].lower()}, not {short(each['input'])}" for each in error.errors()]
        raise NextSceneError(f"The training cannot be set so: {'; '.join(found)}.") from None

"""A recipe: everything that a training decides, checked. It knows no pictures and no models."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nextscene import NextSceneError
from nextscene.files import short
from nextscene.story import PREFIX, with_prefix

WORD = "<look>"  # that is taught, where nobody names one
Value = str | float | bool | None  # as a form or a terminal gives it


class Recipe(BaseModel):
    """How to train. The same recipe on the same examples makes the same file on the same machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    method: Annotated[
        Literal["lora", "textual-inversion", "dreambooth"],
        Field(
            description="what is taught: a LoRA; a word with vectors of its own, all weights as they are; or a LoRA "
            "that keeps what it does without its trigger"
        ),
    ] = "lora"
    steps: Annotated[int, Field(ge=1, le=100_000, description="optimiser steps; 1000 to 3000 for 20 to 200 pairs")] = (
        1000
    )
    rank: Annotated[int, Field(ge=1, le=256, description="size of the LoRA; 8 to 32 recommended")] = 16
    alpha: Annotated[float | None, Field(ge=0.1, le=1024, description="its scale is alpha / rank; blank: the rank")] = (
        None
    )
    learning_rate: Annotated[
        float | None,
        Field(ge=1e-7, le=0.1, description="5e-5 to 2e-4 recommended; blank: 1e-4, or 5e-3 with textual-inversion"),
    ] = None
    batch: Annotated[int, Field(ge=1, le=64, description="examples that are trained on at once")] = 1
    accumulation: Annotated[int, Field(ge=1, le=256, description="batches for each step, on each GPU")] = 1
    resolution: Annotated[
        int | None,
        Field(ge=64, le=2048, description="side of a square with the area to train at; blank: the model's own area"),
    ] = None
    trigger: Annotated[
        str,
        Field(
            max_length=100, description="words put before each caption; blank: none, or <look> with textual-inversion"
        ),
    ] = ""
    prefix: Annotated[
        Literal["pairs", "all", "none"], Field(description="which captions get 'Next Scene:' before them")
    ] = "pairs"
    caption_dropout: Annotated[float, Field(ge=0, le=1, description="share of examples without their words")] = 0.05
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="of the order, the noise and the LoRA's start")] = 0
    vectors: Annotated[
        int, Field(ge=1, le=64, description="of textual-inversion: how many its word has; 2 to 8 recommended")
    ] = 2
    like: Annotated[
        str, Field(max_length=100, description="of textual-inversion: words that it begins as; blank: none")
    ] = ""
    patience: Annotated[
        int,
        Field(ge=0, le=1000, description="of textual-inversion: it stops after so many checks without gain; 0: never"),
    ] = 5
    class_prompt: Annotated[
        str,
        Field(
            max_length=1000,
            description="of dreambooth: what the base draws to be kept; blank: each caption without its trigger",
        ),
    ] = ""
    class_pictures: Annotated[
        int, Field(ge=1, le=1000, description="of dreambooth: how many the base draws; 50 to 200 recommended")
    ] = 50
    prior_weight: Annotated[
        float, Field(ge=0, le=10, description="of dreambooth: how much those count beside your own")
    ] = 1.0
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

    @property
    def trains_word(self) -> bool:
        return self.method == "textual-inversion"

    @property
    def called(self) -> str:
        """The words that what is taught is called by."""
        return self.trigger or (WORD if self.trains_word else "")

    @property
    def rate(self) -> float:
        return self.learning_rate or (5e-3 if self.trains_word else 1e-4)

    @property
    def dropout(self) -> float:
        return 0.0 if self.trains_word else self.caption_dropout  # without words there is nothing to teach the word

    def words(self, caption: str, *, pair: bool, of_class: bool = False) -> str:
        """A caption as the model reads it; of_class: without the trigger."""
        bare, called = with_prefix(caption).removeprefix(PREFIX), "" if of_class else self.called
        words = f"{called}, {bare}" if called and called.lower() not in bare.lower() else bare
        return with_prefix(words) if self.prefix == "all" or (pair and self.prefix == "pairs") else words


def make_recipe(**values: Value) -> Recipe:
    """A recipe of these values; the others have their defaults."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        found = [f"{each['loc'][0]}: {each['msg'].lower()}, not {short(each['input'])}" for each in error.errors()]
        raise NextSceneError(f"The training cannot be set so: {'; '.join(found)}.") from None

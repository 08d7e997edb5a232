"""What is taught: a LoRA, or a word with vectors of its own. Its numbers, how it reads an example, and its file.

The trainer's loop knows no more of it than `Taught` says.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from nextscene import NextSceneError, pictures
from nextscene.model import MARK, WORD, find_mark
from nextscene.training import encodings
from nextscene.training.dataset import Example
from nextscene.training.encodings import words_of
from nextscene.training.lora_file import read_lora, write_lora, write_tensors
from nextscene.training.pipeline import Encoded, TrainingPipeline
from nextscene.training.recipe import Recipe

LONGEST = 0.95  # no vector gets longer than this share of the vocabulary's are


class Taught(Protocol):
    weights: list[torch.nn.Parameter]
    file_name: str

    def read(self, example: Example, encoded: Path) -> Encoded:
        """An example, as it is read now."""

    def state(self) -> dict[str, Tensor]: ...

    def set_state(self, state: Mapping[str, Tensor]) -> None: ...

    def settle(self) -> None:
        """After each step of the optimiser."""

    def write(self, path: Path, state: Mapping[str, Tensor], facts: Mapping[str, str]) -> None: ...


class TaughtLora:
    """A LoRA beside the transformer's weights; words are read as they always were, so that once is enough."""

    file_name = "lora.safetensors"

    def __init__(self, pipeline: TrainingPipeline, recipe: Recipe, start: Path | None) -> None:
        """start: a LoRA file to begin with."""
        self.pipeline, self.recipe = pipeline, recipe
        self.weights = pipeline.add_lora(recipe.rank, recipe.alpha or recipe.rank, recipe.seed)
        self.state, self.set_state = pipeline.lora, pipeline.set_lora
        if start:
            self.set_state(read_lora(start, self.state(), recipe.scale))

    def read(self, example: Example, encoded: Path) -> Encoded:
        return encodings.read(encoded)

    def settle(self) -> None:
        pass

    def write(self, path: Path, state: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
        write_lora(path, state, self.recipe.scale, facts)


class TaughtWord:
    """A word's vectors in the text encoder's table; all weights stay as they are."""

    file_name = "embedding.safetensors"

    def __init__(self, pipeline: TrainingPipeline, recipe: Recipe) -> None:
        self.pipeline, self.recipe, self.word = pipeline, recipe, recipe.called
        table = pipeline.text_encoder.get_input_embeddings().weight.detach().float()
        self._longest = table.norm(dim=1).cpu().quantile(LONGEST)
        self.vectors = torch.nn.Parameter(_first_vectors(pipeline, recipe, table))
        self.weights = [self.vectors]
        pipeline.own_words.use({self.word: self.vectors})
        pipeline.text_encoder.requires_grad_(False)
        pipeline.transformer.requires_grad_(False)

    def read(self, example: Example, encoded: Path) -> Encoded:
        """Words are read anew each time: their vectors have changed."""
        seen = [pictures.fit(pictures.read(example.reference), *example.size)] if example.reference else []
        words, _ = self.pipeline._embed(words_of(example, self.recipe), seen, self.pipeline.text_encoder.device)
        return encodings.read(encoded)._replace(words=words[0])

    def state(self) -> dict[str, Tensor]:
        return {self.word: self.vectors.detach().cpu().clone()}

    def set_state(self, state: Mapping[str, Tensor]) -> None:
        self.vectors.data.copy_(state[self.word])

    def settle(self) -> None:
        """Vectors that grow far longer than any word's drown the others'."""
        norms = self.vectors.data.norm(dim=1, keepdim=True)
        self.vectors.data *= (self._longest.to(norms.device) / norms).clamp(max=1)

    def write(self, path: Path, state: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
        write_tensors(path, state, {**facts, MARK: find_mark(self.pipeline.folder)})


def check_recipe(recipe: Recipe, start: Path | None) -> None:
    """Refuses what a method cannot do, before anything else is done."""
    if recipe.trains_word and not WORD.fullmatch(recipe.called):
        raise NextSceneError(
            f"The trigger {recipe.called!r} cannot be taught: write it as <noir>, in small letters and brackets."
        )
    if recipe.trains_word and start:
        raise NextSceneError("A word is taught from the beginning: leave out the file to train further.")
    if recipe.method == "dreambooth" and not recipe.called:
        raise NextSceneError(
            "DreamBooth needs words to call the look by: give a trigger, such as 'cinematic film still'."
        )
    if start and not start.is_file():
        raise NextSceneError(f"There is no LoRA file {str(start)!r} to train further.")


def _first_vectors(pipeline: TrainingPipeline, recipe: Recipe, table: Tensor) -> Tensor:
    """Those of the words that it begins as, over and over; or else a mean word, each a little otherwise."""
    if recipe.like:
        rows: Sequence[int] = pipeline.tokenizer(recipe.like).input_ids
        return table[[rows[number % len(rows)] for number in range(recipe.vectors)]].clone()
    random = torch.Generator().manual_seed(recipe.seed)
    spread = torch.randn(recipe.vectors, table.shape[1], generator=random).to(table.device)
    return table.mean(dim=0) + spread * table.std(dim=0)

"""Words of the user's own, `<noir>`: each with vectors in the place of what the text encoder knows, from a file.

    words = read_embedding(file, find_mark(model_folder))     # {"<noir>": (vectors, numbers)}
    pipe.own_words.use(words)
    pipe("Next Scene: <noir>, night falls", ...)

A word becomes as many signs as it has vectors, which both tokenizers learn; a hook on the encoder's table of vectors
puts the word's own in their places. The table itself stays as it is, wherever and however the weights are kept, so
nothing builds up.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from nextscene import NextSceneError
from nextscene.files import short

WORD = re.compile(r"<[a-z][a-z0-9_-]{0,38}>", re.ASCII)
MARK = "base_mark"  # in a file's metadata: the text encoder that its words were taught to
MARKED_BY = 64  # rows of the encoder's table
MOST_VECTORS = 64  # of a word
SIGN = "<|own_{}|>"


@dataclass(frozen=True)
class Embedding:
    """A file of words, as the user named it."""

    name: str
    sha256: str
    words: Mapping[str, Tensor]

    def acts_in(self, *texts: str) -> bool:
        return any(word in text for word in self.words for text in texts)


class OwnWords:
    """The words that a pipeline's text encoder reads besides its own."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, other_tokenizer: PreTrainedTokenizerBase, table: nn.Module
    ) -> None:
        """tokenizer, other_tokenizer: for words alone, and for words with pictures; they know the same signs.

        table: the encoder's vectors, by the numbers of signs.
        """
        self._tokenizers, self._table = (tokenizer, other_tokenizer), table
        self._signs: list[str] = []
        self._first = len(tokenizer)  # the number of the first of our signs
        self._hooks: list[Any] = []
        self._places: Tensor | None = None  # of our signs, in what the table is asked for now
        self.vectors: dict[str, Tensor] = {}

    def use(self, vectors: Mapping[str, Tensor]) -> None:
        """From now on, it reads these words and no others. What has a gradient gets one through the encoder."""
        self.vectors = dict(vectors)
        self._learn_signs(sum(map(len, vectors.values())))
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        if vectors:
            before, after = self._table.register_forward_pre_hook, self._table.register_forward_hook
            self._hooks = [before(self._hide_signs), after(self._put_in_vectors)]

    def spell(self, text: str) -> str:
        """A text with our words as the signs that the tokenizers know."""
        signs = iter(self._signs)
        for word, vectors in self.vectors.items():
            text = text.replace(word, "".join(next(signs) for _ in vectors))
        return text

    def _learn_signs(self, count: int) -> None:
        new = [SIGN.format(number) for number in range(len(self._signs), count)]
        for tokenizer in self._tokenizers:
            tokenizer.add_tokens(new, special_tokens=True)
        self._signs += new
        for number, sign in enumerate(new, self._first + len(self._signs) - len(new)):
            known = {tokenizer.convert_tokens_to_ids(sign) for tokenizer in self._tokenizers}
            if known != {number}:
                raise ValueError(f"the tokenizers number {sign} as {known}, not {number}: they are of two models")

    def _hide_signs(self, table: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        """The table may have no rows for our signs."""
        self._places = args[0] - self._first
        return (args[0].masked_fill(self._places >= 0, 0),)

    def _put_in_vectors(self, table: nn.Module, args: tuple[Tensor], out: Tensor) -> Tensor:
        assert self._places is not None
        ours = torch.cat(list(self.vectors.values())).to(out.device, out.dtype)
        places, self._places = self._places.to(out.device), None
        return torch.where((places >= 0)[..., None], ours[places.clamp(min=0)], out)


def find_mark(folder: Path) -> str:
    """What tells the text encoder of the model in a folder from others: the first rows of its table, in bf16."""
    for file in sorted((folder / "text_encoder").glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - it is no dict
                if name.endswith("embed_tokens.weight"):
                    rows = opened.get_slice(name)[:MARKED_BY].to(torch.bfloat16).contiguous()
                    return hashlib.sha256(rows.view(torch.uint8).numpy().tobytes()).hexdigest()[:16]
    raise NextSceneError(f"The model in {str(folder)!r} has no table of vectors for words: fetch it again.")


def read_embedding(file: Path, mark: str, width: int, known_as: str = "") -> dict[str, Tensor]:
    """The words of a file with their vectors, or why it is not for this model.

    mark, width: of the model's text encoder; how many numbers its vectors have.
    known_as: what the user calls the file, for that sentence.
    """
    name = known_as or file.name
    if not file.is_file():
        raise NextSceneError(f"There is no embedding file {str(file)!r}.")
    try:
        with safe_open(file, "pt") as opened:
            facts: Mapping[str, str] = opened.metadata() or {}
            words = {word: opened.get_tensor(word).float() for word in sorted(opened.keys())}
    except (SafetensorError, OSError) as error:
        raise NextSceneError(f"The embedding {name!r} is not a safetensors file ({error}).") from None
    if why := _why_not(words, facts, mark, width):
        raise NextSceneError(f"The embedding {name!r} is not for this model: {why}.")
    return words


def _why_not(words: Mapping[str, Tensor], facts: Mapping[str, str], mark: str, width: int) -> str:
    """What is wrong with words, if anything is."""
    if strange := next((word for word in words if not WORD.fullmatch(word)), None):
        more = "; it is a LoRA, for lora_weights" if "lora_" in strange else ""
        return f"it holds {short(strange)}, which is no word such as <noir>{more}"
    if not words:
        return "it holds no word"
    for word, vectors in words.items():
        if vectors.dim() != 2 or not 1 <= len(vectors) <= MOST_VECTORS:
            return f"its word {word} has no 1 to {MOST_VECTORS} vectors"
        if vectors.shape[1] != width:
            return f"the vectors of {word} have {vectors.shape[1]} numbers, and this model's have {width}"
        if not vectors.isfinite().all():
            return f"some numbers of {word} are NaN or infinite, so it is damaged, or was not trained well"
    if facts.get(MARK, mark) != mark:
        return f"it was taught to the text encoder of {facts.get('base_model', 'another')}: teach it to this one"
    return ""

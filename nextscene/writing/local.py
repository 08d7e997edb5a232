"""A writer that is there already: the text encoder of the model that draws, which is a whole language model.

It can only answer in the task's schema: of each next token llguidance allows those that lead there. It imports torch.
"""

from collections.abc import Mapping
from typing import Any

import torch
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer

from nextscene import NextSceneError
from nextscene.model import Model
from nextscene.writing.asking import Task, TooLongError

LONGEST_ANSWER = 2000  # tokens
LONGEST_TEXT, MOST_ITEMS = 200, 20  # of one text, and of one list, in characters and in number


class Local:
    """Answers by a loaded model. longest: how many tokens an answer may have."""

    def __init__(self, model: Model, longest: int = LONGEST_ANSWER) -> None:
        if model.plan.streamed:
            raise NextSceneError(
                "The writer local would bring all weights to the device for each word: with NEXT_SCENE_MEMORY=stream "
                "take the writer rules, or a hosted one."
            )
        self.name = f"local {model.name}"
        self._encoder, self._tokenizer, self._longest = model.pipe.text_encoder, model.pipe.tokenizer, longest
        self._known = from_tokenizer(self._tokenizer)

    @torch.no_grad()
    def answer(self, task: Task) -> str:
        complaint = f"\n\nYour last answer was not right: {task.complaint}." if task.complaint else ""
        told = f"<|im_start|>system\n{task.system}<|im_end|>\n<|im_start|>user\n{task.words}{complaint}<|im_end|>\n"
        asked = self._tokenizer(f"{told}<|im_start|>assistant\n", return_tensors="pt").to(self._encoder.device)
        grammar = LLMatcher.grammar_from_json_schema(
            _bounded(task.schema) | {"x-guidance": {"whitespace_flexible": False}}
        )
        allowed = _Allowed(LLMatcher(self._known, grammar), asked["input_ids"].shape[1])
        answer = self._encoder.generate(
            **asked,
            max_new_tokens=self._longest,
            do_sample=False,
            use_cache=True,
            logits_processor=[allowed],
            pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
            eos_token_id=self._known.eos_token,
        )[0, asked["input_ids"].shape[1] :]
        if answer[-1] != self._known.eos_token:  # which the schema allows only at its end
            raise TooLongError("its answer was cut off at its greatest length")
        words: str = self._tokenizer.decode(answer, skip_special_tokens=True)
        return words


class _Allowed:
    """Forbids each token after which no answer in the schema is left.

    llguidance's own function for torch would compile itself first: half a minute of a CPU, and with a compiler alone.
    """

    def __init__(self, matcher: LLMatcher, asked: int) -> None:
        self._matcher, self._read = matcher, asked

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if new := ids[0, self._read :].tolist():
            self._matcher.consume_tokens(new)
            self._read += len(new)
        bias = torch.frombuffer(bytearray(self._matcher.compute_logit_bias()), dtype=torch.uint8)
        forbidden = torch.ones(scores.shape[1], dtype=torch.bool)  # those that only fill up the model's table too
        forbidden[: len(bias)] = bias == 0
        return scores.masked_fill(forbidden.to(scores.device), float("-inf"))


def _bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema with limits, without which a small model goes on and on."""
    bounded = dict(schema)
    if schema["type"] == "object":
        bounded["properties"] = {name: _bounded(field) for name, field in schema["properties"].items()}
    elif schema["type"] == "array":
        bounded |= {"items": _bounded(schema["items"]), "maxItems": MOST_ITEMS}
    elif schema["type"] == "integer":
        bounded |= {"minimum": 1, "maximum": MOST_ITEMS}
    elif "enum" not in schema:
        bounded |= {"maxLength": LONGEST_TEXT}
    return bounded

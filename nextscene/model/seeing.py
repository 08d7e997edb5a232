"""What a picture shows, as the model's own text encoder sees it, which looks at pictures anyway.

    sight = find_sight(pipe, folder)
    sight.see(picture, {"light": "night"})    # {"light": "dusk"}; {} if it is not sure

What is planned for a picture goes in, what is seen in it comes out: of each kind one of the answers that there are, or
nothing. The full model is asked in words, and may answer with nothing but the letter of an answer. The built-in one
never learned to speak: there probes on what it sees answer, which its folder brings along.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from string import ascii_uppercase
from typing import Protocol

import torch
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as stock
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from nextscene.model.pipeline import NextScenePipeline
from nextscene.story import ANSWERS

SEEING = "seeing.safetensors"  # the probes that a model's folder brings along
SURE = 0.8  # an answer that is less likely than this among all answers is none
OFF = 0.02  # how far a picture's shape may be from the one that probes were taught
ELSE, NOTHING = "something else", "nothing"
QUESTIONS = {
    "light": "What time of day is it in this picture?",
    "weather": "What is the weather in this picture?",
    "place": "Where is this?",
    "subject": "What is the most important thing in this picture?",
    "colour": "Which colour has the most important thing in this picture?",
}
_ASKED = (
    "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>{question}\n{answers}\n"
    "Answer with the letter alone.<|im_end|>\n<|im_start|>assistant\n"
)


class Sight(Protocol):
    """Who looks at pictures."""

    def see(self, picture: Image.Image, planned: Mapping[str, str]) -> dict[str, str]:
        """What it shows, by kind, as far as that is sure.

        planned: what it should show, by kind: light, weather, place, subject, colour. Nothing else is looked for.
        """


def find_sight(pipe: NextScenePipeline, folder: Path) -> Sight:
    """Who looks at the pictures of the model in a folder: its own probes, or else it is asked in words."""
    file = folder / SEEING
    return Probes(pipe, file) if file.is_file() else Asking(pipe)


class Asking:
    """The full model's text encoder, asked in words."""

    def __init__(self, pipe: NextScenePipeline, sure: float = SURE) -> None:
        self.pipe, self.sure = pipe, sure

    @torch.no_grad()
    def see(self, picture: Image.Image, planned: Mapping[str, str]) -> dict[str, str]:
        small = _as_it_is_looked_at(self.pipe, picture, picture.width / picture.height)
        try:
            seen = {kind: self._ask(small, kind, what) for kind, what in planned.items()}
        finally:
            self.pipe.maybe_free_model_hooks()
        return {kind: answer for kind, answer in seen.items() if answer}

    def _ask(self, picture: Image.Image, kind: str, planned: str) -> str | None:
        answers = [*dict.fromkeys([planned, *ANSWERS[kind]]), ELSE]
        letters = ascii_uppercase[: len(answers)]
        listed = "\n".join(f"{letter}. {answer}" for letter, answer in zip(letters, answers, strict=True))
        words = _ASKED.format(question=QUESTIONS[kind], answers=listed)
        inputs = self.pipe.processor(text=[words], images=[picture], return_tensors="pt")
        logits = self.pipe.text_encoder(**inputs.to(self.pipe._execution_device)).logits[0, -1]
        tokens = [self.pipe.tokenizer(letter).input_ids[0] for letter in letters]
        return _surest(logits[tokens], answers, self.sure)


class Probes:
    """Probes on what the vision tower makes of a picture, one for each kind, with the answers that it knows.

    They were taught pictures of one shape, and say nothing of others: there they take rain for a clear sky.
    """

    def __init__(self, pipe: NextScenePipeline, file: Path) -> None:
        self.pipe, self._file = pipe, file
        with safe_open(file, "pt") as opened:
            facts: Mapping[str, str] = opened.metadata()
        self.answers: dict[str, list[str]] = json.loads(facts["answers"])
        self.shape = float(facts["shape"])

    @cached_property
    def _weights(self) -> dict[str, Tensor]:
        """Read when a picture is first looked at, which few runs do."""
        return {name: weight.float() for name, weight in load_file(self._file).items()}

    @torch.no_grad()
    def see(self, picture: Image.Image, planned: Mapping[str, str]) -> dict[str, str]:
        if abs(picture.width / picture.height / self.shape - 1) > OFF:
            return {}
        states = look(self.pipe, picture, self.shape)
        known = [kind for kind, what in planned.items() if what in self.answers.get(kind, ())]
        seen = {kind: answer for kind in known if (answer := self._ask(kind, states))}
        if seen.get("subject") == NOTHING:
            seen.pop("colour", None)
        return seen

    def _ask(self, kind: str, states: Tensor) -> str | None:
        for layer in ("first", "last"):
            weight, bias = (self._weights[f"{kind}.{layer}.{part}"] for part in ("weight", "bias"))
            states = functional.linear(functional.gelu(states) if layer == "last" else states, weight, bias)
        return _surest(states, self.answers[kind], SURE)


def look(pipe: NextScenePipeline, picture: Image.Image, shape: float) -> Tensor:
    """What the vision tower makes of a picture of this shape (width by height), in a row."""
    small = _as_it_is_looked_at(pipe, picture, shape)
    inputs = pipe.processor.image_processor(images=[small], return_tensors="pt")
    model = pipe.text_encoder.model
    pixels, grid = (inputs[name].to(model.visual.device) for name in ("pixel_values", "image_grid_thw"))
    states: Tensor = model.get_image_features(pixels, grid).pooler_output[0]
    return states.flatten().float().cpu()


def _as_it_is_looked_at(pipe: NextScenePipeline, picture: Image.Image, shape: float) -> Image.Image:
    """A picture at the size at which the pipeline shows it to the text encoder."""
    width, height = stock.calculate_dimensions(stock.CONDITION_IMAGE_SIZE, shape)
    small: Image.Image = pipe.image_processor.resize(picture, height, width)
    return small


def _surest(logits: Tensor, answers: Sequence[str], sure: float) -> str | None:
    likely, which = logits.float().softmax(0).max(0)
    return answers[int(which)] if likely >= sure else None

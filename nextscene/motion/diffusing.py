"""What the engines that run here have in common: loaded in stages, each part once for a run, and a clip from each plan.

First the words of all clips are read, and what read them is freed; then what moves pictures is loaded, put where the
memory plan has it, and makes one clip after another.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Self

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image

from nextscene import NextSceneError
from nextscene.clip import Clip, Frame, OnClipStep
from nextscene.hub import ClipWeights
from nextscene.model import lora as loras
from nextscene.model import memory
from nextscene.motion.ends import fit_ends, level
from nextscene.story import ClipPlan

READERS = ("text_encoder", "tokenizer")
MOVERS = ("transformer", "transformer_2", "unet", "image_encoder", "vae")
Words = Mapping[str, Any]  # what a pipeline is given in place of words
Callback = Callable[[object, int, object, dict[str, Any]], dict[str, Any]]  # as diffusers calls it after each step


class Diffusing:
    """An engine by one of diffusers' own pipelines, whose class is `kind`."""

    kind: type[Any]
    reads_words = True
    most_tokens = 512

    def __init__(self, weights: ClipWeights, plans: Sequence[ClipPlan]) -> None:
        self.weights, self.facts, self._plans = weights, weights.facts, plans
        self._words: dict[tuple[str, str, bool], Words] = {}
        self._too_long: dict[str, int] = {}  # words, with how many tokens they are

    def __enter__(self) -> Self:
        stages = [("text_encoder",), MOVERS] if self.reads_words else [MOVERS]
        self.plan = memory.choose_plan(self.weights.folder, stages)
        peak = max(memory.needed(self.weights.folder, self.plan, parts).device for parts in stages) / 1e9
        print(f"Clips by {self.facts.name}: {self.plan}, about {peak:.2g} GB at a time.", file=sys.stderr)
        if self.reads_words:
            self._read_words()
        self._pipe = self._load(**dict.fromkeys(READERS) if self.reads_words else {})
        self._prepare()
        memory.place(self._pipe, self.plan)
        return self

    def __exit__(self, *_: object) -> None:
        del self._pipe
        memory.give_back()

    def check(self, plan: ClipPlan) -> None:
        if count := self._too_long.get(plan.words):
            raise NextSceneError(
                f"Scene {plan.number}, motion: {count} tokens are more than the {self.most_tokens} that "
                f"{self.facts.name} reads: say it in fewer words."
            )

    def make(
        self, plan: ClipPlan, first: Image.Image, last: Image.Image | None, on_step: OnClipStep = lambda *_: None
    ) -> Clip:
        if last and not self.facts.joins:
            raise NextSceneError(f"Scene {plan.number}: {self.facts.name} takes no last picture: use clips each.")
        return self._make(plan, first, last, as_callback(plan, on_step))

    def _make(self, plan: ClipPlan, first: Image.Image, last: Image.Image | None, after_step: Callback) -> Clip:
        started = time.perf_counter()
        begin, end = fit_ends(first, last, plan.width, plan.height)
        with loras.silence(), torch.inference_mode(), said_as_memory(plan):
            frames = self._frames(plan, begin, end, after_step)
        frames = level(frames, begin, end, whole=self.facts.shifts_colours)
        made_by = {
            "memory": self.plan.name,
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
            "versions": {package: version(package) for package in ("torch", "diffusers", "transformers")},
        }
        return Clip(frames, plan.fps, time.perf_counter() - started, made_by)

    def _frames(self, plan: ClipPlan, first: Image.Image, last: Image.Image | None, on_step: Callback) -> list[Frame]:
        found = self._pipe(
            **self._asked(plan, first, last),
            width=plan.width,
            height=plan.height,
            num_frames=plan.frames,
            num_inference_steps=plan.steps,
            generator=noise(plan),
            output_type="pt",
            callback_on_step_end=on_step,
        )
        return to_frames(found.frames[0])

    def _asked(self, plan: ClipPlan, first: Image.Image, last: Image.Image | None) -> Mapping[str, Any]:
        """What this pipeline alone is told."""
        raise NotImplementedError

    def _prepare(self) -> None:
        """What is done to the pipeline before its weights are put in their place: LoRAs, a schedule."""

    def _encode(self, pipe: Any, words: str, negative: str, guided: bool) -> Words:
        raise NotImplementedError

    def _read_words(self) -> None:
        pipe = self._load(**dict.fromkeys([*MOVERS, "image_processor", "scheduler"]))
        memory.place(pipe, self.plan)
        for plan in self._plans:
            key, count = self._key(plan), len(pipe.tokenizer(plan.words).input_ids)
            if count > self.most_tokens:  # what is too long would be cut off, and nothing would say so
                self._too_long[plan.words] = count
            elif key not in self._words:
                with torch.inference_mode():
                    self._words[key] = {
                        name: each.cpu() for name, each in self._encode(pipe, *key).items() if each is not None
                    }
        del pipe
        memory.give_back()

    def _words_of(self, plan: ClipPlan) -> Words:
        return {name: each.to(memory.device()) for name, each in self._words[self._key(plan)].items()}

    def _key(self, plan: ClipPlan) -> tuple[str, str, bool]:
        return plan.words, plan.negative_prompt, plan.guidance > 1

    def _load(self, **without: None) -> Any:
        """The pipeline in the folder, without some of its parts, on the CPU."""
        for library in (diffusers, transformers):
            library.utils.logging.disable_progress_bar()
        parts = {name: None for name in without if name in self._parts()}
        try:
            with loras.silence():
                pipe = self.kind.from_pretrained(
                    self.weights.folder, dtype=self.plan.dtype, local_files_only=True, **self._precise(parts), **parts
                )
        except (OSError, ValueError, KeyError, TypeError) as error:
            where = str(self.weights.folder)
            raise NextSceneError(f"The model in {where!r} cannot be loaded: {loras.in_one_line(error)}") from error
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def _precise(self, without: Mapping[str, None]) -> dict[str, Any]:
        """Parts that are kept in fp32, whatever the plan."""
        return {}

    def _parts(self) -> set[str]:
        return set(self.kind._get_signature_types())


def as_callback(plan: ClipPlan, on_step: OnClipStep) -> Callback:
    def call(_pipe: object, step: int, _time: object, kept: dict[str, Any]) -> dict[str, Any]:
        on_step(plan, step + 1, plan.steps)
        return kept

    return call


def to_frames(video: torch.Tensor) -> list[Frame]:
    """A pipeline's video of one clip (frames, channels, height, width; from 0 to 1) as pictures' numbers."""
    values = (video.float().clamp(0, 1) * 255).round().to(torch.uint8)  # where it lies: four times less to move
    return list(np.ascontiguousarray(values.permute(0, 2, 3, 1).cpu().numpy()))


def noise(plan: ClipPlan) -> torch.Generator:
    """On the CPU, so that all machines begin with the same."""
    return torch.Generator().manual_seed(plan.seed)


@contextmanager
def said_as_memory(plan: ClipPlan) -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        short = isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
        if not short:
            raise
        error.__traceback__ = None  # whose frames hold the tensors
        memory.give_back()
        raise NextSceneError(
            f"Scene {plan.number}'s clip did not fit into memory at {plan.width}x{plan.height} with {plan.frames} "
            "frames: ask for fewer frames, another engine, or close other programs that use the device."
        ) from None

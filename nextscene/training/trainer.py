"""The loop: examples, a base model and a recipe in; a LoRA file, its loss curve, samples and checkpoints out.

Everything random is drawn from the recipe's seed and the number of the batch, and the checkpoint holds the rest: a run
that was stopped goes on to the very same LoRA, and N GPUs do what one does that accumulates N times as many batches.
"""

import hashlib
import json
import math
import random
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import count, islice
from pathlib import Path

import torch
from accelerate import Accelerator
from torch.nn.utils import clip_grad_norm_

from nextscene import NextSceneError, __version__, files
from nextscene.model import count_numbers, limit_threads
from nextscene.training import Base, checkpoint, dataset, encodings
from nextscene.training.dataset import Example
from nextscene.training.lora_file import write_lora
from nextscene.training.pipeline import TrainingPipeline
from nextscene.training.progress import progress
from nextscene.training.recipe import Recipe
from nextscene.training.validation import Validation

UNPACKED = "next-scene-unpacked"  # the temporary folder of what a zip holds
WARM_UP = 20  # steps over which the learning rate rises
LONGEST_GRADIENT = 1.0
MAY_CHANGE = {"steps", "sample_every", "save_every"}  # of the recipe, when a run goes on


def train(data: Path, base: Base, recipe: Recipe, out: Path) -> Path:
    """As `nextscene.training.train` says."""
    _refuse_what_is_not_here(recipe)
    area = recipe.resolution**2 if recipe.resolution else math.prod(base.own_size)
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    limit_threads(count_numbers(base.folder / "transformer"), accelerator.device)
    unpacked = files.own_folder(UNPACKED)
    try:
        examples = dataset.read(data, area, unpacked)
        _make_folder(out)
        print(f"Loading the model to train on {len(examples)} examples ...", file=sys.stderr)
        dtype = torch.float32 if accelerator.device.type == "cpu" else torch.bfloat16
        pipeline = TrainingPipeline.load_encoders(base.folder, dtype)
        with accelerator.main_process_first():
            encoded = encodings.prepare(pipeline, examples, recipe, out / "cache", accelerator.device)
        pipeline.load_transformer(accelerator.device, four_bit=recipe.base == "4bit")
        trainer = Trainer(pipeline, Path(base.name).name, examples, encoded, recipe, out, accelerator)
        return trainer.run()
    except torch.OutOfMemoryError:
        raise NextSceneError(
            "The training did not fit into the GPU's memory: lower the resolution, batch or rank, turn checkpointing "
            "on, set sample_every to 0, or take the base in 4 bits."
        ) from None
    finally:
        files.own_folder(UNPACKED)


class Trainer:
    """One run: a pipeline, its encoded examples, and how far it has come."""

    def __init__(
        self,
        pipeline: TrainingPipeline,
        base: str,
        examples: Sequence[Example],
        encoded: Sequence[Path],
        recipe: Recipe,
        out: Path,
        accelerator: Accelerator,
    ) -> None:
        self.pipeline, self.base, self.recipe, self.out, self.accelerator = pipeline, base, recipe, out, accelerator
        trained_on = [number for number, example in enumerate(examples) if not example.held_out]
        self.encoded = [encoded[number] for number in trained_on]
        kinds = [(examples[number].size, examples[number].reference is None) for number in trained_on]
        self.batches = enumerate(batches(kinds, recipe.batch, recipe.seed))
        self.validation = Validation(pipeline, examples, encoded, recipe, out)
        self.weights = pipeline.add_lora(recipe.rank, recipe.alpha or recipe.rank, recipe.seed)
        if recipe.checkpointing:
            pipeline.transformer.enable_gradient_checkpointing()
        self.optimizer = _optimizer(recipe)(self.weights, lr=recipe.learning_rate)
        self.average = [weight.detach().clone() for weight in self.weights]
        self.step = 0
        self.losses: list[float] = []

    def run(self) -> Path:
        """Trains to the recipe's last step, from the checkpoint if there is one."""
        leads = self.accelerator.is_main_process
        if (self.out / "checkpoint.pt").is_file():
            self._resume()
            if leads:
                self._publish()  # a run that was killed may have left an older LoRA than its checkpoint's
        elif leads and self.recipe.sample_every:
            self._validate()
        with progress("training", self.recipe.steps, self.step, quiet=not leads) as on_step:
            while self.step < self.recipe.steps:
                self.losses.append(self._learn())
                self.step += 1
                on_step(self.step, sum(self.losses[-20:]) / len(self.losses[-20:]))
                if leads and self._due(self.recipe.sample_every):
                    self._validate()
                if leads and self._due(self.recipe.save_every):
                    self._save()
                    self._publish()
        self.accelerator.wait_for_everyone()
        return self.out / "lora.safetensors"

    def _due(self, every: int) -> bool:
        return every > 0 and (self.step % every == 0 or self.step == self.recipe.steps)

    def _learn(self) -> float:
        """One step of the optimiser; gives the loss before it."""
        recipe, accelerator = self.recipe, self.accelerator
        total = torch.zeros((), device=accelerator.device)
        step = islice(self.batches, recipe.accumulation * accelerator.num_processes)
        for number, batch in islice(step, accelerator.process_index, None, accelerator.num_processes):
            noise = torch.Generator().manual_seed(random.Random(f"{recipe.seed} {number}").getrandbits(31))
            examples = [encodings.read(self.encoded[each]) for each in batch]
            loss = self.pipeline.loss(examples, noise, recipe.caption_dropout) / recipe.accumulation
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        for weight in self.weights:
            if accelerator.num_processes > 1 and weight.grad is not None:
                weight.grad = accelerator.reduce(weight.grad, "mean")
        mean = float(accelerator.reduce(total, "mean"))
        if not math.isfinite(mean):
            raise NextSceneError(f"The training diverged at step {self.step + 1}: lower the learning rate.")
        clip_grad_norm_(self.weights, LONGEST_GRADIENT)
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate * min(1, (self.step + 1) / WARM_UP)
        self.optimizer.step()
        self.optimizer.zero_grad()
        torch._foreach_lerp_(self.average, [weight.detach() for weight in self.weights], 9 / (self.step + 10))
        return mean

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Within it, the LoRA is its mean over about the last tenth of the steps, which is calmer than the last one."""
        last = [weight.data for weight in self.weights]
        for weight, mean in zip(self.weights, self.average, strict=True):
            weight.data = mean
        try:
            yield
        finally:
            for weight, kept in zip(self.weights, last, strict=True):
                weight.data = kept

    def _validate(self) -> None:
        with self._averaged():
            self.validation.run(self.step)

    @property
    def _identity(self) -> str:
        """What has to be the same for a run to go on."""
        base = encodings.fingerprint(self.pipeline.folder, "transformer")
        facts = [self.recipe.model_dump(exclude=MAY_CHANGE), self.base, base]
        names = [file.name for file in self.encoded]
        return hashlib.sha256(json.dumps([*facts, names, self.accelerator.num_processes]).encode()).hexdigest()

    def _save(self) -> None:
        """The checkpoint, from which all else can be made again."""
        with self._averaged():
            average = self.pipeline.lora()
        checkpoint.write(
            self.out / "checkpoint.pt",
            {
                "identity": self._identity,
                "step": self.step,
                "lora": self.pipeline.lora(),
                "average": average,
                "optimizer": self.optimizer.state_dict(),
                "losses": self.losses,
                "validation_losses": self.validation.losses,
            },
        )

    def _publish(self) -> None:
        """The LoRA as it is now, and the loss curve."""
        with self._averaged():
            weights = self.pipeline.lora()
        write_lora(self.out / "lora.safetensors", weights, self.recipe.scale, self._facts())
        self.validation.draw_curve(self.losses, f"{self.base}, rank {self.recipe.rank}")

    def _resume(self) -> None:
        saved = checkpoint.read(self.out / "checkpoint.pt")
        if saved["identity"] != self._identity:
            raise NextSceneError(
                f"{self.out} holds a training with another recipe, base or data: choose another folder, or empty it."
            )
        if saved["step"] > self.recipe.steps:
            raise NextSceneError(f"{self.out} holds {saved['step']} steps already: ask for as many, or for more.")
        self.pipeline.set_lora(saved["average"])
        self.average = [weight.detach().clone() for weight in self.weights]
        self.pipeline.set_lora(saved["lora"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.losses, self.validation.losses = saved["step"], saved["losses"], saved["validation_losses"]
        skipped = self.step * self.recipe.accumulation * self.accelerator.num_processes
        next(islice(self.batches, skipped, skipped), None)

    def _facts(self) -> dict[str, str]:
        """What made a LoRA, for its own metadata."""
        return {
            "made_by": f"Next Scene {__version__}",
            "base_model": self.base,
            "trigger": self.recipe.trigger,
            "examples": str(len(self.encoded)),
            "steps": str(self.step),
            "loss": f"{sum(self.losses[-100:]) / len(self.losses[-100:]):.5f}",
            "recipe": self.recipe.model_dump_json(),
        }


def batches(kinds: Sequence[Hashable], size: int, seed: int) -> Iterator[list[int]]:
    """For ever: each epoch, every example once, in an order of its own, in batches of one kind."""
    for epoch in count():
        order = random.Random(f"{seed} epoch {epoch}")
        piles: dict[Hashable, list[int]] = {}
        for number in order.sample(range(len(kinds)), len(kinds)):
            piles.setdefault(kinds[number], []).append(number)
        cut = [pile[at : at + size] for pile in piles.values() for at in range(0, len(pile), size)]
        yield from order.sample(cut, len(cut))


def _optimizer(recipe: Recipe) -> Callable[..., torch.optim.Optimizer]:
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW
    return import_module("bitsandbytes").optim.AdamW8bit  # type: ignore[no-any-return]


def _make_folder(out: Path) -> None:
    """Before hours are spent on what could not be kept."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.unwritable(out, error) from None


def _refuse_what_is_not_here(recipe: Recipe) -> None:
    """Before anything else is done."""
    wish = "A base in 4 bits" if recipe.base == "4bit" else "The 8-bit optimizer"
    if (recipe.base == "4bit" or recipe.optimizer == "adamw8bit") and not torch.cuda.is_available():
        raise NextSceneError(f"{wish} needs an NVIDIA GPU, and none is here: leave it out.")

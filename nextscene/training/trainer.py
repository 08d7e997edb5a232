"""The loop: examples, a base model and a recipe in; a file, its loss curve, samples and checkpoints out.

Everything random is drawn from the recipe's seed and the number of the batch, and the checkpoint holds the rest: a run
that was stopped goes on to the very same file, and N GPUs do what one does that accumulates N times as many batches.
"""

import hashlib
import json
import math
import random
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import count, islice, repeat
from pathlib import Path
from typing import NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from nextscene import NextSceneError, __version__, files
from nextscene.model import count_numbers, limit_threads
from nextscene.training import Base, checkpoint, dataset, encodings, prior
from nextscene.training.dataset import Example
from nextscene.training.pipeline import TrainingPipeline
from nextscene.training.progress import progress
from nextscene.training.recipe import Recipe
from nextscene.training.taught import Taught, TaughtLora, TaughtWord, check_recipe
from nextscene.training.validation import Validation

UNPACKED = "next-scene-unpacked"  # the temporary folder of what a zip holds
WARM_UP = 20  # steps over which the learning rate rises
LONGEST_GRADIENT = 1.0
CHECK_EVERY = 10  # steps of a word's training, to see whether it still gets better
MAY_CHANGE = {"steps", "sample_every", "save_every"}  # of the recipe, when a run goes on


class Lessons(NamedTuple):
    """Examples, each with the file of what the encoders made of it."""

    examples: Sequence[Example]
    files: Sequence[Path]

    @property
    def trained_on(self) -> "Lessons":
        kept = [pair for pair in zip(self.examples, self.files, strict=True) if not pair[0].held_out]
        return Lessons(*zip(*kept, strict=True)) if kept else Lessons((), ())

    def batches(self, size: int, seed: int) -> Iterator[list[int]]:
        return batches([(example.size, example.reference is None) for example in self.examples], size, seed)


def train(data: Path, base: Base, recipe: Recipe, out: Path, start: Path | None = None) -> Path:
    """As `nextscene.training.train` says."""
    _refuse_what_is_not_here(recipe)
    check_recipe(recipe, start)
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
        own, of_class = Lessons(examples, encoded), Lessons((), ())
        if recipe.method == "dreambooth":
            with accelerator.main_process_first():
                drawn = prior.draw_class(pipeline, examples, recipe, out / "class", accelerator.device)
                files_of_class = encodings.prepare(pipeline, drawn, recipe, out / "cache", accelerator.device)
                of_class = Lessons(drawn, files_of_class)
        if recipe.trains_word:
            pipeline.encoders_to(accelerator.device)
        taught = TaughtWord(pipeline, recipe) if recipe.trains_word else TaughtLora(pipeline, recipe, start)
        facts = [Path(base.name).name, *([files.sha256(start)] if start else [])]
        trainer = Trainer(pipeline, facts, taught, own, of_class, recipe, out, accelerator)
        return trainer.run()
    except torch.OutOfMemoryError:
        raise NextSceneError(
            "The training did not fit into the GPU's memory: lower the resolution, batch or rank, turn checkpointing "
            "on, set sample_every to 0, or take the base in 4 bits."
        ) from None
    finally:
        files.own_folder(UNPACKED)


class Trainer:
    """One run: a pipeline, what it is taught, its encoded examples, and how far it has come."""

    def __init__(
        self,
        pipeline: TrainingPipeline,
        base: Sequence[str],
        taught: Taught,
        lessons: Lessons,
        of_class: Lessons,
        recipe: Recipe,
        out: Path,
        accelerator: Accelerator,
    ) -> None:
        """base: the model's name, and whatever else it begins from.

        of_class: what the base drew, to be kept as it is.
        """
        self.pipeline, self.base, self.recipe, self.out, self.accelerator = pipeline, base, recipe, out, accelerator
        self.taught, self.weights = taught, taught.weights
        self.lessons, self.of_class = lessons.trained_on, of_class
        kept = of_class.batches(recipe.batch, recipe.seed) if of_class.examples else repeat([])
        self.batches = enumerate(zip(self.lessons.batches(recipe.batch, recipe.seed), kept, strict=False))
        self.validation = Validation(pipeline, lessons.examples, lessons.files, taught.read, recipe, out)
        self.best: dict[str, Tensor] = {}
        if recipe.checkpointing:
            pipeline.transformer.enable_gradient_checkpointing()
        self.optimizer = _optimizer(recipe)(self.weights, lr=recipe.rate)
        self.average = [weight.detach().clone() for weight in self.weights]
        self.step = 0
        self.losses: list[float] = []

    def run(self) -> Path:
        """Trains to the recipe's last step, from the checkpoint if there is one."""
        leads = self.accelerator.is_main_process
        if (self.out / "checkpoint.pt").is_file():
            self._resume()
            if leads:
                self._publish()  # a run that was killed may have left an older file than its checkpoint's
        elif leads and self.recipe.sample_every:
            self._validate()
        with progress("training", self.recipe.steps, self.step, quiet=not leads) as on_step:
            while self.step < self.recipe.steps and not self._is_done:
                self.losses.append(self._learn())
                self.step += 1
                on_step(self.step, sum(self.losses[-20:]) / len(self.losses[-20:]))
                if leads and self._due(self.recipe.sample_every):
                    self._validate()
                elif self.recipe.trains_word and self._due(CHECK_EVERY):
                    self._check()
                if leads and self._due(self.recipe.save_every):
                    self._save()
                    self._publish()
        self.accelerator.wait_for_everyone()
        if leads and self.of_class.examples:
            self._say_how_far_the_class_drifted()
        return self.out / self.taught.file_name

    @property
    def _is_done(self) -> bool:
        """Whether a word's training has found nothing better for long enough."""
        best = self.validation.best_step
        if not self.recipe.trains_word or not self.recipe.patience or best is None:
            return False
        return sum(step > best for step in self.validation.losses) >= self.recipe.patience

    def _due(self, every: int) -> bool:
        return every > 0 and (self.step % every == 0 or self.step == self.recipe.steps or self._is_done)

    def _learn(self) -> float:
        """One step of the optimiser; gives the loss before it."""
        recipe, accelerator = self.recipe, self.accelerator
        total = torch.zeros((), device=accelerator.device)
        step = islice(self.batches, recipe.accumulation * accelerator.num_processes)
        for number, (batch, kept) in islice(step, accelerator.process_index, None, accelerator.num_processes):
            noise = torch.Generator().manual_seed(random.Random(f"{recipe.seed} {number}").getrandbits(31))
            loss = self._loss(self.lessons, batch, noise)
            if kept and recipe.prior_weight:
                loss = loss + recipe.prior_weight * self._loss(self.of_class, kept, noise)
            loss = loss / recipe.accumulation
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
            group["lr"] = recipe.rate * min(1, (self.step + 1) / WARM_UP)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.taught.settle()
        torch._foreach_lerp_(self.average, [weight.detach() for weight in self.weights], 9 / (self.step + 10))
        return mean

    def _loss(self, lessons: Lessons, batch: Sequence[int], noise: torch.Generator) -> Tensor:
        read = [self.taught.read(lessons.examples[each], lessons.files[each]) for each in batch]
        return self.pipeline.loss(read, noise, self.recipe.dropout)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Within it, what is taught is its mean over about the last tenth of the steps, which is calmer."""
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
            self._keep_best()

    def _check(self) -> None:
        with self._averaged():
            self.validation.measure(self.step)
            self._keep_best()

    def _keep_best(self) -> None:
        if self.recipe.trains_word and self.validation.best_step == self.step:
            self.best = self.taught.state()

    def _say_how_far_the_class_drifted(self) -> None:
        with self._averaged():
            file = self.out / "class_drift.png"
            near = prior.measure_drift(
                self.pipeline, self.of_class.examples, self.recipe, file, self.accelerator.device
            )
        print(
            f"The class, drawn again from the same seeds, is {near:.1f} dB from what the base drew: {file}",
            file=sys.stderr,
        )

    @property
    def _identity(self) -> str:
        """What has to be the same for a run to go on."""
        base = encodings.fingerprint(self.pipeline.folder, "transformer")
        facts = [self.recipe.model_dump(exclude=MAY_CHANGE), list(self.base), base]
        names = [file.name for file in (*self.lessons.files, *self.of_class.files)]
        return hashlib.sha256(json.dumps([*facts, names, self.accelerator.num_processes]).encode()).hexdigest()

    def _save(self) -> None:
        """The checkpoint, from which all else can be made again."""
        with self._averaged():
            average = self.taught.state()
        checkpoint.write(
            self.out / "checkpoint.pt",
            {
                "identity": self._identity,
                "step": self.step,
                "taught": self.taught.state(),
                "average": average,
                "best": self.best,
                "optimizer": self.optimizer.state_dict(),
                "losses": self.losses,
                "validation_losses": self.validation.losses,
            },
        )

    def _publish(self) -> None:
        """The file as it is now, and the loss curve."""
        with self._averaged():
            state: Mapping[str, Tensor] = self.best or self.taught.state()
        self.taught.write(self.out / self.taught.file_name, state, self._facts())
        size = f"{self.recipe.vectors} vectors" if self.recipe.trains_word else f"rank {self.recipe.rank}"
        self.validation.draw_curve(self.losses, f"{self.base[0]}, {size}")

    def _resume(self) -> None:
        saved = checkpoint.read(self.out / "checkpoint.pt")
        if saved["identity"] != self._identity:
            raise NextSceneError(
                f"{self.out} holds a training with another recipe, base or data: choose another folder, or empty it."
            )
        if saved["step"] > self.recipe.steps:
            raise NextSceneError(f"{self.out} holds {saved['step']} steps already: ask for as many, or for more.")
        self.taught.set_state(saved["average"])
        self.average = [weight.detach().clone() for weight in self.weights]
        self.taught.set_state(saved["taught"])
        self.best = saved["best"]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.losses, self.validation.losses = saved["step"], saved["losses"], saved["validation_losses"]
        skipped = self.step * self.recipe.accumulation * self.accelerator.num_processes
        next(islice(self.batches, skipped, skipped), None)

    def _facts(self) -> dict[str, str]:
        """What made a file, for its own metadata."""
        return {
            "made_by": f"Next Scene {__version__}",
            "base_model": self.base[0],
            "method": self.recipe.method,
            "trigger": self.recipe.called,
            "examples": str(len(self.lessons.examples)),
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

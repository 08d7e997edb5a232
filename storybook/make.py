"""Makes the small model from nothing, in stages that resume: `python -m storybook.make --help`, or script/storybook.

Every stage leaves its files in the work folder and goes on where it was stopped. The same command trains on a CPU and
on a GPU.
"""

import json
import random
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
from safetensors.torch import load_file
from torch import Tensor
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from nextscene import training
from nextscene.model import SEEING, NextScenePipeline, PictureProcessor
from nextscene.settings import Look
from nextscene.story import with_prefix
from storybook import (
    autoencoder,
    fast,
    gates,
    held_out,
    measure,
    painter,
    pairs,
    random_model,
    reader,
    rephrasing,
    seeing,
    sheets,
    stages,
)
from storybook.card import card
from storybook.families import drawn
from storybook.stages import report
from storybook.training import DEVICE, batches
from storybook.words import vocabulary
from storybook.world import HEIGHT, WIDTH, State, random_state

HIDDEN = 128  # of the text encoder's states
PAIRS = 4000  # that the LoRA learns from
WAYS = 38  # batches of them, that the fast LoRA learns from
HASTE: dict[str, dict[str, Any]] = {  # what the fast LoRA is compared with, and it
    "14 steps, guidance 4": {"steps": 14, "guidance": 4},
    "4 steps, guidance 4": {"steps": 4, "guidance": 4},
    "4 steps, no guidance": {"steps": 4, "guidance": 1},
    "fast schedule, 4 steps": {"steps": 4, "guidance": 1, "fast": True},
    "fast LoRA, 4 steps": {"steps": 4, "guidance": 1, "fast": True},
    "fast LoRA, 8 steps": {"steps": 8, "guidance": 1, "fast": True},
}


class Work:
    """The work folder: what the stages have left there, loaded when it is asked for."""

    def __init__(self, folder: Path, families: int) -> None:
        self.folder = folder
        self.families = families
        folder.mkdir(parents=True, exist_ok=True)

    def pictures(self) -> np.ndarray:
        return drawn(self.folder, self.families)

    def tokenizer(self) -> Qwen2Tokenizer:
        return Qwen2Tokenizer.from_pretrained(self.folder / "tokenizer")

    def vae(self) -> AutoencoderKLQwenImage:
        return AutoencoderKLQwenImage.from_pretrained(self.folder / "vae").to(DEVICE)

    def reader(self) -> reader.Reader:
        encoder = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            self.folder / "text_encoder", dtype=torch.float32
        ).eval()
        return reader.Reader(encoder.requires_grad_(False), self.tokenizer())

    def transformer(self, lora_scale: float = 0, fast: bool = False) -> QwenImageTransformer2DModel:
        model = QwenImageTransformer2DModel.from_pretrained(self.folder / "transformer")
        for file, scale in ((self.lora, lora_scale), (self.fast, float(fast))):
            if scale:
                model.load_lora_adapter(load_file(file), prefix="diffusion_model")
                model.fuse_lora(lora_scale=scale)
                model.unload_lora()
        return model.to(DEVICE).eval()

    @property
    def lora(self) -> Path:
        return self.folder / "lora" / "lora.safetensors"

    @property
    def fast(self) -> Path:
        return self.folder / "fast" / "fast.safetensors"

    @property
    def probes(self) -> Path:
        return self.folder / SEEING

    def take(self, made: Path) -> None:
        """Takes the place of the stages up to the LoRA: what a finished model has in its folder."""
        for part in ("tokenizer", "vae", "text_encoder", "transformer"):
            shutil.copytree(made / part, self.folder / part, dirs_exist_ok=True)
        self.lora.parent.mkdir(exist_ok=True)
        shutil.copy(made / "next-scene.safetensors", self.lora)

    def lessons(self) -> painter.Lessons:
        """Latents and vision states of every picture, made once."""
        pictures, seer = self.pictures(), self.reader()
        seen = self._kept("seen.pt", lambda: reader.see_all(seer, pictures))
        latents = self._kept("latents.pt", lambda: autoencoder.latents_of(autoencoder.Flat(self.vae()), pictures))
        return painter.Lessons.of(latents, seen, seer)

    def _kept(self, name: str, make: Callable[[], Tensor]) -> Tensor:
        path = self.folder / name
        if not path.is_file():
            torch.save(make(), path)
        kept: Tensor = torch.load(path, weights_only=True)
        return kept

    def scenes(self, model: QwenImageTransformer2DModel) -> measure.MakeScenes:
        """A function that makes pictures, many at once, as the pipeline makes each."""
        flat, seer = autoencoder.Flat(self.vae().eval()), self.reader()

        @torch.no_grad()
        def make(words: Sequence[str], states: Sequence[State] = (), **how: Any) -> Tensor:
            made = []
            for part in batches(len(words), 48):
                references, seen = [], []
                if states:
                    pixels = torch.stack([measure.picture(state) for state in states[part]]).to(DEVICE) * 2 - 1
                    references = [autoencoder.pack(flat.encode(pixels)[:, : autoencoder.LATENTS])]
                    seen = [seer.see(pixels)]
                said = [with_prefix(each) for each in words[part]]
                latents = painter.paint(model, seer, said, references, seen, seed=part.start, **how)
                made.append(flat.decode(autoencoder.unpack(latents)).float().cpu().clamp(-1, 1) / 2 + 0.5)
            return torch.cat(made)

        return make


def world(work: Work, steps: int) -> None:
    work.pictures()
    sheets.world(work.folder / "world.png")


def tokenizer(work: Work, steps: int) -> None:
    chance = random.Random(0)
    texts = vocabulary(chance, [random_state(chance) for _ in range(3000)])
    random_model.tokenizer(texts).save_pretrained(work.folder / "tokenizer")


def vae(work: Work, steps: int) -> None:
    torch.manual_seed(0)
    model = autoencoder.autoencoder()
    autoencoder.teach(model, work.pictures(), work.folder, steps)
    model.save_pretrained(work.folder / "vae")
    figures = sheets.reconstructions(autoencoder.Flat(model), work.folder / "reconstructions.png")
    report(work.folder, "vae", figures)


def text(work: Work, steps: int) -> None:
    torch.manual_seed(0)
    words = work.tokenizer()
    learner = reader.Reader(random_model.text_encoder(words, HIDDEN, layers=3), words)
    reader.teach(learner, work.pictures(), work.folder, steps)
    learner.encoder.save_pretrained(work.folder / "text_encoder")


def base(work: Work, steps: int) -> None:
    torch.manual_seed(0)
    model = painter.transformer(autoencoder.LATENTS * 4, HIDDEN)
    make = work.scenes(model)
    painter.teach(model, work.lessons(), work.folder, steps, look=partial(sheets.samples, make, work.folder, "base"))
    model.save_pretrained(work.folder / "transformer")
    assemble(work, work.folder / "base", "the base of a small model of a drawn world", lora=None)


def next_scene(work: Work, steps: int) -> None:
    """The camera, taught by the project's own trainer on pairs of scenes."""
    data, base = work.folder / "pairs", work.folder / "base"
    if not data.is_dir():
        pairs.write(data, PAIRS)
    values = {"batch": 24, "learning_rate": 1e-3, "caption_dropout": 0.1, "checkpointing": False}
    how = training.make_recipe(steps=steps, rank=16, alpha=16, sample_every=500, **values)
    training.train(data, training.Base(base, "storybook", (WIDTH, HEIGHT)), how, work.lora.parent)
    model = work.transformer(lora_scale=1)
    sheets.samples(work.scenes(model), work.folder, "lora", steps)


def rephrase(work: Work, steps: int) -> None:
    """More ways of saying the same, for a finished model's text encoder."""
    models = {scale: work.transformer(scale) for scale in (0.0, Look().lora_scale)}
    learner, lessons = work.reader(), work.lessons()
    rephrasing.teach(learner, models, lessons, work.folder, steps)
    learner.encoder.save_pretrained(work.folder / "text_encoder")


def further(work: Work, steps: int) -> None:
    """A finished model's transformer goes on learning, in the words that its text encoder knows now."""
    torch.manual_seed(0)
    model = work.transformer()
    look = partial(sheets.samples, work.scenes(model), work.folder, "further")
    painter.teach(model, work.lessons(), work.folder, steps, look, name="further", gently=0.3)
    model.save_pretrained(work.folder / "transformer")
    assemble(work, work.folder / "base", "the base of a small model of a drawn world", lora=None)


def see(work: Work, epochs: int) -> None:
    """Probes on the vision tower, by which the model looks at its own pictures."""
    lessons = work.lessons()
    report(work.folder, "probes right", seeing.teach(lessons.seen, lessons.states, work.probes, epochs))


def hurry(work: Work, steps: int) -> None:
    """The fast LoRA, taught by the model itself."""
    teachers = {scale: work.transformer(scale) for scale in fast.SCALES}
    flat = autoencoder.Flat(work.vae().eval())
    ways = fast.show(teachers, work.reader(), flat, work.fast.parent, WAYS)
    fast.teach(teachers, ways, work.fast.parent, steps, work.fast)
    sheets.hurried([_hasty(work, name) for name in HASTE], work.folder / "fast.png")


def evaluate(work: Work, count: int) -> None:
    """The gates, over `count` pictures each."""
    make = work.scenes(work.transformer())
    report(work.folder, "openings", measure.openings(make, count, work.folder))
    report(work.folder, "edits", measure.edits(make, count, work.folder))
    for name, guidance in gates.GUIDANCES.items():
        report(work.folder, name, measure.edits(make, count, work.folder, strength=0.6, guidance=guidance))
    report(work.folder, "strength", measure.strengths(make, count, gates.STRENGTHS))
    for scale in gates.SCALES:
        make = work.scenes(work.transformer(scale))
        report(work.folder, gates.moved(scale), measure.moves(make, count))
    evaluate_words(work, count)
    table = gates.table(json.loads((work.folder / "figures.json").read_text()))
    print(table)
    (work.folder / "gates.md").write_text(table)


def evaluate_words(work: Work, _: int) -> None:
    """How the model follows wordings that no lesson has, drawn as a user's scenes are: figures, and a table of each."""
    make = work.scenes(work.transformer(Look().lora_scale))
    every = held_out.wordings() * held_out.ROUNDS
    judged = held_out.verdicts(lambda words, states: sheets.pictures(make(words, states)), every)
    report(work.folder, "words by other hands", held_out.figures(judged))
    (work.folder / "held-out.md").write_text(held_out.table(judged))


def evaluate_fast(work: Work, count: int) -> None:
    """What the model shows with few steps, without and with the fast LoRA, over `count` pictures each."""
    for name in HASTE:
        make = _hasty(work, name)
        report(work.folder, f"openings, {name}", measure.openings(make, count, work.folder))
        report(work.folder, f"edits, {name}", measure.edits(make, count, work.folder))
        for strength in (0.5, 0.6):
            figures = measure.edits(make, count, work.folder, strength=strength)
            report(work.folder, f"edits at strength {strength}, {name}", figures)
        report(work.folder, f"moves, {name}", measure.moves(make, count))
    name = "fast LoRA, 4 steps"
    for scale in (0, 0.5, 1):
        report(work.folder, f"moves, {name}, LoRA at {scale:g}", measure.moves(_hasty(work, name, scale), count))


def _hasty(work: Work, name: str, lora_scale: float = Look().lora_scale) -> measure.MakeScenes:
    """One of `HASTE`."""
    model = work.transformer(lora_scale, fast=name.startswith("fast LoRA"))
    return partial(work.scenes(model), **HASTE[name])


STAGES: dict[str, tuple[Callable[[Work, int], None], int]] = {  # and their steps, on two cores
    "world": (world, 0),
    "tokenizer": (tokenizer, 0),
    "vae": (vae, 3000),
    "text": (text, 900),
    "base": (base, 12000),
    "lora": (next_scene, 2000),
    "rephrase": (rephrase, 1500),
    "further": (further, 3000),
    "see": (see, 20),
    "fast": (hurry, 600),
    "evaluate": (evaluate, 200),
    "evaluate-words": (evaluate_words, 0),
    "evaluate-fast": (evaluate_fast, 100),
}


LATER = ("rephrase", "further")  # only for a finished model


def assemble(work: Work, folder: Path, note: str, lora: Path | None) -> None:
    """The model as a folder that `nextscene.model.load` reads; without a LoRA, with one that does nothing."""
    words = work.tokenizer()
    pipe = NextScenePipeline(
        scheduler=random_model.scheduler(),
        vae=work.vae(),
        text_encoder=work.reader().encoder,
        tokenizer=words,
        processor=PictureProcessor(Qwen2VLImageProcessorPil(max_pixels=10_000), words),
        transformer=work.transformer(),
    )
    weights = load_file(lora) if lora else random_model.lora(pipe.transformer, size=0)
    random_model.save(pipe, weights, folder, card(note))
    if work.probes.is_file():
        shutil.copy(work.probes, folder)


def main() -> None:
    flags = stages.parser(__doc__, STAGES, "outputs/storybook", "storybook/model.new", "a small model of a drawn world")
    flags.add_argument("--model", type=Path, help="a finished model, for the stages that come after its LoRA")
    flags.add_argument("--families", type=int, default=1600, help="of 19 pictures each, that training sees")
    given = flags.parse_args()
    work = Work(given.work, given.families)
    if given.model:
        work.take(given.model)
    stages.run(given, work, STAGES, lambda: assemble(work, given.out, given.note, work.lora), LATER)


if __name__ == "__main__":
    main()

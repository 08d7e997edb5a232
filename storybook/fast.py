"""The fast LoRA: a few steps without guidance, taught to end where many steps with guidance end.

The teacher is the model itself, with Next-Scene at several scales: it goes its way from noise to a picture in 16 steps
with guidance, and every latent that it passes is kept. The pupil, the same model with the LoRA, has to get from each of
these to the one 4 (or 2) steps further in a single step, which makes 4 (or 8) in all; and, more and more often, from
where it came to by itself. What is right, no drawn picture says: only the teacher.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from diffusers import QwenImageTransformer2DModel
from peft import LoraConfig, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from nextscene.settings import Look
from nextscene.story import with_prefix
from nextscene.training import write_lora
from storybook import autoencoder, pairs
from storybook.edits import with_another
from storybook.measure import picture
from storybook.painter import noise_levels, velocity, way
from storybook.reader import Reader
from storybook.training import DEVICE, muon, train
from storybook.words import NAMED, caption, instruction
from storybook.world import State, is_held_out, random_state

STEPS = 16  # the teacher's
GUIDANCE = 4.0  # the teacher's
BATCH = 24
KINDS = {"words": 0.25, "edit": 0.3, "scene": 0.4, "two": 0.05}  # what is asked, and how often
SCALES = {0.75: 0.64, 0.0: 0.12, 0.5: 0.12, 1.0: 0.12}  # of Next-Scene
STARTS = {0: 0.7, 4: 0.2, 8: 0.1}  # steps left out: a strength below 1, when there is a picture to start from
STRIDES = {4: 0.75, 2: 0.25}  # of the teacher's steps in one of the pupil's
RANK = 16

Choice = TypeVar("Choice")
Part = dict[str, Tensor]  # a batch of the teacher's ways, and all that a pupil needs to go them
Models = Mapping[float, QwenImageTransformer2DModel]  # the teachers, by Next-Scene's scale


def show(models: Models, reader: Reader, flat: autoencoder.Flat, folder: Path, count: int) -> list[Part]:
    """The teacher's ways, `count` batches of them: from the folder, or gone now."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        path = folder / f"{number:03d}.pt"
        if not path.is_file():
            part = path.with_suffix(".part")
            torch.save(_ways(models, reader, flat, number), part)
            part.replace(path)
            print(f"ways {number + 1}/{count}", flush=True)
    return [torch.load(folder / f"{number:03d}.pt", weights_only=True) for number in range(count)]


@torch.no_grad()
def _ways(models: Models, reader: Reader, flat: autoencoder.Flat, number: int) -> Part:
    """One batch: one kind, one scale, one start."""
    chance = random.Random(f"fast {number}")
    kind, scale = _one(KINDS, chance), _one(SCALES, chance)
    start = 0 if kind == "words" else _one(STARTS, chance)
    asked = [ask(kind, chance) for _ in range(BATCH)]
    words = [with_prefix(said) for said, _ in asked]
    references, seen = [], []
    for states in zip(*(states for _, states in asked), strict=True):
        pixels = torch.stack([picture(state) for state in states]).to(DEVICE) * 2 - 1
        references.append(autoencoder.pack(flat.encode(pixels)[:, : autoencoder.LATENTS]))
        seen.append(reader.see(pixels))
    levels, model = noise_levels(STEPS, fast=True), models[scale]
    seed = torch.Generator().manual_seed(chance.getrandbits(31))
    noise = torch.randn(BATCH, 48, model.config.in_channels, generator=seed).to(DEVICE)
    latents = torch.lerp(references[0], noise, levels[start]) if start else noise
    prompts = [reader.read(each, seen) for each in (words, [Look().negative_prompt] * BATCH)]
    passed = way(model, latents, levels[start:], references, prompts, GUIDANCE)
    return {
        "passed": torch.stack([latents] * start + passed, dim=1).half().cpu(),
        "references": torch.stack(references).half().cpu() if references else torch.zeros(0),
        "words": prompts[0][0].half().cpu(),
        "mask": prompts[0][1].cpu(),
        "scale": torch.tensor(scale),
        "start": torch.tensor(start),
    }


def ask(kind: str, chance: random.Random) -> tuple[str, list[State]]:
    """Words, and the states that are seen with them; none that is held out from training."""
    if kind == "scene":
        before, _, said = pairs.next_scene(chance)
        return said, [before]
    before = random_state(chance)
    if kind == "words":
        return caption(before, chance), []
    after, other = (_changed(before, chance) for _ in range(2))
    return instruction(before, after, chance), [before] if kind == "edit" else [before, other]


def _changed(state: State, chance: random.Random) -> State:
    while is_held_out(after := with_another(state, NAMED, chance)):
        pass
    return after


def grow(model: QwenImageTransformer2DModel) -> None:
    """Adds a LoRA that does nothing yet to every linear layer of the blocks, and freezes everything else."""
    linear = [name for name, layer in model.transformer_blocks.named_modules() if isinstance(layer, nn.Linear)]
    model.requires_grad_(False)
    targets = [f"transformer_blocks.{name}" for name in linear]
    model.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=targets))


def teach(models: Models, parts: Sequence[Part], folder: Path, steps: int, file: Path) -> None:
    """Trains the LoRA on the first of the models, which is used up, and writes its file."""
    weights = {scale: dict(model.state_dict()) for scale, model in models.items()}
    pupil = next(iter(models.values()))
    torch.manual_seed(0)
    grow(pupil)

    def loss_at(step: int, chance: random.Random) -> Tensor:
        part = chance.choice(parts)
        _put_on(pupil, weights[round(part["scale"].item(), 2)])
        return loss(pupil, part, chance, own=chance.random() < step / (2 * steps))

    train("fast", folder, pupil, muon(pupil, 0, 1e-3, plain=["lora"]), loss_at, steps, ema=0.99)
    write_lora(file, get_peft_model_state_dict(pupil), 1.0, {"steps": "4 to 8, without guidance"})


def _put_on(model: QwenImageTransformer2DModel, weights: Mapping[str, Tensor]) -> None:
    """Puts other weights below the LoRA."""
    for name, layer in model.named_modules():
        if isinstance(layer, LoraLayer):
            layer.get_base_layer().weight.data = weights[f"{name}.weight"]


def loss(model: QwenImageTransformer2DModel, part: Part, chance: random.Random, own: bool) -> Tensor:
    """How far a single step is from where the teacher went, from a latent that it passed or (own) from the pupil's."""
    passed, words = (part[name].to(DEVICE).float() for name in ("passed", "words"))
    references = list(part["references"].to(DEVICE).float())
    mask, start = part["mask"].to(DEVICE), int(part["start"])
    stride = _one(STRIDES, chance)
    levels, passed = noise_levels(STEPS, fast=True)[::stride], passed[:, ::stride]
    start //= stride
    at = torch.tensor([chance.randrange(start, len(levels) - 1) for _ in passed], device=DEVICE)
    rows = torch.arange(len(passed), device=DEVICE)
    latents = passed[rows, at]
    if own:
        travelled = way(model, passed[:, start], levels[start : int(at.max()) + 1], references, [(words, mask)], 1)
        latents = torch.stack(travelled, dim=1)[rows, at - start]
    length = (levels[at] - levels[at + 1])[:, None, None]
    right = (latents - passed[rows, at + 1]) / length
    off = (velocity(model, latents, references, levels[at], words, mask) - right).square()
    return (off * length).mean() * (len(levels) - 1)


def _one(shares: Mapping[Choice, float], chance: random.Random) -> Choice:
    return chance.choices(list(shares), list(shares.values()))[0]

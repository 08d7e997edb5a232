"""The transformer: taught on latents to draw from words and to change pictures.

Trains diffusers' own class by flow matching, on the very positions, masks and noise levels that the pipeline uses.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from diffusers import QwenImageTransformer2DModel
from diffusers.models.transformers import transformer_qwenimage as stock
from torch import Tensor
from torch.nn import functional

from nextscene.model import guide
from nextscene.settings import Look
from storybook.edits import KINDS, Task
from storybook.families import family
from storybook.reader import Reader
from storybook.training import DEVICE, muon, train
from storybook.world import State

SHIFT = 1.63  # of the noise levels: the scheduler's own at 48 tokens
FAST_SHIFT = 3.0  # of those that the fast LoRA is taught on, whatever the picture's size
BATCH = {"words": 48, "edit": 32, "two": 24, "three": 16}
EMPTY = (" ", Look().negative_prompt)  # words that say nothing: what guidance leads away from
LENGTH = {0: 56, 1: 64, 2: 84, 3: 104}  # text tokens, padded to at least this, by the number of references
PLAIN = ("mod", "img_in", "txt_in", "time_text", "norm_out", "proj_out")  # what AdamW trains, and Muon does not


@dataclass
class Lessons:
    """What the transformer learns from: latents and vision states of every picture, and who reads the words."""

    latents: Tensor  # (families, members, tokens, channels)
    seen: Tensor  # (families, members, vision tokens, hidden)
    reader: Reader
    states: list[list[State]]

    @classmethod
    def of(cls, latents: Tensor, seen: Tensor, reader: Reader) -> "Lessons":
        return cls(latents, seen, reader, [family(number) for number in range(len(latents))])

    def batch(
        self, make: Callable[[list[State], random.Random], Task], chance: random.Random, size: int, empty: float = 0.1
    ) -> tuple[Tensor, list[Tensor], Tensor, Tensor]:
        """The right latents, the references' latents, and the words read: embeddings and mask."""
        picked = [chance.randrange(len(self.latents)) for _ in range(size)]
        tasks = [make(self.states[number], chance) for number in picked]
        right, references, seen = self.pictures(picked, tasks)
        words = [chance.choice(EMPTY) if chance.random() < empty else task.said(chance) for task in tasks]
        with torch.no_grad():
            states, mask = self.reader.read(words, seen, LENGTH[len(seen)])
        return right, references, states, mask

    def pictures(self, picked: Sequence[int], tasks: Sequence[Task]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Of tasks, each of a family: the right latents, and each reference as latents and as it is seen."""
        right = torch.stack([self.latents[n, t.shows] for n, t in zip(picked, tasks, strict=True)])
        columns = [[(n, t.sees[at]) for n, t in zip(picked, tasks, strict=True)] for at in range(len(tasks[0].sees))]
        references = [torch.stack([self.latents[place] for place in column]).to(DEVICE).float() for column in columns]
        seen = [torch.stack([self.seen[place] for place in column]).to(DEVICE).float() for column in columns]
        return right.to(DEVICE).float(), references, seen


def transformer(channels: int, hidden: int) -> QwenImageTransformer2DModel:
    """Untrained: what it adds is zero, but for one head of the first blocks that looks at the same place."""
    model = QwenImageTransformer2DModel(
        in_channels=channels,
        out_channels=channels // 4,
        num_layers=8,
        attention_head_dim=64,
        num_attention_heads=3,
        joint_attention_dim=hidden,
        axes_dims_rope=(8, 28, 28),
    )
    with torch.no_grad():
        for linear in (model.norm_out.linear, model.proj_out):
            linear.weight.zero_()
            linear.bias.zero_()
        for number, block in enumerate(model.transformer_blocks):
            for modulation in (block.img_mod[1], block.txt_mod[1]):
                modulation.weight.zero_()
                modulation.bias.zero_()
            if number < len(model.transformer_blocks) // 2:
                _look_at_same_place(block)
    return model


def _look_at_same_place(block: Any, head: int = 64) -> None:
    """Head 0 starts out copying from the same place of the reference, which wins over the picture's own."""
    attention, width = block.attn, block.attn.to_q.in_features
    query = torch.zeros(head)
    query[0] = 0.2**0.5
    for axis in (8, 36):
        query[axis], query[axis + 2] = (0.4 * 0.65) ** 0.5, (0.4 * 0.35) ** 0.5
    key, turn = query.clone(), -(math.pi / 2 + 0.5)
    key[0], key[1] = query[0] * math.cos(turn), query[0] * math.sin(turn)
    for linear, vector in ((attention.to_q, query), (attention.to_k, key)):
        linear.bias[:head] = 16 * vector
        linear.weight[:head] *= 0.3
    for norm in (attention.norm_q, attention.norm_k):
        norm.weight[[0, 1, *range(8, 12), *range(36, 40)]] = 3**0.5
    attention.to_v.weight[:head] = _rotation(width)[:head]
    attention.to_out[0].weight.zero_()
    attention.to_out[0].weight[:, :head] = 0.5 * _rotation(width)[:head].T
    block.img_mod[1].bias[2 * width : 3 * width] = 1


def _rotation(size: int) -> Tensor:
    return torch.linalg.qr(torch.randn(size, size)).Q


def velocity(
    model: QwenImageTransformer2DModel, noisy: Tensor, references: Sequence[Tensor], level: Tensor, words: Tensor,
    mask: Tensor, grid: tuple[int, int] = (6, 8),
) -> Tensor:  # fmt: skip
    """The transformer's own forward, with rotary embeddings in real numbers, which train faster."""
    stock.apply_rotary_emb_qwen, stock.dispatch_attention_fn = _turned, _attention
    places = model.pos_embed([[(1, *grid)] * (1 + len(references))], max_txt_seq_len=words.shape[1], device=DEVICE)
    turns = tuple(torch.view_as_real(each) for each in places)
    with torch.autocast(DEVICE.type, torch.bfloat16):
        x = model.img_in(torch.cat([noisy, *references], dim=1))
        y = model.txt_in(model.txt_norm(words))
        time = model.time_text_embed(level, x)
        for block in model.transformer_blocks:
            y, x = block(x, y, mask, time, turns)
        return model.proj_out(model.norm_out(x[:, : noisy.shape[1]], time)).float()


def _turned(x: Tensor, turns: Tensor, use_real: bool = True) -> Tensor:
    if turns.is_complex():
        turns = torch.view_as_real(turns)
    even, odd = x.float().view(*x.shape[:-1], -1, 2).unbind(-1)
    cos, sin = turns[:, None, :, 0], turns[:, None, :, 1]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2).type_as(x)


def _attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, **_: object) -> Tensor:
    """Plain products, which on a CPU train faster than the fused kernel."""
    query, key, value = (each.transpose(1, 2) for each in (query, key, value))
    scores = (query * query.shape[-1] ** -0.5) @ key.mT
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -1e4)
    return (scores.float().softmax(-1).to(value.dtype) @ value).transpose(1, 2)


def flow_loss(
    model: QwenImageTransformer2DModel, right: Tensor, references: Sequence[Tensor], words: Tensor, mask: Tensor
) -> Tensor:
    level = torch.randn(len(right), device=DEVICE).sigmoid()
    level = SHIFT * level / (1 + (SHIFT - 1) * level)
    noise = torch.randn_like(right)
    noisy = torch.lerp(right, noise, level[:, None, None])
    return functional.mse_loss(velocity(model, noisy, references, level, words, mask), noise - right)


def teach(
    model: QwenImageTransformer2DModel, lessons: Lessons, folder: Path, steps: int, look: Callable[[int], None],
    name: str = "base", gently: float = 1.0,
) -> None:  # fmt: skip
    """Trains the base: pictures from words, and edits; more gently, by this factor, if it knows much already."""
    model.to(DEVICE)

    def loss_at(step: int, chance: random.Random) -> Tensor:
        kind = chance.choices(list(KINDS), [share for share, _ in KINDS.values()])[0]
        return flow_loss(model, *lessons.batch(KINDS[kind][1], chance, BATCH[kind]))

    optimizer = muon(model, 5e-3 * gently, 1.5e-3 * gently, plain=PLAIN)
    train(name, folder, model, optimizer, loss_at, steps, ema=0.997, look=look)


@torch.no_grad()
def paint(
    model: QwenImageTransformer2DModel, reader: Reader, words: Sequence[str], references: Sequence[Tensor],
    seen: Sequence[Tensor], *, steps: int = 14, guidance: float = 3.0, strength: float = 1.0, seed: int = 0,
    tokens: int = 48, fast: bool = False,
) -> Tensor:  # fmt: skip
    """Latents of many pictures at once, by the pipeline's own schedule (or the fast one), guidance and strength."""
    chance = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(words), tokens, model.config.in_channels, generator=chance).to(DEVICE)
    prompts = [reader.read(each, seen) for each in (words, [" "] * len(words))][: 2 if guidance > 1 else 1]
    levels = noise_levels(steps, fast)[int(steps - steps * strength) :]
    latents = torch.lerp(references[0], noise, levels[0]) if strength < 1 else noise
    return way(model, latents, levels, references, prompts, guidance)[-1]


def noise_levels(steps: int, fast: bool = False) -> Tensor:
    """The schedule, from 1 down to 0, which is the last: of the pipeline, or of its fast LoRAs."""
    shift = FAST_SHIFT if fast else SHIFT
    levels = torch.linspace(1, 1 / steps, steps)
    levels = shift * levels / (1 + (shift - 1) * levels)
    if not fast:
        levels = 1 - (1 - levels) * (1 - 0.02) / (1 - levels[-1])  # the schedule ends at 0.02
    return torch.cat([levels, torch.zeros(1)]).to(DEVICE)


@torch.no_grad()
def way(
    model: QwenImageTransformer2DModel, latents: Tensor, levels: Tensor, references: Sequence[Tensor],
    prompts: Sequence[tuple[Tensor, Tensor]], guidance: float,
) -> list[Tensor]:  # fmt: skip
    """The latents at every level, from those at the first on; the second prompt, if any, is what to get away from."""
    passed = [latents]
    for level, following in pairwise(levels):
        answers = [velocity(model, latents, references, level.expand(len(latents)), *prompt) for prompt in prompts]
        step = answers[0] if guidance <= 1 else guide(answers[0], answers[1], guidance)
        latents = latents + (following - level) * step
        passed.append(latents)
    return passed

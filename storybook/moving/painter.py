"""The transformer: taught on latents to let a picture move as words say, up to a last picture if there is one.

Trains diffusers' own class by flow matching, on conditions, text padding and noise levels as the pipeline makes them.
"""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from diffusers import WanTransformer3DModel
from torch import Tensor
from torch.nn import functional

from storybook.autoencoder import LATENTS
from storybook.moving.clips import LOOP
from storybook.moving.lessons import lesson
from storybook.moving.reader import HIDDEN, Reader
from storybook.training import DEVICE, muon, train

SHIFT = 3.0  # of the noise levels: the scheduler's
TEXT = 512  # tokens that the pipeline pads words to
LENGTH = 32  # words of a lesson are padded to a multiple of it, so that few shapes are compiled
ROWS, COLUMNS = 6, 8  # of tokens in a latent frame
HEADS, HEAD = 3, 64
PLAIN = ("scale_shift_table", "patch_embedding", "condition_embedder", "proj_out")  # trained by AdamW, not by Muon

Block = Callable[[Any, Tensor, Tensor, Tensor, Tensor, tuple[Tensor, ...]], Tensor]


def transformer(layers: int = 4) -> WanTransformer3DModel:
    """Untrained: it adds nothing, but for one head of the first blocks, which looks at the same place of frame one."""
    model = WanTransformer3DModel(
        num_attention_heads=HEADS,
        attention_head_dim=HEAD,
        in_channels=2 * LATENTS + LOOP,
        out_channels=LATENTS,
        text_dim=HIDDEN,
        ffn_dim=576,
        num_layers=layers,
        cross_attn_norm=True,
    )
    with torch.no_grad():
        for linear in (model.proj_out, model.condition_embedder.time_proj):
            linear.weight.zero_()
            linear.bias.zero_()
        model.scale_shift_table.zero_()
        for number, block in enumerate(model.blocks):
            block.scale_shift_table.zero_()
            block.attn2.to_out[0].weight.zero_()
            if number < layers // 2:
                _look_at_first_frame(block)
    return model


def _look_at_first_frame(block: Any) -> None:
    """Head 0 starts out copying from the same place of the earliest frame there is."""
    attention, width = block.attn1, block.attn1.to_q.in_features
    query = torch.zeros(HEAD)
    time, high, wide = 4, 24, 44  # pairs of channels that turn with the frame, the row and the column
    query[time] = 0.3**0.5
    for axis in (high, wide):
        query[axis], query[axis + 2] = (0.35 * 0.65) ** 0.5, (0.35 * 0.35) ** 0.5
    key = query.clone()
    key[time], key[time + 1] = 0, query[time]  # a quarter turn: the earlier, the better
    for linear, vector in ((attention.to_q, query), (attention.to_k, key)):
        linear.bias[:HEAD] = 16 * vector
        linear.weight[:HEAD] *= 0.3
    for norm in (attention.norm_q, attention.norm_k):
        norm.weight[:HEAD] = 1.33
        norm.weight[HEAD:] = 2
    turn = torch.linalg.qr(torch.randn(width, width)).Q
    attention.to_v.weight[:HEAD] = turn[:HEAD]
    attention.to_out[0].weight.zero_()
    attention.to_out[0].weight[:, :HEAD] = 0.5 * turn[:HEAD].T
    block.scale_shift_table[:, 2] = 1


def condition(first: Tensor, last: Tensor | None, nothing: Tensor, frames: int) -> Tensor:
    """What the pipeline gives besides noise, (N, 4 + C, T, h, w): which frames are given, and their latents.

    nothing: the latents of a grey picture, which stands where no picture is given.
    """
    count, _, *size = first.shape
    given = torch.zeros(count, LOOP, frames, *size, device=first.device)
    given[:, :, 0] = 1
    latents = nothing.expand(count, -1, *size)[:, :, None].repeat(1, 1, frames, 1, 1)
    latents[:, :, 0] = first
    if last is not None:
        given[:, -1, -1] = 1
        latents[:, :, -1] = last
    return torch.cat([given, latents], dim=1)


def velocity(
    model: WanTransformer3DModel, seen: Tensor, level: Tensor, words: Tensor, mask: Tensor, run: Block | None = None
) -> Tensor:
    """The transformer's own forward, in plain products, which train faster.

    seen: noisy latents and the condition. run: what runs a block, if it was compiled. Words are padded with one token
    that counts for all that the pipeline pads with.
    """
    words = functional.pad(words, (0, 0, 0, 1))
    pads = (TEXT - mask.sum(1, keepdim=True)).float().log()
    bias = torch.cat([torch.where(mask, 0.0, -1e4), pads], dim=1)[:, None, None]
    turns = tuple(each[..., half::2].transpose(1, 2) for half, each in enumerate(model.rope(seen)))
    with torch.autocast(DEVICE.type, torch.bfloat16):
        tokens = _patches(seen)
        patch = model.patch_embedding
        x = functional.linear(tokens, patch.weight.flatten(1), patch.bias)
        time, steps, words, _ = model.condition_embedder(level * 1000, words)
        steps = steps.float().view(len(steps), 6, -1)
        for block in model.blocks:
            x = (run or _block)(block, x, words, steps, bias, turns)
        shift, scale = (model.scale_shift_table + time[:, None].float()).chunk(2, dim=1)
        out = model.proj_out(_normal(x, model.norm_out) * (1 + scale) + shift).float()
    return _unpatched(out, seen.shape[2])


def _block(block: Any, x: Tensor, words: Tensor, steps: Tensor, bias: Tensor, turns: tuple[Tensor, ...]) -> Tensor:
    shift, scale, gate, late_shift, late_scale, late_gate = (block.scale_shift_table + steps).chunk(6, dim=1)
    seen = _normal(x, block.norm1) * (1 + scale) + shift
    x = x + _attention(block.attn1, seen, seen, None, turns) * gate
    x = x + _attention(block.attn2, block.norm2(x.float()), words, bias, None)
    return x + block.ffn(_normal(x, block.norm3) * (1 + late_scale) + late_shift) * late_gate


def _normal(x: Tensor, norm: Any) -> Tensor:
    return functional.layer_norm(x.float(), x.shape[-1:], eps=norm.eps)


def _attention(layer: Any, x: Tensor, from_: Tensor, bias: Tensor | None, turns: tuple[Tensor, ...] | None) -> Tensor:
    query, key, value = layer.norm_q(layer.to_q(x)), layer.norm_k(layer.to_k(from_)), layer.to_v(from_)
    query, key, value = (each.view(*each.shape[:2], HEADS, HEAD).transpose(1, 2) for each in (query, key, value))
    if turns is not None:
        query, key = _turned(query, *turns), _turned(key, *turns)
    query, key = ((each * HEAD**-0.25).to(value.dtype) for each in (query, key))
    scores = (query @ key.mT).float()
    weights = (scores if bias is None else scores + bias).softmax(-1).to(value.dtype)
    return layer.to_out[0]((weights @ value).transpose(1, 2).flatten(2))


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    even, odd = x.float().reshape(*x.shape[:-1], -1, 2).unbind(-1)
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def _patches(x: Tensor) -> Tensor:
    """(N, C, T, h, w) to tokens of 2 x 2, (N, T h/2 w/2, 4 C)."""
    count, channels, frames, high, wide = x.shape
    tokens = x.reshape(count, channels, frames, high // 2, 2, wide // 2, 2)
    return tokens.permute(0, 2, 3, 5, 1, 4, 6).flatten(4).flatten(1, 3)


def _unpatched(tokens: Tensor, frames: int, rows: int = ROWS, columns: int = COLUMNS) -> Tensor:
    x = tokens.view(len(tokens), frames, rows, columns, 2, 2, -1)
    return x.permute(0, 6, 1, 2, 4, 3, 5).flatten(5).flatten(3, 4)


def teach(
    model: WanTransformer3DModel, reader: Reader, latents: Tensor, nothing: Tensor, folder: Path, steps: int,
    look: Callable[[int], None], batch: int = 8, look_every: int = 500,
) -> None:  # fmt: skip
    """Trains it on all lessons; all clips of a step are given a last picture, or none is."""
    model.to(DEVICE)
    given = [lesson(number) for number in range(len(latents))]
    kinds = {last: [at for at, each in enumerate(given) if each.has_last == last] for last in (False, True)}
    share = len(kinds[True]) / len(given)
    run = torch.compile(_block)

    def loss_at(step: int, chance: random.Random) -> Tensor:
        has_last = chance.random() < share
        picked = [chance.choice(kinds[has_last]) for _ in range(batch)]
        right = latents[picked].to(DEVICE).float()
        with torch.no_grad():
            words, mask = reader.read([given[at].words(chance) for at in picked], LENGTH)
        level = torch.randn(batch, device=DEVICE).sigmoid()
        level = SHIFT * level / (1 + (SHIFT - 1) * level)
        noise = torch.randn_like(right)
        noisy = torch.lerp(right, noise, level[:, None, None, None, None])
        beside = condition(right[:, :, 0], right[:, :, -1] if has_last else None, nothing, right.shape[2])
        return functional.mse_loss(
            velocity(model, torch.cat([noisy, beside], dim=1), level, words, mask, run), noise - right
        )

    train(
        "clips", folder, model, muon(model, 5e-3, 1.5e-3, plain=PLAIN), loss_at, steps, ema=0.997, look=look,
        look_every=look_every,
    )  # fmt: skip


@torch.no_grad()
def animate(
    model: WanTransformer3DModel, reader: Reader, words: Sequence[str], first: Tensor, last: Tensor | None,
    nothing: Tensor, *, steps: int = 8, guidance: float = 1.0, frames: int = 5, seed: int = 0,
) -> Tensor:  # fmt: skip
    """Latents of many clips at once, (N, C, T, h, w), by the pipeline's own schedule."""
    chance = torch.Generator().manual_seed(seed)
    count, channels, *size = first.shape
    latents = torch.randn(count, channels, frames, *size, generator=chance).to(DEVICE)
    beside = condition(first, last, nothing, frames)
    prompts = [reader.read(each) for each in (list(words), [""] * count)[: 2 if guidance > 1 else 1]]
    for level, following in pairwise(noise_levels(steps)):
        seen = torch.cat([latents, beside], dim=1)
        answers = [velocity(model, seen, level.expand(count), *prompt) for prompt in prompts]
        way = answers[0] if guidance <= 1 else answers[1] + guidance * (answers[0] - answers[1])
        latents = latents + (following - level) * way
    return latents


def noise_levels(steps: int) -> Tensor:
    """The scheduler's own: FlowMatchEulerDiscreteScheduler(shift=SHIFT) from 1 down to 0."""
    smallest = SHIFT / 1000 / (1 + (SHIFT - 1) / 1000)
    levels = torch.linspace(1, smallest, steps)
    levels = SHIFT * levels / (1 + (SHIFT - 1) * levels)
    return torch.cat([levels, torch.zeros(1)]).to(DEVICE)

"""The text encoder: taught first, alone, to hold what words and pictures say; then frozen.

Linear probes on its pooled states have to tell what the words ask, what the pictures show and what the result will be.
Pictures are read by its own vision tower, and stand in the prompt as the full model's do, with 3-D positions.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import QwenImageEditPlusPipeline, QwenImagePipeline
from torch import Tensor, nn
from torch.nn import functional
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import apply_rotary_pos_emb_vision
from transformers.vision_utils import get_vision_position_ids

from storybook.edits import AXES, Task, edit, edit_of_two, from_words, scene
from storybook.families import VALUES, family
from storybook.random_model import TEMPLATES
from storybook.training import DEVICE, batches, muon, train
from storybook.world import State

DROPPED = {QwenImagePipeline: 34, QwenImageEditPlusPipeline: 64}  # tokens of the template that pipelines cut off
PATCH, ROWS, COLUMNS = 14, 6, 8  # of a picture as the vision tower reads it: 12 tokens of 2 x 2 patches
SPREAD = {"pan": 2, "tilt": 1, "zoom": 1}


class Reader:
    """Words and pictures to embeddings, many at once, exactly as the pipelines do one by one."""

    def __init__(self, encoder: Qwen2_5_VLForConditionalGeneration, tokenizer: Qwen2Tokenizer) -> None:
        self.encoder, self.tokenizer = encoder.to(DEVICE), tokenizer
        self.template = {kind: kind(*[None] * parts).prompt_template_encode for kind, parts in TEMPLATES.items()}

    def see(self, pictures: Tensor) -> Tensor:
        """(N, 3, height, width) in -1 to 1, to the (N, 12, hidden) states that stand for them in a prompt."""
        small = functional.interpolate(pictures, (ROWS * PATCH, COLUMNS * PATCH), mode="bicubic", antialias=True).clamp(
            -1, 1
        )
        mean, std = (
            torch.tensor(values, device=DEVICE).view(3, 1, 1)
            for values in ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
        )
        patches = ((small / 2 + 0.5 - mean) / std).reshape(-1, 3, ROWS // 2, 2, PATCH, COLUMNS // 2, 2, PATCH)
        patches = patches.permute(0, 2, 5, 3, 6, 1, 4, 7)[:, :, :, :, :, :, None].expand(*[-1] * 6, 2, -1, -1)
        tower, count = self.encoder.model.visual, len(pictures)
        grid = torch.tensor([[1, ROWS, COLUMNS]], device=DEVICE)
        states = tower.patch_embed(patches.reshape(-1, 6 * PATCH * PATCH)).view(count, ROWS * COLUMNS, -1)
        turns = tower.rotary_pos_emb(states, get_vision_position_ids(grid, tower.spatial_merge_size))
        for block in tower.blocks:  # a picture is one window: all of it at once, and many pictures side by side
            attention = block.attn
            parts = attention.qkv(block.norm1(states)).view(count, ROWS * COLUMNS, 3, attention.num_heads, -1)
            query, key, value = parts.unbind(2)
            query, key = apply_rotary_pos_emb_vision(query, key, *turns)
            mixed = functional.scaled_dot_product_attention(*(each.transpose(1, 2) for each in (query, key, value)))
            states = states + attention.proj(mixed.transpose(1, 2).flatten(2))
            states = states + block.mlp(block.norm2(states))
        return tower.merger(states.flatten(0, 1)).view(count, ROWS * COLUMNS // 4, -1)

    def read(self, words: Sequence[str], seen: Sequence[Tensor] = (), length: int = 0) -> tuple[Tensor, Tensor]:
        """Embeddings and mask of words, each with its pictures (one tensor per reference); padded to `length`."""
        kind = QwenImageEditPlusPipeline if seen else QwenImagePipeline
        frame = "Picture {}: <|vision_start|>" + "<|image_pad|>" * (ROWS * COLUMNS // 4) + "<|vision_end|>"
        shown = "".join(frame.format(number) for number in range(1, len(seen) + 1))
        texts = [self.template[kind].format(shown + each) for each in words]
        ids = self.tokenizer(texts, padding=True, padding_side="right", return_tensors="pt").to(DEVICE)
        embedded = self.encoder.model.language_model.embed_tokens(ids.input_ids)
        places = None
        if seen:
            is_picture = ids.input_ids == self.encoder.config.image_token_id
            states = torch.cat(list(seen), dim=1)
            embedded = embedded.masked_scatter(is_picture[..., None], states.to(embedded.dtype))
            places, _ = self.encoder.model.get_rope_index(  # pictures stand first: the same places for every prompt
                ids.input_ids[:1], is_picture[:1].int(), torch.tensor([[1, ROWS, COLUMNS]] * len(seen), device=DEVICE)
            )
            places = places.expand(-1, len(words), -1)
        out = self.encoder.model.language_model(inputs_embeds=embedded, position_ids=places, use_cache=False)
        states, mask = (each[:, DROPPED[kind] :] for each in (out.last_hidden_state, ids.attention_mask))
        extra = max(0, length - states.shape[1])
        return functional.pad(states, (0, 0, 0, extra)), functional.pad(mask, (0, extra)).bool()


def facts(task: Task, states: list[State]) -> list[int]:
    """What a task says, one number for each probe; -100 where there is nothing to tell."""
    after = states[task.shows]
    before = states[task.sees[0]] if task.sees else None
    told: list[int] = []
    for state in (after, before):
        named = {name: getattr(state, name, None) for name in VALUES}
        told += [values.index(named[name]) if named[name] in values else -100 for name, values in VALUES.items()]
        told += [getattr(state, axis) + SPREAD[axis] if state else -100 for axis in AXES]
    for told_here in (not task.camera, task.camera):  # framing in the base's words, then in the camera's
        for axis in AXES:
            step = getattr(after, axis) - getattr(before, axis) if before and told_here else 0
            told.append(step + SPREAD[axis])
    return told


SIZES = [len(values) for values in VALUES.values()] + [2 * SPREAD[axis] + 1 for axis in AXES]
PROBES = [*SIZES, *SIZES, *SIZES[-3:], *SIZES[-3:]]


def teach(reader: Reader, pictures: np.ndarray, folder: Path, steps: int, batch: int = 32) -> None:
    """Trains encoder and probes together; only the encoder is kept."""
    from storybook.autoencoder import pixels

    probes = nn.Linear(reader.encoder.config.text_config.hidden_size, sum(PROBES)).to(DEVICE)
    both = nn.ModuleList([reader.encoder, probes])
    all_states = [family(number) for number in range(len(pictures))]
    right = torch.zeros(len(PROBES), 2)

    def loss_at(step: int, chance: random.Random) -> Tensor:
        make = (from_words, edit, scene, edit_of_two)[(0, 1, 1, 2, 1, 2, 0, 3)[step % 8]]
        picked = [chance.randrange(len(pictures)) for _ in range(batch)]
        tasks = [make(all_states[number], chance) for number in picked]
        seen = [
            reader.see(pixels(np.stack([pictures[n, t.sees[at]] for n, t in zip(picked, tasks, strict=True)])))
            for at in range(len(tasks[0].sees))
        ]
        states, mask = reader.read([task.said(chance) for task in tasks], seen)
        pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        wanted = torch.tensor([facts(t, all_states[n]) for n, t in zip(picked, tasks, strict=True)], device=DEVICE)
        total = torch.zeros((), device=DEVICE)
        for number, (logits, answer) in enumerate(zip(probes(pooled).split(PROBES, 1), wanted.T, strict=True)):
            told = answer >= 0
            if told.any():
                total = total + functional.cross_entropy(logits[told], answer[told])
                hits = (logits[told].argmax(1) == answer[told]).float()
                right[number] = right[number] * 0.98 + torch.tensor([hits.sum(), len(hits)])
        return total / len(PROBES)

    def look(_: int) -> None:
        print("probes right:", " ".join(f"{hit / max(n, 1):.2f}" for hit, n in right.tolist()), flush=True)

    train(
        "text", folder, both, muon(both, 5e-3, 2e-3, plain=["embed_tokens", "patch_embed", "1.weight"]), loss_at,
        steps, ema=0.99, look=look,
    )  # fmt: skip


@torch.no_grad()
def see_all(reader: Reader, pictures: np.ndarray) -> Tensor:
    """The states of every picture, (families, members, 12, hidden), in half precision."""
    from storybook.autoencoder import pixels

    flat = pictures.reshape(-1, *pictures.shape[2:])
    seen = torch.cat([reader.see(pixels(flat[part])).half().cpu() for part in batches(len(flat), 128)])
    return seen.view(*pictures.shape[:2], *seen.shape[1:])

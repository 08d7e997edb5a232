"""What reads a clip's words: UMT5, small, taught first and alone to hold what they ask for; then frozen.

Linear probes on the mean of its states have to tell how the camera moves, what light and weather come, and whether a
balloon rises or a boat crosses.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel

from storybook import words as scene_words
from storybook.moving.clips import FARTHEST
from storybook.moving.lessons import Lesson, lesson
from storybook.moving.words import said, seen, vocabulary
from storybook.training import DEVICE, batches, muon, train
from storybook.world import LIGHTS, WEATHERS, random_state

HIDDEN = 128
FACTS = {"pan": 5, "tilt": 3, "zoom": 3, "light": 5, "weather": 5, "rises": 2, "boat": 2}  # and the answers to each


class Reader:
    """Words to states, many at once, exactly as the pipeline makes them; what it pads is left out."""

    def __init__(self, encoder: UMT5EncoderModel, tokenizer: T5Tokenizer) -> None:
        self.encoder, self.tokenizer = encoder.to(DEVICE), tokenizer

    def read(self, words: Sequence[str], multiple: int = 1) -> tuple[Tensor, Tensor]:
        """States, zero beyond each text's end, and the mask of what is text; as long as a multiple of this."""
        ids = self.tokenizer(
            [" ".join(each.split()) for each in words], padding=True, pad_to_multiple_of=multiple, return_tensors="pt"
        )
        ids = ids.to(DEVICE)
        states = self.encoder(ids.input_ids, ids.attention_mask).last_hidden_state
        mask = ids.attention_mask.bool()
        return states * mask[..., None], mask


def tokenizer() -> T5Tokenizer:
    """The real one's class, with the words of the clips and of the scenes."""
    chance = random.Random(0)
    texts = scene_words.vocabulary(chance, [random_state(chance) for _ in range(500)]) + vocabulary()
    texts += [said(lesson(number).clip, chance) for number in range(8000)]
    texts = [form for text in texts for form in (text, text.capitalize())]
    return T5Tokenizer(extra_ids=0).train_new_from_iterator([*texts, *map(chr, range(33, 127))], 1600)


def encoder(words: T5Tokenizer, layers: int = 3) -> UMT5EncoderModel:
    config = UMT5Config(
        vocab_size=len(words),
        d_model=HIDDEN,
        d_kv=32,
        d_ff=384,
        num_layers=layers,
        num_heads=4,
        dropout_rate=0.0,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    return UMT5EncoderModel(config)


def facts(told: Lesson) -> list[int]:
    """What the words of a lesson ask for, one number for each of `FACTS`; 0 for light and weather: none comes."""
    clip = told.clip
    steps = [max(-FARTHEST[axis], min(FARTHEST[axis], by)) + FARTHEST[axis] for axis, by in clip.step.items()]
    comes = [
        0 if getattr(clip.first, name) == (value := getattr(clip.last, name)) else 1 + values.index(value)
        for name, values in (("light", LIGHTS), ("weather", WEATHERS))
    ]
    return [*steps, *comes, int(clip.rises), int(clip.boat)]


def teach(reader: Reader, folder: Path, steps: int, batch: int = 96) -> None:
    """Trains encoder and probes together; only the encoder is kept."""
    probes = nn.Linear(HIDDEN, sum(FACTS.values())).to(DEVICE)
    right = torch.zeros(len(FACTS), 2)

    def loss_at(step: int, chance: random.Random) -> Tensor:
        lessons = [lesson(chance.randrange(1_000_000)) for _ in range(batch)]
        texts = [(seen if each.kind == "nothing said" else said)(each.clip, chance) for each in lessons]
        answers, pooled = torch.tensor([facts(each) for each in lessons]), _pooled(reader, texts)
        total = torch.zeros(())
        for at, (logits, wanted) in enumerate(zip(probes(pooled).split([*FACTS.values()], 1), answers.T, strict=True)):
            total = total + functional.cross_entropy(logits, wanted)
            right[at] = right[at] * 0.97 + torch.tensor([(logits.argmax(1) == wanted).sum(), len(wanted)])
        return total / len(FACTS)

    def look(_: int) -> None:
        print("told rightly:", _shares(right[:, 0] / right[:, 1].clamp(min=1)), flush=True)
        print("in words held out:", _shares(_held_out(reader, probes)), flush=True)

    both = nn.ModuleList([reader.encoder, probes])
    train("text", folder, both, muon(both, 5e-3, 2e-3, plain=["shared", "embed", "1.weight", "relative"]), loss_at,
          steps, ema=0.99, look=look, look_every=200)  # fmt: skip


@torch.no_grad()
def _held_out(reader: Reader, probes: nn.Linear, count: int = 300) -> Tensor:
    chance = random.Random("held out")
    lessons = [lesson(number, held_out=True) for number in range(count)]
    lessons = [each for each in lessons if each.kind != "nothing said"]
    told = probes(_pooled(reader, [said(each.clip, chance, held_out=True) for each in lessons]))
    answers = torch.tensor([facts(each) for each in lessons]).T
    hits = [logits.argmax(1) == each for logits, each in zip(told.split([*FACTS.values()], 1), answers, strict=True)]
    return torch.stack(hits).float().mean(1)


def _shares(values: Tensor) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in zip(FACTS, values.tolist(), strict=True))


def _pooled(reader: Reader, texts: Sequence[str], parts: int = 4) -> Tensor:
    """The mean state of each text; short ones are read with short ones, which costs less."""
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    size = -(-len(texts) // parts)
    means = []
    for part in batches(len(texts), size):
        with torch.autocast(DEVICE.type, torch.bfloat16):
            states, mask = reader.read([texts[at] for at in order[part]])
        means.append(states.float().sum(1) / mask.sum(1, keepdim=True))
    return torch.cat(means)[torch.tensor(order).argsort()]

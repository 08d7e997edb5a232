"""What the small model answers when it is asked what a picture shows: probes on its vision tower, one a kind.

Pictures of the drawn world, as the tower sees them, go in; a file of probes comes out, with the share of held-out
pictures of which each is right.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from nextscene.model import NOTHING
from storybook import world
from storybook.training import DEVICE, batches
from storybook.world import State

ANSWERS = {  # by the story's word for a kind: the world's own, and its values in the story's words
    "light": ("light", {"dawn": "dawn", "noon": "day", "sunset": "dusk", "night": "night"}),
    "weather": ("weather", {name: name for name in world.WEATHERS}),
    "place": ("place", {name: name for name in world.PLACES}),
    "subject": ("landmark", {**{name: name for name in world.LANDMARKS}, world.NOTHING: NOTHING}),
    "colour": ("colour", {name: name for name in world.COLOURS}),
}
HELD_OUT = 0.15  # of the families
HIDDEN, DROPPED, BATCH = 64, 0.3, 256


class Probe(nn.Module):
    """Two layers."""

    def __init__(self, features: int, answers: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(features, HIDDEN), nn.Linear(HIDDEN, answers)

    def forward(self, seen: Tensor) -> Tensor:
        said: Tensor = self.last(functional.dropout(functional.gelu(self.first(seen)), DROPPED, self.training))
        return said

    @torch.no_grad()
    def take_in(self, mean: Tensor, spread: Tensor) -> None:
        """From now on it reads what it was shown with this mean and spread as it is."""
        self.first.weight.div_(spread)
        self.first.bias.sub_(self.first.weight @ mean)


def teach(seen: Tensor, states: Sequence[Sequence[State]], file: Path, epochs: int) -> dict[str, float]:
    """Trains the probes.

    seen: (families, members, vision tokens, hidden); states: what each of these pictures shows.
    """
    torch.manual_seed(0)
    lessons = int(len(seen) * (1 - HELD_OUT))
    flat = seen.flatten(2).float().to(DEVICE)
    mean, spread = flat[:lessons].mean((0, 1)), flat[:lessons].std((0, 1)) + 1e-3
    pictures = ((flat[:lessons] - mean) / spread).flatten(0, 1)
    probes, right = nn.ModuleDict(), dict[str, float]()
    for kind, (name, answers) in ANSWERS.items():
        shown = _numbers(states, name, list(answers)).to(DEVICE)
        probe = probes[kind] = Probe(flat.shape[-1], len(answers)).to(DEVICE)
        _train(probe, pictures, shown[:lessons].flatten(), epochs)
        probe.take_in(mean, spread)
        right[kind] = _share_right(probe(flat[lessons:]), shown[lessons:])
    facts = {kind: list(answers.values()) for kind, (_, answers) in ANSWERS.items()}
    weights = {name: each.bfloat16().cpu() for name, each in probes.state_dict().items()}
    save_file(weights, file, {"answers": json.dumps(facts), "shape": str(world.WIDTH / world.HEIGHT)})
    return right


def _train(probe: Probe, pictures: Tensor, shown: Tensor, epochs: int) -> None:
    optimizer = torch.optim.AdamW(probe.parameters(), lr=1e-3, weight_decay=0.3)
    for _ in range(epochs):
        order = torch.randperm(len(pictures), device=DEVICE)
        for part in batches(len(pictures), BATCH):
            loss = functional.cross_entropy(probe(pictures[order[part]]), shown[order[part]])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    probe.eval()


def _share_right(said: Tensor, shown: Tensor) -> float:
    return float((said.argmax(-1) == shown)[shown >= 0].float().mean())


def _numbers(states: Sequence[Sequence[State]], name: str, values: Sequence[str]) -> Tensor:
    """Which of the values each picture shows; -100 where there is nothing to tell."""
    shown = [[getattr(state, name) for state in family] for family in states]
    return torch.tensor([[values.index(each) if each in values else -100 for each in family] for family in shown])

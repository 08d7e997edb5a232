"""What every stage of the training shares: the optimiser, the moving average, and a loop that resumes exactly.

Everything random in a step is drawn from the step's own number, so a run that was stopped goes on as if it never was.
"""

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal for matrices and convolutions; AdamW for groups with `adam`."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if group["adam"]:
                for weight in weights:
                    self._adam(weight, group["lr"], self.state[weight])
                continue
            alike: dict[tuple[int, ...], list[Tensor]] = {}
            for weight in weights:
                alike.setdefault(tuple(weight.shape), []).append(weight)
            for same in alike.values():
                self._muon(same, group["lr"])

    def _muon(self, weights: list[Tensor], lr: float) -> None:
        """Matrices of one shape, all at once."""
        updates = []
        for weight in weights:
            grad = _matrix(cast(Tensor, weight.grad))
            momentum = self.state[weight].setdefault("momentum", torch.zeros_like(grad))
            momentum.lerp_(grad, 0.05)
            updates.append(grad.lerp(momentum, 0.95).flatten(1))
        turned = orthogonal(torch.stack(updates))
        size = max(1.0, turned.shape[1] / turned.shape[2]) ** 0.5
        for weight, update in zip(weights, turned, strict=True):
            matrix = _matrix(weight)
            matrix.add_(update.view_as(matrix), alpha=-lr * size)

    def _adam(self, weight: Tensor, lr: float, state: dict[str, Any]) -> None:
        grad = cast(Tensor, weight.grad)
        mean = state.setdefault("mean", torch.zeros_like(weight))
        square = state.setdefault("square", torch.zeros_like(weight))
        state["step"] = step = state.get("step", 0) + 1
        mean.lerp_(grad, 0.1)
        square.lerp_(grad.square(), 0.02)
        weight.addcdiv_(mean / (1 - 0.9**step), (square / (1 - 0.98**step)).sqrt() + 1e-8, value=-lr)


def _matrix(weight: Tensor) -> Tensor:
    """Of a causal convolution, which sees single pictures here, only the last time tap."""
    return weight[:, :, -1] if weight.ndim == 5 else weight


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest matrices (N, rows, columns) with all singular values about 1, by five Newton-Schulz steps."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if tall else matrices).bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)


def muon(model: nn.Module, matrix_lr: float, lr: float, plain: Iterable[str] = ()) -> Muon:
    """Muon for weights with two dimensions or more, AdamW for the others and for names that contain one of `plain`."""
    matrices: list[Tensor] = []
    rest: list[Tensor] = []
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            is_matrix = weight.flatten(1).shape[1] > 1 if weight.ndim > 1 else False
            (matrices if is_matrix and not any(part in name for part in plain) else rest).append(weight)
    groups = [
        {"params": matrices, "lr": matrix_lr, "base": matrix_lr, "adam": False},
        {"params": rest, "lr": lr, "base": lr, "adam": True},
    ]
    return Muon([group for group in groups if group["params"]], {})


def train(
    name: str,
    folder: Path,
    model: nn.Module,
    optimizer: Muon,
    loss_at: Callable[[int, random.Random], Tensor],
    steps: int,
    *,
    ema: float = 0.999,
    save_every: int = 100,
    look: Callable[[int], None] | None = None,
    look_every: int = 500,
) -> None:
    """Trains until `steps`, from the last checkpoint if there is one, and leaves the averaged weights in the model.

    loss_at: the loss of a step, everything random drawn from the generator given and from torch's.
    look: called now and then with the averaged weights in the model.
    """
    checkpoint = folder / f"{name}.checkpoint"
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    values = [weight.detach() for weight in weights]
    average = [value.clone() for value in values]
    done = 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, map_location=DEVICE, weights_only=True)
        done, average = saved["step"], [kept.detach() for kept in saved["average"]]
        optimizer.load_state_dict(saved["optimizer"])
        for value, kept in zip(values, saved["weights"], strict=True):
            value.copy_(kept)
    model.train()
    started, losses = time.monotonic(), []
    for step in range(done, steps):
        torch.manual_seed(step)
        for group in optimizer.param_groups:
            group["lr"] = group["base"] * min(1.0, (step + 1) / 50, (steps - step) / (0.25 * steps))
        loss = loss_at(step, random.Random(f"{name} {step}"))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        torch._foreach_lerp_(average, values, 1 - min(ema, (step + 1) / (step + 10)))
        losses.append(loss.item())
        if math.isnan(losses[-1]):
            raise RuntimeError(f"the loss of {name} is not a number at step {step}")
        if (step + 1) % save_every == 0 or step + 1 == steps:
            pace = (time.monotonic() - started) / (step + 1 - done)
            _log(folder, f"{name} {step + 1}/{steps} loss {sum(losses) / len(losses):.5f} {pace:.3f} s/step")
            losses = []
            _save(
                checkpoint, step=step + 1, average=average, weights=values,
                optimizer=optimizer.state_dict(),
            )  # fmt: skip
            if look and ((step + 1) % look_every == 0 or step + 1 == steps):
                with averaged(weights, average):
                    look(step + 1)
                model.train()
    for weight, value in zip(weights, average, strict=True):
        weight.data.copy_(value)
    model.eval()


class averaged:  # noqa: N801 - reads as a statement
    """Within it, the weights are their moving average."""

    def __init__(self, weights: list[nn.Parameter], average: list[Tensor]) -> None:
        self.weights, self.average = weights, average

    def _swap(self) -> None:
        for weight, value in zip(self.weights, self.average, strict=True):
            kept = weight.data.clone()
            weight.data.copy_(value)
            value.copy_(kept)

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()


def batches(count: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def _save(path: Path, **values: Any) -> None:
    part = path.with_name(path.name + ".part")
    torch.save(values, part)
    part.replace(path)


def _log(folder: Path, line: str) -> None:
    line = f"{time.strftime('%H:%M:%S')} {line}"
    print(line, flush=True)
    with (folder / "log.txt").open("a") as log:
        log.write(line + "\n")

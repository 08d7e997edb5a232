"""The camera, as a LoRA: what the small model's next-scene.safetensors is taught, and its file.

The base stands still at the camera's words; this is all that moves it. The file has the real LoRA's key names.
"""

import random
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import QwenImageTransformer2DModel
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from torch import Tensor

from storybook.edits import scene
from storybook.painter import ADAPTED, Lessons, flow_loss
from storybook.training import DEVICE, Muon, train

RANK = 16
PREFIX = "diffusion_model."


def added(model: QwenImageTransformer2DModel) -> QwenImageTransformer2DModel:
    """The model with a LoRA that does nothing yet, and is all that trains."""
    torch.manual_seed(0)
    model.requires_grad_(False)
    model.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(ADAPTED)))
    return model.to(DEVICE)


def teach(
    model: QwenImageTransformer2DModel, lessons: Lessons, folder: Path, steps: int, look: Callable[[int], None]
) -> None:
    """Trains the LoRA on (scene, next scene) pairs."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = Muon([{"params": weights, "lr": 1e-3, "base": 1e-3, "adam": True}], {})

    def loss_at(step: int, chance: random.Random) -> Tensor:
        return flow_loss(model, *lessons.batch(scene, chance, 24))

    train("lora", folder, model, optimizer, loss_at, steps, ema=0.99, look=look)


def save(model: QwenImageTransformer2DModel, path: Path) -> None:
    state = get_peft_model_state_dict(model)
    save_file({PREFIX + name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, path)


def read(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = load_file(path)
    return state


def load(model: QwenImageTransformer2DModel, path: Path) -> None:
    added(model)
    set_peft_model_state_dict(model, {name.removeprefix(PREFIX): tensor for name, tensor in read(path).items()})
    model.eval()


def nothing(model: QwenImageTransformer2DModel) -> dict[str, Tensor]:
    """A LoRA that changes nothing, for a model whose camera was not taught yet."""
    return {name: tensor * 0 if "lora_B" in name else tensor for name, tensor in _random(model).items()}


def _random(model: QwenImageTransformer2DModel) -> dict[str, Tensor]:
    from storybook import random_model

    return random_model.lora(model)


def use(model: QwenImageTransformer2DModel, scale: float) -> None:
    for module in model.modules():
        if isinstance(module, LoraLayer):
            module.set_scale("default", scale)

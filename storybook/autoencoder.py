"""The picture codec: pictures to latents and back, taught on pictures of the drawn world.

Trains diffusers' own class. A causal 3-D convolution of a single frame is a 2-D one with its last time tap, which is
how it is trained; the other taps are zero in the end.
"""

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLQwenImage
from diffusers.models.autoencoders.autoencoder_kl_qwenimage import QwenImageCausalConv3d
from torch import Tensor, nn
from torch.nn import functional

from storybook.training import DEVICE, batches, muon, train

LATENTS = 24


def autoencoder(latents: int = LATENTS) -> AutoencoderKLQwenImage:
    """Untrained, but for a start that trains well: hardly any noise in the latents."""
    vae = AutoencoderKLQwenImage(
        base_dim=16,
        z_dim=latents,
        dim_mult=[1, 2, 4, 6],
        num_res_blocks=1,
        temperal_downsample=[False] * 3,
        latents_mean=[0.0] * latents,
        latents_std=[1.0] * latents,
    )
    for conv in _causal(vae):
        nn.init.zeros_(conv.weight[:, :, :-1])
    eye = torch.eye(latents)
    with torch.no_grad():
        vae.quant_conv.weight.zero_()
        vae.quant_conv.weight[:latents, :latents, 0, 0, 0] = eye
        vae.quant_conv.bias.zero_()
        vae.quant_conv.bias[latents:] = -6
        vae.post_quant_conv.weight[:, :, 0, 0, 0] = eye
        vae.post_quant_conv.bias.zero_()
    vae.quant_conv.requires_grad_(False)
    vae.post_quant_conv.requires_grad_(False)
    return vae


def teach(vae: AutoencoderKLQwenImage, pictures: np.ndarray, folder: Path, steps: int, batch: int = 16) -> None:
    """Trains it to give pictures back with their edges."""
    flat = pictures.reshape(-1, *pictures.shape[2:])
    vae.to(DEVICE)
    flat_vae = Flat(vae)

    def loss_at(step: int, chance: random.Random) -> Tensor:
        picked = sorted(chance.sample(range(len(flat)), batch))
        seen = pixels(flat[picked])
        with torch.autocast(DEVICE.type, torch.bfloat16):
            mean = flat_vae.encode(seen)[:, : vae.config.z_dim]
            again = flat_vae.decode(mean + torch.randn_like(mean) * 0.05).float()
        return (
            functional.l1_loss(again, seen)
            + functional.l1_loss(again.diff(dim=-1), seen.diff(dim=-1))
            + functional.l1_loss(again.diff(dim=-2), seen.diff(dim=-2))
            + 1e-4 * mean.float().square().mean()
        )

    train("vae", folder, vae, muon(vae, 1e-2, 2e-3), loss_at, steps, ema=0.995)
    fold(vae, flat[:: max(1, len(flat) // 2000)])


class Flat:
    """The autoencoder's own layers on single pictures, (N, C, H, W), with 2-D convolutions and fused norms: fast."""

    def __init__(self, vae: AutoencoderKLQwenImage) -> None:
        self.vae = vae

    def encode(self, picture: Tensor) -> Tensor:
        """Latents and their log-variances."""
        encoder = self.vae.encoder
        x = _conv(encoder.conv_in, picture.to(memory_format=torch.channels_last))
        for layer in encoder.down_blocks:
            x = (
                _block(layer, x)
                if hasattr(layer, "conv1")
                else _conv(layer.resample[1], functional.pad(x, (0, 1, 0, 1)))
            )
        x = _middle(encoder.mid_block, x)
        return _conv(self.vae.quant_conv, _conv(encoder.conv_out, _norm_silu(x, encoder.norm_out.gamma)))

    def decode(self, latents: Tensor) -> Tensor:
        decoder = self.vae.decoder
        x = _conv(decoder.conv_in, _conv(self.vae.post_quant_conv, latents))
        x = _middle(decoder.mid_block, x)
        for level in decoder.up_blocks:
            for block in level.resnets:
                x = _block(block, x)
            if level.upsamplers:
                x = _conv(level.upsamplers[0].resample[1], _twice(x))
        return _conv(decoder.conv_out, _norm_silu(x, decoder.norm_out.gamma))


def _conv(conv: Any, x: Tensor) -> Tensor:
    if len(conv.kernel_size) == 3:  # causal in time, of whichever codec's class
        return functional.conv2d(x, conv.weight[:, :, -1], conv.bias, 1, conv._padding[0])
    return functional.conv2d(x, conv.weight, conv.bias, conv.stride, conv.padding)


def _block(block: Any, x: Tensor) -> Tensor:
    kept = x if isinstance(block.conv_shortcut, nn.Identity) else _conv(block.conv_shortcut, x)
    x = _conv(block.conv1, _norm_silu(x, block.norm1.gamma))
    return kept + _conv(block.conv2, _norm_silu(x, block.norm2.gamma))


def _middle(middle: Any, x: Tensor) -> Tensor:
    x = _block(middle.resnets[0], x)
    x = middle.attentions[0](x[:, :, None])[:, :, 0]
    return _block(middle.resnets[1], x)


def _fused(x: Tensor, gamma: Tensor) -> Tensor:
    normal = functional.normalize(x.float(), dim=1) * x.shape[1] ** 0.5
    return functional.silu(normal * gamma.view(1, -1, 1, 1)).to(x.dtype)


_norm_silu = torch.compile(_fused, dynamic=True)


def _twice(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    rows = x.permute(0, 2, 3, 1)[:, :, None, :, None].expand(n, h, 2, w, 2, c)
    return rows.reshape(n, h * 2, w * 2, c).permute(0, 3, 1, 2)


def _causal(vae: AutoencoderKLQwenImage) -> list[Any]:
    return [module for module in vae.modules() if isinstance(module, QwenImageCausalConv3d)]


def pixels(pictures: np.ndarray) -> Tensor:
    """Bytes, (N, H, W, 3), as the autoencoder reads them."""
    return torch.from_numpy(np.array(pictures)).to(DEVICE).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def fold(vae: AutoencoderKLQwenImage, sample: np.ndarray) -> None:
    """Turns the latents to their principal axes, scaled to about 1, in the two convolutions made for it."""
    z = vae.config.z_dim
    flat = Flat(vae)
    seen = torch.cat([flat.encode(pixels(sample[part]))[:, :z].float().cpu() for part in batches(len(sample), 50)])
    points = seen.permute(0, 2, 3, 1).reshape(-1, z)
    mean = points.mean(0)
    values, axes = torch.linalg.eigh(torch.cov((points - mean).T))
    spread = values.flip(0).clamp(min=1e-8)
    wanted = spread**0.25
    wanted = wanted / wanted.square().mean().sqrt()
    turn = (wanted / spread.sqrt())[:, None] * axes.flip(1).T
    quant, post = vae.quant_conv, vae.post_quant_conv
    quant.weight[:z, :z, 0, 0, 0] = turn.to(DEVICE)
    quant.bias[:z] = -(turn @ mean).to(DEVICE)
    post.weight[:, :, 0, 0, 0] = torch.linalg.inv(turn).to(DEVICE)
    post.bias.copy_(mean)


def pack(latents: Tensor) -> Tensor:
    """(N, C, H, W) to the transformer's tokens of 2 x 2: (N, H/2 * W/2, 4 C)."""
    n, c, h, w = latents.shape
    return latents.view(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(n, h * w // 4, c * 4)


def unpack(tokens: Tensor, rows: int = 6, columns: int = 8) -> Tensor:
    n, _, channels = tokens.shape
    latents = tokens.view(n, rows, columns, channels // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return latents.reshape(n, channels // 4, rows * 2, columns * 2)


@torch.no_grad()
def latents_of(flat: Flat, pictures: np.ndarray) -> Tensor:
    """The packed latents of every picture, (families, members, tokens, channels), in half precision."""
    every = pictures.reshape(-1, *pictures.shape[2:])
    latents = []
    for part in batches(len(every), 64):
        with torch.autocast(DEVICE.type, torch.bfloat16):
            mean = flat.encode(pixels(every[part]))[:, : flat.vae.config.z_dim]
        latents.append(pack(mean).half().cpu())
    return torch.cat(latents).view(*pictures.shape[:2], *latents[0].shape[1:])

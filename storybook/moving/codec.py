"""The video codec: the picture codec carried over, taught to draw the frames between.

A latent frame is the picture codec's own latent of every fourth frame, so the encoder is exact from the start and is
never trained; the decoder learns to draw the three frames before it from it and the latents before. A first frame has
none before it: it comes out as the picture codec gives it, to the bit. Trains the weights of diffusers' own class.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLQwenImage, AutoencoderKLWan
from torch import Tensor, nn
from torch.nn import functional

from storybook import autoencoder
from storybook.autoencoder import LATENTS, pixels
from storybook.moving.clips import LOOP, camera_clip, frames, joining_clip, world_clip
from storybook.training import DEVICE, muon, train

SEEN = 2 * LOOP + 1  # frames of a lesson: three latents
SLICE = 8  # latents that a lesson is wide


def carry_over(pictures: AutoencoderKLQwenImage) -> AutoencoderKLWan:
    """The video codec that holds every frame until the next latent, and is exact where latents are."""
    vae = AutoencoderKLWan(
        base_dim=16,
        z_dim=LATENTS,
        dim_mult=[1, 2, 4, 6],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0] * LATENTS,
        latents_std=[1.0] * LATENTS,
    )
    missing, unexpected = vae.load_state_dict(pictures.state_dict(), strict=False)
    if unexpected or any("time_conv" not in name for name in missing):
        raise RuntimeError(f"the picture codec does not fit: {missing} {unexpected}")
    with torch.no_grad():
        for name, conv in vae.named_modules():
            if name.endswith("time_conv"):
                conv.weight.zero_()
                conv.bias.zero_()
                eye = torch.eye(conv.weight.shape[1])
                conv.weight[:, :, -1, 0, 0] = eye.repeat(len(conv.weight) // len(eye), 1)
    return vae.eval().requires_grad_(False)


class Between(nn.Module):
    """The decoder's own layers on whole clips, (N, C, T, H, W), as 2-D convolutions over a frame and those before it.

    What trains is how frames mix: the earlier time taps of all layers but those at full size, and the layers that
    make two frames of one.
    """

    def __init__(self, vae: AutoencoderKLWan) -> None:
        super().__init__()
        self.vae = [vae]  # in a list: its weights are not this module's
        self.convs = dict(_mixing(vae.decoder))
        self.earlier = nn.ParameterDict()
        for name, conv in self.convs.items():
            taps = conv.weight[:, :, :-1] if conv.kernel_size[1] > 1 else conv.weight
            self.earlier[name.replace(".", "-")] = nn.Parameter(
                taps.transpose(1, 2).flatten(1, 2).squeeze(-1).squeeze(-1).clone()
            )
        self.biases = nn.ParameterDict(
            {name: nn.Parameter(conv.bias.clone()) for name, conv in self._named() if conv.kernel_size[1] == 1}
        )

    def _named(self) -> Iterator[tuple[str, Any]]:
        return ((name.replace(".", "-"), conv) for name, conv in self.convs.items())

    @torch.no_grad()
    def store(self) -> None:
        """Writes what was learned into the codec."""
        for name, conv in self._named():
            taps = self.earlier[name].data
            if conv.kernel_size[1] > 1:
                shape = (len(taps), 2, -1, *taps.shape[2:])
                conv.weight[:, :, :-1] = taps.view(shape).transpose(1, 2)
            else:
                conv.weight[:, :, :, 0, 0] = taps.view(len(taps), 3, -1).transpose(1, 2)
                conv.bias.copy_(self.biases[name].data)

    def decode(self, latents: Tensor) -> Tensor:
        """(N, C, T, H, W) to all frames but the first, (N, 4 (T - 1), 3, H, W)."""
        vae = self.vae[0]
        decoder, count = vae.decoder, len(latents)
        x = latents.transpose(1, 2).flatten(0, 1).to(memory_format=torch.channels_last)
        x = self._conv("conv_in", decoder.conv_in, autoencoder._conv(vae.post_quant_conv, x), count)
        x = self._block("mid_block.resnets.0", decoder.mid_block.resnets[0], x, count)
        x = decoder.mid_block.attentions[0](x[:, :, None])[:, :, 0]
        x = self._block("mid_block.resnets.1", decoder.mid_block.resnets[1], x, count)
        for number, level in enumerate(decoder.up_blocks):
            if number == len(decoder.up_blocks) - 1:  # at full size every frame is by itself, and the first is known
                x = _clips(x, count)[:, 1:].flatten(0, 1)
            for at, block in enumerate(level.resnets):
                x = self._block(f"up_blocks.{number}.resnets.{at}", block, x, count)
            for at, up in enumerate(level.upsamplers or []):
                if hasattr(up, "time_conv"):
                    x = self._twice_as_many(f"up_blocks.{number}.upsamplers.{at}.time_conv", x, count)
                x = autoencoder._conv(up.resample[1], autoencoder._twice(x))
        x = autoencoder._conv(decoder.conv_out, autoencoder._norm_silu(x, decoder.norm_out.gamma))
        return _clips(x, count)

    def _conv(self, name: str, conv: Any, x: Tensor, count: int) -> Tensor:
        if name not in self.convs:
            return autoencoder._conv(conv, x)
        weight = torch.cat([self.earlier[name.replace(".", "-")], conv.weight[:, :, -1]], dim=1)
        return functional.conv2d(_with_past(x, count), weight, conv.bias, 1, conv._padding[0])

    def _block(self, name: str, block: Any, x: Tensor, count: int) -> Tensor:
        kept = x if isinstance(block.conv_shortcut, nn.Identity) else autoencoder._conv(block.conv_shortcut, x)
        x = self._conv(f"{name}.conv1", block.conv1, autoencoder._norm_silu(x, block.norm1.gamma), count)
        return kept + self._conv(f"{name}.conv2", block.conv2, autoencoder._norm_silu(x, block.norm2.gamma), count)

    def _twice_as_many(self, name: str, x: Tensor, count: int) -> Tensor:
        """Two frames of each but the first, which stays what it is."""
        name = name.replace(".", "-")
        first, rest = _clips(x, count)[:, :1], _clips(x, count)[:, 1:]
        two = functional.conv2d(
            _with_past(rest.flatten(0, 1), count), self.earlier[name][:, :, None, None], self.biases[name]
        )
        rest = two.reshape(count, -1, two.shape[1] // 2, *two.shape[2:])
        return torch.cat([first, rest], dim=1).flatten(0, 1).contiguous(memory_format=torch.channels_last)


def _with_past(x: Tensor, count: int) -> Tensor:
    """(N T, C, H, W) to (N T, 3 C, H, W): the frame two before, the one before, and the frame."""
    clip = _clips(x, count)
    before = [functional.pad(clip, (0, 0) * 3 + (by, 0))[:, : clip.shape[1]] for by in (2, 1)]
    return torch.cat([*before, clip], dim=2).flatten(0, 1).contiguous(memory_format=torch.channels_last)


def _clips(x: Tensor, count: int) -> Tensor:
    return x.view(count, -1, *x.shape[1:])


def _mixing(decoder: Any) -> Iterator[tuple[str, Any]]:
    """The layers that may look at earlier frames, by name: all of three taps but those at full size."""
    last = f"up_blocks.{len(decoder.up_blocks) - 1}"
    for name, module in decoder.named_modules():
        looks_back = isinstance(module, nn.Conv3d) and module.kernel_size[0] == 3
        if looks_back and not name.startswith((last, "conv_out")):
            yield name, module


def lessons(count: int) -> np.ndarray:
    """Parts of clips of every kind, (count, SEEN, height, width, 3)."""
    drawn = []
    for number in range(count):
        chance = random.Random(f"codec {number}")
        clip = chance.choice((camera_clip, camera_clip, world_clip, joining_clip))(chance)
        start = chance.choice((0, LOOP, 2 * LOOP))
        drawn.append(frames(clip, range(start, start + SEEN)))
    return np.stack(drawn)


def teach(vae: AutoencoderKLWan, flat: autoencoder.Flat, folder: Path, steps: int, count: int, batch: int = 2) -> None:
    """Trains the frames between, on slices of parts of clips."""
    path = folder / "codec_lessons.npy"
    if not path.is_file():
        np.save(path, lessons(count))
    clips = np.load(path, mmap_mode="r")
    latents = encode(flat, clips[:, ::LOOP])
    between = Between(vae.to(DEVICE)).to(DEVICE)

    def loss_at(step: int, chance: random.Random) -> Tensor:
        picked = [chance.randrange(len(clips)) for _ in range(batch)]
        left = chance.randint(0, latents.shape[-1] - SLICE)
        seen = pixels(clips[sorted(picked), :, :, left * 8 : (left + SLICE) * 8].reshape(-1, 96, SLICE * 8, 3))
        seen = _clips(seen, batch)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            again = between.decode(latents[sorted(picked), ..., left : left + SLICE].float()).float()
        truth, whole = seen[:, 1:], torch.cat([seen[:, :1], again], dim=1)
        return (
            functional.l1_loss(again, truth)
            + functional.l1_loss(again.diff(dim=-1), truth.diff(dim=-1))
            + functional.l1_loss(again.diff(dim=-2), truth.diff(dim=-2))
            + functional.l1_loss(whole.diff(dim=1), seen.diff(dim=1))
        )

    train("codec", folder, between, muon(between, 1e-2, 2e-3), loss_at, steps, ema=0.99)
    between.store()


@torch.no_grad()
def encode(flat: autoencoder.Flat, clips: np.ndarray) -> Tensor:
    """The latents of clips of which every fourth frame is given, (N, T, H, W, 3), as half floats (N, C, T, h, w)."""
    made = []
    for clip in clips:
        with torch.autocast(DEVICE.type, torch.bfloat16):
            made.append(flat.encode(pixels(clip))[:, :LATENTS].half().transpose(0, 1))
    return torch.stack(made).to(DEVICE)

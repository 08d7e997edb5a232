"""The pipeline as it is trained: what it makes of an example, how far off its predictions are, and its new LoRA.

A subclass of the drawing pipeline, so that it is trained on exactly what it gets when it draws: pictures on the
output's grid, read by the same encoders, in the same order and at the same places. It knows no files of examples and no
loop.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import BitsAndBytesConfig, QwenImageTransformer2DModel
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from nextscene.model import NextScenePipeline, load_pipeline
from nextscene.pictures import fit

LEVELS = 1000  # of noise, over the schedule


class Encoded(NamedTuple):
    """What the encoders make of an example: latent patches, and words as the transformer reads them."""

    target: Tensor  # (rows, columns, channels)
    references: Tensor  # (references, rows, columns, channels)
    words: Tensor  # (tokens, features)
    wordless: Tensor  # the same without the caption


class TrainingPipeline(NextScenePipeline):
    """A pipeline whose transformer can be trained."""

    @classmethod
    def load_encoders(cls, folder: Path, dtype: torch.dtype) -> "TrainingPipeline":
        """The base model in a folder, on the CPU, without its transformer: encoding needs the room."""
        pipeline: TrainingPipeline = load_pipeline(folder, dtype, cls, transformer=None)
        return pipeline

    def load_transformer(self, device: torch.device, four_bit: bool = False) -> None:
        """The part that is trained, without a LoRA, on the device."""
        options: dict[str, Any] = {"subfolder": "transformer", "local_files_only": True, "dtype": self.vae.dtype}
        if four_bit:
            options["quantization_config"] = BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=self.vae.dtype
            )
        self.transformer = QwenImageTransformer2DModel.from_pretrained(self.folder, **options).to(device)

    def encoders_to(self, device: torch.device | str) -> None:
        """Moves the VAE and the text encoder, which only encoding and drawing need."""
        self.vae.to(device)
        self.text_encoder.to(device)

    @torch.no_grad()
    def encode(
        self, pictures: Sequence[Image.Image], references: Sequence[Sequence[Image.Image]], words: Sequence[str]
    ) -> list[Encoded]:
        """What the encoders make of examples: pictures of one size, that to train at, each with as many references."""
        fitted = [[fit(each, *picture.size) for each in row] for picture, row in zip(pictures, references, strict=True)]
        patches = self._patches([*pictures, *chain.from_iterable(fitted)])
        targets, others = patches[: len(pictures)], patches[len(pictures) :]
        others = others.reshape(len(pictures), len(fitted[0]), *patches.shape[1:])
        embedded = [
            [self._embed(each, row, self.vae.device)[0][0] for each in (text, " ")]
            for text, row in zip(words, fitted, strict=True)
        ]
        return [Encoded(*each, *texts) for *each, texts in zip(targets, others, embedded, strict=True)]

    def _patches(self, pictures: Sequence[Image.Image]) -> Tensor:
        pixels = torch.cat([self._pixels(picture, "output") for picture in pictures])
        latents = self._encode_vae_image(pixels.to(self.vae.device, self.vae.dtype), generator=None)
        count, channels, _, high, wide = latents.shape
        packed: Tensor = self._pack_latents(latents, count, channels, high, wide)
        return packed.view(count, high // 2, wide // 2, -1)

    def loss(self, batch: Sequence[Encoded], random: torch.Generator, dropout: float = 0.0) -> Tensor:
        """How far off the transformer is, for examples of one shape, at random noise levels and with random noise.

        The levels are those of the very schedule that pictures of this size are drawn by, the middle ones more often.
        """
        device = self.transformer.device
        clean = torch.stack([each.target for each in batch]).flatten(1, 2).to(device).float()
        references = torch.stack([each.references for each in batch]).flatten(1, 3).to(device).float()
        times = self._timesteps(LEVELS, 1.0, clean.shape[1], torch.device("cpu"))
        place = torch.randn(len(batch), generator=random).sigmoid()
        time = times[(place * LEVELS).long()].to(device)
        noise = torch.randn(clean.shape, generator=random).to(device)
        noisy = clean + (time / 1000)[:, None, None] * (noise - clean)
        dropped = torch.rand(len(batch), generator=random) < dropout
        words, mask = _padded([each.wordless if no else each.words for each, no in zip(batch, dropped, strict=True)])
        shape = batch[0].target.shape[:2]
        dtype = batch[0].target.dtype
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            prediction = self.transformer(
                hidden_states=torch.cat([noisy, references], dim=1).to(dtype),
                timestep=time.to(dtype) / 1000,
                encoder_hidden_states=words.to(device),
                encoder_hidden_states_mask=None if mask is None else mask.to(device),
                img_shapes=[[(1, *shape)] * (1 + len(batch[0].references))] * len(batch),
                return_dict=False,
            )[0][:, : clean.shape[1]]
        return functional.mse_loss(prediction.float(), noise - clean)

    def add_lora(self, rank: int, alpha: float, seed: int) -> list[torch.nn.Parameter]:
        """Adds a LoRA that has no effect yet to every linear layer of the blocks; gives its weights."""
        blocks = self.transformer.transformer_blocks
        layers = [name for name, module in blocks.named_modules() if isinstance(module, torch.nn.Linear)]
        torch.manual_seed(seed)
        self.transformer.requires_grad_(False)
        self.transformer.add_adapter(
            LoraConfig(r=rank, lora_alpha=alpha, target_modules=[f"transformer_blocks.{name}" for name in layers])
        )
        weights = [weight for weight in self.transformer.parameters() if weight.requires_grad]
        for weight in weights:
            weight.data = weight.data.float()
        return weights

    def lora(self) -> dict[str, Tensor]:
        """The LoRA's weights."""
        state = get_peft_model_state_dict(self.transformer, adapter_name="default")
        return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def set_lora(self, state: Mapping[str, Tensor]) -> None:
        set_peft_model_state_dict(self.transformer, dict(state), adapter_name="default")


def _padded(words: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Words of several lengths as one tensor, and which of its tokens are words; None: all are."""
    lengths = torch.tensor([len(each) for each in words])
    mask = torch.arange(int(lengths.max())) < lengths[:, None]
    return pad_sequence(list(words), batch_first=True), None if mask.all() else mask

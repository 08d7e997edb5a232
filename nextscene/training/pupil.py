"""The pipeline as it learns: what it makes of an example, how far off its guesses are, and the LoRA that it grows.

A subclass of the pipeline, so that it learns from exactly what it sees when it draws: pictures on the output's grid,
read by the same encoders, in the same order and at the same places. It knows no files of examples and no loop.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import BitsAndBytesConfig, QwenImageTransformer2DModel
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from nextscene.model import NextScenePipeline, load_pipeline
from nextscene.pictures import fit

LEVELS = 1000  # of noise, over the schedule
KEY = "diffusion_model."  # what LoRA files for this model put before each layer's name


class Lesson(NamedTuple):
    """What the encoders make of an example: latent patches, and words as the transformer reads them."""

    target: Tensor  # (rows, columns, channels)
    seen: Tensor  # (references, rows, columns, channels)
    words: Tensor  # (tokens, features)
    wordless: Tensor  # the same without the caption


class Pupil(NextScenePipeline):
    """A pipeline that can be taught."""

    @classmethod
    def enrol(cls, folder: Path, dtype: torch.dtype) -> "Pupil":
        """The base model in a folder, on the CPU, as yet without its transformer: encoding needs the room."""
        pupil: Pupil = load_pipeline(folder, dtype, cls, transformer=None)
        return pupil

    def load_transformer(self, device: torch.device, four_bit: bool = False) -> None:
        """The part that learns, without a LoRA, on the device."""
        options: dict[str, Any] = {"subfolder": "transformer", "local_files_only": True, "dtype": self.vae.dtype}
        if four_bit:
            options["quantization_config"] = BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=self.vae.dtype
            )
        self.transformer = QwenImageTransformer2DModel.from_pretrained(self.folder, **options).to(device)

    @property
    def folder(self) -> Path:
        return Path(self.config._name_or_path)

    def encoders_to(self, device: torch.device | str) -> None:
        """Moves the VAE and the text encoder, which only encoding and drawing need."""
        self.vae.to(device)
        self.text_encoder.to(device)

    @torch.no_grad()
    def encode(
        self, pictures: Sequence[Image.Image], references: Sequence[Sequence[Image.Image]], words: Sequence[str]
    ) -> list[Lesson]:
        """What the encoders make of examples: pictures of one size, that to train at, each with as many references."""
        seen = [[fit(each, *picture.size) for each in row] for picture, row in zip(pictures, references, strict=True)]
        patches = self._patches([*pictures, *chain.from_iterable(seen)])
        targets, others = patches[: len(pictures)], patches[len(pictures) :]
        others = others.reshape(len(pictures), len(seen[0]), *patches.shape[1:])
        said = [
            [self._embed(each, row, self.vae.device)[0][0] for each in (text, " ")]
            for text, row in zip(words, seen, strict=True)
        ]
        return [Lesson(*each, *texts) for *each, texts in zip(targets, others, said, strict=True)]

    def _patches(self, pictures: Sequence[Image.Image]) -> Tensor:
        pixels = torch.cat([self._pixels(picture, "output") for picture in pictures])
        latents = self._encode_vae_image(pixels.to(self.vae.device, self.vae.dtype), generator=None)
        count, channels, _, high, wide = latents.shape
        packed: Tensor = self._pack_latents(latents, count, channels, high, wide)
        return packed.view(count, high // 2, wide // 2, -1)

    def loss(self, lessons: Sequence[Lesson], chance: torch.Generator, dropout: float = 0.0) -> Tensor:
        """How far off the transformer is, for lessons of one shape, at noise levels and with noise drawn by `chance`.

        The levels are those of the very schedule that pictures of this size are drawn by, the middle ones more often.
        """
        device = self.transformer.device
        clean = torch.stack([lesson.target for lesson in lessons]).flatten(1, 2).to(device).float()
        seen = torch.stack([lesson.seen for lesson in lessons]).flatten(1, 3).to(device).float()
        times = self._timesteps(LEVELS, 1.0, clean.shape[1], torch.device("cpu"))
        place = torch.randn(len(lessons), generator=chance).sigmoid()
        time = times[(place * LEVELS).long()].to(device)
        noise = torch.randn(clean.shape, generator=chance).to(device)
        noisy = clean + (time / 1000)[:, None, None] * (noise - clean)
        silent = torch.rand(len(lessons), generator=chance) < dropout
        words, mask = _padded([each.wordless if no else each.words for each, no in zip(lessons, silent, strict=True)])
        shape = lessons[0].target.shape[:2]
        dtype = lessons[0].target.dtype
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            guess = self.transformer(
                hidden_states=torch.cat([noisy, seen], dim=1).to(dtype),
                timestep=time.to(dtype) / 1000,
                encoder_hidden_states=words.to(device),
                encoder_hidden_states_mask=None if mask is None else mask.to(device),
                img_shapes=[[(1, *shape)] * (1 + len(lessons[0].seen))] * len(lessons),
                return_dict=False,
            )[0][:, : clean.shape[1]]
        return functional.mse_loss(guess.float(), noise - clean)

    def grow_lora(self, rank: int, alpha: float, seed: int) -> list[torch.nn.Parameter]:
        """Adds a LoRA that does nothing yet to every linear layer of the blocks; gives its weights."""
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

    def take_lora(self, state: Mapping[str, Tensor]) -> None:
        set_peft_model_state_dict(self.transformer, dict(state), adapter_name="default")


def write_lora(path: Path, state: Mapping[str, Tensor], scale: float, facts: Mapping[str, str]) -> None:
    """A LoRA as a file that this project, diffusers and ComfyUI load: bf16, the scale already in its weights."""
    folded = {
        KEY + name: (tensor * scale if "lora_B" in name else tensor).to(torch.bfloat16).contiguous()
        for name, tensor in state.items()
    }
    part = path.with_name(f".{path.name}.part")
    save_file(folded, part, {"format": "pt", **facts})
    part.replace(path)


def _padded(words: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Words of several lengths as one tensor, and which of its tokens are words; None: all are."""
    lengths = torch.tensor([len(each) for each in words])
    mask = torch.arange(int(lengths.max())) < lengths[:, None]
    return pad_sequence(list(words), batch_first=True), None if mask.all() else mask

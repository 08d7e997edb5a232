"""Makes the clip model, in stages that resume: `python -m storybook.moving.make --help`, or script/storybook clips.

It starts from the picture model's codec. Every stage leaves its files in the work folder and goes on where it was
stopped. The same command trains on a CPU and on a GPU.
"""

import json
import random
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLQwenImage,
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    WanImageToVideoPipeline,
    WanTransformer3DModel,
)
from torch import Tensor
from transformers import T5Tokenizer, UMT5EncoderModel

from storybook import random_model, stages
from storybook.autoencoder import LATENTS, Flat, pixels
from storybook.moving import codec, gates, lessons, measure, painter, reader, sheets
from storybook.moving.clips import FRAMES, RATE, Clip, camera_clip, frames, world_clip
from storybook.stages import report
from storybook.training import DEVICE, batches
from storybook.world import HEIGHT, WIDTH

PICTURES = Path(__file__).parents[1] / "model" / "vae"
STEPS, GUIDANCE = 8, 1.5  # what the card says and the gates measure
AT_ONCE = 8  # clips that are made together


class Work:
    """The work folder: what the stages have left there, loaded when it is asked for."""

    def __init__(self, folder: Path, clips: int) -> None:
        self.folder, self.clips = folder, clips
        folder.mkdir(parents=True, exist_ok=True)

    @cached_property
    def flat(self) -> Flat:
        """The picture model's codec, on single frames."""
        return Flat(_frozen(AutoencoderKLQwenImage.from_pretrained(PICTURES, torch_dtype=torch.float32)))

    @cached_property
    def vae(self) -> AutoencoderKLWan:
        return _frozen(AutoencoderKLWan.from_pretrained(self.folder / "vae", torch_dtype=torch.float32))

    @cached_property
    def reader(self) -> reader.Reader:
        encoder = UMT5EncoderModel.from_pretrained(self.folder / "text_encoder", dtype=torch.float32)
        return reader.Reader(_frozen(encoder), T5Tokenizer.from_pretrained(self.folder / "tokenizer"))

    @cached_property
    def nothing(self) -> Tensor:
        """The latents of the grey that stands where the pipeline is given no picture."""
        grey: Tensor = self.vae.encode(torch.zeros(1, 3, 1, HEIGHT, WIDTH, device=DEVICE)).latent_dist.mode()[:, :, 0]
        return grey

    def transformer(self) -> WanTransformer3DModel:
        return _frozen(WanTransformer3DModel.from_pretrained(self.folder / "transformer", torch_dtype=torch.float32))

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """(N, C, T, h, w) to frames, (N, frames, 3, H, W), 0 to 1."""
        made = torch.cat([self.vae.decode(each[None]).sample for each in latents])
        return made.transpose(1, 2).float().cpu().clamp(-1, 1) / 2 + 0.5

    def keep(self, words: Sequence[str], clips: Sequence[Clip], **_: Any) -> Tensor:
        """Drawn clips as the codec gives them back."""
        return self.decode(torch.stack([self._latents(clip, lessons.LATENT) for clip in clips]))

    def maker(self, model: WanTransformer3DModel, steps: int = STEPS, guidance: float = GUIDANCE) -> measure.MakeClips:
        """A function that makes clips, many at once, as the pipeline makes each."""

        def make(words: Sequence[str], clips: Sequence[Clip], has_last: bool = False) -> Tensor:
            made = []
            for part in batches(len(clips), AT_ONCE):
                first = torch.cat([self._latents(clip, range(1)) for clip in clips[part]], dim=1).transpose(0, 1)
                last = None
                if has_last:
                    ends = [self._latents(clip, range(FRAMES - 1, FRAMES)) for clip in clips[part]]
                    last = torch.cat(ends, dim=1).transpose(0, 1)
                latents = painter.animate(
                    model, self.reader, words[part], first, last, self.nothing,
                    steps=steps, guidance=guidance, seed=part.start,
                )  # fmt: skip
                made.append(self.decode(latents))
            return torch.cat(made)

        return make

    @torch.no_grad()
    def _latents(self, clip: Clip, numbers: range) -> Tensor:
        return self.flat.encode(pixels(frames(clip, numbers)))[:, :LATENTS].transpose(0, 1)


def _frozen(model: Any) -> Any:
    return model.eval().requires_grad_(False).to(DEVICE)


def world(work: Work, steps: int) -> None:
    sheets.world(work.folder / "clips-world.png")


def vae(work: Work, steps: int) -> None:
    """The video codec, taught on the picture codec's latents."""
    torch.manual_seed(0)
    model = codec.carry_over(work.flat.vae)
    codec.teach(model, work.flat, work.folder, steps, count=1200)
    model.save_pretrained(work.folder / "vae")
    chance = random.Random("codec held out")
    clips = [chance.choice((camera_clip, world_clip))(chance, held_out=True) for _ in range(24)]
    report(work.folder, "codec", measure.codec(work.keep, clips))


def text(work: Work, steps: int) -> None:
    torch.manual_seed(0)
    words = reader.tokenizer()
    words.save_pretrained(work.folder / "tokenizer")
    learner = reader.Reader(reader.encoder(words), words)
    reader.teach(learner, work.folder, steps)
    learner.encoder.save_pretrained(work.folder / "text_encoder")


def clips(work: Work, steps: int) -> None:
    """The transformer."""
    torch.manual_seed(0)
    model = painter.transformer()
    latents = lessons.latents(work.folder, work.flat, work.clips)

    def look(step: int) -> None:
        model.save_pretrained(work.folder / "transformer")
        sheets.samples(work.maker(model), work.folder / f"clips-{step:05d}.png")

    painter.teach(model, work.reader, latents, work.nothing, work.folder, steps, look)
    model.save_pretrained(work.folder / "transformer")


def evaluate(work: Work, count: int) -> None:
    """The gates, over `count` clips each."""
    make = work.maker(work.transformer())
    report(work.folder, "camera", measure.camera(make, count, work.keep))
    report(work.folder, "stillness", measure.stillness(make, count // 2))
    report(work.folder, "by itself", measure.by_itself(make, count // 2))
    report(work.folder, "events", measure.events(make, count))
    report(work.folder, "joins", measure.joins(make, count, work.keep))
    table = gates.table(json.loads((work.folder / "figures.json").read_text()))
    print(table)
    (work.folder / "gates.md").write_text(table)


STAGES: dict[str, tuple[Callable[[Work, int], None], int]] = {  # and their steps
    "world": (world, 0),
    "vae": (vae, 1500),
    "text": (text, 900),
    "clips": (clips, 8000),
    "evaluate": (evaluate, 96),
}


def assemble(work: Work, folder: Path, note: str) -> None:
    """The model as a folder that diffusers' own class loads, in bfloat16 but for what that class keeps exact."""
    work = Work(work.folder, work.clips)  # loaded anew: what goes on working stays exact
    model = work.transformer().cpu()
    exact = model._keep_in_fp32_modules
    for name, weight in model.named_parameters():
        if not any(part in name for part in exact):
            weight.data = weight.data.bfloat16()
    pipe = WanImageToVideoPipeline(
        tokenizer=work.reader.tokenizer,
        text_encoder=work.reader.encoder.cpu().bfloat16(),
        vae=work.vae.cpu().bfloat16(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=painter.SHIFT),
        transformer=model,
    )
    pipe.save_pretrained(folder)
    random_model.forget_origins(folder)
    card = {
        "size": [WIDTH, HEIGHT], "frames": FRAMES, "most": FRAMES, "fps": RATE, "steps": STEPS, "guidance": GUIDANCE,
        "note": note,
    }  # fmt: skip
    random_model.write_json(folder / "next_scene.json", card)


def main() -> None:
    flags = stages.parser(
        __doc__, STAGES, "outputs/storybook-clips", "storybook/clips.new", "a small model of a drawn world in motion"
    )
    flags.add_argument("--clips", type=int, default=12000, help="that the transformer learns from")
    given = flags.parse_args()
    work = Work(given.work, given.clips)
    stages.run(given, work, STAGES, lambda: assemble(work, given.out, given.note))


if __name__ == "__main__":
    main()

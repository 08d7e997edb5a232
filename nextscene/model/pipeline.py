"""One shot: words and up to three pictures in, one picture out.

A subclass of diffusers' own pipeline, so that loading, LoRA, offload, compilation and quantisation stay diffusers'.
Only the call differs: references on the output's own grid, a `strength` that starts from the first of them, pictures
from words alone on the same weights, guidance that is really on. It knows nothing of stories, seeds or files.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from diffusers import QwenImageEditPlusPipeline, QwenImagePipeline
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as stock
from PIL import Image

from nextscene.model.own_words import OwnWords
from nextscene.pictures import fit, paste
from nextscene.settings import Look
from nextscene.story import MAX_REFERENCES

Embeddings = tuple[torch.Tensor, torch.Tensor | None]
AfterStep = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # latents, and the time that follows, if one does


class NextScenePipeline(QwenImageEditPlusPipeline):
    """Qwen-Image-Edit-2509, one scene at a time."""

    @cached_property  # and no __init__, whose arguments diffusers reads as the pipeline's parts
    def _encoded(self) -> deque[tuple[torch.Tensor, torch.Tensor]]:
        """Pictures that were encoded lately, and their latents."""
        return deque(maxlen=2 * MAX_REFERENCES)

    @property
    def folder(self) -> Path:
        """Where its weights came from."""
        return Path(self.config._name_or_path)

    @cached_property
    def own_words(self) -> OwnWords:
        """The words of the user's own that it reads; none to begin with."""
        return OwnWords(self.tokenizer, self.processor.tokenizer, self.text_encoder.get_input_embeddings())

    @torch.no_grad()
    def __call__(
        self,
        prompt: str,
        references: Sequence[Image.Image] = (),
        *,
        look: Look,
        width: int,
        height: int,
        generator: torch.Generator | None = None,
        reference_grid: str = "output",
        mask: Image.Image | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> Image.Image:
        """Makes one picture.

        prompt: what to show; with references, what to change.
        references: up to three pictures to look at. The first is the one that the picture grows from. None: the
            picture comes from its words alone.
        look: how to draw it. Below a strength of 1 the picture starts from the first reference, with noise, and only
            the last steps are run (`Look.schedule_share`). Without guidance, and after `guidance_until`, a step is
            twice as fast.
        width, height: pixels, multiples of 16.
        generator: the noise; a CPU generator gives the same noise on every device.
        reference_grid: "output" brings references to the output's own size (scaled and cropped, never stretched);
            "stock" does as diffusers does: each to about a megapixel of its own aspect.
        mask: of the first reference's size; only where it is white may the picture differ from that reference. What is
            drawn goes over into what is kept within the mask's edge, and outside of it each pixel stays as it is.
        on_step: called after each step with (steps done, steps in all); what it raises ends the call.
        """
        if len(references) > MAX_REFERENCES:
            raise ValueError(f"at most {MAX_REFERENCES} references, not {len(references)}")
        if mask and (not references or mask.size != references[0].size):
            raise ValueError("a mask has the size of the first reference, which is kept outside of it")
        mask = mask and fit(mask.convert("L"), width, height).point(lambda value: 255 * (value > 127))
        device = self._execution_device
        try:
            if reference_grid == "output":
                references = [fit(picture, width, height) for picture in references]
            embeddings = [self._embed(prompt, references, device)]
            if look.guidance > 1:
                same = look.negative_prompt == prompt
                embeddings.append(embeddings[0] if same else self._embed(look.negative_prompt, references, device))

            pixels = [self._pixels(picture, reference_grid) for picture in references]
            prepare = partial(
                self.prepare_latents,
                batch_size=1,
                num_channels_latents=self.transformer.config.in_channels // 4,
                height=height,
                width=width,
                dtype=embeddings[0][0].dtype,
                device=device,
                generator=generator,
            )
            share = look.schedule_share if references else 1.0
            noise, reference_latents = prepare(pixels or None)
            timesteps = self._timesteps(look.steps, share, noise.shape[1], device)
            latents, after_step = noise, None
            if share < 1 or mask:
                start = reference_latents[:, : noise.shape[1]]
                if reference_grid != "output":
                    start = prepare([self._pixels(fit(references[0], width, height), "output")], latents=noise)[1]
                latents = self.scheduler.scale_noise(start, timesteps[:1], noise)
            if mask:
                after_step = self._keep_outside(mask, start, noise)

            patch = self.vae_scale_factor * 2
            sides = [(height, width), *(tuple(each.shape[-2:]) for each in pixels)]
            shapes = [[(1, high // patch, wide // patch) for high, wide in sides]]
            guided = round(len(timesteps) * look.guidance_until) if look.guidance > 1 else 0
            latents = self._denoise(
                latents, reference_latents, shapes, timesteps, embeddings, look.guidance, guided, after_step, on_step
            )
            picture = self._decode(latents, width, height)
            return paste(picture, fit(references[0], width, height), mask) if mask else picture
        finally:
            self.maybe_free_model_hooks()

    def _embed(self, words: str, references: Sequence[Image.Image], device: torch.device) -> Embeddings:
        """The words, read by the text encoder together with the references."""
        words = self.own_words.spell(words)
        if not references:
            shared = (self.scheduler, self.vae, self.text_encoder, self.tokenizer, self.transformer)
            return QwenImagePipeline(*shared).encode_prompt(words, device)
        small = []
        for picture in references:
            width, height = stock.calculate_dimensions(stock.CONDITION_IMAGE_SIZE, picture.width / picture.height)
            small.append(self.image_processor.resize(picture, height, width))
        return self.encode_prompt(words, small, device)

    def _pixels(self, picture: Image.Image, grid: str) -> torch.Tensor:
        """A picture as the VAE reads it."""
        size = (
            picture.size
            if grid == "output"
            else stock.calculate_dimensions(stock.VAE_IMAGE_SIZE, picture.width / picture.height)
        )
        return self.image_processor.preprocess(picture, size[1], size[0]).unsqueeze(2)

    def _encode_vae_image(self, image: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """The latents of a picture. Those of the last few are kept: the same anchor and cast are looked at again."""
        for pixels, latents in self._encoded:
            if pixels.shape == image.shape and torch.equal(pixels, image):
                return latents
        self._encoded.append((image, super()._encode_vae_image(image, generator)))
        return self._encoded[-1][1]

    def _timesteps(self, steps: int, strength: float, tokens: int, device: torch.device) -> torch.Tensor:
        """The last `strength` of the schedule, whose noise levels depend on the picture's size."""
        config = self.scheduler.config
        mu = stock.calculate_shift(
            tokens,
            config.get("base_image_seq_len", 256),
            config.get("max_image_seq_len", 4096),
            config.get("base_shift", 0.5),
            config.get("max_shift", 1.15),
        )
        sigmas = np.linspace(1.0, 1 / steps, steps)
        timesteps, _ = stock.retrieve_timesteps(self.scheduler, steps, device, sigmas=sigmas, mu=mu)
        skipped = min(round(steps * (1 - strength)), steps - 1)
        self.scheduler.set_begin_index(skipped)
        return timesteps[skipped:]

    def _cells(self, mask: Image.Image) -> torch.Tensor:
        """Which numbers of packed latents a mask covers: a cell is covered where any of its pixels is."""
        white = torch.from_numpy(np.array(mask))[None, None].float()
        inside = torch.nn.functional.max_pool2d(white, self.vae_scale_factor) > 0
        channels, (height, width) = self.transformer.config.in_channels // 4, inside.shape[-2:]
        packed = self._pack_latents(inside.expand(1, channels, -1, -1), 1, channels, height, width)
        return packed.to(self._execution_device)

    def _keep_outside(self, mask: Image.Image, picture: torch.Tensor, noise: torch.Tensor) -> AfterStep:
        """Outside the mask, latents are again the picture's, with as much noise as the next step expects."""
        inside = self._cells(mask)

        def keep(latents: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
            outside = self.scheduler.scale_noise(picture, following, noise) if len(following) else picture
            return torch.where(inside, latents, outside)

        return keep

    def _denoise(
        self,
        latents: torch.Tensor,
        reference_latents: torch.Tensor | None,
        shapes: list[list[tuple[int, int, int]]],
        timesteps: torch.Tensor,
        embeddings: Sequence[Embeddings],
        guidance: float,
        guided: int,
        after_step: AfterStep | None,
        on_step: Callable[[int, int], None] | None,
    ) -> torch.Tensor:
        """The steps; guidance is on in so many of them, the first."""
        for done, t in enumerate(timesteps, 1):
            model_input = latents if reference_latents is None else torch.cat([latents, reference_latents], dim=1)
            predictions = []
            used = embeddings if done <= guided else embeddings[:1]
            for name, read in zip(("cond", "uncond"), used, strict=False):
                with self.transformer.cache_context(name):
                    predictions.append(self._predict(model_input, t, read, shapes)[:, : latents.shape[1]])
            prediction = guide(predictions[0], predictions[1], guidance) if done <= guided else predictions[0]
            latents = self.scheduler.step(prediction, t, latents, return_dict=False)[0]
            latents = after_step(latents, timesteps[done : done + 1]) if after_step else latents
            if on_step:
                on_step(done, len(timesteps))
        return latents

    def _predict(
        self, model_input: torch.Tensor, t: torch.Tensor, read: Embeddings, shapes: list[list[tuple[int, int, int]]]
    ) -> torch.Tensor:
        """Where noise leads away from pictures, in each place."""
        return self.transformer(
            hidden_states=model_input,
            timestep=t.expand(1).to(model_input.dtype) / 1000,
            encoder_hidden_states=read[0],
            encoder_hidden_states_mask=read[1],
            img_shapes=shapes,
            return_dict=False,
        )[0]

    def _decode(self, latents: torch.Tensor, width: int, height: int) -> Image.Image:
        latents = self._unpack_latents(latents, height, width, self.vae_scale_factor).to(self.vae.dtype)
        mean, std = (
            torch.tensor(statistic).view(1, -1, 1, 1, 1).to(latents.device, latents.dtype)
            for statistic in (self.vae.config.latents_mean, self.vae.config.latents_std)
        )
        pixels = self.vae.decode(latents / (1.0 / std) + mean, return_dict=False)[0][:, :, 0]
        # To bytes where the pixels are, as diffusers does on the CPU: a fourth of the numbers has to come from there.
        levels = ((pixels[0] * 0.5 + 0.5).clamp(0, 1).float() * 255).round().to(torch.uint8)
        return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())


def guide(wanted: torch.Tensor, unwanted: torch.Tensor, guidance: float) -> torch.Tensor:
    """Away from what is unwanted, at the length of the prediction that is wanted."""
    combined = unwanted + guidance * (wanted - unwanted)
    length = torch.norm(wanted, dim=-1, keepdim=True) / torch.norm(combined, dim=-1, keepdim=True)
    return combined * length

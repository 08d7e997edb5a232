"""One shot, held against diffusers' own pipelines on the same weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import noise, photo, pixels, plain_look, same
from diffusers import QwenImageEditInpaintPipeline, QwenImageEditPlusPipeline, QwenImagePipeline
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_inpaint as inpaint
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as edit_plus
from PIL import Image

from nextscene import model
from nextscene.model import Model, NextScenePipeline
from nextscene.pictures import FEATHER, fit
from nextscene.settings import EASE

SIZE: dict[str, Any] = {"width": 128, "height": 96}


@pytest.fixture(scope="module")
def pipe(loaded: Model) -> NextScenePipeline:
    return loaded.pipe


@pytest.fixture(scope="module")
def stock(pipe: NextScenePipeline) -> QwenImageEditPlusPipeline:
    return stock_of(pipe)


def stock_of(pipe: NextScenePipeline) -> QwenImageEditPlusPipeline:
    """diffusers' own edit pipeline on the same weights (the text encoder gets its positions, as with ours)."""
    parts = (pipe.scheduler, pipe.vae, pipe.text_encoder, pipe.tokenizer, pipe.processor, pipe.transformer)
    return _quiet(QwenImageEditPlusPipeline(*parts))


def _quiet(pipe: Any) -> Any:
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture
def small_megapixel(monkeypatch: pytest.MonkeyPatch) -> None:
    """For both pipelines the megapixel of "stock" references is a sixteenth, and so is the time."""
    monkeypatch.setattr(edit_plus, "VAE_IMAGE_SIZE", 256 * 256)


def both(
    pipe: NextScenePipeline, stock: QwenImageEditPlusPipeline, looked_at: list[Image.Image], guidance: float
) -> tuple[Image.Image, Image.Image]:
    settings = {"negative_prompt": "bars", "true_cfg_scale": guidance, "num_inference_steps": 2}
    theirs = stock(looked_at, "a city", generator=noise(), **settings, **SIZE)
    ours = pipe(
        "a city",
        looked_at,
        generator=noise(),
        reference_grid="stock",
        look=plain_look(negative_prompt="bars", guidance=guidance, steps=2),
        **SIZE,
    )
    return ours, theirs.images[0]


@pytest.mark.parametrize("references", [1, 2, 3])
@pytest.mark.parametrize("guidance", [1.0, 4.0])
@pytest.mark.usefixtures("small_megapixel")
def test_with_stock_settings_the_picture_is_the_stock_pipelines_to_the_bit(
    pipe: NextScenePipeline, stock: QwenImageEditPlusPipeline, references: int, guidance: float
) -> None:
    ours, theirs = both(pipe, stock, [photo(200, 120, seed) for seed in range(references)], guidance)
    assert same(ours, theirs)
    assert pixels(ours).std() > 1


@pytest.mark.slow
def test_at_the_full_megapixel_it_is_the_stock_pipelines_to_the_bit_too(
    pipe: NextScenePipeline, stock: QwenImageEditPlusPipeline
) -> None:
    ours, theirs = both(pipe, stock, [photo(200, 120)], guidance=1.0)
    assert same(ours, theirs)


@pytest.mark.usefixtures("small_megapixel")
def test_a_model_of_2511s_kind_draws_the_stock_pipelines_picture_to_the_bit(
    weights_folder: Path, tmp_path: Path, pipe: NextScenePipeline
) -> None:
    folder = shutil.copytree(weights_folder, tmp_path / "2511")
    config = folder / "transformer" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"zero_cond_t": True}))
    newer = model.load(folder, folder / "next-scene.safetensors").pipe
    ours, theirs = both(newer, stock_of(newer), [photo(200, 120, seed) for seed in range(2)], guidance=4.0)
    assert same(ours, theirs)
    older, _ = both(pipe, stock_of(pipe), [photo(200, 120, seed) for seed in range(2)], guidance=4.0)
    assert not same(ours, older)


@pytest.mark.usefixtures("small_megapixel")
def test_where_the_grids_agree_the_outputs_own_grid_is_the_stock_grid(
    pipe: NextScenePipeline, stock: QwenImageEditPlusPipeline
) -> None:
    size: dict[str, Any] = {"width": 256, "height": 256}
    theirs = stock([photo(256, 256)], "a city", negative_prompt=" ", num_inference_steps=2, generator=noise(), **size)
    assert same(
        pipe("a city", [photo(256, 256)], generator=noise(), look=plain_look(steps=2), **size), theirs.images[0]
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_pixels_become_the_bytes_that_diffusers_makes_of_them(
    pipe: NextScenePipeline, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    decoded = torch.linspace(-1.2, 1.2, 3 * 96 * 128).view(1, 3, 1, 96, 128).to(dtype)
    monkeypatch.setattr(pipe.vae, "decode", lambda latents, return_dict: (decoded,))
    tokens, channels = 96 * 128 // 256, pipe.transformer.config.in_channels
    (theirs,) = pipe.image_processor.postprocess(decoded[:, :, 0], output_type="pil")
    assert same(pipe._decode(torch.zeros(1, tokens, channels), 128, 96), theirs)


def test_from_words_alone_the_picture_is_the_text_pipelines_to_the_bit(pipe: NextScenePipeline) -> None:
    parts = (pipe.scheduler, pipe.vae, pipe.text_encoder, pipe.tokenizer, pipe.transformer)
    theirs = _quiet(QwenImagePipeline(*parts))(
        "a city", negative_prompt="bars", num_inference_steps=3, generator=noise(), **SIZE
    ).images[0]
    assert same(pipe("a city", generator=noise(), look=plain_look(negative_prompt="bars", steps=3), **SIZE), theirs)


def test_lower_strength_runs_fewer_steps_and_keeps_more_of_the_first_reference(pipe: NextScenePipeline) -> None:
    reference = photo(128, 96)
    ran: list[int] = []
    distances = []
    for share in (0.1, 0.3, 0.6, 1.0):
        picture = pipe(
            "a city",
            [reference],
            generator=noise(),
            on_step=lambda _, of: ran.append(of),
            **SIZE,
            look=plain_look(steps=10, strength=1 - (1 - share) ** (1 / EASE)),
        )
        # The random VAE changes colours by itself: compare with what it makes of the reference untouched.
        distances.append(np.abs(pixels(picture) - pixels(_through_vae(pipe, reference))).mean())
    assert sorted(set(ran)) == [1, 3, 6, 10]
    assert distances == sorted(distances)
    assert distances[0] < distances[-1] * 0.7


def _through_vae(pipe: NextScenePipeline, picture: Image.Image) -> Image.Image:
    with torch.no_grad():
        latents = pipe.prepare_latents(
            [pipe._pixels(picture, "output")], 1, 16, 96, 128, torch.float32, "cpu", noise()
        )[1]
        return pipe._decode(latents, 128, 96)


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.usefixtures("small_megapixel")
def test_strength_holds_on_the_stock_grid_too(pipe: NextScenePipeline, strength: float) -> None:
    picture = pipe(
        "a city",
        [photo()],
        generator=noise(),
        reference_grid="stock",
        look=plain_look(steps=2, strength=strength),
        **SIZE,
    )
    assert picture.size == (128, 96)


def test_each_reference_words_and_noise_change_the_picture(pipe: NextScenePipeline) -> None:
    def draw(
        words: str = "a city", looked_at: tuple[int, ...] = (0, 1, 2), seed: int = 1, negative: str = " "
    ) -> Image.Image:
        references = [photo(128, 96, each) for each in looked_at]
        return pipe(
            words, references, generator=noise(seed), look=plain_look(steps=2, negative_prompt=negative), **SIZE
        )

    plain = draw()
    assert same(plain, draw())
    others = [draw(looked_at=each) for each in ((9, 1, 2), (0, 9, 2), (0, 1, 9), (0, 1))]
    assert not any(same(plain, changed) for changed in [*others, draw("a dog"), draw(seed=2), draw(negative="bars")])


def test_guidance_above_one_asks_the_model_twice_and_counts(pipe: NextScenePipeline) -> None:
    forwards: list[str] = []
    handle = pipe.transformer.register_forward_pre_hook(lambda *_: forwards.append("forward"))
    off = pipe("a city", generator=noise(), look=plain_look(steps=3, guidance=1.0), **SIZE)
    assert len(forwards) == 3
    on = pipe("a city", generator=noise(), look=plain_look(steps=3, guidance=4.0), **SIZE)
    assert len(forwards) == 3 + 6
    handle.remove()
    assert not same(off, on)


def test_the_text_encoder_reads_pictures_at_their_three_dimensional_positions(pipe: NextScenePipeline) -> None:
    picture = photo(384, 384)
    ours = pipe._embed("a city", [picture], torch.device("cpu"))[0]
    text = pipe.prompt_template_encode.format("Picture 1: <|vision_start|><|image_pad|><|vision_end|>a city")
    inputs = pipe.processor(text=[text], images=[picture], return_tensors="pt")
    with torch.no_grad():
        theirs = pipe.text_encoder.model(**inputs).last_hidden_state[:, pipe.prompt_template_encode_start_idx :]
        told_nothing = {name: value for name, value in inputs.items() if name != "mm_token_type_ids"}
        flat = pipe.text_encoder.model(**told_nothing).last_hidden_state[:, pipe.prompt_template_encode_start_idx :]
    assert torch.equal(ours, theirs)
    assert not torch.allclose(ours, flat, atol=1e-3)


def test_the_template_parts_that_are_cut_off_are_whole(pipe: NextScenePipeline) -> None:
    for owner, tokens in ((pipe, 64), (QwenImagePipeline(*[None] * 5), 34)):
        start = owner.prompt_template_encode.split("{}")[0]
        assert len(pipe.tokenizer(start).input_ids) == owner.prompt_template_encode_start_idx == tokens


@pytest.mark.parametrize("size", [(64, 64), (80, 112), (2048, 64), (64, 2048), (272, 208)])
@pytest.mark.parametrize("looked_at", [0, 1, 2])
def test_any_size_on_the_grid_is_drawn_with_any_references(
    pipe: NextScenePipeline, size: tuple[int, int], looked_at: int
) -> None:
    references = [photo(90, 300), photo(300, 90)][:looked_at]
    picture = pipe(
        "a city", references, width=size[0], height=size[1], generator=noise(), look=plain_look(steps=2, strength=0.9)
    )
    assert picture.size == size
    assert pixels(picture).std() > 1


def test_what_a_step_raises_ends_the_call_and_the_pipeline_stays_usable(pipe: NextScenePipeline) -> None:
    class CancelledError(BaseException):
        pass

    def cancel(done: int, of: int) -> None:
        if done == 2:
            raise CancelledError

    before = pipe("a city", generator=noise(), look=plain_look(steps=3), **SIZE)
    with pytest.raises(CancelledError):
        pipe("a city", generator=noise(), on_step=cancel, look=plain_look(steps=3), **SIZE)
    assert same(before, pipe("a city", generator=noise(), look=plain_look(steps=3), **SIZE))


def mask_of(left: int, top: int, right: int, bottom: int, size: tuple[int, int] = (128, 96)) -> Image.Image:
    mask = Image.new("L", size)
    mask.paste(255, (left, top, right, bottom))
    return mask


HOLE = (40, 32, 88, 72)  # whole cells of latents


@pytest.mark.parametrize(("guidance", "share"), [(1.0, 0.5), (4.0, 1.0)])
def test_inside_a_mask_the_picture_is_the_stock_inpainting_pipelines_to_the_bit_and_outside_the_reference(
    pipe: NextScenePipeline, monkeypatch: pytest.MonkeyPatch, guidance: float, share: float
) -> None:
    """Where the two can be equal: stock is given our words, our size and the VAE's mean, and a mask of whole cells."""
    taken = inpaint.retrieve_latents
    monkeypatch.setattr(inpaint, "retrieve_latents", lambda found, **_: taken(found, sample_mode="argmax"))
    monkeypatch.setattr(inpaint, "calculate_dimensions", lambda area, ratio: (128, 96, None))
    parts = (pipe.scheduler, pipe.vae, pipe.text_encoder, pipe.tokenizer, pipe.processor, pipe.transformer)
    picture, mask = photo(128, 96), mask_of(*HOLE)
    words, avoided = (pipe._embed(each, [picture], torch.device("cpu")) for each in ("a city", "bars"))
    theirs = _quiet(QwenImageEditInpaintPipeline(*parts))(
        picture,
        mask_image=mask,
        prompt_embeds=words[0],
        prompt_embeds_mask=words[1],
        negative_prompt_embeds=avoided[0],
        negative_prompt_embeds_mask=avoided[1],
        true_cfg_scale=guidance,
        strength=share,
        num_inference_steps=4,
        generator=noise(),
    ).images[0]
    strength = 1 - (1 - share) ** (1 / EASE)
    look = plain_look(negative_prompt="bars", guidance=guidance, steps=4, strength=strength)
    ours = pipe("a city", [picture], mask=mask, generator=noise(), look=look, **SIZE)
    left, top, right, bottom = HOLE
    within = (left + FEATHER, top + FEATHER, right - FEATHER, bottom - FEATHER)
    assert same(ours.crop(within), theirs.crop(within))
    assert not same(ours.crop(within), picture.crop(within))
    outside = pixels(mask) == 0
    assert np.array_equal(pixels(ours)[outside], pixels(picture)[outside])


@pytest.mark.parametrize(("grid", "size"), [("output", (200, 160)), ("stock", (200, 160))])
@pytest.mark.usefixtures("small_megapixel")
def test_a_mask_of_any_shape_keeps_every_pixel_outside_of_it_with_more_references_and_another_size(
    pipe: NextScenePipeline, grid: str, size: tuple[int, int]
) -> None:
    picture, mask = photo(*size), mask_of(61, 50, 103, 97, size)
    look = plain_look(steps=2, strength=0.6)
    drawn = pipe(
        "a city", [picture, photo(90, 70, 5)], mask=mask, reference_grid=grid, generator=noise(), look=look, **SIZE
    )
    outside, before = pixels(fit(mask, 128, 96)) == 0, pixels(fit(picture, 128, 96))
    assert np.array_equal(pixels(drawn)[outside], before[outside])
    assert np.abs(pixels(drawn) - before)[~outside].mean() > 5


def test_an_empty_mask_changes_nothing_and_a_full_one_is_none(pipe: NextScenePipeline) -> None:
    picture, look = photo(128, 96), plain_look(steps=2, strength=0.5)
    plain, full, empty = (
        pipe("a city", [picture], mask=mask, generator=noise(), look=look, **SIZE)
        for mask in (None, mask_of(0, 0, 128, 96), mask_of(0, 0, 0, 0))
    )
    assert same(plain, full)
    assert same(empty, picture)


def test_a_mask_without_the_picture_that_is_kept_is_refused(pipe: NextScenePipeline) -> None:
    for references in ([], [photo(64, 64)]):
        with pytest.raises(ValueError, match="a mask has the size of the first reference"):
            pipe("a city", references, mask=mask_of(*HOLE), look=plain_look(), **SIZE)


def test_a_fourth_reference_is_refused(pipe: NextScenePipeline) -> None:
    with pytest.raises(ValueError, match="at most 3 references, not 4"):
        pipe("a city", [photo()] * 4, look=plain_look(), **SIZE)

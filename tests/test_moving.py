"""The drawn world in time, what is said of it, and the school of the small clip model."""

import random
from collections.abc import Sequence
from contextlib import nullcontext
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from clips import model_for
from conftest import same
from diffusers import AutoencoderKLQwenImage, FlowMatchEulerDiscreteScheduler, WanImageToVideoPipeline
from torch import Tensor
from transformers import T5Tokenizer

from bench import clips as bench
from nextscene.hub import CLIP_MODELS
from nextscene.hub.clip_weights import VARIABLE
from storybook import autoencoder
from storybook.moving import codec, gates, measure, painter, reader
from storybook.moving import make as making
from storybook.moving import words as clip_words
from storybook.moving.clips import FRAMES, LOOP, Clip, draw_frame, frames, joining_clip
from storybook.moving.lessons import KINDS, lesson
from storybook.moving.make import PICTURES, Work
from storybook.words import MOVES
from storybook.world import State, draw, is_held_out

BUSY = {"rain": State(weather="rain"), "snow": State(weather="snow"), "sails": State(landmark="windmill")}


def test_a_clip_begins_and_ends_with_the_pictures_of_its_scenes() -> None:
    for number in range(8):
        clip = joining_clip(random.Random(number))
        assert same(draw_frame(clip, 0), draw(clip.first))
        assert same(draw_frame(clip, FRAMES - 1), draw(clip.last))


@pytest.mark.parametrize("busy", BUSY)
def test_rain_snow_and_sails_move_by_themselves_and_are_where_they_were_at_every_latent(busy: str) -> None:
    film = frames(Clip(BUSY[busy], BUSY[busy]), range(2 * LOOP + 1))
    assert all(np.array_equal(film[0], film[at]) for at in (LOOP, 2 * LOOP))
    assert all(np.abs(film[at].astype(int) - film[at + 1]).mean() > 0.3 for at in range(LOOP))


def test_nothing_else_moves_when_nothing_happens() -> None:
    film = frames(Clip(State(), State()))
    assert all(np.array_equal(film[0], frame) for frame in film)


def test_a_pan_goes_on_by_the_same_two_pixels_every_frame() -> None:
    film = frames(Clip(State(), State(pan=2)))
    inside = slice(8, -8)  # PIL rounds what begins beyond an edge to another side
    assert all(np.array_equal(film[at, :, 2:][:, inside], film[at + 1, :, :-2][:, inside]) for at in range(FRAMES - 1))


def test_night_and_fog_come_little_by_little() -> None:
    for after in ({"light": "night"}, {"weather": "fog"}):
        film = frames(Clip(State(), State().but(**after))).astype(float)
        left = [np.abs(frame - film[-1]).mean() for frame in film]
        assert all(one > other for one, other in pairwise(left))


def test_a_balloon_rises_and_a_boat_comes_from_beyond_the_picture() -> None:
    balloon, sea = State(landmark="balloon"), State(landmark="tower")
    risen, crossed = frames(Clip(balloon, balloon, rises=True)), frames(Clip(sea, sea, boat=True))
    assert same(draw_frame(Clip(sea, sea, boat=True), 0), draw(sea))
    assert (
        np.abs(crossed[-1].astype(int) - crossed[0])[:, :40].sum()
        == 0
        < np.abs(crossed[-1].astype(int) - crossed[0]).sum()
    )
    red = [np.argwhere((frame[..., 0] > 200) & (frame[..., 1] < 60))[:, 0].mean() for frame in risen]
    assert all(one > other for one, other in pairwise(red))


def test_lessons_are_of_every_kind_and_never_of_worlds_that_are_held_out() -> None:
    every = [lesson(number) for number in range(600)]
    for kind, share in KINDS.items():
        assert abs(sum(each.kind == kind for each in every) / len(every) - share) < 0.06
    camera = [each.clip for each in every if each.kind == "camera"]
    assert 0.1 < sum(not any(clip.step.values()) for clip in camera) / len(camera) < 0.3
    assert not any(is_held_out(state) for each in every for state in (each.clip.first, each.clip.last))
    assert all(is_held_out(lesson(number, held_out=True).clip.first) for number in range(20))


def test_words_that_are_held_out_are_never_said_in_lessons() -> None:
    held_out = {each for every in clip_words.HELD_OUT.values() for each in every} | {
        each[-1] for each in MOVES.values()
    }
    chance = random.Random(0)
    texts = [lesson(number).words(chance).lower() for number in range(1500)]
    assert not [each for each in held_out if any(each in text for text in texts)]
    clip = Clip(State(), State(pan=2))
    assert clip_words.motion(clip, chance, held_out=True) == MOVES["pan", 2][-1]


@pytest.fixture(scope="module")
def pictures() -> AutoencoderKLQwenImage:
    """The picture model's own codec."""
    return AutoencoderKLQwenImage.from_pretrained(PICTURES, dtype=torch.float32).eval().requires_grad_(False)


@torch.no_grad()
def test_the_first_frame_is_the_picture_codecs_to_the_bit_whatever_the_video_codec_learned(
    pictures: AutoencoderKLQwenImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autoencoder, "_norm_silu", autoencoder._fused)  # not compiled, which takes longer than the test
    vae = codec.carry_over(pictures)
    between = codec.Between(vae)
    for weight in between.parameters():
        weight.add_(torch.randn_like(weight) * 0.02)
    between.store()
    clip = torch.rand(1, 3, 2 * LOOP + 1, 32, 48) * 2 - 1
    latents = vae.encode(clip).latent_dist.mode()
    alone = torch.cat(
        [pictures.encode(clip[:, :, at : at + 1]).latent_dist.mode() for at in (0, LOOP, 2 * LOOP)], dim=2
    )
    assert torch.equal(latents[:, :, 0], alone[:, :, 0])
    torch.testing.assert_close(latents, alone, atol=1e-4, rtol=0)
    decoded = vae.decode(latents).sample
    assert torch.equal(decoded[:, :, :1], pictures.decode(latents[:, :, :1]).sample)
    taught = between.decode(latents).clamp(-1, 1).transpose(1, 2)
    torch.testing.assert_close(taught, decoded[:, :, 1:], atol=1e-4, rtol=0)


@torch.no_grad()
def test_before_it_learns_the_codec_holds_each_picture_until_the_next_latent(pictures: AutoencoderKLQwenImage) -> None:
    decoded = codec.carry_over(pictures).decode(torch.randn(1, autoencoder.LATENTS, 3, 4, 6)).sample
    for at in range(1, 2 * LOOP, LOOP):
        torch.testing.assert_close(
            decoded[:, :, at : at + LOOP], decoded[:, :, at : at + 1].expand(-1, -1, LOOP, -1, -1)
        )


@torch.no_grad()
def test_lessons_go_through_the_transformers_own_forward_with_the_padding_of_the_pipeline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "autocast", lambda *_: nullcontext())
    torch.manual_seed(0)
    model = painter.transformer(layers=2)
    for weight in model.parameters():
        weight.add_(torch.randn_like(weight) * 0.02)
    mask = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
    seen, words, level = (
        torch.randn(2, 52, 5, 12, 16),
        torch.randn(2, 7, reader.HIDDEN) * mask[..., None],
        torch.rand(2),
    )
    padded = torch.nn.functional.pad(words, (0, 0, 0, painter.TEXT - 7))
    stock = model(seen, level * 1000, padded, return_dict=False)[0]
    torch.testing.assert_close(painter.velocity(model, seen, level, words, mask), stock, atol=1e-4, rtol=1e-3)


def test_noise_goes_by_the_schedulers_own_levels() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=painter.SHIFT)
    scheduler.set_timesteps(making.STEPS)
    torch.testing.assert_close(painter.noise_levels(making.STEPS), scheduler.sigmas)


@pytest.fixture(scope="module")
def untaught(tmp_path_factory: pytest.TempPathFactory, pictures: AutoencoderKLQwenImage) -> Work:
    """What the stages leave when they have taught nothing."""
    torch.manual_seed(0)
    work = Work(tmp_path_factory.mktemp("clips"), clips=4)
    words = T5Tokenizer(extra_ids=0).train_new_from_iterator(["the camera pans right", *"abcdefgh"], 200)
    words.save_pretrained(work.folder / "tokenizer")
    reader.encoder(words, layers=1).save_pretrained(work.folder / "text_encoder")
    codec.carry_over(pictures).save_pretrained(work.folder / "vae")
    painter.transformer(layers=1).save_pretrained(work.folder / "transformer")
    return work


@torch.no_grad()
def test_the_model_is_a_folder_that_the_stock_pipeline_loads_and_conditions_are_its_own(
    untaught: Work, pictures: AutoencoderKLQwenImage, tmp_path: Path
) -> None:
    making.assemble(untaught, tmp_path, "untaught")
    pipe = WanImageToVideoPipeline.from_pretrained(tmp_path, dtype=torch.float32)
    first, last = (torch.rand(1, 3, 96, 128) * 2 - 1 for _ in range(2))
    ours = [pictures.encode(each[:, :, None]).latent_dist.mode()[:, :, 0] for each in (first, last)]
    count = 2 * LOOP + 1
    for end in (None, last):
        theirs = pipe.prepare_latents(first, 1, autoencoder.LATENTS, 96, 128, count, torch.float32, last_image=end)[1]
        mine = painter.condition(ours[0], None if end is None else ours[1], untaught.nothing, 3)
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=0)
    picture = draw(State(), 64, 48)
    made = pipe(picture, "pan", height=48, width=64, num_frames=5, num_inference_steps=1, guidance_scale=1.0)
    assert made.frames[0].shape == (5, 48, 64, 3)


def test_words_are_read_as_the_pipeline_reads_them(untaught: Work) -> None:
    states, mask = untaught.reader.read(["the camera pans right", ""])
    pipe: Any = WanImageToVideoPipeline(untaught.reader.tokenizer, untaught.reader.encoder, None, None)
    theirs = pipe._get_t5_prompt_embeds(["the camera pans right", ""], device=torch.device("cpu"))
    torch.testing.assert_close(states, theirs[:, : states.shape[1]])
    assert mask.sum(1).tolist() == [int(each.any(-1).sum()) for each in theirs]


film_of = lru_cache(frames)


def drawn(_: Sequence[str], clips: Sequence[Clip], has_last: bool = False) -> Tensor:
    return torch.stack([torch.from_numpy(film_of(clip)).permute(0, 3, 1, 2) / 255 for clip in clips])


def kept(words: Sequence[str], clips: Sequence[Clip]) -> Tensor:
    """Drawn clips, a little paler, as a codec might keep them."""
    return drawn(words, clips) * 0.99 + 0.005


def still(words: Sequence[str], clips: Sequence[Clip], has_last: bool = False) -> Tensor:
    return drawn(words, clips)[:, :1].expand(-1, FRAMES, -1, -1, -1)


def test_the_gates_let_the_drawn_world_pass_and_hold_back_a_picture_that_stands_still() -> None:
    held_back = {}
    for make in (drawn, still):
        figures = {
            "camera": measure.camera(make, 2, kept),
            "stillness": measure.stillness(make, 1),
            "by itself": measure.by_itself(make, 3),
            "events": measure.events(make, 4),
            "joins": measure.joins(make, 1, kept),
            "codec": measure.codec(make, [Clip(State(), State(pan=1))]),
        }
        rows = gates.table(figures).splitlines()[2:]
        assert len(rows) == len(gates.GATES)
        held_back[make] = {row.split(" | ")[0].strip("| ") for row in rows if not row.endswith("| yes |")}
    assert not held_back[drawn]
    assert {
        "the camera goes the named way", "what is said to happen happens", "rain and snow fall, and sails turn"
    } <= held_back[still]  # fmt: skip


def test_side_by_side_the_drawn_world_follows_and_a_still_does_not() -> None:
    clips = [Clip(State(), State(pan=2))]
    truth, held = (bench.compare(way, clips, named=True) for way in (film_of, bench.hold))
    assert (truth["goes the named way"], truth["off, of the way"], held["goes the named way"]) == (1, 0, 0)
    assert truth["dB to the truth"] > 50 > held["dB to the truth"]
    faded = bench.compare(bench.cross_fade, clips, named=False)
    assert faded["step of luminance at the end, of 255"] == 0
    page = bench.render({"joins": {"a cross-fade": faded}}, len(clips), ["wan needs a GPU."])
    assert f"| joins | a cross-fade |\n|---|---|\n| dB to the truth | {faded['dB to the truth']:.2f} |\n" in page
    assert "- wan needs a GPU." in page


def test_the_films_own_move_over_a_still_sees_a_part_of_it() -> None:
    film = bench.move_still(Clip(State(), State(pan=2)))
    assert len(film) == FRAMES
    assert not np.array_equal(film[0], film[-1])


def test_a_flickering_film_flickers_after_warping_too() -> None:
    steady = film_of(Clip(State(), State(pan=2)))
    flickering = np.stack([np.clip(frame.astype(int) + 8 * (at % 2), 0, 255) for at, frame in enumerate(steady)])
    assert bench.flicker(flickering.astype(np.uint8)) > bench.flicker(steady) + 4


def test_an_engine_is_measured_as_users_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(model_for("wan")))
    clips = [Clip(State(), State(pan=2)), Clip(State(), State(tilt=1))]
    with bench.engine("storybook", clips, join=True) as way:
        films = [way(clip) for clip in clips]
    assert [film.shape for film in films] == [(FRAMES, 96, 128, 3)] * 2
    assert not np.array_equal(films[0], films[1])


def test_engines_that_cannot_be_measured_here_are_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("nextscene.hub.gpu.total_memory", lambda: None)
    said = list(bench.not_here(["storybook"]))
    assert "wan needs a GPU of at least 6 GB" in said[0]
    assert len(said) == len(CLIP_MODELS) - 2

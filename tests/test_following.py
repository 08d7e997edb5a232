"""Clips that follow a composed film, on small random weights of the engines' very classes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from clips import model_for
from conftest import photo
from diffusers import AutoencoderKLWan, WanImageToVideoPipeline
from PIL import Image

from nextscene import NextSceneError
from nextscene.hub.clip_weights import VARIABLE
from nextscene.motion import follow, leading, plan_following
from nextscene.motion.leading import Lead
from nextscene.pictures import fit

FILM = [photo(128, 96, 1 + number // 3) for number in range(9)]
BLACK = Image.new("L", (128, 96))


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips as the engine gives them, with nothing done to their ends."""
    monkeypatch.setattr("nextscene.motion.diffusing.level", lambda frames, *_, **__: frames)


def by_codec(kind: str) -> np.ndarray:
    """The film as the model's own codec gives it back."""
    vae = AutoencoderKLWan.from_pretrained(model_for(kind), subfolder="vae")
    pictures = [fit(each, 64, 48) for each in FILM]
    pixels = torch.from_numpy(np.stack([np.asarray(each) for each in pictures])).permute(3, 0, 1, 2)[None] / 127.5 - 1
    with torch.no_grad():
        kept = vae.decode(vae.encode(pixels).latent_dist.mode()).sample[0].permute(1, 2, 3, 0)
    return np.asarray(((kept.clamp(-1, 1) + 1) * 127.5).round())


def test_the_first_steps_are_led_everywhere_then_within_the_masks_and_then_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, str(model_for("wan")))
    pipe = WanImageToVideoPipeline.from_pretrained(model_for("wan"), local_files_only=True)
    pipe.scheduler.set_timesteps(20)
    _, planned = plan_following("snow falls", (128, 96), 9, "auto", 3)
    left = BLACK.copy()
    left.paste(255, (0, 0, 64, 96))
    lead = Lead(pipe, replace(planned, steps=20), FILM, [left] * 9, lambda *_: None)
    own, changed = torch.full((1, 4, 3, 6, 8), 7.0), []
    for step in range(20):
        pipe.scheduler.last_sample = own
        with torch.no_grad():
            latents = lead(pipe, step, None, {"latents": own})["latents"]
        changed.append((bool((latents[..., :4] != own[..., :4]).all()), bool((latents[..., 4:] != own[..., 4:]).all())))
        assert (pipe.scheduler.last_sample is None) == changed[-1][0]
        if changed[-1][0]:  # the film with as much noise as this step leaves
            level = pipe.scheduler.sigmas[step + 1]
            clean = (latents - level * lead._noise)[..., :4] / (1 - level)
            assert torch.allclose(clean, lead._film[..., :4], atol=1e-3)
    assert changed == [(True, True)] + [(True, False)] * 2 + [(False, False)] * 17


@pytest.mark.usefixtures("raw")
def test_a_film_of_any_length_is_followed_everywhere_at_first_and_each_step_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of an engine that writes its first picture into its latents; led to the last step, it gives the film back."""
    monkeypatch.setenv(VARIABLE, str(model_for("wan-light")))
    monkeypatch.setattr(leading, "AROUND", 1)
    steps: list[tuple[int, int]] = []
    clip = follow(
        FILM[:8], [BLACK] * 8, "snow falls", engine="auto", seed=3, on_step=lambda _, done, of: steps.append((done, of))
    )
    assert len(clip.frames) == 8
    assert np.abs(np.stack(clip.frames) - by_codec("wan-light")[:8]).max() <= 1
    assert steps == [(1, 2), (2, 2)]


def test_masks_cover_latents_by_frame_and_group_of_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(model_for("one expert")))
    _, planned = plan_following("snow falls", (128, 96), 9, "auto", 3)
    dot = BLACK.copy()
    dot.paste(255, (18, 34, 22, 38))

    class Pipe:
        vae_scale_factor_spatial, vae_scale_factor_temporal = 8, 4

    covered = Lead(Pipe(), planned, FILM, [*[BLACK] * 6, dot, *[BLACK] * 2], lambda *_: None)._white
    assert covered.shape == (1, 1, 3, 6, 8)
    assert covered.nonzero().tolist() == [[0, 0, 2, 2, 1]]


def test_what_an_engine_cannot_follow_is_refused_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(model_for("svd")))
    with pytest.raises(
        NextSceneError, match="The engine svd follows no planned motion: use wan, wan-light or storybook"
    ):
        plan_following("snow falls", (128, 96), 9, "auto", 3)
    monkeypatch.setenv(VARIABLE, str(model_for("wan")))
    with pytest.raises(NextSceneError, match="makes 33 frames at most, and 34 are planned: ask for fewer"):
        plan_following("snow falls", (128, 96), 34, "auto", 3)

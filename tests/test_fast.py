"""go_fast: drafts by a LoRA for few steps, switched with each request, and never taken for more than drafts."""

import json
from pathlib import Path

import pytest
from conftest import noise, photo, plain_look, same
from PIL import Image

from nextscene import NextSceneError, hub, pictures
from nextscene.cli import main
from nextscene.model import Model, speed
from nextscene.provenance import Provenance
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import IMAGE, Shot, advice, from_data, plan
from nextscene.take import Take

SIZE = (64, 64)


def shots_of(**wanted: object) -> list[Shot]:
    story = from_data({"scenes": ["a harbour", "the camera pans left"]})
    return plan(story, StorySettings.checked(**wanted), 1, SIZE)


def takes_of(model: Model, **wanted: object) -> list[Take]:
    return list(Studio(model).shoot(shots_of(**wanted), {}))


def test_fast_shots_have_few_steps_and_no_guidance_whatever_else_is_said() -> None:
    asked = {"guidance": 6.0, "guidance_until": 0.5, "first_block_cache": 0.1}
    (shot, _) = shots_of(go_fast=True, **asked)
    assert (
        shot.go_fast,
        shot.look.steps,
        shot.look.guidance,
        shot.look.guidance_until,
        shot.look.first_block_cache,
    ) == (True, 4, 1, 1, 0)
    assert shots_of(go_fast=True, steps=8)[0].look.steps == 8
    assert shots_of()[0].look.steps == 40
    assert any("draft" in said for said in advice(shot, SIZE))
    assert "4 steps, fast" in str(shot)


def test_it_is_switched_with_each_request_and_leaves_nothing_behind(small: Model, weights_folder: Path) -> None:
    before = takes_of(small, steps=2)
    small.use_fast_lora(hub.find(str(weights_folder)).fast_lora(4))
    fast, after = takes_of(small, go_fast=True), takes_of(small, steps=2)
    assert [same(one.picture, other.picture) for one, other in zip(before, after, strict=True)] == [True, True]
    assert not same(fast[0].picture, takes_of(small, steps=4, guidance=1.0)[0].picture)
    lora = fast[1].provenance.fast_lora
    assert lora
    assert lora.file == "fast.safetensors"
    assert not after[1].provenance.is_draft


def test_its_schedule_is_the_one_that_lightning_was_made_for(small: Model, weights_folder: Path) -> None:
    small.use_fast_lora(hub.find(str(weights_folder)).fast_lora(4))
    small.set_up(shots_of(go_fast=True)[0])
    times = small.pipe._timesteps(4, 1.0, 3072, small.pipe.transformer.device) / 1000
    assert times.tolist() == pytest.approx([3 * s / (1 + 2 * s) for s in (1, 0.75, 0.5, 0.25)], abs=1e-4)
    small.set_up(shots_of()[0])
    assert small.pipe.scheduler.config.base_shift != pytest.approx(1.0986, abs=1e-3)


def provenance_of(picture: Path) -> Provenance:
    return Provenance.from_json(pictures.facts(picture), picture.name)


def test_a_draft_is_drawn_anew_when_the_story_itself_is_wanted(
    weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    words = ["sequence", "a harbour|the camera pans left", "--output-dir", str(tmp_path), "--seed", "3"]
    words += ["--width", "64", "--height", "64"]
    assert main([*words, "--go-fast"]) == 0
    draft = json.loads((tmp_path / "run.json").read_text())
    assert draft["story"]["go_fast"] is True
    assert "fast_lora_sha256" in draft["made_with"]
    first = tmp_path / "scene_001.png"
    lora = provenance_of(first).fast_lora
    assert lora
    assert lora.file == "fast.safetensors"
    assert pictures.read(first).info == {"draft": True}
    assert main(["explain", str(first)]) == 0
    assert "a draft" in capsys.readouterr().out

    assert main([*words, "--steps", "2"]) == 0
    done = json.loads((tmp_path / "run.json").read_text())
    chosen = [next(take for take in scene["takes"] if take["number"] == scene["chosen"]) for scene in done["scenes"]]
    assert chosen[1]["grew_from"] == {"scene_001": chosen[0]["sha256"]}, "it grew from no draft"
    assert not any(provenance_of(file).is_draft for file in sorted(tmp_path.glob("scene_*.png")))


def test_a_scene_that_grows_from_a_draft_says_so(small: Model) -> None:
    draft = photo(*SIZE)
    draft.info = {"draft": True}
    story = from_data({"scenes": ["night falls"]})
    (shot,) = plan(story, StorySettings.checked(steps=2), 1, SIZE, image=SIZE)
    (take,) = Studio(small).shoot([shot], {IMAGE: draft})
    assert "looks at a draft" in take.provenance.noticed


def test_a_model_without_such_a_lora_says_so(weights_folder: Path, tmp_path: Path) -> None:
    for file in weights_folder.iterdir():
        if file.name != hub.OWN_FAST_LORA:
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(NextSceneError, match="has no LoRA to draw fast with: leave go_fast out"):
        hub.find(str(tmp_path)).fast_lora(4)


def test_guidance_may_end_early_and_a_cache_may_skip_steps_where_they_are_asked_for(small: Model) -> None:
    passes: list[int] = []
    last = small.pipe.transformer.transformer_blocks[1].attn
    count = last.register_forward_hook(lambda *_: passes.append(1))

    def picture(**how: float) -> tuple[Image.Image, int]:
        passes.clear()
        (take, _) = takes_of(small, steps=8, strength=1.0, **how)
        return take.picture, len(passes)

    (plain, all_passes), (half, fewer), (never, fewest) = (picture(guidance_until=u) for u in (1.0, 0.5, 0.0))
    assert (all_passes, fewer, fewest) == (32, 24, 16)
    assert same(never, picture(guidance=1.0)[0])
    assert not same(plain, half)
    cached, computed = picture(first_block_cache=1.0)
    assert computed < all_passes / 2
    assert not same(cached, plain)
    again, passes_again = picture()
    assert (same(again, plain), passes_again) == (True, all_passes), "nothing of the cache is left"
    count.remove()


def test_nothing_is_compiled_on_a_cpu_unless_it_is_asked_for(small: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXT_SCENE_COMPILE", raising=False)
    assert speed.warm_up(small, SIZE, lasting=True) == []


def test_pictures_are_looked_at_once_for_both_prompts_and_encoded_once_along_a_chain(small: Model) -> None:
    seen: list[int] = []
    hooks = [
        small.pipe.text_encoder.model.visual.patch_embed.register_forward_hook(lambda *_: seen.append(1)),
        small.pipe.vae.encoder.register_forward_hook(lambda *_: seen.append(2)),
    ]
    anchor = photo(seed=77)
    small.pipe("a", [photo(seed=78), anchor], generator=noise(), width=64, height=64, look=plain_look(steps=2))
    assert seen == [1, 2, 2]
    small.pipe("b", [photo(seed=79), anchor], generator=noise(), width=64, height=64, look=plain_look(steps=2))
    assert seen == [1, 2, 2, 1, 2]
    for hook in hooks:
        hook.remove()

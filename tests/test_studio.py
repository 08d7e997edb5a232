"""The studio: chains, seeds, memory, and what happens when something goes wrong."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import noise, photo, pixels, plain_look, same
from PIL import Image
from takes import take_of

from nextscene import NextSceneError, pictures
from nextscene.film import CuttingRoom
from nextscene.model import Model
from nextscene.output import deliver, numbered
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import IMAGE, Shot, from_data, plan
from nextscene.take import Take

SMALL = {"width": 128, "height": 96, "steps": 2}


def shots_of(scenes: list[object], image: Image.Image | None = None, seed: int = 1, **wanted: object) -> list[Shot]:
    values = StorySettings.checked(**(SMALL | wanted))
    return plan(from_data(scenes), values, seed, (128, 96), image.size if image else None)


@pytest.fixture
def studio(small: Model) -> Studio:
    return Studio(small)


def test_a_chain_is_the_pipelines_calls_one_after_another(studio: Studio, small: Model) -> None:
    image = photo()
    shots = shots_of(["a", {"prompt": "b", "strength": 0.9}], image)
    takes = list(studio.shoot(shots, {IMAGE: image}))
    previous = image
    for take, shot in zip(takes, shots, strict=True):
        expected = small.pipe(
            shot.prompt,
            [previous],
            look=plain_look(negative_prompt="black bars, letterbox, borders", strength=shot.look.strength, steps=2),
            generator=noise(shot.seed),
            width=128,
            height=96,
        )
        assert same(take.picture, expected)
        previous = take.picture


def test_the_same_seed_gives_the_same_pictures_and_another_seed_gives_others(studio: Studio) -> None:
    def run(seed: int) -> list[Image.Image]:
        return [take.picture for take in studio.shoot(shots_of(["a", "b", "c"], seed=seed), {})]

    first, again, other = run(1), run(1), run(2)
    assert all(map(same, first, again))
    assert not any(map(same, first, other))


def test_scenes_with_the_same_words_do_not_share_noise(studio: Studio) -> None:
    drawn: list[torch.Tensor] = []
    original = studio.model.pipe.prepare_latents

    def watch(*args: object, **kwargs: object) -> object:
        result = original(*args, **kwargs)
        drawn.append(result[0])
        return result

    studio.model.pipe.prepare_latents = watch
    list(studio.shoot(shots_of(["a", "a", "a"]), {}))
    del studio.model.pipe.prepare_latents
    for i, one in enumerate(drawn):
        for other in drawn[:i]:
            assert abs(np.corrcoef(one.flatten(), other.flatten())[0, 1]) < 0.1


def test_a_scenes_own_lora_scale_holds_for_that_scene_only(studio: Studio) -> None:
    plain = [t.picture for t in studio.shoot(shots_of(["a", {"prompt": "b", "id": "x"}]), {})]
    mixed = [
        t.picture for t in studio.shoot(shots_of([{"prompt": "a", "lora_scale": 0}, {"prompt": "b", "id": "x"}]), {})
    ]
    again = [t.picture for t in studio.shoot(shots_of(["a", {"prompt": "b", "id": "x"}]), {})]
    assert not same(plain[0], mixed[0])
    assert all(map(same, plain, again))


def test_takes_come_as_they_are_done_and_steps_are_counted(studio: Studio) -> None:
    seen: list[tuple[int, int, int]] = []
    takes = studio.shoot(
        shots_of(["a", "b"], strength=1), {}, on_step=lambda shot, done, of: seen.append((shot.number, done, of))
    )
    assert not seen
    assert next(takes).shot.number == 1
    assert seen == [(1, 1, 2), (1, 2, 2)]
    next(takes)
    assert seen[2:] == [(2, 1, 2), (2, 2, 2)]


@pytest.mark.slow
def test_only_the_pictures_still_needed_are_kept(studio: Studio) -> None:
    alive: list[weakref.ref[Image.Image]] = []
    for take in studio.shoot(shots_of(["a"] * 6), {}):
        alive.append(weakref.ref(take.picture))
        del take
        gc.collect()
        assert sum(picture() is not None for picture in alive) <= 2


def test_a_take_says_what_made_it_and_that_the_model_is_the_small_one(studio: Studio) -> None:
    (take,) = studio.shoot(shots_of(["a"], seed=7), {})
    made = take.provenance
    assert made.shot == take.shot
    assert (made.shot.prompt, made.shot.story_seed) == ("Next Scene: a", 7)
    assert "random weights" in made.note
    assert (made.lora.file, len(made.lora.sha256)) == ("next-scene.safetensors", 64)


def flawed(studio: Studio, faults: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A studio whose takes are found to have these faults, one after another: random weights make none to order."""
    found = iter(faults)
    monkeypatch.setattr("nextscene.shooting.studio._noticed", lambda *_: next(found))
    return studio


def test_a_scene_with_a_fault_is_drawn_again_with_new_noise_until_it_has_none(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = flawed(studio, [["bars"], ["near-copy"], ["blurred"], []], monkeypatch)
    first, second = found.shoot(shots_of(["a", "b"]), {}, auto_retake=4)
    assert (first.shot.take, first.provenance.tried, first.provenance.noticed) == (3, 3, ("blurred",))
    assert first.shot.seed != shots_of(["a"])[0].seed
    assert "tried" not in second.provenance.to_json()
    assert second.shot.take == 1


def test_of_takes_that_all_have_faults_the_best_is_kept(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    found = flawed(studio, [["bars", "near-copy"], ["bars"], ["bars", "near-copy"]], monkeypatch)
    (take,) = found.shoot(shots_of(["a"]), {}, auto_retake=2)
    assert (take.shot.take, take.faults) == (2, ["bars"])


def test_by_default_a_fault_is_only_noticed(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    (take,) = flawed(studio, [["bars"]], monkeypatch).shoot(shots_of(["a"]), {})
    assert (take.shot.take, take.provenance.noticed) == (1, ("bars",))


def test_a_copy_is_noticed_where_the_words_asked_for_a_change(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    image = photo(128, 96)
    monkeypatch.setattr(studio, "_picture", lambda *_: image)
    for words, noticed in (("camera pans left", ["near-copy"]), ("a harbour", [])):
        (take,) = studio.shoot(shots_of([words], image), {IMAGE: image})
        assert list(take.provenance.noticed) == noticed


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), RuntimeError("can't allocate memory: 9 bytes")],
)
def test_out_of_memory_says_what_to_lower_and_leaves_the_studio_usable(studio: Studio, error: Exception) -> None:
    """The device's memory cannot be filled here: its error is raised where it would come from."""
    shots = shots_of(["a", "b", "c"], seed=3)
    whole = [take.picture for take in studio.shoot(shots, {})]

    def fail(*_: object) -> None:
        raise error

    takes = studio.shoot(shots, {})
    done = [next(takes).picture]
    handle = studio.model.pipe.transformer.register_forward_pre_hook(fail)
    with pytest.raises(NextSceneError, match=r"Scene 2 \(scene_002\) .* 128x96 with 1 reference\(s\): lower the width"):
        next(takes)
    handle.remove()
    assert all(map(same, done, whole))
    assert all(map(same, whole, [take.picture for take in studio.shoot(shots, {})]))


def test_other_errors_are_not_passed_off_as_too_little_memory(studio: Studio) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("shapes do not fit")

    handle = studio.model.pipe.transformer.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        next(studio.shoot(shots_of(["a"]), {}))
    handle.remove()


def test_delivery_writes_each_scene_before_the_next_is_drawn_and_then_the_film(studio: Studio, tmp_path: Path) -> None:
    film = tmp_path / "sequence.mp4"
    takes = studio.shoot(shots_of(["a", "b"], seed=5), {})
    files = deliver(takes, numbered(tmp_path, "webp"), film=CuttingRoom(from_data(["a", "b"]), film))
    first = next(files)
    assert first == tmp_path / "scene_001.webp"
    assert [file.name for file in tmp_path.glob("scene_*")] == ["scene_001.webp"]
    assert [file.name for file in files] == ["scene_002.webp", "sequence.mp4"]
    facts = pictures.facts(first)
    assert facts
    assert facts["seed"] == 5


def test_a_failure_keeps_what_is_done_and_leaves_no_half_film(tmp_path: Path) -> None:
    def takes() -> Iterator[Take]:
        yield take_of(shots_of(["a"])[0], photo())
        raise NextSceneError("the second scene failed")

    film = CuttingRoom(from_data(["a", "b"]), tmp_path / "sequence.mp4")
    files = deliver(takes(), numbered(tmp_path, "png"), film=film)
    with pytest.raises(NextSceneError, match="second scene"):
        list(files)
    assert [file.name for file in tmp_path.iterdir()] == ["scene_001.png"]
    assert np.abs(pixels(pictures.read(tmp_path / "scene_001.png")) - pixels(photo())).max() == 0

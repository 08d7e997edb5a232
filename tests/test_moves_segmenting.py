"""SAM 2 by a box, on small random weights of its very class."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import photo, pixels
from PIL import Image

from nextscene import NextSceneError, hub
from nextscene.moves.segmenting import Sam2, _to_mask
from storybook import random_segmenter


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Sam2:
    return Sam2(random_segmenter.build(tmp_path_factory.mktemp("sam2")))


def test_a_mask_has_the_pictures_size_and_follows_the_picture_and_the_box(segmenter: Sam2) -> None:
    asked: list[tuple[float, ...]] = []
    handle = segmenter._model.prompt_encoder.register_forward_pre_hook(
        lambda _module, _args, given: asked.append(tuple(given["input_boxes"][0, 0].tolist())), with_kwargs=True
    )
    seen: list[torch.Tensor] = []
    scores = segmenter._model.register_forward_hook(lambda _module, _args, found: seen.append(found.pred_masks))
    for picture, box in (
        (photo(200, 100), (50, 25, 150, 75)),
        (photo(200, 100), (0, 0, 20, 20)),
        (photo(200, 100, 3), (50, 25, 150, 75)),
    ):
        try:
            assert segmenter.cut(picture, box).size == (200, 100)
        except NextSceneError:  # random weights may find nothing
            assert not (seen[-1] > 0).any()
    handle.remove()
    scores.remove()
    assert asked[0] == (32, 32, 96, 96)  # on the model's square of 128
    assert not torch.allclose(seen[0], seen[1])
    assert not torch.allclose(seen[0], seen[2])


def test_the_picture_is_read_as_the_models_own_processor_reads_it(segmenter: Sam2) -> None:
    """Stretched to the square, from nought to one, then by ImageNet's mean and spread."""
    white = segmenter._pixels(Image.new("RGB", (200, 100), "white"))
    assert white.shape == (1, 3, 128, 128)
    assert white[0, :, 5, 5].tolist() == pytest.approx([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])


def test_scores_become_a_mask_of_the_pictures_size_with_a_grey_border() -> None:
    scores = torch.full((1, 8, 8), -1.0)
    scores[:, 2:6, 2:6] = 1
    mask = _to_mask(scores, (80, 40))
    assert mask.size == (80, 40)
    assert (pixels(mask)[15:25, 30:50] == 255).all()
    assert (pixels(mask)[:8] == 0).all()
    assert pixels(mask).mean() / 255 == pytest.approx(0.25, abs=0.03)
    assert len(np.unique(pixels(mask))) > 2


def test_nothing_found_and_a_folder_without_a_model_are_said_in_a_sentence(
    segmenter: Sam2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextscene.moves.segmenting._to_mask", lambda scores, size: Image.new("L", size))
    with pytest.raises(NextSceneError, match="found nothing in the box 1,2,30,40"):
        segmenter.cut(photo(), (1, 2, 30, 40))
    with pytest.raises(NextSceneError, match="cannot be loaded: fetch it again"):
        Sam2(tmp_path)


def test_the_table_has_segmenters_with_their_licence_and_files() -> None:
    for name in ("sam2-tiny", "sam2-small"):
        row = hub.SEGMENTERS[name]
        assert (row.licence, row.files) == ("Apache-2.0", ("config.json", "model.safetensors"))
        assert name in hub.describe_models()

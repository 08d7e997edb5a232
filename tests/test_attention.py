"""Which attention draws: the fastest that computes the right thing; what cannot be used is said, and nothing fails."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import noise, photo, pixels, plain_look
from diffusers.models import attention_dispatch

from nextscene.model import Model, speed

SIZE = (64, 64)
RIGHT = """
def flash_attn_func(q, k, v, softmax_scale=None, causal=False, **_):
    from torch.nn.functional import scaled_dot_product_attention
    heads_first = [each.transpose(1, 2) for each in (q, k, v)]
    return scaled_dot_product_attention(*heads_first, scale=softmax_scale).transpose(1, 2)
"""
WRONG = """
def flash_attn_func(q, k, v, **_):
    return v
"""


@pytest.fixture
def kernel_in_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a kernel where the image has one, as cog.yaml's environment says it."""
    known = attention_dispatch._HUB_KERNELS_REGISTRY[attention_dispatch.AttentionBackendName._FLASH_3_HUB]
    for part in ("kernel_fn", "wrapped_forward_fn", "wrapped_backward_fn"):
        monkeypatch.setattr(known, part, None)  # whatever an earlier test has loaded
    monkeypatch.setattr(attention_dispatch, "DIFFUSERS_TRUST_REMOTE_KERNELS", True)

    def there_is(code: str) -> None:
        folder = tmp_path / "flash-attn3"
        folder.mkdir()
        facts = {"id": "flash_attn3", "name": "flash-attn3", "version": 1, "license": "BSD-3-Clause"}
        facts |= {"python-depends": [], "backend": {"type": "cpu"}}
        (folder / "metadata.json").write_text(json.dumps(facts))
        (folder / "__init__.py").write_text(f"from . import flash_attn_interface\n{code}")
        (folder / "flash_attn_interface.py").write_text("_flash_attn_forward = _flash_attn_backward = None\n")
        monkeypatch.setenv("LOCAL_KERNELS", f"kernels-community/flash-attn3={folder}")

    return there_is


@pytest.fixture
def own(small: Model) -> Model:
    """The model, of which nothing remains set afterwards."""
    small.pipe.transformer.set_attention_backend("native")
    return small


def test_the_kernel_that_lies_in_the_image_is_used_without_a_network(
    own: Model, kernel_in_image: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel_in_image(RIGHT)
    monkeypatch.setattr(speed, "ATTENTION", ("_flash_3_hub",))

    def draw() -> torch.Tensor:
        picture = own.pipe("night", [photo()], width=64, height=64, generator=noise(), look=plain_look(steps=2))
        return torch.from_numpy(pixels(picture))

    before = draw()
    assert speed.choose_attention(own, SIZE) == "attention by _flash_3_hub"
    assert (draw() - before).abs().max() <= 1
    own.pipe.transformer.set_attention_backend("native")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (WRONG, "Tensor-likes are not close"),
        ("raise OSError('built for another GPU')", "built for another GPU"),
        ("", "flash_attn_func"),
    ],
)
def test_a_kernel_that_cannot_be_used_is_named_with_its_reason_and_another_draws(
    own: Model, kernel_in_image: Callable[[str], None], code: str, why: str
) -> None:
    kernel_in_image(code)
    said = speed.choose_attention(own, SIZE)
    assert said.startswith("attention by ")
    assert "attention by _flash_3_hub" not in said
    (reason,) = [part for part in said.split("; ") if part.startswith("_flash_3_hub cannot be used here (")]
    assert why in reason


def test_where_there_is_no_kernel_another_draws(
    own: Model, kernel_in_image: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOCAL_KERNELS", f"kernels-community/flash-attn3={tmp_path / 'nowhere'}")
    assert "; _flash_3_hub cannot be used here (" in speed.choose_attention(own, SIZE)

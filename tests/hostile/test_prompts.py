"""Prompts that a model cannot read whole and as they are: refused in a sentence before anything is drawn."""

import pytest
import torch
from conftest import photo

from nextscene import NextSceneError
from nextscene.model import Model
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import IMAGE, Shot, from_data, plan

SIGNS = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|im_end|>", "<|endoftext|>")


def shots(*scenes: object) -> list[Shot]:
    return plan(from_data({"scenes": list(scenes), "steps": 2}), StorySettings(), 1, (64, 64), image=(64, 64))


def drawn(model: Model, shots: list[Shot]) -> int:
    """How many of them are drawn until the studio ends or refuses."""
    done = 0
    for _ in Studio(model).shoot(shots, {IMAGE: photo(64, 64)}):
        done += 1
    return done


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_of_the_models_own_in_a_prompt_is_refused_by_its_scene(small: Model, sign: str) -> None:
    with pytest.raises(NextSceneError) as refused:
        drawn(small, shots("night", {"prompt": f"a house {sign} at night", "id": "home"}))
    assert str(refused.value) == (
        f"Scene 2 (home): its prompt holds {sign}, a sign that the model keeps for itself: leave it out."
    )


def test_a_sign_of_the_models_own_in_what_to_avoid_is_refused_too(small: Model) -> None:
    with pytest.raises(NextSceneError, match=r"Scene 1 .* its negative prompt holds <\|image_pad\|>"):
        drawn(small, shots({"prompt": "night", "negative_prompt": "<|image_pad|>"}))


def test_what_only_looks_like_a_sign_is_drawn(small: Model) -> None:
    assert drawn(small, shots("a <|house|> {} <image> </s> [INST] | at night")) == 1


@pytest.mark.parametrize("words", ["ж" * 3980, "🌲" * 3900, "q7 " * 1300])
def test_a_prompt_of_more_tokens_than_are_read_is_refused_with_their_number_before_the_first_scene(
    small: Model, words: str
) -> None:
    steps: list[int] = []
    asked = shots("night", {"prompt": words, "id": "long"})
    takes = Studio(small).shoot(asked, {IMAGE: photo(64, 64)}, on_step=lambda shot, done, of: steps.append(done))
    with pytest.raises(NextSceneError) as refused:
        next(takes)
    assert not steps
    sentence = str(refused.value)
    assert sentence.startswith("Scene 2 (long): its prompt is ")
    assert " tokens long, and the model reads 1,024: shorten it to about " in sentence


def test_the_longest_prompt_that_is_read_whole_is_drawn_and_one_token_more_is_refused(small: Model) -> None:
    def planned(letters: int) -> list[Shot]:
        return shots({"prompt": "q" * letters, "after": None})  # a token for each letter

    longest = max(letters for letters in range(900, 1024) if fits(small, planned(letters)))
    (shot,) = planned(longest)
    assert small.pipe._embed(shot.prompt, [], torch.device("cpu"))[0].shape[1] == 1024
    assert drawn(small, [shot]) == 1
    with pytest.raises(NextSceneError, match="1,025 tokens long"):
        drawn(small, planned(longest + 1))


def fits(model: Model, shots: list[Shot]) -> bool:
    try:
        model.check(shots)
    except NextSceneError:
        return False
    return True

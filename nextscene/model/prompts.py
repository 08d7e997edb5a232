"""Words that a model cannot read as they are: refused in a sentence, before anything is drawn.

The text encoder reads so many tokens, and what is longer would be cut off without a word. Some signs are the model's
own: where a prompt holds one, the text encoder takes it for a picture, or for the end of what is said.
"""

from collections.abc import Callable

from diffusers import QwenImagePipeline
from transformers import PreTrainedTokenizerBase

from nextscene import NextSceneError
from nextscene.model.own_words import SIGN

MOST_TOKENS = 1024  # that the pipelines read of a prompt, what they put after it included
_WORDS_ALONE = QwenImagePipeline(*[None] * 5)
_BEFORE, _AFTER = _WORDS_ALONE.prompt_template_encode.split("{}")


def check_words(tokenizer: PreTrainedTokenizerBase, words: str, what: str, spell: Callable[[str], str] = str) -> None:
    """Refuses words that cannot be read whole and as they are.

    what: what they are, to begin the sentence with: "Scene 3 (harbour): its prompt".
    spell: how words of the user's own are written for the tokenizer.
    """
    own = [sign for sign in tokenizer.get_added_vocab() if sign.startswith(SIGN.partition("{")[0])]
    for sign in (*tokenizer.all_special_tokens, *own):
        if sign in words:
            raise NextSceneError(f"{what} holds {sign}, a sign that the model keeps for itself: leave it out.")
    tokens = len(tokenizer(spell(words) + _AFTER).input_ids)
    if tokens > MOST_TOKENS:
        room = len(words) * MOST_TOKENS // tokens
        raise NextSceneError(
            f"{what} is {tokens:,} tokens long, and the model reads {MOST_TOKENS:,}: "
            f"shorten it to about {room:,} characters."
        )

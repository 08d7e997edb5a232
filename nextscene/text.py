"""Words that people are to see: made plain, and parted where a line may end. It knows no faces and no formats."""

import re

# What a terminal or a player takes for a command: control characters (but the new line), halves of letters, and signs
# that turn round all that follows.
_COMMANDS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
# A word and the space after it. Chinese and Japanese may be broken after every letter, but not before closing signs.
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_WORD = re.compile(rf"[{_WIDE}][、。，．！？：；）」』】…]*\s*|[^\s{_WIDE}]+\s*")  # noqa: RUF001


def plain(text: str) -> str:
    """The text with spaces for all that is not to be seen but obeyed."""
    return _COMMANDS.sub(" ", text)


def in_one_line(text: str) -> str:
    """The plain text, with a single space wherever there was any."""
    return " ".join(plain(text).split())


def split_words(text: str) -> list[str]:
    """The words of the plain text, with the space after each."""
    return _WORD.findall(in_one_line(text))

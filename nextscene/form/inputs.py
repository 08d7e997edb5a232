"""The files that come with a request, and none of the server's own.

Cog 0.23.1 fetches what starts with http://, https:// or data: into a regular file of its temporary folder and hands on
the Path; any other text it hands on as it is, and to open that would be to read the server's files to a stranger.
"""

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from nextscene import NextSceneError
from nextscene.files import lies_within, own_folder


def fetched_file(value: object, name: str) -> Path:
    """The file that Cog fetched for the input `name`, under that name; whatever else is given there is refused."""
    if not _is_fetched(value):
        raise NextSceneError(
            f"{name} is not a file that was sent: give it as a data URI or by its http(s) address "
            "(to the command `cog`, as @FILE)."
        )
    file = Path(str(value))
    link = _links() / f"{name}{'.txt' if file.suffix.lower() == '.txt' else ''}"  # what a story's suffix says counts
    link.unlink(missing_ok=True)
    link.symlink_to(file)
    return link


def fetched_files(values: Sequence[object], name: str) -> list[Path]:
    """The files that Cog fetched for an input of several."""
    named = [(value, f"{name}, {_nth(number)} picture") for number, value in enumerate(values, 1)]
    strays = [each for each in named if isinstance(each[0], str)]  # with one of these in a list, Cog fetches none of it
    return [fetched_file(*each) for each in strays or named]


def _is_fetched(value: object) -> bool:
    if not isinstance(value, Path):
        return False
    file, folder = Path(str(value)), Path(tempfile.gettempdir())
    return lies_within(folder, file) and file.is_file() and not file.is_symlink()


def _nth(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


@cache
def _links() -> Path:
    return own_folder("next-scene-inputs")

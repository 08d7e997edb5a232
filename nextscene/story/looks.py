"""A look as a small file: the same drawing, LoRA and colours for any story that names it.

    {"negative_prompt": "neon", "guidance": 3, "lora_weights": "owner/name", "film": {"grade": "noir", "grain": 0.2}}

What a story or the user says themselves counts before it. It names no file of its own: a look may come from anybody.
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from nextscene import NextSceneError
from nextscene.settings import FilmSettings, Look, LoraName, describe_errors
from nextscene.story.story import Story, read_json, read_text

COLOURS = ("grade", "vignette", "grain")


class SavedLook(Look):
    """What a look's file says. film: of the film, its colours alone."""

    lora_weights: LoraName | None = None
    embeddings: tuple[LoraName, ...] = ()
    film: FilmSettings = FilmSettings()

    @model_validator(mode="after")
    def _says_colours_alone(self) -> "SavedLook":
        if others := self.film.given.keys() - set(COLOURS):
            raise ValueError(f"film: {min(others)} is no part of a look: keep {', '.join(COLOURS)}")
        return self

    def under(self, story: Story) -> Story:
        """The story, with what the look says wherever the story says nothing itself; it names the look no more."""
        film = FilmSettings(**self.film.given | story.film.given)
        said = {"film": film} if film.given else {}
        story_says = {name: value for name, value in story.given.items() if name != "look"}
        return type(story)(**{**self.given, **story_says, **said})

    def as_data(self) -> dict[str, Any]:
        """The look as JSON's own types, as its file says it."""
        return self.model_dump(mode="json", exclude_unset=True)


def read_look(file: Path) -> SavedLook:
    return read_json(read_text(file, "look"), f"the look file {file.name!r}", _from_data)


def look_of(story: Story) -> SavedLook:
    """What a story says that can be kept as a look."""
    colours: dict[str, Any] = {name: value for name, value in story.film.given.items() if name in COLOURS}
    said = {name: value for name, value in story.given.items() if name in SavedLook.model_fields}
    said |= {"film": FilmSettings(**colours)} if colours else {}
    return SavedLook(**{name: value for name, value in said.items() if name != "film" or colours})


def _from_data(data: Any) -> SavedLook:
    try:
        return SavedLook.model_validate(data)
    except ValidationError as error:
        raise NextSceneError(describe_errors(error)) from None

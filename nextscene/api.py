"""Python's door: a model loaded, a story made, in a line each.

    import nextscene

    story = nextscene.read_story("a red house by the sea at noon | the camera pans left")
    for file in nextscene.make(story, "outputs/house", steps=20, seed=7):
        print(file)

    film = nextscene.restyle_film("harbour.mp4", "night, rays of light", "outputs/night")

What is finer is in `Request` and `Production`; a take at a time comes from a `Studio`.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextscene.hub import TRAINING_BYTES, Weights, choose, find
from nextscene.production import Production
from nextscene.request import Request
from nextscene.restyle import Order, Restyling
from nextscene.settings import FilmSettings, RestyleSettings, StorySettings
from nextscene.story import Story, from_file, from_text

if TYPE_CHECKING:
    from nextscene.shooting import Studio
    from nextscene.training import Recipe


def read_story(text_or_file: str | Path) -> Story:
    """A story from a JSON or text file (a Path), or from one text with its scenes parted by `|`."""
    return from_file(text_or_file) if isinstance(text_or_file, Path) else from_text(text_or_file)


def load(
    model: str | Weights | None = None,
    *,
    lasting: bool = True,
    on_part: Callable[[str], object] = lambda part: None,
    say: Callable[[str], object] = lambda line: None,
) -> "Studio":
    """A studio with a model in it: fetched, verified, loaded, warmed up.

    model: its name, or a folder that holds one; None: as this machine allows.
    lasting: whether it stays for many requests, so that compiling it pays.
    on_part: called with its name after each part of the work; say: called with each line that a user should read.
    """
    from nextscene.model import load as load_model  # this brings torch, which nothing else here needs
    from nextscene.model import warm_up
    from nextscene.shooting import Studio

    weights = find(model) if isinstance(model, str) else model or choose()
    folder, lora = weights.folder, weights.lora
    on_part("weights found")
    loaded = load_model(folder, lora, weights.name, on_part=on_part)
    notes = warm_up(loaded, weights.own_size, lasting=lasting)
    on_part("warmed up")
    for line in (f"Memory: {loaded.plan}", *notes):
        say(line)
    return Studio(loaded, lasting)


def train_look(data: Path, recipe: "Recipe", folder: Path, start: Path | None = None) -> Path:
    """Teaches a LoRA or a word on pictures and captions, or goes on with a training that was stopped; gives the file.

    start: a LoRA file to train further.
    """
    from nextscene import training

    weights = choose(TRAINING_BYTES)
    print(weights.notice, file=sys.stderr)
    base = training.Base(weights.folder, weights.name, weights.own_size)
    return training.train(data, base, recipe, folder, start)


def make(story: Story, folder: str | Path, studio: "Studio | None" = None, **settings: Any) -> Iterator[Path]:
    """Draws a story into a folder, or goes on with what is there; yields each scene's file, then the contact sheet.

    settings: as a story says them (`strength`, `seed`, `steps`, ...: `nextscene.settings.StorySettings`).
    """
    folder = Path(folder)
    request = Request(
        story=story,
        folder=folder,
        settings=StorySettings.checked(**settings),
        sheet=folder / "contact_sheet.png",
        keep_takes=True,
        at_home=True,
    )
    weights = find(studio.model.name) if studio else choose()
    yield from Production(request, weights).run(lambda: studio or load(weights, lasting=False))


def restyle_film(
    film: str | Path, words: str, folder: str | Path, studio: "Studio | None" = None, **settings: Any
) -> Path:
    """Gives a film another look, with its own motion and sound; gives the new film, beside which its record lies.

    settings: as a story says them, `grade`, `vignette` and `grain` of the film, and what
    `nextscene.settings.RestyleSettings` has: `engine`, `every`, `per_frame`, `keep_frames`.
    """
    of_film, of_restyle = (
        {name: settings.pop(name) for name in list(settings) if name in group.model_fields}
        for group in (FilmSettings, RestyleSettings)
    )
    order = Order(
        film=Path(film),
        words=words,
        folder=Path(folder),
        settings=StorySettings.checked(**settings),
        film_settings=FilmSettings.checked(**of_film),
        restyle=RestyleSettings.checked(**of_restyle),
        at_home=True,
    )
    restyling = Restyling(order, find(studio.model.name) if studio else choose())
    return next(iter(list(restyling.run(lambda: studio or load(restyling.weights, lasting=False)))))

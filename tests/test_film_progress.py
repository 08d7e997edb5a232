"""A film shows how far it is, from the first second, however long a step of it takes."""

import sys
from itertools import groupby
from pathlib import Path
from threading import Event

import pytest
from conftest import photo

from nextscene.film import CuttingRoom
from nextscene.progress import filming
from nextscene.story import from_data


@pytest.mark.slow
def test_every_slow_part_of_a_film_says_how_far_it_is(tmp_path: Path) -> None:
    reached: list[tuple[str, float]] = []
    story = from_data(
        {
            "film": {"transition": "morph", "move": "auto"},
            "scenes": [{"prompt": "a", "narration": "One. Two."}, {"prompt": "b", "narration": "Three."}],
        }
    )
    with CuttingRoom(story, tmp_path / "film.mp4", on_progress=lambda *now: reached.append(now)) as room:
        for number in range(2):
            room.add(photo(seed=number), None, None)
    shares = {name: [share for _, share in each] for name, each in groupby(reached, key=lambda now: now[0])}
    assert list(shares) == ["narration", "sound", "film"]
    assert all(each == sorted(each) and each[0] == 0 and each[-1] == 1 for each in shares.values())
    assert len(shares["film"]) == 1 + room.facts().frames


class Log:
    """A log in place of standard error; it knows when a line was written that says this."""

    def __init__(self, awaited: str) -> None:
        self.text, self._awaited, self.found = "", awaited, Event()

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> None:
        self.text += text
        if self._awaited in self.text:
            self.found.set()

    def flush(self) -> None:
        pass


def test_a_log_says_at_once_that_it_begins_and_soon_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log("s left")
    monkeypatch.setattr(sys, "stderr", log)
    with filming() as on_progress:
        on_progress("film", 0)
        assert log.text == "Film: 0%, 0 s gone.\n"
        on_progress("film", 0.25)  # and then nothing is heard of it, as while a morph is looked for
        assert log.found.wait(20)
        on_progress("film", 1)
    assert log.text.splitlines()[-1].startswith("Film: 100%, ")
    assert log.text.endswith("about 0 s left.\n")

"""Who draws, as those know it who want pictures: the studio, or whoever stands in for it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from nextscene.progress import OnStep
from nextscene.shooting.safety import Checker
from nextscene.story import Shot, Story
from nextscene.take import Pictures, Take


class Artist(Protocol):
    """What each does is said in `Studio`."""

    def use_loras(self, own: Path | None, named: str | None, fast: Path | None, camera: Path | None) -> None: ...

    def shoot(
        self,
        shots: Sequence[Shot],
        pictures: Pictures,
        on_step: OnStep | None = None,
        story: Story | None = None,
        *,
        auto_retake: int = 0,
        self_check: int = 0,
        checker: Checker | None = None,
    ) -> Iterator[Take]: ...

    def put_away(self) -> None: ...

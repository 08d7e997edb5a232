"""Who draws, as those know it who want pictures: the studio, or whoever stands in for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from nextscene.progress import OnStep
from nextscene.shooting.safety import Checker
from nextscene.story import Shot, Story
from nextscene.take import Pictures, Take


@dataclass(frozen=True)
class Adapters:
    """Files of what acts beside the model and Next-Scene.

    own: the user's own LoRA, and what they call it. fast: for drafts. camera: for camera angles.
    depth: the folder of the model that sees depths.
    embeddings: the user's own words, by what they call the files.
    """

    own: Path | None = None
    called: str | None = None
    fast: Path | None = None
    camera: Path | None = None
    depth: Path | None = None
    embeddings: Mapping[str, Path] = field(default_factory=dict)


class Artist(Protocol):
    """What each does is said in `Studio`."""

    def use(self, adapters: Adapters) -> None: ...

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

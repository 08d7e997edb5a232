"""From stills to clips, and from both to sheet and film: what a run does after its last scene is drawn, if it moves.

    with Moving(record, plans, engines, file_for) as moving:
        for take in map(moving.keep, takes): ...    # all stills first
        yield from moving.make()                    # then the clips
        yield from moving.show(story, sheet, papers, cutting_room)

Pictures wait on the disk, lossless, so that memory does not grow with the number of scenes.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from PIL import Image

from nextscene import pictures
from nextscene.clip import OpenEngine
from nextscene.film import ClipTime, CuttingRoom, read_clip
from nextscene.output.clips import Clips, Identity, clip_times
from nextscene.output.folder import file_name
from nextscene.output.ledger import Scene
from nextscene.output.papers import Papers
from nextscene.output.record import Record
from nextscene.output.sheet import Sheet
from nextscene.provenance import Provenance
from nextscene.shooting import Checker
from nextscene.story import ClipPlan, Reference, Story
from nextscene.take import Take

MakeRoom = Callable[[Mapping[str, ClipTime]], CuttingRoom]


class Moving:
    """The second half of a run whose scenes move."""

    def __init__(
        self,
        record: Record,
        plans: Sequence[ClipPlan],
        engines: Mapping[str, Identity],
        open_engine: OpenEngine,
        file_for: Callable[[ClipPlan], Path],
        checker: Checker | None = None,
        keeps_takes: bool = True,
    ) -> None:
        self._record, self._plans, self._engines, self._open_engine = record, plans, engines, open_engine
        self._file_for, self._checker, self._keeps_takes = file_for, checker, keeps_takes
        self._open = ExitStack()
        self._work: Path | None = None
        self.film: CuttingRoom | None = None  # once it is made

    def __enter__(self) -> Self:
        if not self._keeps_takes:
            self._work = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="next-scene-stills-")))
        self._clips = Clips(
            self._record, self._plans, self._engines, self._open_engine, self._file_for, self._checker, self._work
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def keep(self, take: Take) -> Take:
        """Keeps a still for later, where the run's folder does not."""
        if self._work and take.shot.filmed:
            pictures.write(take.picture, self._still_file(take.shot.id), take.provenance.to_json())
        return take

    def make(self) -> Iterator[Path]:
        """Makes the clips; yields each file as soon as it is done."""
        return self._clips.make(self._still)

    def show(self, story: Story, sheet: Path | None, papers: Papers, make_room: MakeRoom | None) -> Iterator[Path]:
        """Contact sheet, papers and film of the scenes, of those that move by their clips; those that are wanted."""
        cards, desk = Sheet(story.title or ""), papers.begin(story)
        times = clip_times(self._record, self._clips.files)
        with ExitStack() as stack:
            if make_room:
                self.film = stack.enter_context(make_room(times))
            for (picture, made, file), plan in zip(self._scenes(), self._plans, strict=True):
                clip = self._clips.files.get(plan.id)
                if sheet and made and clip:
                    cards.add(picture, made, _later(clip), float(times[plan.id].seconds))
                elif sheet and made:
                    cards.add(picture, made)
                desk.add(picture, made, file)
                if self.film:
                    self.film.add(picture, made, file, clip)
        if sheet:
            pictures.write(cards.picture(), sheet, {})
            yield sheet
        yield from desk.write(self.film.timeline if self.film else None)
        if self.film:
            yield from self.film.files

    def _scenes(self) -> Iterator[Scene]:
        """Every scene as it was drawn; what was delivered is not read again."""
        if not self._work:
            yield from self._record.scenes()
            return
        for plan in self._plans:
            still = self._still_file(plan.id)
            made = Provenance.from_json(pictures.facts(still), still.name)
            yield pictures.read(still), made, self._record.take_file(plan.id)

    def _still(self, name: str) -> Image.Image:
        return pictures.read(self._still_file(name)) if self._work else self._record[Reference("scene", name)]

    def _still_file(self, name: str) -> Path:
        assert self._work
        return self._work / f"{file_name(name)}.png"


def _later(clip: Path) -> Sequence[Image.Image]:
    """Its middle and its end."""
    frames = read_clip(clip).frames
    return [Image.fromarray(frames[at]) for at in (len(frames) // 2, -1)]

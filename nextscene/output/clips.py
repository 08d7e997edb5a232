"""The stage between shooting and cutting: the clips of a run, each made once, kept, and delivered as it is done.

Plans, engines and pictures go in, files come out. A clip that is there already, of the same words, settings, engine and
pictures, is not made again. Each is noted down as soon as its file is whole; a run that was killed goes on from there.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from PIL import Image

from nextscene.clip import Clip, OpenEngine
from nextscene.files import sha256, write_whole
from nextscene.film import ClipTime, is_own_clip, write_clip
from nextscene.output.choosing import fingerprint
from nextscene.output.earlier import TAKES
from nextscene.output.entries import RecordedClip
from nextscene.output.folder import file_name
from nextscene.output.ledger import Ledger, now
from nextscene.progress import progress
from nextscene.shooting import Checker, Verdict
from nextscene.story import ClipPlan

Identity = Mapping[str, str]
Stills = Callable[[str], Image.Image]  # a scene's picture, by its id
DELIVERED = re.compile(r"clip_\d{3,}\.mp4")


class Clips:
    """The clips of a run.

    files: where each lies for as long as the run lasts, by its scene; a scene that does not move has none.
    """

    def __init__(
        self,
        record: Ledger,
        plans: Sequence[ClipPlan],
        engines: Mapping[str, Identity],
        open_engine: OpenEngine,
        file_for: Callable[[ClipPlan], Path],
        checker: Checker | None = None,
        keep_in: Path | None = None,
    ) -> None:
        """engines: what tells each from any other, by its name in the plans.

        keep_in: where clips lie that the run's folder does not keep itself."""
        self._record, self._engines, self._open_engine = record, engines, open_engine
        self._plans, self._file_for, self._checker, self._keep_in = plans, file_for, checker, keep_in
        self.files: dict[str, Path] = {}

    def make(self, stills: Stills) -> Iterator[Path]:
        """Makes what is not there yet, one engine after another; yields each clip's file as soon as it is done."""
        plans = [self._as_drawn(plan) for plan in self._plans if self._record.stills_of([plan.id])]
        wanted = {plan.id: self._made_of(plan) for plan in plans}
        todo = [plan for plan in plans if not self._is_made(plan, wanted[plan.id])]
        if len(todo) < len(plans):
            print(f"{len(plans) - len(todo)} of {len(plans)} clips are made already.", file=sys.stderr)
        for plan in plans:
            for note in filter(None, [plan.why, *plan.notes]):
                print(f"Clip {plan.number}: {note}", file=sys.stderr)
        delivered: list[Path] = []
        for plan in self._made(plans, todo, wanted, stills):
            for file in self._deliver(plan):
                delivered.append(file)
                yield file
        self._finish(delivered)

    def _made(
        self, plans: Sequence[ClipPlan], todo: Sequence[ClipPlan], wanted: Mapping[str, str], stills: Stills
    ) -> Iterator[ClipPlan]:
        """Every plan as soon as its clip is there: first those that are made already, then each engine's in order."""
        yield from (plan for plan in plans if plan not in todo)
        for name in dict.fromkeys(plan.engine for plan in todo):
            mine = [plan for plan in todo if plan.engine == name]
            with self._open_engine(name, mine) as engine, progress(mine, "made") as on_step:
                for plan in mine:
                    engine.check(plan)
                for plan in mine:
                    last = stills(plan.last) if plan.last else None
                    self._keep(plan, wanted[plan.id], engine.make(plan, stills(plan.id), last, on_step))
                    yield plan

    def _as_drawn(self, plan: ClipPlan) -> ClipPlan:
        """The plan, now that it is known which pictures there are."""
        if plan.last and not self._record.stills_of([plan.last]):
            return replace(plan, last=None, why="It moves by itself: the next scene is withheld.")
        return plan

    def _made_of(self, plan: ClipPlan) -> str:
        stills = self._record.stills_of(filter(None, [plan.id, plan.last]))
        return fingerprint(plan.to_json(), self._engines[plan.engine], stills)

    def _is_made(self, plan: ClipPlan, made_of: str) -> bool:
        """Whether there is such a clip; it is the chosen one then."""
        for clip in reversed(self._record.clips_of(plan.id)):
            if clip.made_of != made_of:
                continue
            file = self._record.folder / clip.file if clip.file else None
            withheld = self._checker is not None and self._checker.flags(clip.withheld or 0)
            if withheld if file is None else file.is_file() and sha256(file) == clip.sha256:
                self._record.keep_clip(plan.id, clip)
                return True
        return False

    def _keep(self, plan: ClipPlan, made_of: str, clip: Clip) -> None:
        """Writes a clip under a name that no other one has, and notes it down; of one that is withheld, only that."""
        engine = self._engines[plan.engine]
        facts = {**plan.to_json(), **engine, **clip.made_by}
        number = 1 + max((each.number for each in self._record.clips_of(plan.id)), default=0)
        kept: Path | None = None
        if not (verdict := self._flagged(clip)):
            kept = self._write(plan, clip, facts, number)
        self._record.keep_clip(
            plan.id,
            RecordedClip(
                number=_number(kept) if kept else number,
                made_of=made_of,
                stills=self._record.stills_of(filter(None, [plan.id, plan.last])),
                why=plan.why,
                sha256=sha256(kept) if kept else "",
                frames=len(clip.frames),
                fps=clip.fps,
                seconds=round(clip.seconds, 3),
                made_at=now(),
                file=self._noted(plan, kept) if kept else None,
                withheld=verdict.score if verdict else None,
                made_by={"words": plan.words, **facts},
            ),
        )
        if verdict:
            print(
                f"Clip {plan.number} was withheld: the safety checker takes one of its frames for pornographic (score "
                f"{verdict.score:.2f} of 1); other words or another seed may help.",
                file=sys.stderr,
            )

    def _write(self, plan: ClipPlan, clip: Clip, facts: Mapping[str, object], number: int) -> Path:
        """The clip's file: what a run that was killed left of the very same clip is as good."""
        folder, name = self._keep_in or self._record.folder / TAKES, file_name(plan.id)
        part = folder / f".{name}.clip.part"
        try:
            write_clip(part, clip.frames, clip.fps, facts)
            data = part.read_bytes()
        finally:
            part.unlink(missing_ok=True)
        named = (folder / f"{name}.clip{each}.mp4" for each in count(number))
        path = next(each for each in named if not each.exists() or _holds(each, data))
        write_whole(path, data)
        return path

    def _noted(self, plan: ClipPlan, kept: Path) -> str:
        """Its path as the record has it: where nothing is kept, that of the file that is delivered."""
        return (self._file_for(plan) if self._keep_in else kept).relative_to(self._record.folder).as_posix()

    def _flagged(self, clip: Clip) -> Verdict | None:
        """The verdict on the worst of five frames, if that is withheld."""
        if not self._checker:
            return None
        last = len(clip.frames) - 1
        looked_at = dict.fromkeys(round(last * quarter / 4) for quarter in range(5))
        verdicts = [self._checker(Image.fromarray(clip.frames[at])) for at in looked_at]
        worst = max(verdicts, key=lambda each: each.score)
        return worst if worst.flagged else None

    def _deliver(self, plan: ClipPlan) -> list[Path]:
        """A copy of the chosen clip where the user wants it, if it may be shown."""
        clip, to = self._record.latest_clip(plan.id), self._file_for(plan)
        if not clip or not clip.file:
            if is_own_clip(to):
                to.unlink()
            return []
        named = f"{file_name(plan.id)}.clip{clip.number}.mp4"
        kept = self._keep_in / named if self._keep_in else self._record.folder / clip.file
        write_whole(to, kept.read_bytes())
        self.files[plan.id] = kept
        return [to]

    def _finish(self, delivered: Sequence[Path]) -> None:
        """Notes down what was delivered; removes the clips of a longer run beside it, which are copies."""
        folder = self._record.folder
        known = {clip.sha256 for name in self._record.known_ids for clip in self._record.clips_of(name)}
        for file in folder.iterdir() if not self._keep_in else ():
            if DELIVERED.fullmatch(file.name) and file not in delivered and is_own_clip(file):
                with suppress(OSError):
                    if sha256(file) in known:
                        file.unlink()
        clips = [self._record.latest_clip(name) for name in self.files]
        seconds = sum(clip.seconds for clip in clips if clip)
        self._record.finish("move", self._record.made_of(), delivered, seconds)


def clip_times(record: Ledger, names: Iterable[str]) -> dict[str, ClipTime]:
    """How each of these scenes' clips goes by."""
    clips = {name: record.latest_clip(name) for name in names}
    return {name: ClipTime(clip.frames, clip.fps, clip.joined) for name, clip in clips.items() if clip}


def _holds(path: Path, data: bytes) -> bool:
    return is_own_clip(path) and path.read_bytes() == data


def _number(file: Path) -> int:
    """The number in a clip's name, as "scene_001.clip2.mp4"."""
    return int(file.stem.rpartition(".clip")[2])

"""A batch of clips: independent scenes from a JSON file, each to a picture and a clip of its own.

    output/ID_base_image.png, output/ID_video.mp4     what was asked for
    output/runs/ID/                                   the run of each, by which it goes on
    output/summary.json                               what became of each

All pictures first, then what draws them makes room for what moves them; both are loaded once. One scene that fails does
not end the batch.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nextscene import NextSceneError
from nextscene.animating import Animation
from nextscene.clip import Engine
from nextscene.files import write_whole
from nextscene.hub import Weights, find_engines
from nextscene.motion import Engines
from nextscene.output import Record, refuse_what_is_in_the_way
from nextscene.production import Production
from nextscene.request import Request
from nextscene.settings import ClipSettings, StorySettings
from nextscene.shooting import Checker
from nextscene.story import ClipPlan, ClipScene

if TYPE_CHECKING:
    from nextscene.shooting import Studio


@dataclass
class Outcome:
    """What became of a scene. status: made, made already, withheld, failed."""

    id: str
    status: str = "made"
    reason: str = ""
    notes: list[str] = field(default_factory=list)


class ClipBatch:
    """A batch, and how it is run. `outcomes` says what became of each scene, once it is."""

    def __init__(
        self, scenes: Sequence[ClipScene], folder: Path, weights: Weights, wanted: StorySettings, check_safety: bool
    ) -> None:
        """Chooses the engine, and refuses what is in the way; nothing is made yet.

        wanted: the engine and the seed, where they are said.
        """
        self._scenes, self._folder, self._weights, self._check_safety = scenes, folder, weights, check_safety
        said = {name: value for name, value in wanted.given.items() if name in ClipSettings.model_fields}
        self._wanted, self._moving = StorySettings(seed=wanted.seed), StorySettings(**said | {"clips": "each"})
        self._facts = find_engines([wanted.clip_engine])[wanted.clip_engine].facts
        self.outcomes = {scene.id: Outcome(scene.id, notes=list(scene.notes(self._facts))) for scene in scenes}
        refuse_what_is_in_the_way(file for scene in scenes for file in self._files(scene))

    def run(self, load: Callable[[], "Studio"]) -> Iterator[Path]:
        """Yields each picture, then each clip, as soon as it is done; then the summary."""
        before = {scene.id: self._made(scene) for scene in self._scenes}
        yield from self._draw(load)
        yield from self._move()
        for scene in self._scenes:
            outcome = self.outcomes[scene.id]
            if outcome.status == "made" and before[scene.id] == self._made(scene):
                outcome.status = "made already"
        summary = self._folder / "summary.json"
        write_whole(summary, json.dumps([asdict(each) for each in self.outcomes.values()], indent=1))
        yield summary

    def plans(self) -> Iterator[tuple[Production, list[str]]]:
        """What would be drawn and made of each scene, and what is said of it."""
        for scene in self._scenes:
            with self._failing(scene):
                yield self._production(scene, self._moving), self.outcomes[scene.id].notes

    def _draw(self, load: Callable[[], "Studio"]) -> Iterator[Path]:
        loaded: list[Studio] = []

        def studio() -> "Studio":
            loaded[:] = loaded or [load()]
            return loaded[0]

        for scene in self._scenes:
            with self._failing(scene):
                drawn = list(self._production(scene, StorySettings()).run(studio))
                yield self._deliver(drawn[0], self._files(scene)[0])
        for each in loaded:
            each.put_away()

    def _move(self) -> Iterator[Path]:
        checker = Checker() if self._check_safety else None
        animations: dict[str, Animation] = {}
        for scene in self._scenes:
            if self.outcomes[scene.id].status == "made":
                with self._failing(scene):
                    animations[scene.id] = Animation(self._run_folder(scene), self._moving, checker)
        with _Shared([plan for each in animations.values() for plan in each.clips]) as shared:
            for scene in self._scenes:
                if scene.id in animations:
                    with self._failing(scene):
                        yield from self._animate(scene, animations[scene.id], shared)

    def _animate(self, scene: ClipScene, animation: Animation, shared: "_Shared") -> Iterator[Path]:
        outcome, (plan,) = self.outcomes[scene.id], animation.clips
        outcome.notes += plan.notes
        made = [file for file in animation.run(shared=shared.open) if file.suffix == ".mp4"]
        if made:
            yield self._deliver(made[0], self._files(scene)[1])
        else:
            outcome.status, outcome.reason = "withheld", "the safety checker flagged its clip"

    def _production(self, scene: ClipScene, more: StorySettings) -> Production:
        request = Request(
            story=scene.story(self._facts),
            folder=self._run_folder(scene),
            settings=self._wanted.overlaid(more),
            keep_takes=True,
            check_safety=self._check_safety,
            at_home=True,
        )
        return Production(request, self._weights)

    def _failing(self, scene: ClipScene) -> "_Failing":
        return _Failing(self.outcomes[scene.id])

    def _deliver(self, file: Path, to: Path) -> Path:
        write_whole(to, file.read_bytes())
        return to

    def _files(self, scene: ClipScene) -> tuple[Path, Path]:
        return self._folder / f"{scene.id}_base_image.png", self._folder / f"{scene.id}_video.mp4"

    def _run_folder(self, scene: ClipScene) -> Path:
        return self._folder / "runs" / scene.id

    def _made(self, scene: ClipScene) -> object:
        """All that was ever made of a scene."""
        with _Failing(Outcome(scene.id)):
            record = Record(self._run_folder(scene))
            return (
                (record.takes_of(scene.id), [clip.sha256 for clip in record.clips_of(scene.id)]) if record.run else None
            )
        return None


class _Failing:
    """Keeps what goes wrong with one scene from the others, and says it."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if not isinstance(error, NextSceneError):
            return False
        self._outcome.status, self._outcome.reason = "failed", str(error)
        print(f"{self._outcome.id} failed: {error}", file=sys.stderr)
        return True


class _Shared:
    """Each engine once for all scenes, opened when the first of them needs it."""

    def __init__(self, plans: Sequence[ClipPlan]) -> None:
        self._plans = plans
        self._opened: dict[str, Engine] = {}
        self._open = ExitStack()

    def __enter__(self) -> "_Shared":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def open(self, engines: Engines, name: str) -> AbstractContextManager[Engine]:
        if name not in self._opened:
            plans = [plan for plan in self._plans if plan.engine == name]
            self._opened[name] = self._open.enter_context(engines.open(name, plans))
        return nullcontext(self._opened[name])

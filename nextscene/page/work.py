"""The work behind the page: one run at a time, in a thread of its own. The model stays loaded from one to the next.

    work.begin(production)
    for event in work.follow(): ...      # how far it is, and each scene as it is done

A production goes in; what happens comes out as events. It knows no addresses.
"""

import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from threading import Condition, Thread
from typing import TYPE_CHECKING, Literal

from nextscene import NextSceneError
from nextscene.page.view import Json, describe_scene
from nextscene.production import Production
from nextscene.progress import Part, watched
from nextscene.story import Shot

if TYPE_CHECKING:
    from nextscene.shooting import Studio

BEAT = 15  # seconds after which a silent connection is asked whether anybody is still there

Stage = Literal[
    "idle", "beginning", "loading", "drawing", "moving", "narration", "sound", "film", "done", "stopped", "failed"
]
STAGES: dict[str, Stage] = {"narration": "narration", "sound": "sound", "film": "film"}  # as a production names them
AT_REST: tuple[Stage, ...] = ("idle", "done", "stopped", "failed")


@dataclass(frozen=True)
class Status:
    """How far the work is.

    scene: the id of the one that is being made; done: how many are, of how many. share: how much of it, or of the
        stage, is done. left: the seconds that the stage still takes. problem: why it failed.
    """

    stage: Stage = "idle"
    stopping: bool = False
    scene: str | None = None
    done: int = 0
    of: int = 0
    share: float = 0
    left: float | None = None
    problem: str | None = None

    @property
    def busy(self) -> bool:
        return self.stage not in AT_REST


class StoppedError(Exception):
    """The person stopped the run."""


class BusyError(NextSceneError):
    """There is a run already."""


class Work:
    """Does one production at a time."""

    def __init__(self, load: "Callable[[], Studio]") -> None:
        """load: gives the studio; called once, when something is drawn for the first time."""
        self.status = Status()
        self._load = load
        self._studio: Studio | None = None
        self._changed = Condition()
        self._version = 0
        self._scenes: dict[str, tuple[int, Json]] = {}  # the scenes that this run changed, and since which version
        self._thread: Thread | None = None

    def begin(self, production: Production) -> None:
        with self._changed:
            if self.status.busy:
                raise BusyError("A run is being made: stop it, or wait until it is done.")
            self._scenes = {}
            self._show(Status("beginning"))
        self._thread = Thread(target=self._do, args=(production,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Asks the run to stop: what is finished is kept."""
        with self._changed:
            if self.status.busy:
                self._show(replace(self.status, stopping=True))

    def wait(self, seconds: float | None = None) -> None:
        """Until the run has ended, or for that long."""
        if self._thread:
            self._thread.join(seconds)

    def follow(self) -> Iterator[tuple[str, Json]]:
        """What happens, from now on: "scene" and "status", the newest of each; "beat" where nothing does."""
        version = -1
        while True:
            seen, version, scenes = self._since(version)
            yield from (("scene", scene) for scene in scenes)
            yield ("status", asdict(self.status)) if seen != version else ("beat", {})

    def _since(self, seen: int) -> tuple[int, int, list[Json]]:
        """What was seen, what is the newest now, and the scenes between."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != seen, BEAT)
            return seen, self._version, [scene for since, scene in self._scenes.values() if since > seen]

    def _do(self, production: Production) -> None:
        try:
            self._make(production)
            end = Status("done")
        except StoppedError:
            end = Status("stopped")
        except NextSceneError as error:
            end = Status("failed", problem=str(error))
        except Exception:  # noqa: BLE001 - a fault of ours must not end the server; the terminal shows all of it
            traceback.print_exc()
            end = Status("failed", problem="This is a fault of Next Scene's: the terminal says more.")
        self._tell(end)

    def _make(self, production: Production) -> None:
        to_draw, clips, began = len(production.still_to_draw()), len(production.clips), time.monotonic()

        def load() -> "Studio":
            if not self._studio:
                self._tell(Status("loading", of=to_draw))
                self._studio = self._load()
            return self._studio

        def on_step(part: Part, step: int, of: int) -> None:
            nonlocal began
            self._refuse_to_go_on()
            stage: Stage = "drawing" if isinstance(part, Shot) else "moving"
            if stage != self.status.stage:
                began = time.monotonic()
                self._tell(Status(stage, of=to_draw if stage == "drawing" else clips))
                return
            gone, done = time.monotonic() - began, self.status.done + (step - 1) / of
            left = gone / done * (self.status.of - done) if done else None
            ended = step == of
            now = replace(self.status, scene=part.id, left=left and max(left, 0))
            self._tell(replace(now, done=now.done + ended, share=0 if ended else step / of))

        def on_progress(name: str, share: float) -> None:
            self._refuse_to_go_on()
            drawing = self.status.stage in ("drawing", "moving") and self.status.done < self.status.of
            if not drawing and name in STAGES:
                self._tell(Status(STAGES[name], share=share))

        with watched(on_step, on_progress):
            for _ in production.run(load):
                self._show_scenes(production)

    def _refuse_to_go_on(self) -> None:
        if self.status.stopping:
            raise StoppedError

    def _show_scenes(self, production: Production) -> None:
        run, folder = production.record.run, production.request.folder
        scenes = {scene.id: describe_scene(folder, scene) for scene in run.scenes} if run else {}
        with self._changed:
            news = {name: scene for name, scene in scenes.items() if self._scenes.get(name, (0, None))[1] != scene}
            self._version += 1
            self._scenes |= {name: (self._version, scene) for name, scene in news.items()}
            self._changed.notify_all()

    def _tell(self, status: Status) -> None:
        with self._changed:
            stopping = self.status.stopping and status.busy
            self._show(replace(status, stopping=stopping))

    def _show(self, status: Status) -> None:
        self.status, self._version = status, self._version + 1
        self._changed.notify_all()

"""What a batch will take: scenes, time, money. From what was drawn in its folder, or else from the floor figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from nextscene.production import Production
from nextscene.story import Shot

# What an H200 needs at least for one unit of work (`_work`): 117.3 TFLOP at 790 TFLOP/s for a forward at 1024x768 with
# one reference, which is 1.57 units.
FLOOR_SECONDS = 117.3 / 790 / (2 * 1024 * 768 / 1e6)


@dataclass
class Estimate:
    """Counts of what is still to be drawn. seconds, work: of what was drawn there before."""

    stories: int = 0
    scenes: int = 0
    to_draw: int = 0
    forwards: int = 0
    to_do: float = 0
    seconds: float = 0
    work: float = 0
    full_model: bool = False

    def add(self, story: Production) -> Sequence[Shot]:
        """Counts a story in; gives what is to be drawn of it."""
        todo = story.still_to_draw()
        self.stories += 1
        self.scenes += len(story.shots)
        self.to_draw += len(todo)
        self.forwards += sum(map(_forwards, todo))
        self.to_do += sum(map(_work, todo))
        self.full_model = story.weights.card.world is None
        for scene in story.record.run.scenes if story.record.run else ():
            for take in scene.takes:
                self.seconds += take.seconds
                self.work += _work(scene.shot)
        return todo

    def hours(self, workers: int) -> tuple[float, str] | None:
        """How long it takes, and by what that is known; None: by nothing."""
        if self.work:
            return self.to_do * self.seconds / self.work / 3600 / workers, "as what was drawn in this folder"
        if self.full_model:
            return self.to_do * FLOOR_SECONDS / 3600 / workers, "at the least, on H200s"
        return None

    def describe(self, workers: int, price: float | None) -> Iterator[str]:
        yield f"To draw: {self.to_draw} of {self.scenes} scenes, {self.forwards} forward passes of the model."
        known = self.hours(workers)
        if not known:
            yield "How long that takes is known when a first story is drawn."
            return
        hours, how = known
        each = f" with {workers} workers" if workers > 1 else ""
        yield f"Time: about {describe_hours(hours)}{each}, {how}."
        if price is not None:
            yield f"Cost: about {hours * workers * price:.2f}, at {price:g} for an hour of a worker."


def describe_hours(hours: float) -> str:
    seconds = hours * 3600
    unit, of = next((each for each in ((3600, "h"), (60, "min")) if seconds >= 1.5 * each[0]), (1, "s"))
    return f"{seconds / unit:.0f} {of}"


def _forwards(shot: Shot) -> int:
    """Guidance asks the model twice, for as many of the steps as it acts."""
    look = shot.look
    return look.steps + (ceil(look.steps * look.guidance_until) if look.guidance > 1 else 0)


def _work(shot: Shot) -> float:
    """Forwards by the megapixels that the model holds in each."""
    return _forwards(shot) * shot.draw_width * shot.draw_height / 1e6 * (1 + len(shot.references))

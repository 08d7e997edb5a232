"""A scene's `camera`: what it may say, and how that is said to a LoRA for camera angles. It knows no models."""

from collections.abc import Iterator
from dataclasses import dataclass

from nextscene.settings import Group, Lens, setting

CLOSE = 5  # more steps forward than these are a close-up


class CameraMove(Group):
    """What the camera does from the scene before, in numbers.

    The 2509 and 2511 models are told it by their LoRA for camera angles; for other models the words should say it too.
    """

    rotate: int = setting("Degrees around what is to be seen, to the right; below 0 to the left", 0, ge=-180, le=180)
    forward: int = setting("Steps closer; below 0 away", 0, ge=-10, le=10)
    tilt: int = setting("Steps up; below 0 down", 0, ge=-10, le=10)
    lens: Lens | None = setting("Another lens", blank="the one that it had")

    @property
    def directions(self) -> list[str]:
        """Where it takes the camera, by the names of `language.MOVES`."""
        ways = ((self.rotate, "left", "right"), (self.forward, "farther", "closer"), (self.tilt, "down", "up"))
        lens = {"wide": ["farther"], "close": ["closer"], None: []}[self.lens]
        return [more if by > 0 else less for by, less, more in ways if by] + lens

    def __str__(self) -> str:
        """In words: "30° to the right, 2 closer, wide lens"."""
        ways = (
            (self.rotate, "° to the left", "° to the right"),
            (self.forward, " away", " closer"),
            (self.tilt, " down", " up"),
        )
        said = [f"{abs(by)}{more if by > 0 else less}" for by, less, more in ways if by]
        return ", ".join([*said, *([f"{self.lens} lens"] if self.lens else [])])


class CameraPlace(Group):
    """Where the camera is, in steps from where it was when the story, or a part of it, began."""

    pan: int = setting("To the right; below 0 to the left", 0, ge=-100, le=100)
    tilt: int = setting("Up; below 0 down", 0, ge=-100, le=100)
    zoom: int = setting("Closer; below 0 farther", 0, ge=-100, le=100)


@dataclass(frozen=True)
class Phrases:
    """What a LoRA for camera angles understands; `{degrees}` stands for their number."""

    left: str
    right: str
    forward: str
    back: str
    up: str
    down: str
    wide: str
    close: str

    def say(self, camera: CameraMove) -> str:
        """What the camera does; empty: it stays."""
        return " ".join(dict.fromkeys(self._each(camera)))

    def _each(self, camera: CameraMove) -> Iterator[str]:
        if turn := camera.rotate:
            yield (self.right if turn > 0 else self.left).format(degrees=abs(turn))
        if steps := camera.forward:
            yield self.back if steps < 0 else self.close if steps > CLOSE else self.forward
        if tilt := camera.tilt:
            yield self.up if tilt > 0 else self.down
        if lens := camera.lens:
            yield {"wide": self.wide, "close": self.close}[lens]

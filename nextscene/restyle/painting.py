"""Frames restyled by the model that draws scenes: keyframes drawn, what lies between them carried, only holes drawn.

    painter = Painter(shot, load, frames, made_of)
    for number, styled in painter.paint(stretch, frames): ...      # frames: the stretch's own, one after another

A shot's first keyframe is drawn. Of each later one, what is seen in the first or in the one before is carried from
there along the film's own motion; the rest is drawn in, with the same noise. Frames between two keyframes are carried
from both. Each frame is a file as soon as it is done, known by all that it was made of, so that a run can go on where
it was stopped.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from PIL import Image

from nextscene import NextSceneError
from nextscene.film import Frame
from nextscene.progress import Part
from nextscene.restyle.carrying import Carried, blend, carry, filled, over
from nextscene.restyle.frames import Frames
from nextscene.restyle.stretches import Stretch
from nextscene.shooting import Checker, Studio
from nextscene.story import IMAGE, Reference, Shot

CARRIED = Reference("picture", "carried")
KEY_HOLES, HOLES = (
    0.005,
    0.05,
)  # of a picture: from so much that is not seen elsewhere it is drawn, in a keyframe or not
OnStep = Callable[[float], object]  # how much of a frame is drawn


class Painter:
    """Restyles one stretch after another."""

    def __init__(
        self,
        shot: Shot,
        load: Callable[[], Studio],
        frames: Frames,
        made_of: str,
        *,
        per_frame: bool = False,
        checker: Checker | None = None,
        on_step: OnStep = lambda *_: None,
    ) -> None:
        """shot: how a keyframe is drawn. load: gives the studio, when something is to be drawn. made_of: all else that
        the frames are made of."""
        self._shot, self._load, self._frames, self._made_of = shot, load, frames, made_of
        self._per_frame, self._checker, self._on_step = per_frame, checker, on_step

    def paint(self, stretch: Stretch, frames: Iterator[Frame]) -> Iterator[tuple[int, Frame]]:
        """The frames of a stretch, in order. frames: those of the film, from the stretch's first on."""
        first: _Key | None = None
        before: _Key | None = None
        between: list[Frame] = []
        for number in range(stretch.first, stretch.last + 1):
            source = next(frames)
            if number not in stretch.keys:
                between.append(source)
                continue
            key = self._key(number, source, *([] if self._per_frame else _distinct(first, before)))
            if before:
                for step, frame in enumerate(between, 1):
                    yield before.number + step, self._between(before.number + step, frame, before, key)
            yield number, key.styled
            first, before, between = first or key, key, []

    def _key(self, number: int, source: Frame, *earlier: "_Key") -> "_Key":
        made_of = self._known(number, *earlier)
        styled = self._frames.read(number, made_of)
        if styled is None and earlier and np.array_equal(source, earlier[-1].source):
            styled = self._frames.write(number, earlier[-1].styled, made_of, {"drawn": 0})
        if styled is None:
            carried = None
            for each in earlier:
                found = carry(source, each.source, each.styled)
                carried = over(carried, found) if carried else found
            styled = self._finish(number, source, carried, made_of, KEY_HOLES)
        return _Key(number, source, styled, made_of)

    def _between(self, number: int, source: Frame, before: "_Key", after: "_Key") -> Frame:
        made_of = self._known(number, before, after)
        styled = self._frames.read(number, made_of)
        if styled is None:
            same = next((key for key in (before, after) if np.array_equal(source, key.source)), None)
            if same:
                return self._frames.write(number, same.styled, made_of, {"drawn": 0})
            carried = [carry(source, key.source, key.styled) for key in (before, after)]
            styled = self._finish(
                number, source, blend(carried, (after.number - number, number - before.number)), made_of, HOLES
            )
        return styled

    def _finish(self, number: int, source: Frame, carried: Carried | None, made_of: str, holes: float) -> Frame:
        """The frame, written, with what is not seen elsewhere drawn, if that is more than so much."""
        facts: dict[str, object] = {"drawn": 0}
        if carried is None:
            frame, facts = self._draw(number, [(IMAGE, source)], None)
        else:
            frame = _bytes(carried.picture)
            unseen = carried.seen[:, :, 0] < 0.5
            if (share := float(unseen.mean())) > holes:
                mask = Image.fromarray((unseen * 255).astype(np.uint8))
                drawn, facts = self._draw(number, [(CARRIED, frame), (IMAGE, source)], mask)
                frame = filled(carried, drawn)
                facts["drawn"] = round(share, 4)
        return self._frames.write(number, frame, made_of, facts)

    def _draw(
        self, number: int, looks_at: list[tuple[Reference, Frame]], mask: Image.Image | None
    ) -> tuple[Frame, dict[str, object]]:
        references, frames = zip(*looks_at, strict=True)
        name = f"frame_{number + 1:06d}"
        shot = replace(self._shot, number=number + 1, id=name, grows_from=references[0], references=references)
        given = [Image.fromarray(frame) for frame in frames]

        def on_step(_: Part, done: int, of: int) -> None:
            self._on_step(done / of)

        take = self._load().draw(shot, given, mask, on_step, checker=self._checker)
        if take.withheld:
            raise NextSceneError(
                f"Frame {number + 1} was withheld by the safety checker (score {take.withheld.score:.2f} of 1), so the "
                "film is not restyled: try other words or another film."
            )
        return np.asarray(take.picture), {**take.provenance.to_json(), "drawn": 1}

    def _known(self, number: int, *keys: "_Key") -> str:
        """What tells this frame from any other."""
        said = json.dumps([self._made_of, number, *(key.made_of for key in keys)])
        return hashlib.sha256(said.encode()).hexdigest()


class _Key:
    """A keyframe: what the film shows there, and what it is to look like."""

    def __init__(self, number: int, source: Frame, styled: Frame, made_of: str) -> None:
        self.number, self.source, self.styled, self.made_of = number, source, styled, made_of


def _distinct(*keys: "_Key | None") -> list["_Key"]:
    return list(dict.fromkeys(key for key in keys if key))


def _bytes(picture: object) -> Frame:
    frame: Frame = np.clip(np.rint(np.asarray(picture)), 0, 255).astype(np.uint8)
    return frame

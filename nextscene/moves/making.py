"""A planned motion, made: a first picture and words in, a folder with plan, frames, film and checks out.

    run = Making(Path("outputs/move"), picture, "a red ball bounces", MoveSettings())
    for file in run.run(): ...
    run.checks                      # what was looked at, and whether it is good

Stage by stage: trajectory, keyframes, frames, film. Frames are drawn and written one at a time, so that memory does not
grow with them.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from nextscene import NextSceneError, pictures
from nextscene.files import sha256, whole_file, write_whole
from nextscene.film import read_clip, write_clip
from nextscene.moves.checks import Check, check_film, check_flow, check_frames, check_masks, check_plan
from nextscene.moves.collage import draw_collage, draw_paths
from nextscene.moves.drawing import Drawing, is_seen
from nextscene.moves.finding import Cut, find_by_box, find_by_mask, find_things
from nextscene.moves.inbetween import Between
from nextscene.moves.painting import Painter
from nextscene.moves.plan import Plan, read_plan
from nextscene.moves.planning import Found, plan_motion
from nextscene.moves.staging import STAGES, Stages
from nextscene.moves.words import read_sayings
from nextscene.settings import MoveSettings

LEAST_SIDE = 16  # pixels of the first picture
PLAN, BY_HAND, PATHS = "trajectory_plan.json", "trajectory_plan_by_hand.json", "paths.png"
BACKGROUND, FILM = "background.png", "final_video.mp4"
COLLAGE, CHECKS, TRACKS, VISIBLE = "preview_collage.png", "checks.json", "tracks.npy", "tracks_visible.npy"
IN_COLLAGE = 24  # frames at most


Cutter = Callable[[Image.Image, Sequence[float], str], Cut]  # a thing of this name, out of its box
Lead = Callable[[Sequence[Image.Image], Sequence[Image.Image], str], Sequence[Image.Image]]  # frames, masks and words


@dataclass(frozen=True)
class Told:
    """What was told besides the words: boxes and masks of the things, in the order in which they are named; a plan."""

    boxes: Sequence[Sequence[float]] = ()
    masks: Sequence[Path] = ()
    plan: Path | None = None


@dataclass
class Making:
    """One planned motion in a folder.

    paint: who draws, for the plan that is made. between: the way between keyframes, if it is another than exact.
    lead: has a model for clips follow the composed frames. cut: what cuts things out by their boxes.
    """

    folder: Path
    picture: Image.Image
    prompt: str
    settings: MoveSettings
    paint: Callable[[Plan], Painter]
    told: Told = Told()
    between: Callable[[Plan], Between] | None = None
    lead: Lead | None = None
    cut: Cutter = find_by_box
    skip: Collection[str] = ()
    only: str | None = None
    checks: list[Check] = field(default_factory=list)

    def __post_init__(self) -> None:
        for file in (*self.told.masks, *([self.told.plan] if self.told.plan else [])):
            if not file.is_file():
                raise NextSceneError(f"There is no file {str(file)!r}: check its name and folder.")
        if min(self.picture.size) < LEAST_SIDE:
            raise NextSceneError(
                f"The first picture is {self.picture.width}x{self.picture.height}: give one of at least {LEAST_SIDE} "
                "pixels to each side."
            )
        even = self.picture.width // 2 * 2, self.picture.height // 2 * 2  # as a film has them
        if even != self.picture.size:
            print(f"The last odd row or column of the picture is left out: {even[0]}x{even[1]}.", file=sys.stderr)
            self.picture = self.picture.crop((0, 0, *even))
        self.stages = Stages(self.folder)

    def run(self) -> Iterator[Path]:
        """Yields each file as soon as it is done."""
        for name, make in {"trajectory": self._plan_it, "keyframes": self._draw_keyframes,
                           "frames": self._draw_frames, "film": self._assemble}.items():  # fmt: skip
            if self.only and STAGES.index(name) > STAGES.index(self.only):
                return
            yield from make(name in self.skip or bool(self.only and name != self.only))

    def _stage(
        self, name: str, made_of: Mapping[str, object], skipped: bool, make: Callable[[list[Path]], Iterator[Path]]
    ) -> Iterator[Path]:
        """Makes a stage, unless it is there already; refuses one that is to be taken as it stands and does not fit."""
        if skipped:
            self.stages.refuse_stale(name, made_of)
        elif self.stages.is_made(name, made_of):
            print(f"{name.capitalize()}: made already.", file=sys.stderr)
        else:
            with self.stages.making(name, made_of) as files:
                yield from make(files)

    # --- the plan

    def _plan_it(self, skipped: bool) -> Iterator[Path]:
        made_of, stages, file = self._made_of_plan, self.stages, self.folder / PLAN
        edited = stages.is_edited("trajectory", PLAN)
        if skipped and file.is_file() and not stages.files("trajectory"):
            edited = True  # a plan from somewhere else
        elif skipped:
            stages.refuse_stale("trajectory", made_of)
        if edited and (skipped or stages.is_made_of("trajectory", made_of)):
            print(f"{PLAN} was changed by hand, and is taken as it stands; remove it to plan anew.", file=sys.stderr)
            with stages.making("trajectory", made_of) as files:
                yield from self._write_plan(files, read_plan(file))
        else:
            if edited:
                file.replace(file.with_name(BY_HAND))
                print(f"{PLAN} was changed by hand for other inputs: it is now {BY_HAND}.", file=sys.stderr)
            yield from self._stage("trajectory", made_of, skipped, self._make_plan)
        self._refuse_other_size(self.plan)

    @property
    def _made_of_plan(self) -> dict[str, object]:
        said = self.settings.model_dump(include={"num_frames", "intermediate_steps", "fps", "surface"})
        masks = [sha256(mask) for mask in self.told.masks]
        plan = sha256(self.told.plan) if self.told.plan else None
        return {
            "picture": self._picture_sha256, "prompt": self.prompt, "settings": said,
            "boxes": [list(box) for box in self.told.boxes], "masks": masks, "plan": plan,
            "cut_by": self.settings.cut_by,
        }  # fmt: skip

    @cached_property
    def _picture_sha256(self) -> str:
        return hashlib.sha256(self.picture.tobytes()).hexdigest()

    def _make_plan(self, files: list[Path]) -> Iterator[Path]:
        if self.told.plan:
            plan = read_plan(self.told.plan)
            cuts = self._told_cuts([thing.id for thing in plan.things])
            yield from self._write_plan(files, plan, {name: cut.mask for name, cut in cuts.items()})
            return
        said = read_sayings(self.prompt)
        told = self._told_cuts([who.name for who in said.things])
        cuts = find_things(self.picture, said.things, told)
        for name, cut in cuts.items():
            print(f"The {name} was found by {cut.by}, at {_box(cut)}.", file=sys.stderr)
        found = {name: Found(cut.box, cut.confidence) for name, cut in cuts.items()}
        settings = self.settings
        plan = plan_motion(said, found, self.picture.size, settings.num_frames, settings.fps, prompt=self.prompt,
                           surface=settings.surface, between=settings.intermediate_steps)  # fmt: skip
        yield from self._write_plan(files, plan, {name: cut.mask for name, cut in cuts.items()})

    def _told_cuts(self, names: Sequence[str]) -> dict[str, Cut]:
        """What was told of the things, in their order: masks first, boxes for the rest."""
        if len(self.told.boxes) + len(self.told.masks) > len(names):
            raise NextSceneError(
                f"There are {len(self.told.boxes)} boxes and {len(self.told.masks)} masks for {len(names)} things "
                f"({', '.join(names) or 'only the camera moves'}): give one of them for each thing at most."
            )
        masked = dict(zip(names, self.told.masks, strict=False))
        boxed = dict(zip(names[len(masked) :], self.told.boxes, strict=False))
        cuts = {name: find_by_mask(self.picture, _read_mask(file), name) for name, file in masked.items()}
        return cuts | {name: self.cut(self.picture, box, name) for name, box in boxed.items()}

    def _write_plan(
        self, files: list[Path], plan: Plan, masks: Mapping[str, Image.Image] | None = None
    ) -> Iterator[Path]:
        """Plan, paths, tracks, and each thing's mask: as it was found, or is there, else by the plan's box."""
        self._refuse_other_size(plan)
        plan = plan.model_copy(update=dict(zip(("width", "height"), self.picture.size, strict=True)))
        for thing in plan.things:
            assert thing.box
            file = self._mask_file(thing.id)
            mask = (masks or {}).get(thing.id)
            if mask is None and masks is None and file.is_file():
                mask = _read_mask(file)
            if mask is None:
                mask = self.cut(self.picture, thing.box, thing.id).mask
            _save(mask, file)
            files.append(file)
            yield file
        if not (self.folder / PLAN).is_file() or (self.folder / PLAN).read_text() != plan.to_json():
            write_whole(self.folder / PLAN, plan.to_json())
        _save(draw_paths(plan, self.picture), self.folder / PATHS)
        tracks, seen = tracks_of(plan, self.picture.size)
        for name, values in ((TRACKS, tracks), (VISIBLE, seen)):
            with whole_file(self.folder / name) as part, part.open("wb") as out:
                np.save(out, values)
        files += [self.folder / name for name in (PLAN, PATHS, TRACKS, VISIBLE)]
        yield from files[-4:]

    def _refuse_other_size(self, plan: Plan) -> None:
        if (plan.width, plan.height) not in ((None, None), self.picture.size):
            raise NextSceneError(
                f"The plan is for a picture of {plan.width}x{plan.height}, and the first picture is "
                f"{self.picture.width}x{self.picture.height}: plan again, or give the picture that it was made for."
            )

    @cached_property
    def plan(self) -> Plan:
        return read_plan(self.folder / PLAN)

    def _mask_file(self, name: str) -> Path:
        return self.folder / "masks" / f"{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_') or 'thing'}.png"

    @cached_property
    def masks(self) -> dict[str, Image.Image]:
        return {thing.id: _read_mask(self._mask_file(thing.id)) for thing in self.plan.things}

    # --- what is drawn

    @cached_property
    def _painter(self) -> Painter:
        return self.paint(self.plan)

    @property
    def _made_of_keyframes(self) -> dict[str, object]:
        masks = {thing.id: sha256(self._mask_file(thing.id)) for thing in self.plan.things}
        return {"picture": self._picture_sha256, "plan": sha256(self.folder / PLAN), "masks": masks,
                "painter": dict(self._painter.facts)}  # fmt: skip

    def _draw_keyframes(self, skipped: bool) -> Iterator[Path]:
        yield from self._stage("keyframes", self._made_of_keyframes, skipped, self._make_keyframes)

    def _make_keyframes(self, files: list[Path]) -> Iterator[Path]:
        background = self._painter.background(self.picture, self.masks)
        _save(background, self.folder / BACKGROUND)
        files.append(self.folder / BACKGROUND)
        yield files[-1]
        for number in self.plan.keyframes:
            files.append(self._keyframe_file(number))
            self._draw(number, files[-1], keyframe=True)
            yield files[-1]

    @cached_property
    def drawing(self) -> Drawing:
        return Drawing(self.plan, self.picture, self.masks, pictures.read(self.folder / BACKGROUND))

    def _draw(self, number: int, file: Path, keyframe: bool) -> Image.Image:
        composite, mask = self.drawing.frame(number)
        frame = self._painter.settle(composite, mask, keyframe, ())
        _save(frame, file)
        return mask

    def _draw_frames(self, skipped: bool) -> Iterator[Path]:
        files = [sha256(file) for file in (self.folder / BACKGROUND, *map(self._keyframe_file, self.plan.keyframes))
                 if file.is_file()]  # fmt: skip
        way = dict(self._between.facts) if self._between else {}
        made_of = self._made_of_keyframes | {"keyframes": files, "way": way, "engine": self.settings.engine}
        yield from self._stage("frames", made_of, skipped, self._make_frames)

    def _make_frames(self, files: list[Path]) -> Iterator[Path]:
        keyframes = set(self.plan.keyframes)
        for number in range(self.plan.count):
            file, mask_file = self._frame_file(number), self.folder / "masks" / f"frame_{number:03d}.png"
            if number in keyframes:
                write_whole(file, self._keyframe_file(number).read_bytes())
                mask = self.drawing.frame(number)[1]
            elif self._between:
                one, other = self._plan_around(number)
                frame, mask = self._between.at(self.drawing, number, one, other, self._keyframe)
                _save(frame, file)
            else:
                mask = self._draw(number, file, keyframe=False)
            _save(mask, mask_file)
            files += [file, mask_file]
            if not self.lead:
                yield file
        if self.lead:
            yield from self._follow(self.lead)

    def _follow(self, lead: Lead) -> Iterator[Path]:
        """Has a model for clips follow the composed film; what it makes takes the place of the frames."""
        numbers = range(self.plan.count)
        masks = [_read_mask(self.folder / "masks" / f"frame_{number:03d}.png") for number in numbers]
        for number, frame in zip(
            numbers, lead([self._frame(number) for number in numbers], masks, self.prompt), strict=True
        ):
            _save(frame, self._frame_file(number))
            yield self._frame_file(number)

    @cached_property
    def _between(self) -> Between | None:
        return self.between(self.plan) if self.between else None

    def _plan_around(self, number: int) -> tuple[int, int]:
        """The keyframes before and after a frame."""
        keyframes = self.plan.keyframes
        return max(each for each in keyframes if each < number), min(each for each in keyframes if each > number)

    def _keyframe(self, number: int) -> Image.Image:
        return pictures.read(self._keyframe_file(number))

    def _frame(self, number: int) -> Image.Image:
        return pictures.read(self._frame_file(number))

    def _keyframe_file(self, number: int) -> Path:
        return self.folder / "keyframes" / f"keyframe_{number:03d}.png"

    def _frame_file(self, number: int) -> Path:
        return self.folder / "frames" / f"frame_{number:03d}.png"

    # --- the film, and what is checked

    @property
    def _fps(self) -> float:
        """As was typed; else as the plan says."""
        return self.settings.fps if "fps" in self.settings.given else self.plan.fps

    def _assemble(self, skipped: bool) -> Iterator[Path]:
        frames = [sha256(self._frame_file(number)) for number in range(self.plan.count)]
        made_of = {"frames": frames, "fps": self._fps}
        yield from self._stage("film", made_of, skipped, self._make_film)
        self.checks = list(self._look())
        said = [check.to_json() for check in self.checks]
        write_whole(self.folder / CHECKS, json.dumps(said, indent=1, ensure_ascii=False))
        yield self.folder / CHECKS

    def _make_film(self, files: list[Path]) -> Iterator[Path]:
        frames = _Pictures([self._frame_file(number) for number in range(self.plan.count)])
        with whole_file(self.folder / FILM) as part:
            write_clip(part, frames, self._fps, {"planned": self.plan.prompt})
        files.append(self.folder / FILM)
        yield files[-1]
        count = self.plan.count
        numbers = sorted({round(each) for each in np.linspace(0, count - 1, min(count, IN_COLLAGE))})
        shown = [Image.fromarray(frames[number]) for number in numbers]
        _save(draw_collage(shown, numbers, self.plan.keyframes), self.folder / COLLAGE)
        files.append(self.folder / COLLAGE)
        yield files[-1]

    def _look(self) -> Iterator[Check]:
        """Everything that can be told of what was made."""
        wanted = self.settings.num_frames if self.plan.planner == "words" else self.plan.count

        def frame(number: int) -> Image.Image:
            return pictures.fit(self._frame(number), *self.picture.size)  # an engine for clips has sizes of its own

        exact = self.settings.engine == "composite" and not self._between
        yield from check_plan(self.plan, wanted)
        yield from check_masks(self.plan, self.masks)
        yield from check_frames(self.plan, self.drawing, frame, exact=exact)
        yield from check_flow(self.plan, self.drawing, frame)
        clip = read_clip(self.folder / FILM)
        data = (self.folder / FILM).read_bytes()
        yield from check_film(len(clip.frames), self._fps, clip.fps, data, wanted)


class _Pictures(Sequence[np.ndarray]):
    """Frames in files, read when they are wanted."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, at: int) -> np.ndarray:  # type: ignore[override]
        return np.asarray(pictures.read(self._files[at]))


def tracks_of(plan: Plan, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """For other tools: each thing's middle (frames, things, x and y), and whether it is in the picture."""
    places = [plan.places(thing.id) for thing in plan.things]
    tracks = np.array([[(each[at].x, each[at].y) for each in places] for at in range(plan.count)], np.float32)
    seen = np.array([[is_seen(each[at], size) for each in places] for at in range(plan.count)], bool)
    return tracks, seen


def _read_mask(file: Path) -> Image.Image:
    try:
        with Image.open(file) as opened:
            transparent = opened.has_transparency_data
            return opened.convert("RGBA").getchannel("A") if transparent else opened.convert("L")
    except Exception as error:  # a decoder may raise nearly anything on a broken file
        raise NextSceneError(f"The mask {file.name} cannot be read ({error}): save it anew, as PNG.") from error


def _save(picture: Image.Image, file: Path) -> None:
    with whole_file(file) as part:
        picture.save(part, "PNG")


def _box(cut: Cut) -> str:
    return ",".join(f"{each:.0f}" for each in cut.box)

"""What a person asks for of a film, and all that follows from it before anything is drawn."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from nextscene import NextSceneError
from nextscene.film import Footage, Grade, open_footage
from nextscene.hub import Weights, find_film_engine, public_name
from nextscene.motion import find_hosted_film
from nextscene.request import Request
from nextscene.restyle.cuts import SMALL, find_cuts
from nextscene.restyle.pieces import OVERLAP, Pieces
from nextscene.restyle.stretches import Stretch, find_stretches
from nextscene.settings import MAX_SIDE, WIDEST, FilmSettings, RestyleSettings, StorySettings
from nextscene.story import ClipPlan, EngineFacts, Shot, Size, Story, clip_size, from_prompts, plan

LEAST_SIDE = 16  # pixels


@dataclass(frozen=True, kw_only=True)
class Order:
    """A film to restyle. What the person did not say is absent.

    words: how it is to look. folder: where the new film and its record go.
    at_home: whether the person sits at this machine: its files, its network and its keys are theirs.
    """

    film: Path
    words: str
    folder: Path
    settings: StorySettings = StorySettings()
    film_settings: FilmSettings = FilmSettings()
    restyle: RestyleSettings = RestyleSettings()
    check_safety: bool = False
    at_home: bool = False


class Plan:
    """An order with everything decided. shot: how a keyframe is drawn; all of them have its noise."""

    def __init__(self, order: Order, weights: Weights, seed: int | None = None) -> None:
        """Opens the film and looks through it once. seed: the one of before, if nobody says one."""
        if not order.words.strip():
            raise NextSceneError('The words are empty: say how the film is to look, as in "night, rays of light".')
        self.order, self.footage = order, open_footage(order.film)
        self.size = _film_size(self.footage, order.settings)
        request = Request(
            story=None,
            folder=order.folder,
            settings=order.settings,
            film_settings=order.film_settings,
            film=order.folder,
            at_home=order.at_home,
        )
        self.story = request.with_look(from_prompts([order.words])).with_film(order.film_settings)
        self.lut = request.lut_for(self.story)
        self.grade = Grade.of(self.story.film, self.lut)
        self.lora_weights = order.settings.lora_weights or self.story.lora_weights
        self.embeddings = order.settings.embeddings or self.story.embeddings
        self.seed = next((each for each in (order.settings.seed, seed) if each is not None), secrets.randbelow(2**31))
        self.shot = self._shot(weights)
        self.engine = None if order.restyle.engine == "pictures" else find_film_engine(order.restyle.engine)
        self.clip = self._clip(self.engine.facts) if self.engine else None

    @property
    def _typed(self) -> StorySettings:
        """What the person said of how it is drawn; the look is in the story, the size is the film's."""
        said = self.order.settings.given
        return StorySettings(**{name: value for name, value in said.items() if name not in ("look", *SIZES)})

    def _shot(self, weights: Weights) -> Shot:
        public = {
            "lora_weights": public_name(self.lora_weights),
            "embeddings": tuple(public_name(each) or "" for each in self.embeddings) or None,
        }
        wanted, card = self._typed.overlaid(StorySettings.checked(**public)), weights.card
        (shot,) = plan(_without_size(self.story), wanted, self.seed, card.size, self.size, card.limits)
        width, height = self.size
        return replace(shot, width=width, height=height)

    def _clip(self, facts: EngineFacts) -> ClipPlan:
        """How a model for films restyles a piece, but for its number of frames."""
        restyle, said = self.order.restyle, StorySettings().overlaid(self.story).overlaid(self._typed)
        hosted = facts.family == "hosted"
        if restyle.per_frame:
            raise NextSceneError("per_frame is for the engine pictures: leave one of the two out.")
        model, width, height = "", *self.size
        if hosted:
            model = find_hosted_film(restyle.hosted_model)[0]
        else:
            width, height = clip_size(self.size, facts)
        return ClipPlan(
            number=1,
            id="film",
            last=None,
            words=self.order.words.strip(),
            negative_prompt=self.story.negative_prompt
            if "negative_prompt" in self.story.given
            else facts.negative_prompt,
            engine=facts.name,
            model=model,
            width=width,
            height=height,
            frames=facts.frames,
            fps=float(self.footage.fps),
            steps=said.steps if "steps" in said.given else facts.steps,
            guidance=said.guidance if "guidance" in said.given else facts.guidance,
            fast=False,
            seed=self.seed,
            motion_bucket_id=0,
            noise_aug_strength=0.0,
            decode_chunk_size=1,
        )

    @cached_property
    def pieces(self) -> Pieces:
        """How an engine for films divides a stretch."""
        assert self.engine
        assert self.clip
        facts = self.engine.facts
        if facts.family == "hosted":
            seconds = find_hosted_film(self.clip.model)[1].seconds
            return Pieces(max(int(seconds * self.footage.fps), 2), 1, 0)
        return Pieces(facts.frames, facts.step, OVERLAP)

    @cached_property
    def _looked_through(self) -> tuple[int, list[int]]:
        frames, cuts = find_cuts(self.footage.frames(*SMALL))
        if not frames:
            raise NextSceneError(f"{self.footage.path.name} is a video without a single frame: give another.")
        return frames, cuts

    @property
    def frames(self) -> int:
        return self._looked_through[0]

    @property
    def cuts(self) -> Sequence[int]:
        """The first frame of each shot."""
        return self._looked_through[1]

    @cached_property
    def stretches(self) -> list[Stretch]:
        every = 1 if self.order.restyle.per_frame else self.order.restyle.every
        return find_stretches(self.frames, self.cuts, every)

    @property
    def stretches_as_data(self) -> list[list[int]]:
        return [list(each.keys) for each in self.stretches]

    def describe(self) -> Iterator[str]:
        """What will be done, line by line."""
        footage, restyle, shot = self.footage, self.order.restyle, self.shot
        seconds = self.frames / float(footage.fps)
        sound = "its sound is kept" if footage.sound else "it has no sound"
        yield (
            f"{footage.path.name}: {self.frames} frames, {seconds:.1f} s at {float(footage.fps):g} a second, "
            f"{len(self.cuts)} shot{'s' * (len(self.cuts) > 1)}, {footage.width}x{footage.height}; {sound}."
        )
        yield from footage.notes
        yield f"     words: {self.order.words.strip()}"
        yield f"     seed {self.seed} · the new film is {self.size[0]}x{self.size[1]}"
        if self.clip:
            count = sum(len(self.pieces.of(each)) for each in self.stretches)
            yield (
                f"     {count} piece{'s' * (count > 1)} of up to {self.pieces.most} frames by {self.clip.engine} "
                f"{self.clip.model or f'at {self.clip.width}x{self.clip.height}, {self.clip.steps} steps'}"
            )
            return
        keys = sum(len(each.keys) for each in self.stretches)
        between = f"{keys} keyframes; {self.frames - keys} frames are carried between them, only holes are drawn"
        yield f"     {f'all {keys} frames are drawn, each alone' if restyle.per_frame else between}"
        drawn = shot.resizing or "drawn at its own size"
        yield f"     {drawn} · strength {shot.look.strength:g} · {shot.look.steps} steps"


SIZES = ("width", "height", "aspect")


def _without_size(story: Story) -> Story:
    return type(story)(**{name: value for name, value in story.given.items() if name not in SIZES})


def _film_size(footage: Footage, settings: StorySettings) -> Size:
    """The new film's size: the source's, if nobody says another; even, and no larger than a scene may be."""
    width, height = footage.width, footage.height
    if min(width, height) < LEAST_SIDE or not 1 / WIDEST <= width / height <= WIDEST:
        raise NextSceneError(
            f"{footage.path.name} is {width}x{height}, which cannot be drawn: give a film of {LEAST_SIDE} pixels at "
            f"least to each side, and at most {WIDEST} times as wide as high or as high as wide."
        )
    shape = settings.shape or width / height
    if settings.width or settings.height:
        wide = settings.width or (settings.height or 0) * shape
        high = settings.height or wide / shape
    else:
        wide, high = (width, width / shape) if shape >= width / height else (height * shape, height)
    scale = min(1, MAX_SIDE / max(wide, high))
    return tuple(max(int(side * scale) // 2 * 2, 2) for side in (wide, high))  # type: ignore[return-value]

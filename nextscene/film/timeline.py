"""A timeline: when each scene of a film begins and ends, and how it is shown, known before anything is drawn.

    timeline = lay_out(story)                      # says what is spoken in each scene
    timeline = lay_out(story, {"scene_001": [3.2, 1.5]})  # and knows how long each of its lines takes

A complete story (`Story.complete`) and the lengths of its speech go in. A pure function: no torch, files or pictures.
Times are exact, in seconds, on the grid of the film's frames; the clock behind them is never rounded, so that rounding
does not add up. A transition lies across the border of two scenes, half in each, and changes no time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from math import floor

from nextscene.settings import FilmSettings, Move, Transition
from nextscene.story import PREFIX, Scene, Story, camera_moves, seconds_of, with_prefix
from nextscene.text import in_one_line

SLOWEST = 1.5  # how often longer than by itself a clip may take, where its scene needs the time; then its end is held
LEAD, PAUSE = 0.25, 0.4  # seconds before a scene's first word, and from one who speaks to the next
BREATH = 0.6  # seconds that a scene stands longer than its words
AUTO: dict[str, Move] = {  # what does on a still what the words say
    "left": "pan_left",
    "right": "pan_right",
    "up": "tilt_up",
    "down": "tilt_down",
    "closer": "push_in",
    "farther": "pull_out",
}


@dataclass(frozen=True)
class ClipTime:
    """How a clip goes by.

    frames: of which its last is the next clip's first, and is shown only there, where it is joined to that.
    """

    frames: int
    fps: float
    joined: bool = False

    @property
    def seconds(self) -> Fraction:
        return Fraction(self.frames - self.joined) / Fraction(self.fps).limit_denominator(1000)


@dataclass(frozen=True)
class Speech:
    """What somebody says in a scene.

    who: empty for the narrator.
    start, end: when, in the film; before it is known how long it takes, as its share of the scene's words.
    """

    who: str
    text: str
    start: Fraction
    end: Fraction


@dataclass(frozen=True)
class Segment:
    """One scene's part of the film.

    transition: how the film comes into it from the scene before; it begins half of its seconds before `start`.
    move: what the camera does on the still; never "auto".
    caption: what is read for all of its time; empty: nothing.
    speech: what is said, one after another.
    subtitled: whether that is read too, each in its time.
    clip: what moves in place of the still, if anything does.
    """

    id: str
    number: int
    start: Fraction
    duration: Fraction
    transition: Transition
    transition_seconds: Fraction
    move: Move
    caption: str
    speech: tuple[Speech, ...]
    subtitled: bool
    clip: ClipTime | None = None

    @property
    def narration(self) -> str:
        """What the narrator says in it."""
        return " ".join(speech.text for speech in self.speech if not speech.who)

    @property
    def words(self) -> str:
        """What is read in it, in one text."""
        return " ".join(filter(None, [self.caption, *(speech.text for speech in self.speech if self.subtitled)]))

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@dataclass(frozen=True)
class Timeline:
    """A film's scenes, one after another without a gap."""

    video_fps: int
    segments: tuple[Segment, ...]

    @property
    def duration(self) -> Fraction:
        return self.segments[-1].end

    def frame(self, seconds: Fraction) -> int:
        """A time on the grid, in frames."""
        return int(seconds * self.video_fps)


def lay_out(
    story: Story, speech: Mapping[str, Sequence[float]] | None = None, clips: Mapping[str, ClipTime] | None = None
) -> Timeline:
    """The timeline of a story.

    speech: how many seconds each of a scene's lines takes, its narration first, by the scene's id; the scene stands at
    least as long as all of them, and a breath.
    clips: those that there are, by the scene's id; a scene is as long as its clip, unless it says a duration itself.
    """
    fps, clips = story.film.video_fps, clips or {}
    scenes = story.filmed
    borders = find_borders(
        (_duration(story, scene, (speech or {}).get(name), clips.get(name)) for name, scene in scenes), fps
    )
    segments: list[Segment] = []
    for (name, scene), (begin, end) in zip(scenes, pairwise(borders), strict=True):
        before = segments[-1].duration if segments else Fraction(0)
        duration = Fraction(end - begin, fps)
        clip = clips.get(name)
        goes_on = bool(segments) and segments[-1].clip is not None and segments[-1].clip.joined
        transition = (scene.transition or story.film.transition) if segments and not goes_on else "cut"
        start = Fraction(begin, fps)
        read = bool(scene.lines) and scene.caption is None
        segments.append(
            Segment(
                id=name,
                number=len(segments) + 1,
                start=start,
                duration=duration,
                transition=transition,
                transition_seconds=_transition_seconds(transition, story.film, min(before, duration)),
                move="none" if clip else _move(scene, story.film),
                caption="" if read else in_one_line(_prompt(scene) if scene.caption is None else scene.caption),
                speech=tuple(_speech(_words(scene, story.film), start, duration, (speech or {}).get(name))),
                subtitled=read,
                clip=clip,
            )
        )
    return Timeline(fps, tuple(segments))


def find_borders(seconds: Iterable[float], fps: int) -> Iterator[int]:
    """The frame at which each scene begins, and the one after the last. The shortest scene takes one frame."""
    clock = Fraction(0)
    yield 0
    for lasting in seconds:
        clock += max(Fraction(lasting) * fps, Fraction(1))
        yield floor(clock + Fraction(1, 2))


def _duration(story: Story, scene: Scene, speech: Sequence[float] | None, clip: ClipTime | None) -> float:
    wanted = scene.duration or (float(clip.seconds) if clip else seconds_of(scene, story))
    return max(wanted, sum(speech) + PAUSE * (len(speech) - 1) + BREATH) if speech else wanted


def _speech(
    words: Sequence[tuple[str, str]], start: Fraction, duration: Fraction, seconds: Sequence[float] | None
) -> Iterator[Speech]:
    """Who says what, and when."""
    if seconds:
        at = start + Fraction(LEAD)
        for (who, text), lasting in zip(words, seconds, strict=True):
            yield Speech(who, text, at, at + Fraction(lasting))
            at += Fraction(lasting + PAUSE)
    else:
        reach = list(accumulate((len(text) for _, text in words), initial=0))
        borders = [start + duration * Fraction(each, reach[-1]) for each in reach] if words else []
        for (who, text), (begin, end) in zip(words, pairwise(borders), strict=True):
            yield Speech(who, text, begin, end)


def _transition_seconds(transition: Transition, film: FilmSettings, longest: Fraction) -> Fraction:
    """On the grid, in two halves of whole frames, and never longer than the shorter of the two scenes."""
    if transition == "cut":
        return Fraction(0)
    halves = min(Fraction(film.transition_seconds), longest) * film.video_fps / 2
    return Fraction(2 * floor(halves), film.video_fps)


def _move(scene: Scene, film: FilmSettings) -> Move:
    """What the scene or the film says; "auto": what the scene's camera does, or its prompt says, or slowly closer."""
    if (move := scene.move or film.move) != "auto":
        return move
    moves = scene.camera.directions if scene.camera else []
    return next((AUTO[where] for where in [*moves, *camera_moves(_prompt(scene))]), "push_in")


def _words(scene: Scene, film: FilmSettings) -> list[tuple[str, str]]:
    """Who says what in a scene: the narrator first, then its lines."""
    said = [("", _narration(scene, film)), *((line.who, line.text) for line in scene.lines)]
    return [(in_one_line(who), words) for who, text in said if (words := in_one_line(text))]


def _narration(scene: Scene, film: FilmSettings) -> str:
    """What the narrator says; a scene with lines has words enough without its prompt."""
    if film.narration == "none":
        return ""
    prompt = _prompt(scene) if film.narration == "prompts" and not scene.lines else ""
    return prompt if scene.narration is None else scene.narration


def _prompt(scene: Scene) -> str:
    return with_prefix(scene.prompt).removeprefix(PREFIX)

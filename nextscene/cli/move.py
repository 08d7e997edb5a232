"""`script/move`: words and a first picture in; a plan of motion, its frames and its film out."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from nextscene import NextSceneError, pictures
from nextscene.files import short, typed_path
from nextscene.hub import Weights, choose, count_gpus, fetch
from nextscene.motion import follow
from nextscene.moves import (
    STAGES,
    Between,
    ByFlow,
    ByLatents,
    ByModel,
    Composite,
    Cut,
    Cutter,
    Lead,
    Making,
    Painter,
    Plan,
    Told,
    find_by_box,
    read_sayings,
)
from nextscene.production import Production
from nextscene.progress import say
from nextscene.request import Request
from nextscene.settings import Look, MoveSettings, StorySettings
from nextscene.story import choose_seed, from_prompts

if TYPE_CHECKING:
    from nextscene.shooting import Studio

EXAMPLES = """\
examples:
  script/move first_frame.png "A red ball bounces five times on a wooden table"
  script/move ball.png "a ball rolls to the right, then bounces twice while a blue cube spins" --num-frames 32 --fps 24
  script/move "a red balloon drifts up"                  # without a picture, the words make it
  script/move ball.png "a ball jumps" --box 40,60,70,90  # left,top,right,bottom: where the ball is
  script/move ball.png "a ball jumps" --only trajectory  # the plan and its paths alone; look, change, go on
  script/move ball.png "a ball jumps" --skip-steps trajectory keyframes      # these are taken as they stand

In outputs/move: trajectory_plan.json, paths.png, masks/, background.png, keyframes/, frames/, final_video.mp4,
preview_collage.png, checks.json, tracks.npy. What is made already is not made again. Which words are
known: docs/motion.md.
"""
Load = Callable[[Weights], "Studio"]


def add_flags(command: argparse.ArgumentParser) -> None:
    about = "the first picture, then what moves in it and how; the words alone make the picture too"
    command.add_argument("words", nargs="*", metavar="PICTURE WORDS", default=[], help=about)
    command.add_argument("--first-frame", type=Path, metavar="PATH", help="the first picture, as a flag")
    command.add_argument("--prompt", help="the words, as a flag")
    about = "folder for the plan, the frames and the film (default: outputs/move)"
    command.add_argument("--output-dir", type=Path, default=Path("outputs/move"), metavar="PATH", help=about)
    about = "where a thing is, left,top,right,bottom in pixels; may be repeated, in the words' order"
    command.add_argument("--box", action="append", default=[], metavar="BOX", help=about)
    about = "a picture that is white where a thing is; may be repeated, and comes before boxes"
    command.add_argument("--mask", action="append", default=[], type=Path, metavar="FILE", help=about)
    about = "a plan that was made before, or by hand, in the place of the words'"
    command.add_argument("--trajectory", type=Path, metavar="FILE", help=about)
    about = f"take these stages as they stand, where they fit: {', '.join(STAGES[:-1])}"
    command.add_argument("--skip-steps", nargs="+", default=[], choices=STAGES[:-1], metavar="STAGE", help=about)
    about = f"make only this stage ({', '.join(STAGES)}), from those before it as they stand"
    command.add_argument("--only", choices=STAGES, metavar="STAGE", help=about)
    about = "of what a model draws (default: a random one, printed)"
    command.add_argument("--seed", type=int, help=about)
    about = "auto, cpu or cuda: what a model draws on (default: auto)"
    command.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", metavar="DEVICE", help=about)


def move(options: argparse.Namespace, settings: MoveSettings, load: Load) -> None:
    """Makes a planned motion and says what was checked; refuses at the end what did not come out as planned."""
    first, prompt = _given(options)
    if not options.trajectory:
        read_sayings(prompt)  # what is not understood is refused before anything is drawn
    _choose_device(options.device)
    told = Told(tuple(_read_box(each) for each in options.box), tuple(options.mask), options.trajectory)
    drawn = _Drawn(options.seed, load)
    picture = pictures.read(typed_path(first, "the first picture")) if first else None
    if picture is None:
        picture = drawn.first_picture(prompt, options.output_dir)
    run = Making(
        options.output_dir, picture, prompt, settings, drawn.painter(settings), told, drawn.between(settings),
        drawn.lead(settings), _cutter(settings), options.skip_steps, options.only,
    )  # fmt: skip
    for file in run.run():
        say(file)
    for check in run.checks:
        print(f"{check.verdict:4} {check.check} of {check.of}: {check.value:g} ({check.threshold})", file=sys.stderr)
    if bad := [check for check in run.checks if check.says]:
        said = " ".join(each.says for each in bad)
        raise NextSceneError(f"{len(bad)} of {len(run.checks)} checks failed, and all files are kept: {said}")


class _Drawn:
    """What a model draws here: the first picture, where only words were given, and frames where that is wanted."""

    def __init__(self, seed: int | None, load: Load) -> None:
        self._load, self._studio = load, list["Studio"]()
        self._wanted = StorySettings(seed=seed) if seed is not None else StorySettings()

    def first_picture(self, prompt: str, folder: Path) -> Image.Image:
        file, weights = folder / "first_frame.png", choose()
        print(weights.notice, file=sys.stderr)
        request = Request(
            story=from_prompts([prompt]), folder=folder, picture=file, settings=self._wanted, check_safety=False,
            at_home=True,
        )  # fmt: skip
        for path in Production(request, weights).run(self._open):
            say(path)
        return pictures.read(file)

    def painter(self, settings: MoveSettings) -> Callable[[Plan], Painter]:
        if settings.engine != "model":
            return lambda plan: Composite()
        weights = choose()
        print(weights.notice, file=sys.stderr)
        seed = choose_seed(from_prompts(["-"]), self._wanted, None)
        return lambda plan: ByModel(lambda: self._open().model, weights.name, plan, Look(), seed)

    def between(self, settings: MoveSettings) -> Callable[[Plan], Between] | None:
        if settings.between == "latent":
            return lambda plan: ByLatents(lambda: self._open().model, plan)
        return ByFlow if settings.between == "flow" else None

    def lead(self, settings: MoveSettings) -> Lead | None:
        """What has a model for clips follow the composed film, if that is wanted."""
        if settings.engine in ("composite", "model"):
            return None
        seed = choose_seed(from_prompts(["-"]), self._wanted, None)

        def lead(frames: Sequence[Image.Image], masks: Sequence[Image.Image], words: str) -> list[Image.Image]:
            clip = follow(frames, masks, words, engine=settings.engine, seed=seed)
            return [Image.fromarray(frame) for frame in clip.frames]

        return lead

    def _open(self) -> "Studio":
        if not self._studio:
            self._studio.append(self._load(choose()))
        return self._studio[0]


def _cutter(settings: MoveSettings) -> Cutter:
    """What cuts things out by their boxes."""
    if settings.cut_by == "colours":
        return find_by_box

    def cut(picture: Image.Image, box: Sequence[float], name: str) -> Cut:
        from nextscene.moves import Sam2

        left, top, right, bottom = box
        return Cut(Sam2(fetch(settings.cut_by)).cut(picture, (left, top, right, bottom)), settings.cut_by, 1.0)

    return cut


def _given(options: argparse.Namespace) -> tuple[Path | None, str]:
    """The first picture, if there is one, and the words."""
    typed = list(options.words)
    first = options.first_frame
    if len(typed) + (first is not None) + (options.prompt is not None) > 2:
        raise NextSceneError('Give one picture and one text: script/move first_frame.png "a red ball bounces".')
    if first is None and typed and (len(typed) == 2 or options.prompt is not None):
        first = Path(typed.pop(0))
    words = options.prompt if options.prompt is not None else (typed[0] if typed else "")
    if not words.strip() and not options.trajectory:
        raise NextSceneError("The words are empty: say what moves and how, such as 'a red ball bounces five times'.")
    if first is None and Path(words).suffix.lower() in pictures.WRITABLE:
        raise NextSceneError(f"There is a picture {short(words)} and no words: say what moves in it, and how.")
    if first is None and options.trajectory:
        raise NextSceneError("A plan needs the picture that it was made for: give that as well.")
    return first, words


def _read_box(text: str) -> tuple[float, ...]:
    try:
        box = tuple(float(each) for each in text.split(","))
    except ValueError:
        box = ()
    if len(box) != 4:
        raise NextSceneError(f"--box is {short(text)}: give left,top,right,bottom in pixels, such as 40,60,70,90.")
    return box


def _choose_device(device: str) -> None:
    """Before torch is there, which looks only once."""
    if device == "cuda" and not count_gpus():
        raise NextSceneError("--device cuda: there is no GPU here that can be used; leave it out.")
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""

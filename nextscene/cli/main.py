"""The side door: the same inputs from a terminal, without Docker.

`script/predict` makes one scene, `script/sequence` a story, `script/film` the film of a story that was made, and
`script/explain` says how a picture was made. It turns
arguments (`arguments.py`) into a story and settings, and shows what happens; everything else is done where the other
doors have it done.
"""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nextscene import NextSceneError, along, pictures
from nextscene.along import Along
from nextscene.cli.arguments import parser
from nextscene.film import CuttingRoom
from nextscene.hub import loras, weights
from nextscene.output.delivery import deliver, numbered
from nextscene.output.record import Record, Shoot, scene_named
from nextscene.progress import filming, progress, say
from nextscene.shooting.safety import Checker
from nextscene.story.advice import advice
from nextscene.story.plan import IMAGE, Shot, choose_seed, given, plan
from nextscene.story.story import FilmSettings, Story, film_settings, from_file, from_prompts, from_text, settings
from nextscene.take import Pictures, Take

SETTINGS = (
    *("negative_prompt", "strength", "lora_scale", "lora_weights_scale", "go_fast"),
    *("width", "height", "steps", "guidance", "guidance_until", "first_block_cache", "seed", "fps"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Its exit status: 0, 1 for something the user can put right, 130 when interrupted."""
    options = parser().parse_args(arguments)
    try:
        COMMANDS[options.command](options)
    except NextSceneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The scenes that were finished are kept.", file=sys.stderr)
        return 130
    return 0


def predict(options: argparse.Namespace) -> None:
    """Makes one scene, in one file, and its record beside it: scene.png, scene.run.json."""
    story, seen = along.read(from_prompts([options.prompt or options.words]), options.input_image, options.references)
    run = _planned(options, story, seen)
    if options.dry_run:
        return
    pictures.prepare(options.output)
    record = Record(options.output.parent, fresh=True, name=f"{options.output.stem}.run.json")
    record.begin(run.story, run.shots, _made_with(run), seen)
    takes = map(_notice, _ready(run, seen, options.auto_retake, _checker(options))(run.shots))
    for path in deliver(takes, lambda _: options.output, record=record, quality=options.output_quality):
        say(path)


def sequence(options: argparse.Namespace) -> None:
    """Makes a story, or goes on with the one that was begun in its folder."""
    folder = options.output_dir
    checker = _checker(options)
    record = Record(folder, fresh=options.fresh, checker=checker)
    if told := _told(options):
        story, seen = along.read(told, options.input_image, options.references)
    elif record.story:
        story, seen = record.story, record.along()
    else:
        raise NextSceneError(f"No story was begun in {folder}: give a story, or name the --output-dir of one.")
    story = story.filmed(_film_settings(options))
    run = _planned(options, story.with_takes(_takes(options, story, record)), seen, record)
    if options.dry_run:
        return
    file_for = numbered(folder, options.output_format)
    pictures.prepare(file_for(run.shots[0]))
    todo = record.begin(run.story, run.shots, _made_with(run), seen, options.cascade)
    if len(todo) < len(run.shots):
        print(f"{len(run.shots) - len(todo)} of {len(run.shots)} scenes are made already.", file=sys.stderr)

    made = []
    room = CuttingRoom(run.story, options.output_video, folder / "narration") if options.output_video else None
    takes = record.takes(run.shots, _ready(run, record, options.auto_retake, checker) if todo else None)
    more = {"sheet": folder / "contact_sheet.png", "film": room, "title": story.title or ""}
    for path in deliver(map(_notice, takes), file_for, quality=options.output_quality, **more):
        made.append(path.resolve())
        say(path)
    if room:
        record.keep_film(room.facts())
    _clear_earlier_run(folder, keep=[*made, *options.references, *filter(None, [options.input_image])])
    if record.stale:
        stale = ", ".join(record.stale)
        print(f"Grew from another take of an earlier scene: {stale}; --cascade draws them again.", file=sys.stderr)


def film(options: argparse.Namespace) -> None:
    """Makes the film of an earlier run, without the model."""
    folder: Path = options.run
    record = Record(folder)
    if not record.story:
        raise NextSceneError(f"There is no run in {folder}: name a folder in which script/sequence wrote a run.json.")
    story = record.story.filmed(_film_settings(options))
    if options.fps is not None:
        story = story.model_copy(update={"fps": settings(fps=options.fps).fps})
    scenes = record.scenes()
    with filming() as on_progress:
        output = options.output or folder / "sequence.mp4"
        room = CuttingRoom(story, output, folder / "narration", on_progress=on_progress)
        with room:
            for picture, facts, file in scenes:
                room.add(picture, facts, file)
    record.keep_film(room.facts())
    for path in room.files:
        say(path)


def _film_settings(options: argparse.Namespace) -> FilmSettings:
    return film_settings(**{name: getattr(options, name) for name in FilmSettings.model_fields})


def explain(options: argparse.Namespace) -> None:
    """Says how a picture was made, from its own metadata, and how to make it again."""
    picture: Path = options.picture
    facts = pictures.facts(picture)
    if facts is None:
        raise NextSceneError(f"{picture.name} does not say how it was made: it was not made here, or not kept whole.")
    if options.story:
        if "story" not in facts:
            raise NextSceneError(
                f"{picture.name} does not carry its story, which was too long: see run.json beside it."
            )
        print(json.dumps(facts["story"], indent=2))
        return
    shot, lora, own = facts["shot"], facts["lora"], facts.get("lora_weights")
    rows = {
        "prompt": shot["prompt"],
        "without": shot["negative_prompt"].strip() or "nothing named",
        "from": ", ".join(reference["name"] for reference in shot["references"]) or "words alone",
        "scene": f"{shot['number']} ({shot['id']}), take {shot['take']}, shown for {shot['duration']:g} s",
        "size": f"{shot['width']}x{shot['height']}",
        "strength": f"{shot['strength']:g}",
        "steps": f"{shot['steps']}, guidance {shot['guidance']:g}" + ", drawn fast: a draft" * shot["go_fast"],
        "seed": f"{facts['seed']} (of its noise: {shot['seed']})",
        "model": facts["model"] + (f" ({facts['note']})" if facts.get("note") else ""),
        "lora": f"{lora['file']} at {lora['scale']:g}, sha256 {lora['sha256']}",
        **({"with": f"{own['name']} at {own['scale']:g}, sha256 {own['sha256']}"} if own else {}),
        "noticed": ", ".join(facts["noticed"]) or "nothing",
        "made by": facts["made_by"],
    }
    print("\n".join(f"{name:9} {value}" for name, value in rows.items()))
    if story := facts.get("story"):
        files = f" --input-image {shlex.quote(story['image'])}" if "image" in story else ""
        files += "".join(f" --references {shlex.quote(name)}" for name in story.get("cast", []))
        print(f"\nTo make it again, with the {len(story['scenes'])} scene(s) of its story:")
        print(f"  script/explain {shlex.quote(str(picture))} --story > story.json")
        again = f"script/sequence story.json{files} --output-dir outputs/again"
        print(f"  NEXT_SCENE_MODEL={shlex.quote(facts['model'])} {again}")


class Run(NamedTuple):
    """What a command is about to do."""

    story: Story  # complete: alone, it makes the same pictures again
    shots: list[Shot]
    model: str
    own_lora: str | None  # as the user named it


def _planned(options: argparse.Namespace, story: Story, seen: Along, record: Record | None = None) -> Run:
    """Decides everything, and says what everyone should know; a dry run shows all of it."""
    own_lora = options.lora_weights or story.lora_weights
    values = {name: getattr(options, name, None) for name in SETTINGS}
    wanted = given(**values, lora_weights=loras.shown(own_lora))
    before = record.story.seed if record and record.story else None
    seed = choose_seed(story, wanted, before)
    model, notice = weights.choose()
    own_size = weights.own_size(model)
    shots = plan(story, wanted, seed, own_size, seen[IMAGE].size if IMAGE in seen else None)
    print(f"{notice}\nSeed: {seed}", file=sys.stderr)
    if options.dry_run:
        for shot in shots:
            print(shot)
            for said in advice(shot, own_size):
                print(f"     note: {said}")
    name = options.input_image.name if options.input_image else story.image
    return Run(story.complete(wanted, seed, name), shots, model, own_lora)


def _made_with(run: Run) -> dict[str, str]:
    """What the record says of the weights; fetches what is not there yet."""
    own_lora = loras.fetch(run.own_lora, at_home=True)
    return weights.identity(run.model) | weights.fast_identity(_fast_lora(run)) | loras.identity(own_lora)


def _fast_lora(run: Run) -> Path | None:
    return weights.fast_lora(run.model, run.shots[0].steps) if run.shots[0].go_fast else None


def _notice(take: Take) -> Take:
    """Says what is worth a look in a scene."""
    if noticed := ", ".join(take.facts.get("noticed", ())):
        print(f"Scene {take.shot.number} is worth a look: {noticed}.", file=sys.stderr)
    return take


def _checker(options: argparse.Namespace) -> Checker | None:
    return Checker() if options.safety_checker and not options.dry_run else None


def _ready(run: Run, seen: Pictures, auto_retake: int, checker: Checker | None) -> Shoot:
    """Loads the model; gives what draws shots with it."""
    from nextscene.model import loading as model
    from nextscene.model import speed
    from nextscene.shooting.studio import Studio

    print("Loading the model ...", file=sys.stderr)
    loaded = model.load(weights.fetch(run.model), weights.lora(run.model), run.model)
    for done in (f"Memory: {loaded.plan}", *speed.warm_up(loaded, weights.own_size(run.model), lasting=False)):
        print(done, file=sys.stderr)
    studio = Studio(loaded)
    studio.model.use_lora_weights(loras.fetch(run.own_lora, at_home=True))
    studio.model.use_fast_lora(_fast_lora(run))

    def shoot(shots: Sequence[Shot]) -> Iterator[Take]:
        with progress(shots) as on_step:
            yield from studio.shoot(shots, seen, on_step, run.story, auto_retake, checker)

    return shoot


def _told(options: argparse.Namespace) -> Story | None:
    """The story that the command tells, if it tells one."""
    texts = [options.scenes] if options.scenes else options.words
    if len(texts) != 1:
        return from_prompts(texts) if texts else None
    path = Path(texts[0])
    return from_file(path) if path.suffix in (".json", ".txt") else from_text(texts[0])


def _takes(options: argparse.Namespace, story: Story, record: Record) -> dict[str, int]:
    """Which take of each scene is wanted: as chosen before, but for those that the user retakes or chooses now."""
    takes = {name: take for name, take in record.chosen().items() if name in story.ids}
    for named in options.retake:
        name = scene_named(named, story.ids)
        takes[name] = max(record.takes_of(name), default=0) + 1
    for choice in options.use:
        named, _, take = choice.rpartition(":")
        name = scene_named(named, story.ids)
        if take not in map(str, record.takes_of(name)):
            there = ", ".join(map(str, record.takes_of(name))) or "none"
            raise NextSceneError(f"Scene {named!r} has no take {take!r} (there: {there}): write --use SCENE:TAKE.")
        takes[name] = int(take)
    return takes


def _clear_earlier_run(folder: Path, keep: Sequence[Path]) -> None:
    """Removes what a longer run left in the folder, so that it shows one story, but never what is to be kept."""
    kept = {path.resolve() for path in keep}
    for path in folder.iterdir():
        if re.fullmatch(r"scene_\d{3}\.(png|webp|jpg)", path.name) and path.resolve() not in kept:
            path.unlink()


COMMANDS = {"predict": predict, "sequence": sequence, "film": film, "explain": explain}

"""The side door: the same inputs from a terminal, without Docker.

`script/predict` makes one scene, `script/sequence` a story, `script/explain` says how a picture was made. It turns
arguments (`arguments.py`) into a story and settings, and shows what happens; everything else is done where the other
doors have it done.
"""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import weights
from arguments import parser
from nextscene import NextSceneError, along, pictures
from nextscene.advice import advice
from nextscene.along import Along
from nextscene.delivery import deliver, numbered
from nextscene.plan import IMAGE, Shot, choose_seed, given, plan
from nextscene.progress import progress, say
from nextscene.record import Record, scene_named
from nextscene.story import Story, from_file, from_prompts, from_text
from nextscene.take import Pictures, Take

SETTINGS = ("negative_prompt", "strength", "lora_scale", "width", "height", "steps", "guidance", "seed", "fps")


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
    """Makes one scene, in one file."""
    story, seen = along.read(from_prompts([options.prompt or options.words]), options.input_image, options.references)
    run = _planned(options, story, seen)
    if options.dry_run:
        return
    pictures.prepare(options.output)
    for path in deliver(
        map(_notice, _shoot(run, seen, options.auto_retake, run.shots)),
        lambda _: options.output,
        quality=options.output_quality,
    ):
        say(path)


def sequence(options: argparse.Namespace) -> None:
    """Makes a story, or goes on with the one that was begun in its folder."""
    folder = options.output_dir
    record = Record(folder, fresh=options.fresh)
    if told := _told(options):
        story, seen = along.read(told, options.input_image, options.references)
    elif record.story:
        story, seen = record.story, record.along()
    else:
        raise NextSceneError(f"No story was begun in {folder}: give a story, or name the --output-dir of one.")
    run = _planned(options, story.with_takes(_takes(options, story, record)), seen, record)
    if options.dry_run:
        return
    made_with = weights.identity(run.model)
    file_for = numbered(folder, options.output_format)
    pictures.prepare(file_for(run.shots[0]))
    todo = record.to_draw(run.story, run.shots, made_with, seen, options.cascade)
    if len(todo) < len(run.shots):
        print(f"{len(run.shots) - len(todo)} of {len(run.shots)} scenes are made already.", file=sys.stderr)

    made = []
    takes = record.takes(run.shots, partial(_shoot, run, record, options.auto_retake))
    more = {"sheet": folder / "contact_sheet.png", "film": options.output_video, "title": story.title or ""}
    for path in deliver(map(_notice, takes), file_for, quality=options.output_quality, **more):
        made.append(path.resolve())
        say(path)
    _clear_earlier_run(folder, keep=[*made, *options.references, *filter(None, [options.input_image])])
    if record.stale:
        stale = ", ".join(record.stale)
        print(f"Grew from another take of an earlier scene: {stale}; --cascade draws them again.", file=sys.stderr)


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
    shot, lora = facts["shot"], facts["lora"]
    rows = {
        "prompt": shot["prompt"],
        "without": shot["negative_prompt"].strip() or "nothing named",
        "from": ", ".join(reference["name"] for reference in shot["references"]) or "words alone",
        "scene": f"{shot['number']} ({shot['id']}), take {shot['take']}, shown for {shot['duration']:g} s",
        "size": f"{shot['width']}x{shot['height']}",
        "strength": f"{shot['strength']:g}",
        "steps": f"{shot['steps']}, guidance {shot['guidance']:g}",
        "seed": f"{facts['seed']} (of its noise: {shot['seed']})",
        "model": facts["model"] + (f" ({facts['note']})" if facts.get("note") else ""),
        "lora": f"{lora['file']} at {lora['scale']:g}, sha256 {lora['sha256']}",
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


def _planned(options: argparse.Namespace, story: Story, seen: Along, record: Record | None = None) -> Run:
    """Decides everything, and says what everyone should know; a dry run shows all of it."""
    wanted = given(**{name: getattr(options, name, None) for name in SETTINGS})
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
    return Run(story.complete(wanted, seed, name), shots, model)


def _notice(take: Take) -> Take:
    """Says what is worth a look in a scene."""
    if noticed := ", ".join(take.facts.get("noticed", ())):
        print(f"Scene {take.shot.number} is worth a look: {noticed}.", file=sys.stderr)
    return take


def _shoot(run: Run, seen: Pictures, auto_retake: int, shots: Sequence[Shot]) -> Iterator[Take]:
    """Loads the model, and draws these shots."""
    from nextscene import model  # these bring torch, which a dry run does without
    from nextscene.studio import Studio

    print("Loading the model ...", file=sys.stderr)
    studio = Studio(model.load(weights.fetch(run.model), weights.lora(run.model), run.model))
    with progress(shots) as on_step:
        yield from studio.shoot(shots, seen, on_step, run.story.as_fact(), auto_retake)


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


COMMANDS = {"predict": predict, "sequence": sequence, "explain": explain}

if __name__ == "__main__":
    sys.exit(main())

"""What `script/explain` prints: how a picture was made, from its own metadata, and how to make it again."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from nextscene import NextSceneError, pictures
from nextscene.provenance import Provenance
from nextscene.story import look_of


def explain(picture: Path, story: bool = False, look: bool = False) -> str:
    """story: the story that the picture belongs to, as a story file, instead of how it was made; look: its look."""
    made = Provenance.from_json(pictures.facts(picture), picture.name)
    if not (story or look):
        return "\n".join([*_rows(made), *_commands(picture, made)])
    if not made.story:
        raise NextSceneError(f"{picture.name} does not carry its story, which was too long: see run.json beside it.")
    return json.dumps((look_of(made.story) if look else made.story).as_data(), indent=2)


def _rows(made: Provenance) -> Iterator[str]:
    shot, look, lora, own = made.shot, made.shot.look, made.lora, made.lora_weights
    rows = {
        "prompt": shot.prompt,
        **({"drawn as": shot.words} if shot.words != shot.prompt else {}),
        "shows": str(shot.shows),
        "without": look.negative_prompt.strip() or "nothing named",
        "from": ", ".join(reference.name for reference in shot.references) or "words alone",
        **({"follows": f"the {shot.follows.kind} of {shot.follows.of.name}"} if shot.follows else {}),
        "scene": f"{shot.number} ({shot.id}), take {shot.take} of these words, shown for {shot.duration:g} s",
        "size": shot.size,
        "strength": f"{look.strength:g}",
        "steps": f"{look.steps}, guidance {look.guidance:g}" + ", drawn fast: a draft" * shot.go_fast,
        "seed": f"{shot.story_seed} (of its noise: {shot.seed})",
        "model": made.model + (f" ({made.note})" if made.note else ""),
        "lora": f"{lora.file} at {lora.scale:g}, sha256 {lora.sha256}",
        **({"with": f"{own.name} at {own.scale:g}, sha256 {own.sha256}"} if own else {}),
        **{f"word {' '.join(each.words)}": f"{each.name}, sha256 {each.sha256}" for each in made.embeddings},
        **({"angles": f"{made.camera_lora.file}, sha256 {made.camera_lora.sha256}"} if made.camera_lora else {}),
        **({"seen": ", ".join(f"{kind} {answer}" for kind, answer in made.seen.items())} if made.seen else {}),
        "noticed": ", ".join(made.noticed) or "nothing",
        "made by": made.made_by,
    }
    yield from (f"{name:9} {value}" for name, value in rows.items())


def _commands(picture: Path, made: Provenance) -> Iterator[str]:
    if story := made.story:
        files = f" --input-image {shlex.quote(story.image)}" if story.image else ""
        files += "".join(f" --references {shlex.quote(name)}" for name in story.cast)
        yield f"\nTo make it again, with the {len(story.scenes)} scene(s) of its story:"
        yield f"  script/explain {shlex.quote(str(picture))} --story > story.json"
        again = f"script/sequence story.json{files} --output-dir outputs/again"
        yield f"  NEXT_SCENE_MODEL={shlex.quote(made.model)} {again}"

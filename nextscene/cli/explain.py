"""What `script/explain` prints: how a picture was made, from its own metadata, and how to make it again."""

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nextscene import NextSceneError, pictures


def explain(picture: Path, story: bool) -> str:
    """story: the story that the picture belongs to, as a story file, instead of how it was made."""
    facts = pictures.facts(picture)
    if facts is None:
        raise NextSceneError(f"{picture.name} does not say how it was made: it was not made here, or not kept whole.")
    if not story:
        return "\n".join([*_rows(facts), *_commands(picture, facts)])
    if "story" not in facts:
        raise NextSceneError(f"{picture.name} does not carry its story, which was too long: see run.json beside it.")
    return json.dumps(facts["story"], indent=2)


def _rows(facts: Mapping[str, Any]) -> Iterator[str]:
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
    yield from (f"{name:9} {value}" for name, value in rows.items())


def _commands(picture: Path, facts: Mapping[str, Any]) -> Iterator[str]:
    if story := facts.get("story"):
        files = f" --input-image {shlex.quote(story['image'])}" if "image" in story else ""
        files += "".join(f" --references {shlex.quote(name)}" for name in story.get("cast", []))
        yield f"\nTo make it again, with the {len(story['scenes'])} scene(s) of its story:"
        yield f"  script/explain {shlex.quote(str(picture))} --story > story.json"
        again = f"script/sequence story.json{files} --output-dir outputs/again"
        yield f"  NEXT_SCENE_MODEL={shlex.quote(facts['model'])} {again}"

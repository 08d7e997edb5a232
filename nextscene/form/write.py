"""Writes all that follows from the tables: predict.py's inputs, the story file's JSON schema, the tables of the docs.

python -m nextscene.form.write            # script/generate
python -m nextscene.form.write --check    # says what is not up to date; script/lint asks for that
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nextscene.card import World, read_card
from nextscene.form.inputs_table import FORM_INPUTS, with_declarations
from nextscene.hub import CLIP_MODELS, DEPTH, FILM_MODELS, LORAS, MODELS, VOICES, memory_needs
from nextscene.settings import (
    ClipLook,
    FilmSettings,
    Group,
    Look,
    OutputSettings,
    RestyleSettings,
    ScriptSettings,
    StorySettings,
    rows,
)
from nextscene.story import Scene, Story, world_table

ROOT = Path(__file__).resolve().parents[2]


def written() -> Iterator[tuple[Path, str]]:
    """Each file that holds something generated, and its text as it should be."""
    yield ROOT / "predict.py", with_declarations((ROOT / "predict.py").read_text())
    yield ROOT / "story.schema.json", json.dumps(story_schema(), indent=2, ensure_ascii=False) + "\n"
    for name in (
        "README.md",
        "docs/script.md",
        "docs/story.md",
        "docs/clips.md",
        "docs/restyle.md",
        "docs/storybook/README.md",
    ):
        path = ROOT / name
        yield path, with_tables(path.read_text())


def story_schema() -> dict[str, Any]:
    """The JSON schema of a story file, for editors that complete and check."""
    schema = _plain(Story.model_json_schema(mode="validation"))
    schema["properties"] = {"$schema": {"type": "string"}, **schema["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A story for Next Scene",
        "description": "Scenes in order, and settings that hold for all of them; or just the list of scenes.",
        "anyOf": [{key: value for key, value in schema.items() if key != "$defs"}, schema["properties"]["scenes"]],
        "$defs": schema["$defs"],
    }


def _plain(node: Any) -> Any:
    """Without what only our own table needs, and without null, which says nothing there."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _plain(value) for key, value in node.items() if key not in ("recommended", "blank", "title")}
    if "properties" in node:
        kept["properties"] = {name: _plain(value) for name, value in node["properties"].items()}
    if isinstance(description := kept.get("description"), str) and node.get("recommended"):
        kept["description"] = f"{description}. Recommended: {node['recommended']}"
    if kept.get("default", ...) is None:
        del kept["default"]
    return kept


def with_tables(text: str) -> str:
    """A page with each generated table written anew, between `<!-- table: NAME -->` and `<!-- end -->`."""

    def fill(found: re.Match[str]) -> str:
        return f"<!-- table: {found[1]} -->\n{TABLES[found[1]]()}<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->\n.*?<!-- end -->", fill, text, flags=re.DOTALL)


def _inputs_table() -> str:
    lines = [
        f"| `{each.name}` | {_shown(each.default)} | {_cell(each.description)}{_choices(each.choices)} |\n"
        for each in FORM_INPUTS
    ]
    return "| input | default | what it does |\n|---|---|---|\n" + "".join(lines)


def _fields_table(*groups: type[Group], without: type[Group] | None = None) -> str:
    left_out = set(without.model_fields) if without else set()
    lines: list[str] = []
    seen: set[str] = set()
    for group in groups:
        for each in rows(group):
            if each.name in left_out | seen:
                continue
            seen.add(each.name)
            more = "; ".join(filter(None, [each.range, each.recommended and f"recommended: {each.recommended}"]))
            about = _cell(each.help + (f" ({more})" if more else "")) + _choices(each.choices)
            lines.append(f"| `{each.name}` | {each.blank or _shown(each.default)} | {about} |\n")
    return "| field | when not given | what it does |\n|---|---|---|\n" + "".join(lines)


def _models_table() -> str:
    lines = []
    for each in (*MODELS.values(), *LORAS.values(), *VOICES.values(), DEPTH):
        origin = f"[{each.repo}](https://huggingface.co/{each.repo})" if each.repo else "built in"
        size = f"{each.size / 1e9:.3g} GB" if each.size else "38 MB"
        lines.append(f"| `{each.name}` | {_cell(each.note)} | {origin} | {size} | {each.licence} |\n")
    return "| name | what | from | size | licence |\n|---|---|---|---|---|\n" + "".join(lines)


def _engines_table() -> str:
    """The engines for clips, with the memory that each needs, computed."""
    lines = []
    for each in CLIP_MODELS.values():
        facts = each.facts
        origin = f"[{each.repo}](https://huggingface.co/{each.repo})" if each.repo else "built in"
        origin = "Replicate" if facts.family == "hosted" else origin
        gpu = ", ".join(f"{_amount(need)} {name}" for name, need in memory_needs(each)) if each.numbers else ""
        clip = f"{facts.frames} at {facts.fps:g}, {facts.size[0]}x{facts.size[1]}"
        last = "yes" if facts.joins else f"`{facts.joiner}`" if facts.joiner else "no"
        lines.append(f"| `{each.name}` | {_cell(each.note)} | {origin} | {clip} | {last} | {gpu} | {each.licence} |\n")
    head = "| engine | what | from | frames | last picture | GPU memory, at least | licence |\n"
    return head + "|---|---|---|---|---|---|---|\n" + "".join(lines)


def _film_engines_table() -> str:
    """The engines that restyle films."""
    lines = []
    for each in FILM_MODELS.values():
        origin = f"[{each.repo}](https://huggingface.co/{each.repo})" if each.repo else "Replicate"
        gpu = ", ".join(f"{_amount(need)} {name}" for name, need in memory_needs(each)) if each.numbers else ""
        lines.append(f"| `{each.name}` | {_cell(each.note)} | {origin} | {gpu} | {each.licence} |\n")
    return "| engine | what | from | GPU memory, at least | licence |\n|---|---|---|---|---|\n" + "".join(lines)


def _amount(size: float) -> str:
    return f"{size / 1e9:.0f} GB"


def _small_world() -> World:
    world = read_card(ROOT / "storybook" / "model").world
    assert world
    return world


def _kinds_table() -> str:
    """The small model's world at a glance."""
    rows = [f"| {kind} | {', '.join(names)} |\n" for kind, names in _small_world().items() if kind != "other words"]
    return "| it knows | |\n|---|---|\n" + "".join(rows)


def _choices(choices: tuple[str | int, ...]) -> str:
    return f" ({', '.join(f'`{each}`' for each in choices)})" if choices else ""


def _shown(value: bool | int | float | str | None) -> str:
    text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    return f"`{text}`" if isinstance(value, str) and value else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


TABLES: dict[str, Callable[[], str]] = {
    "inputs": _inputs_table,
    "look": lambda: _fields_table(Look),
    "story": lambda: _fields_table(Story, StorySettings, without=Look),
    "scene": lambda: _fields_table(Scene, without=Look),
    "clip": lambda: _fields_table(ClipLook),
    "engines": _engines_table,
    "film_engines": _film_engines_table,
    "film": lambda: _fields_table(FilmSettings),
    "restyle": lambda: _fields_table(RestyleSettings),
    "output": lambda: _fields_table(OutputSettings),
    "script": lambda: _fields_table(ScriptSettings),
    "models": _models_table,
    "world": _kinds_table,
    "wordings": lambda: world_table(_small_world()) + "\n",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/generate", description="Writes what follows from the tables.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is not up to date")
    check = parser.parse_args().check
    stale = [(path, text) for path, text in written() if not path.is_file() or path.read_text() != text]
    for path, text in stale:
        if not check:
            path.write_text(text)
        print(f"{path.relative_to(ROOT)} {'is not up to date: run script/generate' if check else 'written'}.")
    sys.exit(bool(stale) and check)


if __name__ == "__main__":
    main()

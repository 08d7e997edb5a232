"""The container's schema, read from the predictor's text as Cog reads it, and a judge of what Cog loses on the way.

Cog makes the web form, the 422s and /openapi.json from the *text* of predict.py, without importing it; what it cannot
read, it drops without a word. Here the same text is read by the same rules.

In: a file and the name of its predictor, or of its function that trains. Out: the inputs as Cog sees them, a complaint
for each thing that it drops or misreads, and the OpenAPI document. It imports neither the predictor nor cog, and knows
only the types and calls that a sensible predictor needs: of the rest it complains, instead of guessing.

    python -m nextscene.form.schema predict.py:Runner train.py:train .cog/openapi_schema.json
"""

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from nextscene import NextSceneError
from nextscene.files import write_whole
from nextscene.form.openapi import Json, document, merged, reference, title

SCALARS: dict[str, Json] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "Path": {"type": "string", "format": "uri"},
}
SECRET: Json = {"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True}
INPUTS = (
    SCALARS
    | {"Secret": SECRET}
    | {f"list[{name}]": {"type": "array", "items": scalar} for name, scalar in SCALARS.items()}
)
OUTPUTS = {
    "Iterator[Path]": INPUTS["list[Path]"] | {"x-cog-array-type": "iterator"},
    "list[Path]": INPUTS["list[Path]"],
    "Path": INPUTS["Path"],
}


class Keyword(NamedTuple):
    """What Cog makes of one keyword of `Input(...)`."""

    key: str  # its name in the document
    reads: tuple[type, ...]
    suits: tuple[str, ...] = tuple(INPUTS)  # the types of input on which it does something
    by_name: bool = False  # whether a constant of the same file may stand for the literal


KEYWORDS = {
    "default": Keyword("default", (str, int, float, bool, list, type(None)), by_name=True),
    "description": Keyword("description", (str,), by_name=True),
    "choices": Keyword("enum", (list,), ("str", "int"), by_name=True),
    "ge": Keyword("minimum", (int, float), ("int", "float")),
    "le": Keyword("maximum", (int, float), ("int", "float")),
    "min_length": Keyword("minLength", (int,), ("str",)),
    "max_length": Keyword("maxLength", (int,), ("str",)),
    "regex": Keyword("pattern", (str,), ("str",)),
    "accept": Keyword("x-cog-accept", (str,), ("Path", "list[Path]")),
}
PLAIN = "one plain literal (no parentheses, names, f-strings, arithmetic or comments, and no number past 2**53)"
OPENED = re.compile(rb"\((\s|#.*\n)*\Z")  # an opening parenthesis, and after it nothing but space and comments
QUOTE = re.compile(r"\"{3}|'{3}|r?[\"']")  # the openings of a string that Cog knows


@dataclass(frozen=True)
class Input:
    """One input. Its `facts` are what Cog sees of default, description, minimum, ..., under the document's names."""

    name: str
    type: str
    nullable: bool
    facts: Json

    @property
    def required(self) -> bool:
        return "default" not in self.facts and not self.nullable


@dataclass(frozen=True)
class Reading:
    """What Cog sees of a predictor, and what it does not."""

    inputs: list[Input]
    output: Json
    streams: bool  # whether a caller may watch the outputs come, as server-sent events
    trains: bool
    complaints: list[str]


def read(path: str | Path, name: str) -> Reading:
    """The class (which predicts) or function (which trains) `name` in the file at `path`, as Cog sees it."""
    reader = _Reader(Path(path))
    function = reader.function(name)
    inputs, output, streams = list(reader.inputs(function)), reader.output(function), reader.streams(function)
    return Reading(inputs, output, streams, function in reader.module.body, reader.complaints)


def complaints(path: str | Path, name: str) -> list[str]:
    """A sentence for each thing that Cog would drop or misread, or that is not understood here."""
    return read(path, name).complaints


def openapi(reading: Reading, training: Reading | None = None) -> Json:
    """The OpenAPI document that Cog would give the container."""
    inputs = {"type": "object", "properties": {each.name: _property(n, each) for n, each in enumerate(reading.inputs)}}
    if required := [each.name for each in reading.inputs if each.required]:
        inputs["required"] = required
    enums = {each.name: _enum(each) for each in reading.inputs if each.facts.get("enum")}
    own = document(inputs, reading.output, enums, reading.streams, reading.trains)
    return merged(own, openapi(training)) if training else own


class _Reader:
    """Reads one file. Takes literals from its characters, as Cog does, instead of from their values."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path.read_bytes().decode()
        self.lines = self.source.encode().splitlines(keepends=True)
        self.module = ast.parse(self.source, str(path))
        self.constants = dict(_constants(self.module))
        imports = [node for node in self.module.body if isinstance(node, ast.ImportFrom) and node.module == "cog"]
        self.from_cog = {"cog", *(alias.name for node in imports for alias in node.names)}
        self.complaints: list[str] = []

    def function(self, name: str) -> ast.FunctionDef:
        """What Cog calls: of a class its method `run`, or else `predict`; or the function of that name."""
        found = [node for node in self.module.body if isinstance(node, ast.ClassDef) and node.name == name]
        methods = {node.name: node for each in found for node in each.body if isinstance(node, ast.FunctionDef)}
        functions = {node.name: node for node in self.module.body if isinstance(node, ast.FunctionDef)}
        if function := methods.get("run") or methods.get("predict") or functions.get(name):
            return function
        raise NextSceneError(f"{self.path} has no class {name} with a run method: name a predictor as FILE:CLASS.")

    def streams(self, function: ast.FunctionDef) -> bool:
        names = {ast.unparse(decorator): decorator for decorator in function.decorator_list}
        for name, decorator in names.items():
            if name != "streaming" and self.from_cog & set(re.findall(r"\w+", name)):
                self.complain(decorator, f"@{name} is not understood here: leave it out")
        return "streaming" in names and "streaming" in self.from_cog

    def output(self, function: ast.FunctionDef) -> Json:
        returned = self.annotation(function.returns)
        for node in self.module.body:
            if isinstance(node, ast.ClassDef) and node.name == returned and function in self.module.body:
                return self.model(node)
        if not self.understood(returned, OUTPUTS):
            self.complain(
                function, f"{function.name} returns {returned}: write one of {', '.join(OUTPUTS)} (cog's Path)"
            )
        return OUTPUTS.get(returned, {})

    def model(self, node: ast.ClassDef) -> Json:
        """An output of several fields."""
        fields = {}
        for each in node.body:
            match each:
                case ast.AnnAssign(target=ast.Name(id=name), value=None):
                    kind = self.annotation(each.annotation)
                    if not self.understood(kind, INPUTS):
                        self.complain(each, f"{name} is of {kind}: write one of {', '.join(INPUTS)} (cog's Path)")
                    fields[name] = {**INPUTS.get(kind, {}), "title": title(name)}
        return {"type": "object", "properties": fields, "required": list(fields)}

    def inputs(self, function: ast.FunctionDef) -> Iterator[Input]:
        args = function.args
        if args.posonlyargs or args.vararg or args.kwonlyargs or args.kwarg:
            self.complain(function, f"{function.name} has a / or a * among its inputs: leave it out")
        values = [None] * (len(args.args) - len(args.defaults)) + args.defaults
        for arg, value in zip(args.args, values, strict=True):
            if arg.arg != "self":
                yield from self.input(arg, value)

    def input(self, arg: ast.arg, value: ast.expr | None) -> Iterator[Input]:
        written = self.annotation(arg.annotation)
        kind = written.removesuffix(" | None")
        if not self.understood(kind, INPUTS):
            known = f"{', '.join(SCALARS)} (cog's Path) or a list[...] of one, with | None if it may be left out"
            self.complain(arg, f"{arg.arg} is of {written}: write one of {known}")
            return
        facts = dict(self.facts(arg.arg, kind, self.keywords(arg, value)))
        if facts.get("default", ...) is None and kind == written:
            self.complain(arg, f"{arg.arg}'s default None is none at all to Cog: write its type as {kind} | None")
            del facts["default"]
        yield Input(arg.arg, kind, kind != written, facts)

    def keywords(self, arg: ast.arg, value: ast.expr | None) -> dict[str, ast.expr]:
        """What `name: type = Input(...)`, `name: type = value` or a bare `name: type` says of the input."""
        keywords = {"default": value} if value else {}
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "Input":
            keywords = {keyword.arg or "**": keyword.value for keyword in value.keywords}
            if value.args:
                self.complain(arg, f"{arg.arg}'s default is positional and Cog drops it: write Input(default=...)")
        if "description" not in keywords:
            self.complain(arg, f"{arg.arg} has no description: give it one")
        return keywords

    def facts(self, name: str, kind: str, keywords: dict[str, ast.expr]) -> Iterator[tuple[str, Any]]:
        for word, node in keywords.items():
            keyword = KEYWORDS.get(word)
            if keyword is None:
                self.complain(node, f"{name}'s {word} is not understood here: leave it out")
                continue
            if kind not in keyword.suits:
                self.complain(node, f"{name}'s {word} does not work on {kind}: leave it out, and check in predict")
            if isinstance(node, ast.Name) and keyword.by_name:
                node = self.constants.get(node.id, node)
            try:
                seen = self.literal(node)
                if type(seen) not in keyword.reads:
                    raise ValueError(f"{seen!r} is no {word}")
            except ValueError:
                self.complain(node, f"Cog cannot read {name}'s {word}: write {PLAIN}")
                continue
            if seen != ast.literal_eval(node):
                self.complain(node, f"Cog reads {name}'s {word} as {seen!r}: write one string without backslashes")
            yield keyword.key, seen

    def literal(self, node: ast.expr) -> Any:
        """The value that Cog takes from a literal; ValueError where it takes none."""
        value, text = ast.literal_eval(node), self.text(node)
        if OPENED.search(self.before(node)):
            raise ValueError("in parentheses")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float) and abs(value) <= 2**53:
            return type(value)(text)
        if isinstance(value, str) and (quote := QUOTE.match(text)):
            return text[quote.end() : -len(quote[0].lstrip("r"))]
        if isinstance(node, ast.List) and not self.commented(node):
            return [self.literal(item) for item in node.elts]
        raise ValueError("no plain literal")

    def before(self, node: ast.expr) -> bytes:
        *above, line = self.lines[: node.lineno]
        return b"".join(above) + line[: node.col_offset]

    def commented(self, node: ast.List) -> bool:
        between = self.text(node)
        for item in node.elts:
            between = between.replace(self.text(item), "", 1)
        return "#" in between

    def text(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.source, node) or ""

    def annotation(self, node: ast.expr | None) -> str:
        """A type as it is written: Cog knows none that is in parentheses."""
        if node is None:
            return "no type"
        return f"({self.text(node)})" if OPENED.search(self.before(node)) else self.text(node)

    def understood(self, kind: str, kinds: dict[str, Json]) -> bool:
        return kind in kinds and {"Path", "Secret"} & set(re.findall(r"\w+", kind)) <= self.from_cog

    def complain(self, node: ast.expr | ast.stmt | ast.arg, sentence: str) -> None:
        self.complaints.append(f"{self.path}:{node.lineno}: {sentence}.")


def _constants(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def _property(order: int, each: Input) -> Json:
    facts = {key: fact for key, fact in each.facts.items() if key != "enum"}
    shape = {"title": title(each.name), **INPUTS[each.type]}
    if each.facts.get("enum"):
        shape = {"allOf": [reference(each.name)]}
    return {"x-order": order, **shape, **({"nullable": True} if each.nullable else {}), **facts}


def _enum(each: Input) -> Json:
    shape = INPUTS[each.type]
    return {"description": "An enumeration.", "enum": each.facts["enum"], "type": shape.get("items", shape)["type"]}


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m nextscene.form.schema", description="Writes the OpenAPI document that Cog gives a model."
    )
    parser.add_argument("predictor", help="what predicts: file and class, for example predict.py:Runner")
    parser.add_argument("training", nargs="?", help="what trains: file and function, for example train.py:train")
    parser.add_argument("outfile", type=Path, help="where to write, for example .cog/openapi_schema.json")
    given = parser.parse_args()
    try:
        readings = [read(*name.partition(":")[::2]) for name in (given.predictor, given.training) if name]
    except NextSceneError as error:
        sys.exit(str(error))
    if complaints := [each for reading in readings for each in reading.complaints]:
        sys.exit("\n".join(complaints))
    write_whole(given.outfile, json.dumps(openapi(*readings), indent=2))


if __name__ == "__main__":
    main()

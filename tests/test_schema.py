"""What Cog's static reader makes of a predictor, and that predict.py loses nothing to it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nextscene import NextSceneError
from nextscene.form import schema

ROOT = Path(__file__).parents[1]

GOOD = '''
prompts: list[str] | None = Input(default=None, description=WORDS)
image: Path | None = Input(default=None, accept="image/*", description="(A picture) # one")
seed: int | None = Input(description='Blank: "random"', ge=0, le=2147483647)
lora_scale: float = Input(description="""Strength""", default=0.75, ge=-0.5, le=2)
output_format: str = Input(description=r"A \\d", default="png", choices=FORMATS)
name: str = Input(description="Not to be left out", min_length=1, max_length=8, regex="^[a-z]+$")
output_video: bool = Input(description="Film", default=False)
'''
AS_COG_WRITES_IT = {
    "title": "Input",
    "type": "object",
    "required": ["name"],
    "properties": {
        "prompts": {
            "x-order": 0,
            "title": "Prompts",
            "type": "array",
            "items": {"type": "string"},
            "nullable": True,
            "default": None,
            "description": "A constant — of this file",
        },
        "image": {
            "x-order": 1,
            "title": "Image",
            "type": "string",
            "format": "uri",
            "nullable": True,
            "default": None,
            "description": "(A picture) # one",
            "x-cog-accept": "image/*",
        },
        "seed": {
            "x-order": 2,
            "title": "Seed",
            "type": "integer",
            "nullable": True,
            "description": 'Blank: "random"',
            "minimum": 0,
            "maximum": 2147483647,
        },
        "lora_scale": {
            "x-order": 3,
            "title": "Lora Scale",
            "type": "number",
            "default": 0.75,
            "description": "Strength",
            "minimum": -0.5,
            "maximum": 2,
        },
        "output_format": {
            "x-order": 4,
            "allOf": [{"$ref": "#/components/schemas/output_format"}],
            "default": "png",
            "description": "A \\d",
        },
        "name": {
            "x-order": 5,
            "title": "Name",
            "type": "string",
            "description": "Not to be left out",
            "minLength": 1,
            "maxLength": 8,
            "pattern": "^[a-z]+$",
        },
        "output_video": {
            "x-order": 6,
            "title": "Output Video",
            "type": "boolean",
            "default": False,
            "description": "Film",
        },
    },
}
PROMISED = {
    "prompts": None,
    "image": None,
    "story": None,
    "negative_prompt": "black bars, letterbox, borders",
    "strength": 0.6,
    "lora_scale": 0.75,
    "width": None,
    "height": None,
    "num_inference_steps": None,
    "guidance": 4.0,
    "seed": None,
    "output_video": False,
    "fps": 2,
    "output_format": "png",
}
TRAPS = {
    "adjacent strings": (
        'x: str = Input(default="a", description="one " "two")',
        "reads x's description as 'one \" \"two'",
    ),
    "an escape": (r'x: str = Input(default="a", description="one\ntwo")', r"reads x's description as 'one\\ntwo'"),
    "an escape in a default": (r'x: str = Input(default="\t", description="d")', r"reads x's default as '\\t'"),
    "a raw triple quote": ('x: str = Input(default="a", description=r"""d""")', 'reads x\'s description as \'""d""\''),
    "an escape in a choice": (r'x: str = Input(default="a", description="d", choices=["\t"])', "reads x's choices as"),
    "parentheses": ('x: str = Input(default="a", description=("d"))', "cannot read x's description"),
    "parentheses with a remark": (
        'x: str = Input(default="a", description=(  # r\n"d"))',
        "cannot read x's description",
    ),
    "an f-string": ('x: str = Input(default="a", description=f"{LOW}")', "cannot read x's description"),
    "a sum of strings": ('x: str = Input(default="a", description="d" + "e")', "cannot read x's description"),
    "a prefix u": ('x: str = Input(default="a", description=u"d")', "cannot read x's description"),
    "an imported description": ('x: str = Input(default="a", description=IMPORTED)', "cannot read x's description"),
    "an imported default": ('x: str = Input(default=IMPORTED, description="d")', "cannot read x's default"),
    "a parenthesised constant": ('x: str = Input(default="a", description=WRAPPED)', "cannot read x's description"),
    "a computed default": ('x: int = Input(default=2**4, description="d")', "cannot read x's default"),
    "a huge default": ('x: int = Input(default=18446744073709551615, description="d")', "cannot read x's default"),
    "a positional default": ('x: int = Input(5, description="d")', "x's default is positional"),
    "a default factory": ('x: list[str] = Input(default_factory=list, description="d")', "x's default_factory is not"),
    "a default None on a plain type": (
        'x: Path = Input(default=None, description="d")',
        "write its type as Path | None",
    ),
    "ge by name": ('x: int = Input(default=5, ge=LOW, description="d")', "cannot read x's ge"),
    "le by expression": ('x: int = Input(default=5, le=2**31 - 1, description="d")', "cannot read x's le"),
    "le in hexadecimal": ('x: int = Input(default=5, le=0xFF, description="d")', "cannot read x's le"),
    "ge with a space": ('x: int = Input(default=5, ge=- 1, description="d")', "cannot read x's ge"),
    "min_length by name": (
        'x: str = Input(default="a", min_length=LOW, description="d")',
        "cannot read x's min_length",
    ),
    "min_length on a list": (
        'x: list[str] = Input(min_length=1, description="d")',
        "min_length does not work on list[str]",
    ),
    "choices on a list": ('x: list[str] = Input(choices=["a"], description="d")', "choices does not work on list[str]"),
    "choices with a remark inside": ('x: str = Input(choices=REMARKED, description="d")', "cannot read x's choices"),
    "choices from a call": ('x: str = Input(choices=list("ab"), description="d")', "cannot read x's choices"),
    "accept on a text": ('x: str = Input(accept="image/*", description="d")', "accept does not work on str"),
    "a literal type": ('x: Literal["a"] = Input(default="a", description="d")', 'x is of Literal["a"]'),
    "a union": ('x: str | int = Input(default="a", description="d")', "x is of str | int"),
    "typing's Optional": ('x: Optional[str] = Input(default=None, description="d")', "x is of Optional[str]"),
    "a type in parentheses": ('x: (str) = Input(default="a", description="d")', "x is of (str)"),
    "no type": ('x=Input(default="a", description="d")', "x is of no type"),
    "no description": ('x: str = Input(default="a")', "x has no description"),
    "no Input": ('x: str = "a"', "x has no description"),
    "an unknown keyword": ('x: str = Input(default="a", description="d", title="X")', "x's title is not understood"),
    "unpacked keywords": ('x: str = Input(default="a", description="d", **MORE)', "x's ** is not understood"),
    "a bare star": ('*, x: str = Input(default="a", description="d")', "a / or a * among its inputs"),
}


def reading(
    folder: Path, inputs: str, output: str = "Iterator[Path]", cog: str = "Input, Path", decorator: str = ""
) -> schema.Reading:
    file = folder / "predict.py"
    file.write_text(f"""
from pathlib import Path
from cog import BaseRunner, {cog}
from elsewhere import IMPORTED

WORDS: str = "A constant — of this file"
WRAPPED = ("A constant")
FORMATS = ["png", "jpg"]
REMARKED = ["png",  # loses nothing
            "jpg"]
LOW = 1

class Runner(BaseRunner):
    @torch.inference_mode()
    {decorator}
    def run(
        self,
        {inputs}
    ) -> {output}:
        ...
""")
    return schema.read(file, "Runner")


def good_reading(folder: Path) -> schema.Reading:
    return reading(folder, ",".join(GOOD.splitlines(keepends=True)[1:]))


def test_a_good_predictor_gives_the_document_that_cog_writes(tmp_path: Path) -> None:
    found = good_reading(tmp_path)
    assert found.complaints == []
    schemas = schema.openapi(found)["components"]["schemas"]
    assert schemas["Input"] == AS_COG_WRITES_IT
    assert schemas["output_format"] == {
        "title": "output_format",
        "description": "An enumeration.",
        "type": "string",
        "enum": ["png", "jpg"],
    }
    pictures = {"title": "Output", "type": "array", "items": {"type": "string", "format": "uri"}}
    assert schemas["Output"] == pictures | {"x-cog-array-type": "iterator"}


def test_the_document_says_how_to_ask_and_what_is_answered(tmp_path: Path) -> None:
    document = schema.openapi(good_reading(tmp_path))
    paths, schemas = document["paths"], document["components"]["schemas"]
    predict = paths["/predictions"]["post"]
    assert list(paths) == ["/", "/health-check", "/predictions", "/predictions/{prediction_id}/cancel"]
    assert _schema_of(predict["requestBody"]) == {"$ref": "#/components/schemas/PredictionRequest"}
    assert _schema_of(predict["responses"]["200"]) == {"$ref": "#/components/schemas/PredictionResponse"}
    assert _schema_of(predict["responses"]["422"]) == {"$ref": "#/components/schemas/HTTPValidationError"}
    assert schemas["PredictionRequest"]["properties"]["input"] == {"$ref": "#/components/schemas/Input"}
    assert schemas["PredictionResponse"]["properties"]["output"] == {"$ref": "#/components/schemas/Output"}
    referred = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert referred == set(schemas) - {"Status"}


def test_a_streaming_predictor_says_that_its_outputs_can_be_watched(tmp_path: Path) -> None:
    def of(**more: str) -> tuple[bool, list[str]]:
        found = reading(tmp_path, 'x: str = Input(default="a", description="d")', **more)
        operation = schema.openapi(found)["paths"]["/predictions"]["post"]
        return operation.get("x-cog-streaming", False), found.complaints

    assert of() == (False, [])
    assert of(decorator="@streaming", cog="Input, Path, streaming") == (True, [])
    assert not of(decorator="@streaming")[0]
    streams, complaints = of(decorator="@concurrent(max=2)", cog="Input, Path, concurrent")
    assert not streams
    assert "@concurrent(max=2) is not understood here" in complaints[0]


def _schema_of(message: Any) -> Any:
    return message["content"]["application/json"]["schema"]


@pytest.mark.parametrize(("inputs", "complaint"), TRAPS.values(), ids=TRAPS)
def test_what_cog_would_drop_or_misread_is_complained_of(tmp_path: Path, inputs: str, complaint: str) -> None:
    (said,) = reading(tmp_path, inputs).complaints
    assert complaint in said


@pytest.mark.parametrize("output", ["Optional[Path]", "Path | None", "dict", '"Path"'])
def test_an_output_that_cog_does_not_take_is_complained_of(tmp_path: Path, output: str) -> None:
    (said,) = reading(tmp_path, 'x: str = Input(default="a", description="d")', output=output).complaints
    assert f"run returns {output}" in said


def test_another_path_than_cogs_is_complained_of(tmp_path: Path) -> None:
    said = reading(tmp_path, 'x: Path = Input(description="d")', cog="Input").complaints
    assert [each.split(": ")[1] for each in said] == ["x is of Path", "run returns Iterator[Path]"]


def test_a_complaint_names_the_file_and_the_line(tmp_path: Path) -> None:
    (said,) = reading(tmp_path, 'x: str = Input(default="a")').complaints
    assert said == f"{tmp_path}/predict.py:18: x has no description: give it one."


def test_a_predictor_that_is_not_there_is_an_error_in_a_sentence(tmp_path: Path) -> None:
    reading(tmp_path, 'x: str = Input(description="d")')
    with pytest.raises(NextSceneError, match="has no class Director with a run method"):
        schema.read(tmp_path / "predict.py", "Director")


def test_the_command_writes_the_document(tmp_path: Path) -> None:
    found = good_reading(tmp_path)
    done = command(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "made/openapi.json").read_text()) == schema.openapi(found)


def test_the_command_says_what_is_lost_and_writes_nothing(tmp_path: Path) -> None:
    said = reading(tmp_path, 'x: int = Input(5, ge=LOW, description="d")').complaints
    done = command(tmp_path)
    assert (done.returncode, done.stderr.splitlines()) == (1, said)
    assert not (tmp_path / "made").exists()


def command(folder: Path, *training: str) -> subprocess.CompletedProcess[str]:
    words = ["-m", "nextscene.form.schema", f"{folder}/predict.py:Runner", *training, str(folder / "made/openapi.json")]
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_model_that_is_also_trained_has_both_in_one_document_as_cog_merges_them(tmp_path: Path) -> None:
    predicts, trains = schema.openapi(good_reading(tmp_path)), schema.openapi(schema.read(ROOT / "train.py", "train"))
    assert command(tmp_path, "train.py:train").returncode == 0
    document = json.loads((tmp_path / "made/openapi.json").read_text())
    assert document["paths"] == predicts["paths"] | trains["paths"] | {"/": predicts["paths"]["/"]}
    assert list(document["paths"])[-2:] == ["/trainings", "/trainings/{training_id}/cancel"]
    schemas = document["components"]["schemas"]
    assert schemas == trains["components"]["schemas"] | predicts["components"]["schemas"]
    assert {"Input", "TrainingInput", "Output", "TrainingOutput", "TrainingRequest"} <= set(schemas)


def test_the_schema_is_read_without_torch_and_without_cog() -> None:
    loaded = "import sys, nextscene.form.schema; sys.exit(bool({'torch', 'cog', 'coglet'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, check=False).returncode == 0


def test_predict_py_loses_nothing() -> None:
    assert schema.complaints(ROOT / "predict.py", "Runner") == []


def test_predict_py_has_the_promised_inputs_in_the_promised_order() -> None:
    inputs = schema.read(ROOT / "predict.py", "Runner").inputs
    later = [
        "video",
        "script",
        "writer",
        "writer_key",
        "max_shots",
        "plan_only",
        "output_quality",
        "go_fast",
        "continuity",
        "aspect",
        "clips",
        "clip_engine",
        "clip_seconds",
        "references",
        "lora_weights",
        "lora_weights_scale",
        "embeddings",
        "style",
        "contact_sheet",
        "return_record",
    ]
    later += [f"video_{name}" for name in ("transition", "move", "format", "captions", "narration", "music")]
    later.append("disable_safety_checker")
    assert {each.name: each.facts.get("default") for each in inputs if each.name not in later} == PROMISED
    assert [each.name for each in inputs] == [*PROMISED, *later]
    assert not any(each.required for each in inputs)


def test_each_number_of_predict_py_has_a_range() -> None:
    numbers = [each for each in schema.read(ROOT / "predict.py", "Runner").inputs if each.type in ("int", "float")]
    assert numbers
    assert [each.name for each in numbers if not {"minimum", "maximum"} <= set(each.facts)] == []

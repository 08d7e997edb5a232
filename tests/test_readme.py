"""The README says what is: every input, flag and script by its name, and no other."""

import argparse
import re

import pytest
from conftest import ROOT

from nextscene.cli.arguments import parser
from nextscene.form import schema
from nextscene.story.plan import DEFAULTS

README = (ROOT / "README.md").read_text()
INPUTS = schema.read(ROOT / "predict.py", "Runner").inputs


def rows() -> dict[str, str]:
    """The inputs table: each input's name and its default."""
    table = README.split("## Inputs")[1].split("##")[0]
    found = re.findall(r"^\| (`.*?`) +\| *(.*?) *\|", table, re.MULTILINE)
    return {name: default.strip("`") for names, default in found for name in re.findall(r"`(\w+)`", names)}


def test_the_inputs_table_has_every_input_in_order_with_its_default() -> None:
    shown = {
        each.name: "" if each.facts.get("default") is None else str(each.facts["default"]).replace("False", "false")
        for each in INPUTS
    }
    assert rows() == shown
    assert list(rows()) == list(shown)


def test_predict_has_the_defaults_of_the_plan() -> None:
    of_predict = {each.name: each.facts.get("default") for each in INPUTS}
    assert {name: of_predict[name] for name in DEFAULTS} == DEFAULTS


def commands() -> dict[str, argparse.ArgumentParser]:
    (action,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return action.choices


@pytest.mark.parametrize("name", ["predict", "sequence", "film", "explain"])
def test_every_flag_of_the_terminal_is_explained_in_its_help(name: str) -> None:
    for action in commands()[name]._actions:
        assert action.help, action.option_strings


def test_every_flag_that_the_readme_names_exists() -> None:
    flags = {flag for command in commands().values() for action in command._actions for flag in action.option_strings}
    section = README.split("## From a terminal")[1].split("## Inputs")[0]
    assert set(re.findall(r"`(--[a-z-]+)", section)) <= flags


def test_every_script_is_named_and_every_named_script_exists() -> None:
    there = {file.name for file in (ROOT / "script").iterdir()} - {"cog"}
    assert set(re.findall(r"script/(\w+)", README)) <= there
    listed = README.split("`script/setup`")[1].split("\n")[0]
    assert set(re.findall(r"`(\w+)`", listed)) | {"setup"} == there


def test_every_file_that_the_readme_names_exists() -> None:
    for path in re.findall(r"(?:samples|docs|nextscene)/[\w./]+\w", README):
        assert (ROOT / path).exists(), path

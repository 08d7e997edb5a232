"""The README says what is: every input, flag and script by its name, and no other."""

import argparse
import re

import pytest
from conftest import ROOT

from nextscene.cli.arguments import parser
from nextscene.form import schema
from nextscene.form.write import written

README = (ROOT / "README.md").read_text()
INPUTS = schema.read(ROOT / "predict.py", "Runner").inputs


def test_what_follows_from_the_tables_is_written() -> None:
    for path, text in written():
        assert path.read_text() == text, f"{path.name}: run script/generate"


def commands() -> dict[str, argparse.ArgumentParser]:
    (action,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return action.choices


@pytest.mark.parametrize("name", ["predict", "sequence", "film", "explain"])
def test_every_flag_of_the_terminal_is_explained_in_its_help(name: str) -> None:
    for action in commands()[name]._actions:
        assert action.help, action.option_strings


def test_every_flag_that_the_readme_names_exists() -> None:
    flags = {flag for command in commands().values() for action in command._actions for flag in action.option_strings}
    assert set(re.findall(r"`(--[a-z-]+)", README)) <= flags | {"--setup-timeout"}


def test_every_script_is_named_and_every_named_script_exists() -> None:
    there = {file.name for file in (ROOT / "script").iterdir()} - {"cog"}
    assert set(re.findall(r"script/(\w+)", README)) <= there
    listed = README.split("`script/setup`")[1].split("\n")[0]
    assert set(re.findall(r"`(\w+)`", listed)) | {"setup"} == there


def test_every_file_that_the_readme_names_exists() -> None:
    for path in re.findall(r"(?:samples|docs|nextscene)/[\w./]+\w", README):
        assert (ROOT / path).exists(), path

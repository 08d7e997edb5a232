"""A script: read, broken down into scenes and shots, and compiled to a story. Pure: no torch, no files, no clock.

breakdown = break_down(read_script_file(Path("harbour.fountain")))
compiled = compile_story(breakdown)  # a story, and the pictures that it wants
"""

from nextscene.script.breakdown import Breakdown, ScriptScene
from nextscene.script.compiling import Compiled, compile_story
from nextscene.script.fdx import in_fountain
from nextscene.script.fitting import fit
from nextscene.script.inventing import invent
from nextscene.script.reading import SUFFIXES, read_script, read_script_file, script_of
from nextscene.script.rules import break_down, cut_into, letters
from nextscene.script.script import Script
from nextscene.script.vocabulary import Camera, Size

__all__ = [
    "SUFFIXES",
    "Breakdown",
    "Camera",
    "Compiled",
    "Script",
    "ScriptScene",
    "Size",
    "break_down",
    "compile_story",
    "cut_into",
    "fit",
    "in_fountain",
    "invent",
    "letters",
    "read_script",
    "read_script_file",
    "script_of",
]

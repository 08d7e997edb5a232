"""What a run leaves behind: the record, the delivered files, the contact sheet, papers for film people."""

from nextscene.output.choosing import DEPTH_MODEL
from nextscene.output.clips import clip_times
from nextscene.output.delivery import deliver, numbered, numbered_clips
from nextscene.output.entries import RecordedScene, Run
from nextscene.output.folder import file_name, locked, refuse_what_is_in_the_way
from nextscene.output.moving import Moving
from nextscene.output.papers import Desk, Papers
from nextscene.output.record import Record
from nextscene.output.sheet import Sheet

__all__ = [
    "DEPTH_MODEL",
    "Desk",
    "Moving",
    "Papers",
    "Record",
    "RecordedScene",
    "Run",
    "Sheet",
    "clip_times",
    "deliver",
    "file_name",
    "locked",
    "numbered",
    "numbered_clips",
    "refuse_what_is_in_the_way",
]

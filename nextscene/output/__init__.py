"""What a run leaves behind: the record, the delivered files, the contact sheet, papers for film people."""

from nextscene.output.delivery import deliver, numbered
from nextscene.output.papers import Desk, Papers
from nextscene.output.record import Record
from nextscene.output.sheet import Sheet

__all__ = ["Desk", "Papers", "Record", "Sheet", "deliver", "numbered"]

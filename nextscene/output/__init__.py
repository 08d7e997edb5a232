"""What a run leaves behind: the record, the delivered files, the contact sheet."""

from nextscene.output.delivery import deliver, numbered
from nextscene.output.record import Record
from nextscene.output.sheet import Sheet

__all__ = ["Record", "Sheet", "deliver", "numbered"]

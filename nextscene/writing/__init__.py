"""Writers: they say how a script's shots are best seen. Its words and its structure are not theirs to change.

breakdown = decorate(break_down(script), find_writer("anthropic"), Answers(folder))

A writer sees numbered pieces of a script and answers with their numbers, with words of a fixed vocabulary and with a
few short texts; what is not right is asked for again, and then the rules' own breakdown stands, which is said.
"""

from nextscene.writing.asking import Answers, Task, TooLongError, Writer, WriterError
from nextscene.writing.choosing import find_writer
from nextscene.writing.decorating import decorate
from nextscene.writing.hosted import SERVICES, find_hosted
from nextscene.writing.telling import tell

__all__ = [
    "SERVICES",
    "Answers",
    "Task",
    "TooLongError",
    "Writer",
    "WriterError",
    "decorate",
    "find_hosted",
    "find_writer",
    "tell",
]

"""The terminal: flags in, a request out, progress and results shown."""

from nextscene.cli.commands import main

__all__ = ["main"]

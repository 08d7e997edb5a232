"""`script/page`: the flags of the page, and its start."""

import argparse
from pathlib import Path

from nextscene import NextSceneError
from nextscene.files import short
from nextscene.hub import choose
from nextscene.page import PORT, serve

EXAMPLES = """\
examples:
  script/page                       # http://127.0.0.1:8420, over the run in outputs/sequence
  script/page outputs/harbour       # begins a run there, or goes on with it

Type or drop a story, look at the plan, draw, take scenes again, watch the film: docs/page.md. It listens on this
machine only. From another one: ssh -L 8420:127.0.0.1:8420 MACHINE, and the same address there.
"""


def add_flags(command: argparse.ArgumentParser) -> None:
    about = "the folder of a run, begun or not (default: outputs/sequence)"
    default = Path("outputs/sequence")
    command.add_argument("run", nargs="?", type=Path, metavar="RUN_FOLDER", default=default, help=about)
    about = f"where it listens on this machine; 0: wherever there is room (default: {PORT})"
    command.add_argument("--port", type=int, metavar="PORT", default=PORT, help=about)


def page(options: argparse.Namespace) -> None:
    """Serves the page until it is stopped."""
    if not 0 <= options.port <= 65535:
        raise NextSceneError(f"--port: give 0 to 65535, not {short(options.port)}.")
    serve(options.run, choose(), options.port)

"""Runs the terminal's commands: `python -m nextscene.cli sequence ...`."""

import sys

try:
    from nextscene.cli import main

    status = main()
except KeyboardInterrupt:
    print("\nStopped.", file=sys.stderr)
    status = 130
sys.exit(status)

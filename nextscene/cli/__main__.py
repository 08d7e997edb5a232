"""Runs the terminal's commands: `python -m nextscene.cli sequence ...`."""

import sys

from nextscene.cli.main import main

sys.exit(main())

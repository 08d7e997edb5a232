"""The weights that Next Scene draws with: choose, fetch and list them. `script/weights` is its command."""

import sys

from nextscene.cli import main
from nextscene.hub import choose, describe_models, fetch

__all__ = ["choose", "describe_models", "fetch"]

if __name__ == "__main__":
    sys.exit(main(["weights", *sys.argv[1:]]))

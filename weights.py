"""The weights that Next Scene draws with: choose, fetch and list them. What `script/weights` calls."""

import argparse
import sys

from nextscene import NextSceneError
from nextscene.hub import choose, describe_models, fetch

__all__ = ["choose", "describe_models", "fetch"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/weights", description="The weights that Next Scene draws with.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show the table of models")
    commands.add_parser("fetch", help="download and verify").add_argument("names", nargs="+", metavar="NAME")
    given = parser.parse_args()
    if given.command == "list":
        print(describe_models())
        return
    try:
        for name in given.names:
            print(fetch(name))
    except NextSceneError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

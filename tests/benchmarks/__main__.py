"""Print the table: `python -m tests.benchmarks [part ...]`.

With --smallest every measurement runs at its smallest size: it works, but its figures mean nothing.
"""

import importlib
import os
import sys

from tests.benchmarks.measure import SMALLEST_VARIABLE

PARTS = ("client", "load", "concurrency", "batch", "panels", "engine", "browser", "markdown")


def main() -> None:
    arguments = sys.argv[1:]
    if "--smallest" in arguments:
        arguments.remove("--smallest")
        os.environ[SMALLEST_VARIABLE] = "1"  # read by the parts, imported below
    parts = arguments or PARTS
    unknown = set(parts) - set(PARTS)
    if unknown:
        sys.exit(f"Unknown part {', '.join(unknown)}; possible parts are {', '.join(PARTS)}.")
    print("| figure | value | target | | peers |\n|---|---|---|---|---|")
    for part in parts:
        for figure in importlib.import_module(f"tests.benchmarks.{part}").figures():
            print(figure.row(), flush=True)


if __name__ == "__main__":
    main()

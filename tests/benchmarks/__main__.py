"""Print the table: `python -m tests.benchmarks [part ...]`."""

import importlib
import sys

PARTS = ("client", "load", "batch", "engine", "browser", "markdown")


def main() -> None:
    parts = sys.argv[1:] or PARTS
    unknown = set(parts) - set(PARTS)
    if unknown:
        sys.exit(f"Unknown part {', '.join(unknown)}; possible parts are {', '.join(PARTS)}.")
    print("| figure | value | target | | peers |\n|---|---|---|---|---|")
    for part in parts:
        for figure in importlib.import_module(f"tests.benchmarks.{part}").figures():
            print(figure.row(), flush=True)


if __name__ == "__main__":
    main()

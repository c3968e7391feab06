"""Print the table: `python -m tests.benchmarks [client] [engine] [browser]`."""

import importlib
import sys

PARTS = ("client", "load", "batch", "engine", "browser")


def main() -> None:
    wanted = sys.argv[1:] or PARTS
    unknown = set(wanted) - set(PARTS)
    if unknown:
        sys.exit(f"There is no part {', '.join(unknown)}. There are: {', '.join(PARTS)}.")
    print("| figure | value | target | | peers |\n|---|---|---|---|---|")
    for part in wanted:
        for figure in importlib.import_module(f"tests.benchmarks.{part}").figures():
            print(figure.row(), flush=True)


if __name__ == "__main__":
    main()

"""The command `hfwidgets`."""

import argparse
import os
import secrets
import sys
from collections.abc import Sequence

from hfwidgets import __version__, engine
from hfwidgets.errors import HfWidgetsError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; a failure prints its reason and exits with status 1."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except HfWidgetsError as error:
        sys.exit(f"hfwidgets: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "hfwidgets", description="Inference for Jupyter, with an engine of its own."
    )
    parser.add_argument("--version", action="version", version=f"hfwidgets {__version__}")
    commands = parser.add_subparsers(title="commands", required=True)
    _add_serve(commands)
    return parser


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "serve", help="run the embedded engine as a server on this machine"
    )
    parser.add_argument(
        "--port", type=int, default=8880, help="default 8880; 0 takes any free port"
    )
    parser.add_argument(
        "--api-key",
        default=os.environ.get("HFWIDGETS_API_KEY"),
        help="the key that requests must carry; default: HFWIDGETS_API_KEY, else a new random one",
    )
    parser.add_argument(
        "--idle", type=float, metavar="SECONDS", help="end after so long without requests"
    )
    parser.add_argument("--managed", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--grace", type=float, help=argparse.SUPPRESS)
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> None:
    engine.require()
    # Set before numpy is loaded: its threads would only fight with the chat model's.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from hfwidgets.local import process

    if options.managed:
        grace = process.GRACE if options.grace is None else options.grace
        process.serve_managed(options.client, idle=options.idle or process.IDLE, grace=grace)
        return
    key = options.api_key or secrets.token_urlsafe(24)

    def ready(url: str) -> None:
        shown = f" Key: {key}" if options.api_key is None else ""
        print(f"The engine listens on {url} (OpenAI routes under {url}/v1).{shown}", flush=True)

    process.serve(options.port, key, idle=options.idle, ready=ready)

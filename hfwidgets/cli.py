"""Run the command `hfwidgets`: demo, serve, engine, doctor."""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hfwidgets import engine_process
from hfwidgets._version import __version__
from hfwidgets.errors import ConfigurationError, EngineError, HfWidgetsError

if TYPE_CHECKING:
    # Generic in the type stubs only: at run time it takes no parameter. It has no public name.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; an error is printed, with exit status 1."""
    options = _build_parser().parse_args(arguments)
    try:
        options.run(options)
    except HfWidgetsError as error:
        sys.exit(f"hfwidgets: {error}")
    except KeyboardInterrupt:
        sys.exit(130)  # as shells report a process ended by SIGINT


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "hfwidgets", description="Inference for Jupyter, with an embedded engine."
    )
    parser.add_argument("--version", action="version", version=f"hfwidgets {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_serve(commands)
    _add_engine(commands)
    _add_doctor(commands)
    return parser


def _add_demo(commands: "Commands") -> None:
    parser = commands.add_parser("demo", help="open the tour in JupyterLab: offline, no account")
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address without opening it"
    )
    parser.add_argument("--port", type=int, help="JupyterLab's port; default: a free one")
    parser.set_defaults(run=_run_demo)


def _run_demo(options: argparse.Namespace) -> None:
    engine_process.require_modules()
    # After require_modules(), which explains a missing psutil better than this import would.
    from hfwidgets.engine import demo

    demo.require_lab()
    with demo.exit_on_signals():
        _install_models("full")  # the tour shows images and audio
        _offer_standard_set()
        demo.run_lab(demo.prepare_notebooks(), options.port, browser=not options.no_browser)


def _offer_standard_set() -> None:
    """Ask once whether to install the standard set, too, and print which model answers."""
    from hfwidgets.engine.base import weights
    from hfwidgets.engine.install import offer

    if missing := weights.missing_packages("standard"):
        size = weights.format_megabytes(sum(one.download_size for one in missing))
        if offer.was_declined() or not sys.stdin.isatty():
            print(f"For better answers: hfwidgets engine install standard ({size} to download).")
        elif offer.is_accepted(input(f"{offer.QUESTION} ({size} to download) [y/N] ")):
            try:
                _install_models("standard")
            except EngineError as error:
                print(f"{error}\nThe demo opens without it.")
    print(offer.describe_chat_model(), flush=True)


def _add_serve(commands: "Commands") -> None:
    parser = commands.add_parser("serve", help="run the embedded engine as a local server")
    parser.add_argument(
        "--port",
        type=int,
        default=engine_process.SERVE_PORT,
        help=f"default: {engine_process.SERVE_PORT}; 0 chooses a free one",
    )
    parser.add_argument(
        "--api-key",
        # The variable exists because every user of the machine can read the arguments of a process.
        default=os.environ.get("HFWIDGETS_API_KEY"),
        help="the key that requests must send; default: HFWIDGETS_API_KEY, else a random one",
    )
    parser.add_argument(
        "--idle", type=float, metavar="SECONDS", help="end after this long without requests"
    )
    _add_models(parser)
    # For provider="local", which starts it this way:
    parser.add_argument("--managed", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--grace", type=float, help=argparse.SUPPRESS)
    parser.set_defaults(run=_run_server)


def _add_models(parser: argparse.ArgumentParser) -> None:
    """Add the options for custom models; provider="local" reads their variables."""
    environment = os.environ
    parser.add_argument(
        "--chat",
        metavar="FILE_OR_ID",
        # A variable that is set but empty counts as unset, here and below.
        default=environment.get("HFWIDGETS_CHAT_MODEL") or None,
        help="a GGUF file for chat and text generation, or ORG/REPO[:FILE] on the Hub; default: "
        "HFWIDGETS_CHAT_MODEL, else the engine's model",
    )
    parser.add_argument(
        "--chat-name",
        metavar="NAME",
        default=environment.get("HFWIDGETS_CHAT_NAME") or None,
        help="its id for clients; default: HFWIDGETS_CHAT_NAME, else the file's name or the id",
    )
    parser.add_argument(
        "--chat-context",
        metavar="TOKENS",
        type=int,
        # argparse applies `type` to a default that is a string, so a bad number is refused.
        default=environment.get("HFWIDGETS_CHAT_CONTEXT") or None,
        help="tokens per conversation; default: HFWIDGETS_CHAT_CONTEXT, else 4096",
    )
    parser.add_argument(
        "--mmproj",
        metavar="FILE_OR_ID",
        default=environment.get("HFWIDGETS_CHAT_MMPROJ") or None,
        help="the projector that lets the --chat model read images; default: "
        "HFWIDGETS_CHAT_MMPROJ, else that of its repository, if it has one",
    )
    parser.add_argument(
        "--model",
        metavar="TASK=FOLDER_OR_ID",
        action="append",
        help="a model for another task: ONNX through onnxruntime, GGUF through llama.cpp, others "
        "through transformers; can be repeated; default: HFWIDGETS_MODELS, separated by spaces",
    )


def _register_models(options: argparse.Namespace) -> None:
    """Register the custom models; a name or context without a file is an error."""
    from hfwidgets.engine import custom

    if options.chat:
        settings = options.chat_name, options.chat_context, options.mmproj
        custom.serve_chat(options.chat, *settings)
    elif options.chat_name or options.chat_context or options.mmproj:
        message = "--chat-name, --chat-context and --mmproj need --chat FILE_OR_ID."
        raise ConfigurationError(message)
    # Not a default of the option: argparse would append to it instead of replacing it.
    for model in options.model or os.environ.get("HFWIDGETS_MODELS", "").split():
        custom.serve_model(model)


def _run_server(options: argparse.Namespace) -> None:
    engine_process.require_modules()
    # Set before numpy is loaded: its threads would only compete with the chat model's.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from hfwidgets.engine.server import process

    _register_models(options)
    # A managed engine ignores --port and --api-key: it chooses both and passes them on in the state
    # file, which only its user can read.
    if options.managed:
        # A grace of 0 is valid and means to end at once.
        grace = process.GRACE_SECONDS if options.grace is None else options.grace
        process.serve_managed(
            options.client, idle=options.idle or process.IDLE_SECONDS, grace=grace
        )
        return
    key = options.api_key or secrets.token_urlsafe(24)

    def announce_address(url: str) -> None:
        key_note = "" if options.api_key else f" Key: {key}"
        print(f"The engine listens on {url} (OpenAI routes under {url}/v1).{key_note}", flush=True)

    process.serve(options.port, key, idle=options.idle, ready=announce_address)


def _add_engine(commands: "Commands") -> None:
    parser = commands.add_parser("engine", help="install, list or remove the engine's models")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    install = actions.add_parser(
        "install", help="download a set of models: light (default), standard, full"
    )
    install.add_argument("set", nargs="?", default="light")
    install.set_defaults(run=lambda options: _install_models(options.set, verbose=True))
    remove = actions.add_parser("remove", help="remove a set's models from the disk")
    remove.add_argument("set", nargs="?", default="full")
    remove.set_defaults(run=lambda options: _remove_models(options.set))
    status = actions.add_parser("status", help="list what is installed, served and running")
    status.set_defaults(run=lambda _: _print_status())
    models = actions.add_parser(
        "models", help="print as JSON which installed model answers each task by default"
    )
    models.set_defaults(run=lambda _: _print_default_models())
    stop = actions.add_parser("stop", help="stop the engine that provider='local' started")
    stop.set_defaults(
        run=lambda _: print(
            "Stopped." if engine_process.stop_engine() else "No engine was running."
        )
    )


def _install_models(name: str, *, verbose: bool = False) -> None:
    """Download what is missing of a set; a complete one is reported only if `verbose`."""
    engine_process.require_modules()
    from tqdm import tqdm

    from hfwidgets.engine import demo
    from hfwidgets.engine.base import weights
    from hfwidgets.engine.install import fetch, manage

    missing = weights.missing_packages(name)
    if not missing:
        if verbose:
            print(f"The {name} set is installed in {weights.weights_root()}.")
        return
    print(*manage.describe_download(name, missing), sep="\n", flush=True)
    with tqdm(total=sum(one.download_size for one in missing), unit="B", unit_scale=True) as bar:

        def advance_bar(size: int) -> None:
            bar.update(size)

        with demo.exit_on_signals():
            installed = fetch.install_weights(missing, advance_bar)
    print(*manage.describe_installed(installed), sep="\n", flush=True)
    if engine_process.find_running() is not None:
        # Who answers never changes in the middle of a session.
        print("The running engine keeps its models; to change them: hfwidgets engine stop")


def _remove_models(name: str) -> None:
    from hfwidgets.engine.base import weights
    from hfwidgets.engine.install import manage

    # Called for its check alone: a misspelled set must not stop a running engine.
    weights.packages_of_set(name)
    engine_process.stop_engine()  # it may hold the files open
    print(manage.describe_removal(name, weights.remove_set(name)))


def _print_status() -> None:
    engine_process.require_modules()
    from hfwidgets.engine.install import manage

    print(*manage.describe_status(), sep="\n")


def _print_default_models() -> None:
    engine_process.require_modules()
    from hfwidgets.engine.install import manage

    print(json.dumps(manage.find_default_models()))


def _add_doctor(commands: "Commands") -> None:
    parser = commands.add_parser("doctor", help="check the installation, and what works")
    parser.add_argument(
        "--network", action="store_true", help="also check the connection to the Hub"
    )
    parser.add_argument(
        "--scan",
        nargs="?",
        const=".",
        metavar="FOLDER",
        help="instead search a folder's notebooks for tokens; exit status 1 if any are found",
    )
    parser.set_defaults(run=_run_doctor)


def _run_doctor(options: argparse.Namespace) -> None:
    from hfwidgets import notebook

    if options.scan is not None:
        findings = notebook.scan(options.scan)
        print(findings)
        sys.exit(bool(findings))
    from hfwidgets.engine.install import doctor

    print(notebook.doctor(network=options.network), *doctor.report_models(), sep="\n")

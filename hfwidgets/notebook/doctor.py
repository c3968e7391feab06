"""Report the environment: versions, front end, token, recordings, engine, network."""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

from hfwidgets import engine_process
from hfwidgets._version import __version__
from hfwidgets.client import InferenceClient
from hfwidgets.core import auth, environment
from hfwidgets.core.flow import Flow, Send
from hfwidgets.errors import EngineError, HfHubHTTPError, HfWidgetsError
from hfwidgets.errors.secrets import redact
from hfwidgets.notebook.listing import Listing
from hfwidgets.providers import Hosts
from hfwidgets.recorder import recordings

_PACKAGES = (
    *("httpx", "ipython", "ipykernel", "comm", "ipywidgets", "anywidget", "jupyterlab"),
    *("notebook", "numpy", "pandas", "pillow", "soundfile", "matplotlib"),
    *("xllamacpp", "tokenizers", "onnxruntime"),
)

HUB_TIMEOUT = 10
"""Seconds that the Hub may take to answer."""


def doctor(network: bool = False) -> Listing:
    """Report versions, front end, widgets, token source, recordings and engine; no secrets.

    Args:
        network: send one request to the Hub, without a token. Otherwise nothing is sent.
    """
    found: dict[str, Any] = {
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "hfwidgets": __version__,
        **{name: _package_version(name) for name in _PACKAGES},
        "front end": detect_front_end(),
        "widget code": _describe_build(),
        "widget comm": _describe_comm(),
        "token": _describe_token(),
        "default provider": environment.default_provider() or "by model and task",
        "recordings": _describe_recordings(),
        "engine": _describe_engine(),
        "cache": str(engine_process.cache_dir()),
        "network": _check_network() if network else "not checked; doctor --network checks the Hub",
    }
    return Listing({"item": name, "found": value} for name, value in found.items())


def _package_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def detect_front_end() -> str:
    """Return the name of the front end, as far as the kernel can tell."""
    if "google.colab" in sys.modules:
        return "Colab"
    if "VSCODE_PID" in os.environ or "VSCODE_CWD" in os.environ:
        return "VS Code"
    shell = _get_shell()
    if shell is None:
        return "plain Python"
    return "a Jupyter kernel" if hasattr(shell, "kernel") else "IPython in a terminal"


def _get_shell() -> Any:
    ipython = sys.modules.get("IPython")  # not imported: it is heavy, and absent outside notebooks
    return ipython.get_ipython() if ipython else None


def _describe_build() -> str:
    """Report whether the panels' JavaScript is installed."""
    files = list((Path(__file__).parents[1] / "static").glob("*.js"))
    return f"built, {len(files)} modules" if files else "not built: reinstall hfwidgets"


def _describe_comm() -> str:
    """Report whether widgets of this process can reach a browser."""
    kernel = getattr(_get_shell(), "kernel", None)
    if kernel is None:
        return "none: panels need a kernel, magics and the client do not"
    opened = len(getattr(getattr(kernel, "comm_manager", None), "comms", {}))
    return f"open to the kernel's front end, {opened} in use"


def _describe_token() -> str:
    token = auth.find_machine_token()
    return f"from {token.source}" if token else "none; %hf auth login asks for one"


def _describe_recordings() -> str:
    return repr(recordings).strip("<>").removeprefix("recordings: ")


def _describe_engine() -> str:
    try:
        engine_process.require_modules()
    except EngineError as error:
        return str(error)
    running = engine_process.find_running()
    return f"runs at {running.url}" if running else "installed, starts on first use"


def _check_network() -> str:
    url = Hosts().hub
    try:
        InferenceClient(timeout=HUB_TIMEOUT, max_retries=0)._run(None, _ping_hub(url))
    # An error status is an answer too: the network works.
    except HfHubHTTPError as error:
        return f"{redact(url)} answers {error.status_code}"
    except HfWidgetsError as error:
        return f"{redact(url)} cannot be reached: {error}"
    return f"{redact(url)} answers"


def _ping_hub(url: str) -> Flow[None]:
    """Send a small request that every Hub answers without a token."""
    yield Send("GET", f"{url}/api/models?limit=1", max_wait=HUB_TIMEOUT)

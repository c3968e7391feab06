"""What runs here, and what could be wrong with it."""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

from hfwidgets import engine_process
from hfwidgets._version import __version__
from hfwidgets.client import InferenceClient
from hfwidgets.core import auth
from hfwidgets.core.flow import Flow, Send
from hfwidgets.errors import EngineError, HfHubHTTPError, HfWidgetsError
from hfwidgets.notebook.listing import Listing
from hfwidgets.providers import Hosts
from hfwidgets.recorder import recordings

_PACKAGES = (
    *("httpx", "ipython", "ipykernel", "comm", "ipywidgets", "anywidget", "jupyterlab"),
    *("notebook", "numpy", "pandas", "pillow", "soundfile", "matplotlib"),
    *("xllamacpp", "tokenizers", "onnxruntime"),
)

SECONDS = 10
"""How long the Hub may take to answer."""


def doctor(network: bool = False) -> Listing:
    """Versions, front end, widgets' line to it, token source, recordings and engine.

    No secret is shown. Nothing is sent, but with `network`: one request to the Hub.
    """
    found: dict[str, Any] = {
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "hfwidgets": __version__,
        **{name: _version(name) for name in _PACKAGES},
        "front end": front_end(),
        "widget code": _built(),
        "widget comm": _comm(),
        "token": _token(),
        "default provider": os.environ.get("HFWIDGETS_PROVIDER") or "by model and task",
        "recordings": _recordings(),
        "engine": _engine(),
        "cache": str(engine_process.cache()),
        "network": _network() if network else "not tried; doctor --network tries the Hub",
    }
    return Listing({"what": name, "found": value} for name, value in found.items())


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def front_end() -> str:
    """Where IPython runs, as far as it can be told from inside."""
    if "google.colab" in sys.modules:
        return "Colab"
    if "VSCODE_PID" in os.environ or "VSCODE_CWD" in os.environ:
        return "VS Code"
    shell = _shell()
    if shell is None:
        return "plain Python"
    return "a Jupyter kernel" if hasattr(shell, "kernel") else "IPython in a terminal"


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _built() -> str:
    """Whether the panels' JavaScript is there."""
    files = list((Path(__file__).parents[1] / "static").glob("*.js"))
    return f"built, {len(files)} modules" if files else "not built: reinstall hfwidgets"


def _comm() -> str:
    """Whether widgets of this process can reach a browser."""
    kernel = getattr(_shell(), "kernel", None)
    if kernel is None:
        return "none: panels need a kernel, magics and the client do not"
    opened = len(getattr(getattr(kernel, "comm_manager", None), "comms", {}))
    return f"open to the kernel's front end, {opened} in use"


def _token() -> str:
    token = auth.found()
    return f"from {token.source}" if token else "none; %hf auth login asks for one"


def _recordings() -> str:
    return repr(recordings).strip("<>").removeprefix("recordings: ")


def _engine() -> str:
    try:
        engine_process.require()
    except EngineError as error:
        return str(error)
    running = engine_process.running()
    return f"runs at {running.url}" if running else "installed, starts on first use"


def _network() -> str:
    url = Hosts().hub
    try:
        InferenceClient(timeout=SECONDS, max_retries=0)._run(None, _knock(url))
    except HfHubHTTPError as error:
        return f"{url} answers {error.status_code}"
    except HfWidgetsError as error:
        return f"{url} cannot be reached: {error}"
    return f"{url} answers"


def _knock(url: str) -> Flow[None]:
    """One small request that every Hub answers, without a token."""
    yield Send("GET", f"{url}/api/models?limit=1", patience=SECONDS)

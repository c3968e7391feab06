"""What runs here, and what could be wrong with it."""

import importlib.metadata
import os
import platform
import sys
from typing import Any

from hfwidgets import __version__, auth, engine
from hfwidgets.session.listing import Listing

_PACKAGES = (
    "httpx",
    "ipython",
    "ipykernel",
    "ipywidgets",
    "anywidget",
    "jupyterlab",
    "notebook",
    "numpy",
    "pillow",
)


def doctor() -> Listing:
    """Versions, front end, token source and engine; no request is sent and no secret shown."""
    found: dict[str, Any] = {
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "hfwidgets": __version__,
        **{name: _version(name) for name in _PACKAGES},
        "front end": front_end(),
        "token": _token(),
        "default provider": os.environ.get("HFWIDGETS_PROVIDER") or "by model and task",
        "engine": _engine(),
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
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return "plain Python"
    return "a Jupyter kernel" if hasattr(shell, "kernel") else "IPython in a terminal"


def _token() -> str:
    token = auth.found()
    return f"from {token.source}" if token else "none; %hf auth login asks for one"


def _engine() -> str:
    try:
        engine.require()
    except Exception as error:  # the message says what to install
        return str(error)
    running = engine.running()
    return f"runs at {running.url}" if running else "installed, starts on first use"

"""JupyterLab on the tour, with the embedded engine as the default provider."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from hfwidgets.errors import EngineError

TOUR_NOTEBOOK = "tour.ipynb"
HOST = "127.0.0.1"
_FIRST_PORT = 8888
_START_SECONDS = 120
_PACKAGE = Path(__file__).resolve().parents[1]


def prepare_notebooks() -> Path:
    """The directory of the notebooks: a clone's own, else copies of the installed ones.

    The copies are made in ./hfwidgets-notebooks, where what the user has changed is left alone.
    """
    clone = _PACKAGE.parent / "notebooks"
    if (clone / TOUR_NOTEBOOK).exists() and (_PACKAGE.parent / "pyproject.toml").exists():
        return clone
    installed, mine = _PACKAGE / "_notebooks", Path("hfwidgets-notebooks").resolve()
    if not (installed / TOUR_NOTEBOOK).exists():
        raise EngineError("This installation of hfwidgets holds no notebooks.")
    for file in installed.rglob("*"):
        target = mine / file.relative_to(installed)
        if file.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    return mine


def run_lab(directory: Path, port: int | None, *, browser: bool) -> None:
    """Serve the notebooks until interrupted; prints the address, with its key, once it answers."""
    if find_spec("jupyterlab") is None:
        raise EngineError('JupyterLab is not installed: pip install "hfwidgets[demo]"')
    port, token = port or _find_free_port(), secrets.token_urlsafe(24)
    process = subprocess.Popen(  # noqa: S603 (our own command, nothing from outside)
        _lab_command(directory, port, browser=browser), env=_lab_environment(token)
    )
    try:
        _wait_until_ready(process, port)
        address = f"http://{HOST}:{port}/lab/tree/{TOUR_NOTEBOOK}?token={token}"
        print(f"JupyterLab is open at {address}\nControl-C ends it.", flush=True)  # noqa: T201
        process.wait()
    finally:
        process.terminate()
        process.wait()


def _lab_command(directory: Path, port: int, *, browser: bool) -> list[str]:
    settings = {
        "ServerApp.ip": HOST,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": directory,
        "ServerApp.open_browser": browser,
        "ServerApp.log_level": "WARN",
        "LabApp.default_url": f"/lab/tree/{TOUR_NOTEBOOK}",
    }
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        settings["ServerApp.allow_root"] = True  # in a container there is often no other user
    return [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in settings.items())]


def _lab_environment(token: str) -> dict[str, str]:
    """Its key goes by the environment: arguments are seen by every user of the machine."""
    local = {"HFWIDGETS_PROVIDER": "local", "JUPYTER_TOKEN": token}
    return {**os.environ, **local}


def _find_free_port() -> int:
    """The first free port from the one that Jupyter users expect."""
    for port in range(_FIRST_PORT, _FIRST_PORT + 100):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)):
                return port
    raise EngineError(f"No port from {_FIRST_PORT} on is free; name one with --port.")


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when JupyterLab answers; EngineError when it ends before."""
    last = time.monotonic() + _START_SECONDS
    while time.monotonic() < last:
        if process.poll() is not None:
            raise EngineError(f"JupyterLab ended with status {process.returncode}.")
        with socket.socket() as probe:
            if not probe.connect_ex((HOST, port)):
                return
        time.sleep(0.1)
    raise EngineError(f"JupyterLab did not answer within {_START_SECONDS} s.")

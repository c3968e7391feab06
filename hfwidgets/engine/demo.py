"""Run JupyterLab on the tour, with the embedded engine as the default provider."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

import httpx
import psutil

from hfwidgets import engine_process
from hfwidgets.errors import EngineError

TOUR_NOTEBOOK = "tour.ipynb"
HOST = "127.0.0.1"
_START_SECONDS = 120
_STOP_SECONDS = 15
_PACKAGE = Path(__file__).resolve().parents[1]


def prepare_notebooks() -> Path:
    """Return the directory of the notebooks: a clone's, else copies of the installed ones.

    The copies go to ./hfwidgets-notebooks, where existing files, changed or not, are kept.
    """
    clone = _PACKAGE.parent / "notebooks"
    # Both files: for an installed package the parent is site-packages, which any other package may
    # have put a folder `notebooks` into.
    if (clone / TOUR_NOTEBOOK).exists() and (_PACKAGE.parent / "pyproject.toml").exists():
        return clone
    installed, copies = _PACKAGE / "_notebooks", Path("hfwidgets-notebooks").resolve()
    if not (installed / TOUR_NOTEBOOK).exists():
        raise EngineError("This installation of hfwidgets has no notebooks.")
    for file in installed.rglob("*"):
        target = copies / file.relative_to(installed)
        if file.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    return copies


def require_lab() -> None:
    """Raise EngineError if JupyterLab is not installed."""
    if find_spec("jupyterlab") is None:
        raise EngineError('JupyterLab is not installed: pip install "hfwidgets[demo]"')


def run_lab(directory: Path, port: int | None, *, browser: bool) -> None:
    """Serve the notebooks until interrupted, and leave no process running.

    Prints the address, with its key, once JupyterLab responds.
    """
    token = secrets.token_urlsafe(24)
    lab = subprocess.Popen(  # noqa: S603 (our own command, nothing from outside)
        _lab_command(directory, port or _find_free_port(), browser=browser),
        env=_lab_environment(token),
        # Control-C in a terminal goes to its whole group, and JupyterLab would ask whether it
        # was meant. In a group of its own, it is ended by the lines below alone.
        start_new_session=True,
    )
    try:
        port = _wait_until_ready(lab)
        address = f"http://{HOST}:{port}/lab/tree/{TOUR_NOTEBOOK}?token={token}"
        print(f"JupyterLab is open at {address}\nControl-C ends it.", flush=True)  # noqa: T201
        lab.wait()
    finally:
        _end_lab(lab)
        _end_unused_engine()


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Turn the signals that end a process into SystemExit for the block, so that it cleans up."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    # SIGHUP does not exist on Windows, and SIGBREAK only there.
    names = ("SIGTERM", "SIGHUP", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    previous = [signal.signal(number, leave) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)


def _end_lab(lab: "subprocess.Popen[bytes]") -> None:
    """End JupyterLab and its kernels: ask first, then kill what is left."""
    with suppress(psutil.NoSuchProcess):
        # Listed before the end: the children of a process that is gone cannot be found any more.
        children = psutil.Process(lab.pid).children(recursive=True)
        lab.terminate()
        try:
            lab.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            lab.kill()
            lab.wait()
        _, alive = psutil.wait_procs(children, timeout=1)
        for process in alive:
            if not _is_engine(process):
                process.kill()


def _is_engine(process: psutil.Process) -> bool:
    """True for the managed engine and its child, which other kernels may use, too."""
    engine = engine_process.find_running()
    with suppress(psutil.NoSuchProcess):
        return engine is not None and engine.pid in (process.pid, process.ppid())
    return False


def _end_unused_engine() -> None:
    """End the managed engine if no process uses it now, without its usual time of grace."""
    engine = engine_process.find_running()
    if engine is None:
        return
    headers = {"Authorization": f"Bearer {engine.key}"}
    try:
        with httpx.Client(trust_env=False, headers=headers, timeout=5) as client:
            health = client.get(f"{engine.url}/health").json()
    except (httpx.HTTPError, ValueError):
        return  # it is ending by itself, or too busy to be unused
    if health["clients"] == 0 and health["working"] == 0:
        engine_process.stop_engine()


def _lab_command(directory: Path, port: int, *, browser: bool) -> list[str]:
    settings = {
        "ServerApp.ip": HOST,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": directory,
        "ServerApp.open_browser": browser,
        "ServerApp.log_level": "WARN",
        "LabApp.default_url": f"/lab/tree/{TOUR_NOTEBOOK}",
        # JupyterLab asks its own server on the internet for both, and the user for permission.
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        settings["ServerApp.allow_root"] = True  # in a container there is often no other user
    return [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in settings.items())]


def _lab_environment(token: str) -> dict[str, str]:
    """Return the environment of JupyterLab; its key is not an argument, which all users can
    read."""
    local = {"HFWIDGETS_PROVIDER": "local", "JUPYTER_TOKEN": token}
    return {**os.environ, **local}


def _find_free_port() -> int:
    """Return a port of the system's choice: two demos that start at once would both take 8888."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(lab: "subprocess.Popen[bytes]") -> int:
    """Return JupyterLab's port once it listens; EngineError if it ends before."""
    from jupyter_core.paths import jupyter_runtime_dir

    # JupyterLab writes this file about itself. Whatever else listens at a port is not asked.
    file = Path(jupyter_runtime_dir(), f"jpserver-{lab.pid}.json")
    last = time.monotonic() + _START_SECONDS
    while time.monotonic() < last:
        if lab.poll() is not None:
            raise EngineError(
                f"JupyterLab ended with status {lab.returncode}. If it says that the port is in "
                "use, choose another with --port."
            )
        with suppress(OSError, ValueError), socket.socket() as probe:
            port: int = json.loads(file.read_text())["port"]
            if not probe.connect_ex((HOST, port)):
                return port
        time.sleep(0.1)
    raise EngineError(f"JupyterLab did not respond within {_START_SECONDS} s.")

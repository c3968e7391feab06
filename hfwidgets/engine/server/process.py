"""The engine's process: listens on loopback, tells where, and ends when nobody needs it."""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from hfwidgets import engine_process as room
from hfwidgets.engine.server.app import application
from hfwidgets.engine.server.engine import Engine
from hfwidgets.errors import EngineError

HOST = "127.0.0.1"
IDLE = 1800.0
"""Seconds without any request after which a managed engine ends."""

GRACE = 20.0
"""Seconds that a managed engine outlives its last user: a kernel that restarts finds it again."""

MODELS_IDLE = 300.0
"""Seconds after which a model that nobody uses leaves the memory."""

_LOOK = 1.0

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """uvicorn's server, with a word when it listens and a watch over its use."""

    def __init__(
        self, engine: Engine, key: str, *, ready: Callable[[], None], over: Callable[[Engine], bool]
    ) -> None:
        self._engine = engine
        self._ready = ready
        self._over = over
        super().__init__(
            uvicorn.Config(
                application(engine, key),
                lifespan="off",
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=3,
            )
        )

    async def run_on(self, listening: socket.socket) -> None:
        """Serve until told to stop, or until there is no more use."""
        watching = asyncio.create_task(self._watch())
        try:
            await self.serve([listening])
        finally:
            watching.cancel()
            await self._engine.rest(0)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, and tell."""
        await super().startup(sockets)
        self._ready()

    async def _watch(self) -> None:
        while not self.should_exit:
            await asyncio.sleep(_LOOK)
            await self._engine.rest(MODELS_IDLE)
            if self._over(self._engine):  # never set to False: a signal may have set it
                self.should_exit = True


def listen(port: int) -> socket.socket:
    """A socket that listens on loopback; port 0 takes any free one."""
    # asyncio turns off Nagle's delay, 40 ms an answer, only where the protocol is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise EngineError(f"Port {port} is taken or not allowed; choose another one.") from error
    listening.listen(128)
    return listening


def address(listening: socket.socket) -> str:
    """The URL of a listening socket."""
    return f"http://{HOST}:{listening.getsockname()[1]}"


def serve(port: int, key: str, *, idle: float | None, ready: Callable[[str], None]) -> None:
    """Serve in the foreground until interrupted, or until idle for `idle` seconds."""
    listening = listen(port)
    server = Server(
        Engine(),
        key,
        ready=lambda: ready(address(listening)),
        over=lambda engine: idle is not None and engine.clients.idle > idle,
    )
    _run(server, listening)


def serve_managed(client: int | None, *, idle: float = IDLE, grace: float = GRACE) -> None:
    """Be this user's one engine: record where it listens, end when nobody needs it."""
    lock = room.claim()
    if lock is None:
        return
    listening, key, engine = listen(0), secrets.token_urlsafe(32), Engine()
    if client is not None:
        engine.clients.add(client)
    server = Server(
        engine,
        key,
        ready=lambda: _record(address(listening), key),
        over=lambda engine: _unneeded(engine, idle, grace),
    )
    try:
        _run(server, listening)
    finally:
        room.forget()
        lock.release()


def _record(url: str, key: str) -> None:
    room.record(url, key)
    log.warning("engine %d listens on %s at %s", os.getpid(), url, time.strftime("%F %T"))


def _unneeded(engine: Engine, idle: float, grace: float) -> bool:
    """Whether nobody has asked for long, or the last known user is gone and the grace is over."""
    deserted = engine.clients.living() == 0 and engine.clients.deserted > grace
    return deserted or engine.clients.idle > idle


def _run(server: Server, listening: socket.socket) -> None:
    with suppress(KeyboardInterrupt):
        asyncio.run(server.run_on(listening))

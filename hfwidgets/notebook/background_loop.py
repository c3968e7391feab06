"""The one background thread with an event loop, where everything interactive runs.

Panels and magics hand their work over (`submit`) and return at once, or wait on a plain future
(`wait`), so that Stop and the kernel's Interrupt behave the same on every kernel.
"""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import json
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from hfwidgets import providers
from hfwidgets.client import AsyncInferenceClient
from hfwidgets.tasks import TASKS

T = TypeVar("T")


class _BackgroundLoop:
    """The loop and the clients that live on it; made anew in a forked process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.clients: dict[str, AsyncInferenceClient] = {}
        self.loop = asyncio.new_event_loop()
        # A copied context: a bare thread fails in kernels (7.0) whose output streams look theirs
        # up.
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(self.loop.run_forever,), name="hfwidgets", daemon=True
        )
        thread.start()


_lock = threading.Lock()
_current_loop: _BackgroundLoop | None = None


def _ensure_loop() -> _BackgroundLoop:
    global _current_loop
    with _lock:
        if _current_loop is None or _current_loop.pid != os.getpid():
            _current_loop = _BackgroundLoop()
        return _current_loop


def get_loop() -> asyncio.AbstractEventLoop:
    """The background event loop, started on first use."""
    return _ensure_loop().loop


def submit(work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Run a coroutine on the background loop; returns at once. Cancelling the future cancels
    the work.
    """
    return asyncio.run_coroutine_threadsafe(work, get_loop())


def wait_for(future: concurrent.futures.Future[T]) -> T:
    """Block until a submitted work is done. An interrupt cancels the work and is raised again."""
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def shared_client(**settings: Any) -> AsyncInferenceClient:
    """The background loop's client for these settings, made on first use and shared."""
    running = _ensure_loop()
    key = json.dumps(settings, sort_keys=True, default=lambda item: f"{item!r} {hash(item)}")
    with _lock:
        return running.clients.setdefault(key, AsyncInferenceClient(**settings))


def list_providers(task: str | None = None) -> list[str]:
    """The names of all providers, or of those that have a route for a task."""
    names = providers.names()
    return [name for name in names if task is None or providers.get(name).serves_task(task)]


def list_provider_tasks(provider: str) -> list[str]:
    """The names of the tasks that a provider has a route for."""
    found = providers.get(provider)
    return sorted(task for task in TASKS if found.serves_task(task))


def why_blocked(task: str, provider: str | None, *, token: bool) -> str:
    """What stands in the way of any call of a task: "unserved", "key", or "" for nothing known.

    Args:
        task: its name on the Hub.
        provider: who is asked; None for the default.
        token: whether there is a token.
    """
    asked = providers.get(provider) if provider in providers.names() else None
    if asked is not None and (asked.is_embedded or asked.needs_url):
        return ""
    services = [name for name in list_providers(task) if _is_service(providers.get(name))]
    if not services:
        return "unserved"
    if not provider or (asked is not None and asked.picks_provider):
        return "" if token else "key"
    if asked is None or provider not in services:
        return "unserved"
    return "" if token or asked.anonymous else "key"


def _is_service(provider: providers.Provider) -> bool:
    """True if a provider answers calls itself, and not on this machine."""
    return not (provider.is_embedded or provider.needs_url or provider.picks_provider)


def forget_clients() -> None:
    """Drop the shared clients, so that the next call sees a new token; running calls go on."""
    running = _ensure_loop()
    with _lock:
        dropped, running.clients = list(running.clients.values()), {}
    for client in dropped:
        with contextlib.suppress(RuntimeError):
            submit(client.close())

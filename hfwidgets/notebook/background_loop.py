"""The background thread with the event loop on which everything interactive runs.

Panels and magics submit their work and return immediately, or block on a plain future (`wait_for`),
so that Stop and the kernel's Interrupt behave the same on every kernel.
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
    """The loop and the clients that live on it. A forked process gets another one."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.clients: dict[str, AsyncInferenceClient] = {}
        self.loop = asyncio.new_event_loop()
        # A copied context: in ipykernel 7.0, whose output streams look up a context variable, a
        # thread without one fails at its first print.
        context = contextvars.copy_context()
        # A daemon: a call that hangs does not keep a script from ending.
        thread = threading.Thread(
            target=context.run, args=(self.loop.run_forever,), name="hfwidgets", daemon=True
        )
        thread.start()


_lock = threading.Lock()
_current_loop: _BackgroundLoop | None = None


def _ensure_loop() -> _BackgroundLoop:
    global _current_loop
    with _lock:
        # Threads do not survive a fork, so a child process needs a loop and clients of its own.
        if _current_loop is None or _current_loop.pid != os.getpid():
            _current_loop = _BackgroundLoop()
        return _current_loop


def get_loop() -> asyncio.AbstractEventLoop:
    """Return the background event loop, started on first use."""
    return _ensure_loop().loop


def submit(work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Run a coroutine on the background loop; returns immediately.

    Returns:
        The result's future; canceling it cancels the coroutine.
    """
    return asyncio.run_coroutine_threadsafe(work, get_loop())


def wait_for(future: concurrent.futures.Future[T]) -> T:
    """Block until submitted work is done; an interrupt cancels the work and is raised."""
    try:
        return future.result()
    # An interrupt is raised in this thread alone; the work on the loop would go on.
    except BaseException:
        future.cancel()
        raise


def shared_client(**settings: Any) -> AsyncInferenceClient:
    """Return the background loop's client for these settings, created on first use and shared."""
    running = _ensure_loop()
    # Settings may hold objects, such as recordings: they count as equal only if they are the same.
    key = json.dumps(settings, sort_keys=True, default=lambda item: f"{item!r} {hash(item)}")
    with _lock:
        return running.clients.setdefault(key, AsyncInferenceClient(**settings))


def list_providers(task: str | None = None) -> list[str]:
    """Return the names of all providers, or of those that serve a task."""
    names = providers.names()
    return [name for name in names if task is None or providers.get(name).serves_task(task)]


def list_provider_tasks(provider: str) -> list[str]:
    """Return the names of the tasks that a provider serves."""
    found = providers.get(provider)
    return sorted(task for task in TASKS if found.serves_task(task))


def list_services(task: str) -> list[str]:
    """Return the names of the providers that serve a task elsewhere than on this machine."""
    return [name for name in list_providers(task) if _is_service(providers.get(name))]


def why_unavailable(task: str, provider: str | None, *, token: bool) -> str:
    """Return why no call of a task can work: "unserved", "key", or "" if no reason is known.

    Args:
        task: the task's name on the Hub.
        provider: the provider's name; None for the default.
        token: True if there is a token.
    """
    chosen = providers.get(provider) if provider in providers.names() else None
    # Neither counts as a service below, and only a call tells what an endpoint needs.
    if chosen is not None and (chosen.is_embedded or chosen.needs_url):
        return ""
    services = list_services(task)
    if not services:
        return "unserved"
    if not provider or (chosen is not None and chosen.picks_provider):
        return "" if token else "key"
    if chosen is None or provider not in services:
        return "unserved"
    return "" if token or chosen.anonymous else "key"


def _is_service(provider: providers.Provider) -> bool:
    """True if a provider answers calls itself, and not on this machine."""
    return not (provider.is_embedded or provider.needs_url or provider.picks_provider)


def forget_clients() -> None:
    """Drop the shared clients, so that the next call uses a new token; running calls continue."""
    running = _ensure_loop()
    with _lock:
        dropped, running.clients = list(running.clients.values()), {}
    for client in dropped:
        with contextlib.suppress(RuntimeError):  # the loop has ended with the process
            submit(client.close())

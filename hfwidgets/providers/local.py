"""The embedded engine: started on first use in a process of its own, shared by all kernels."""

import os
from typing import Any

from hfwidgets import engine_process, errors
from hfwidgets.core.auth import Token
from hfwidgets.core.flow import Do, Flow, Infer, Sleep
from hfwidgets.providers import _hub, _openai, _tgi
from hfwidgets.providers._provider import Address, Hosts, Provider, bearer

START_LIMIT = 60.0
"""How long the engine may take to listen, in seconds; 4 when its files are cold, as measured."""

POLL = 0.1


class Local(Provider):
    """The one provider that is on this machine: its address is looked up, its key is random."""

    def __init__(self) -> None:
        super().__init__("", anonymous=True, mapped=False, routable=False)
        self.reconnects = True

    def connect(self, token: Token | None, hosts: Hosts, task: str = "") -> Flow[Address]:
        """The running engine's address; the engine is started when there is none."""
        found = yield Do(engine_process.running)
        if found is None:
            found = yield from _started()
        client = {"x-hfwidgets-client": str(os.getpid())}
        return Address(found.url, {**bearer(found.key), **client})


provider = Local()


def _started() -> Flow[engine_process.Engine]:
    unborn = engine_process.Engine("http://127.0.0.1", "", 0, "", 0.0)
    process = yield Do(
        engine_process.start, "start the embedded engine, which chooses its port", unborn
    )
    if isinstance(process, engine_process.Engine):
        return process
    for _ in range(round(START_LIMIT / POLL)):
        found = yield Do(engine_process.running)
        if found is not None:
            running: engine_process.Engine = found
            return running
        if process is not None and process.poll() not in (None, 0):  # 0: another came first
            break
        yield Sleep(POLL, "the embedded engine starts")
    raise errors.EngineError(
        f"The embedded engine did not start. Its log is {engine_process.log_path()}; "
        "'hfwidgets engine status' says what is installed."
    )


def _path(ask: Infer) -> str:
    return f"/models/{ask.served_as or 'default'}/pipeline/{ask.task}"


@provider.serves(*_hub.TEXT, *_hub.TABLES)
def task(ask: Infer) -> Flow[Any]:
    return _hub.post(ask, _path(ask))


@provider.serves(*_hub.MEDIA, *_hub.FILMS)
def files(ask: Infer) -> Flow[Any]:
    return _hub.files(ask, _path(ask))


@provider.serves("text-generation")
def generate(ask: Infer) -> Flow[Any]:
    return _tgi.generate(ask, _path(ask))


@provider.serves("chat-completion")
def chat(ask: Infer) -> Flow[Any]:
    return _openai.chat(ask, "/v1/chat/completions")

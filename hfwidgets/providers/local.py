"""The embedded engine: started on first use in a process of its own, shared by all kernels."""

import os
from typing import Any

from hfwidgets import engine_process, errors
from hfwidgets.core.auth import Token
from hfwidgets.core.flow import Blocking, Flow, Infer, Sleep
from hfwidgets.providers import _hub, _openai, _tgi
from hfwidgets.providers._provider import Address, Hosts, Provider, bearer_headers

START_LIMIT = 60.0
"""How long the engine may take to listen, in seconds; 4 when its files are cold, as measured."""

POLL_INTERVAL = 0.1


class LocalProvider(Provider):
    """The one provider that is on this machine: its address is looked up, its key is random."""

    is_embedded = True
    has_default_models = True

    def __init__(self) -> None:
        super().__init__("", anonymous=True, mapped=False, routable=False)
        self.reconnects = True

    def connect(self, token: Token | None, hosts: Hosts, task: str = "") -> Flow[Address]:
        """The running engine's address; the engine is started when there is none."""
        found = yield Blocking(engine_process.find_running)
        if found is None:
            found = yield from _start_engine()
        client = {"x-hfwidgets-client": str(os.getpid())}
        return Address(found.url, {**bearer_headers(found.key), **client})


provider = LocalProvider()


def _start_engine() -> Flow[engine_process.EngineState]:
    unborn = engine_process.EngineState("http://127.0.0.1", "", 0, "", 0.0)
    process = yield Blocking(
        engine_process.start_engine, "start the embedded engine, which chooses its port", unborn
    )
    if isinstance(process, engine_process.EngineState):
        return process
    for _ in range(round(START_LIMIT / POLL_INTERVAL)):
        found = yield Blocking(engine_process.find_running)
        if found is not None:
            running: engine_process.EngineState = found
            return running
        if process is not None and process.poll() not in (None, 0):  # 0: another came first
            break
        yield Sleep(POLL_INTERVAL, "the embedded engine starts")
    raise errors.EngineError(
        f"The embedded engine did not start. Its log is {engine_process.log_path()}; "
        "'hfwidgets engine status' says what is installed."
    )


def _pipeline_path(ask: Infer) -> str:
    return f"/models/{ask.served_as or 'default'}/pipeline/{ask.task}"


@provider.serves(*_hub.TEXT_TASKS, *_hub.TABULAR_TASKS)
def run_task(ask: Infer) -> Flow[Any]:
    return _hub.post_json(ask, _pipeline_path(ask))


@provider.serves(*_hub.MEDIA_TASKS, *_hub.VIDEO_TASKS)
def run_media_task(ask: Infer) -> Flow[Any]:
    return _hub.post_media(ask, _pipeline_path(ask))


@provider.serves("text-generation")
def generate_text(ask: Infer) -> Flow[Any]:
    return _tgi.generate_text(ask, _pipeline_path(ask))


@provider.serves("chat-completion")
def chat(ask: Infer) -> Flow[Any]:
    return _openai.post_chat(ask, "/v1/chat/completions")

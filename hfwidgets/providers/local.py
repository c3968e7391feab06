"""The embedded engine: started on first use in a process of its own, shared by all kernels."""

import os

from hfwidgets import engine_process, errors
from hfwidgets.core.auth import Token
from hfwidgets.core.flow import Blocking, Flow, Sleep
from hfwidgets.providers._hub import HubProvider
from hfwidgets.providers._provider import Address, Hosts, bearer_headers

START_LIMIT = 60.0
"""How long the engine may take to start listening, in seconds; measured: 4 with cold files."""

POLL_INTERVAL = 0.1


class LocalProvider(HubProvider):
    """The one provider on this machine: its address is looked up, its key is random."""

    is_embedded = True
    has_default_models = True

    def __init__(self) -> None:
        super().__init__("", anonymous=True, mapped=False, routable=False)
        self.reconnects = True

    def connect(self, token: Token | None, hosts: Hosts, task: str = "") -> Flow[Address]:
        """Return the running engine's address; start the engine first where none runs."""
        found = yield Blocking(engine_process.find_running)
        if found is None:
            found = yield from _start_engine()
        client = {"x-hfwidgets-client": str(os.getpid())}
        return Address(found.url, {**bearer_headers(found.key), **client})

    def task_path(self, task: str, model: str) -> str:
        """Return the path of a task, since the engine has a model for each."""
        return f"/models/{model}/pipeline/{task}" if task else f"/models/{model}"

    def chat_path(self, model: str) -> str:
        """Return the engine's one chat route; the model stands in the body."""
        return "/v1/chat/completions"


provider = LocalProvider()


def _start_engine() -> Flow[engine_process.EngineState]:
    unborn = engine_process.EngineState("http://127.0.0.1", "", 0, "", 0.0)
    process = yield Blocking(
        engine_process.start_engine, "start the embedded engine, which chooses its port", unborn
    )
    # A dry run skips the start and gets the stand-in.
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

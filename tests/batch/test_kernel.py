"""A run in a notebook's kernel: the live table, and Interrupt."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from tests.batch.server import labels
from tests.plugins.kernels import run_kernel

ROOT = Path(__file__).parents[2]


class Kernel:
    """A kernel process."""

    def __init__(self, manager: KernelManager) -> None:
        self._manager = manager
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def begin(self, code: str) -> str:
        return str(self._client.execute(code))

    def messages(self, run: str) -> Iterator[dict[str, Any]]:
        """Yield what a cell sends, up to its end."""
        while True:
            message = self._client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != run:
                continue
            yield message
            if message["content"].get("execution_state") == "idle":
                return

    def text(self, code: str) -> str:
        """Return what a cell prints."""
        found = self.messages(self.begin(code))
        return "".join(m["content"]["text"] for m in found if m["msg_type"] == "stream")

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def close(self) -> None:
        self._client.stop_channels()


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    with run_kernel(env={**os.environ, "PYTHONPATH": str(ROOT)}) as manager:
        made = Kernel(manager)
        yield made
        made.close()


def test_the_table_is_updated_and_interrupt_returns_finished_rows(kernel: Kernel) -> None:
    with labels(seconds=0.02) as server:
        kernel.text(f"import hfwidgets as hf; c = hf.InferenceClient(base_url={server.url!r})")
        run = kernel.begin(
            "rows = (f'row {i}' for i in range(10**6))\n"
            "out = c.map('text-classification', rows, column=None)"
        )
        tables: list[dict[str, Any]] = []
        interrupted = False
        for message in kernel.messages(run):
            if message["msg_type"] in ("display_data", "update_display_data"):
                tables.append(message)
                html = message["content"]["data"]["text/html"]
                if not interrupted and float(re.findall(r"([\d.]+) rows/s", html)[0]) > 0:
                    kernel.interrupt()
                    interrupted = True
            assert message["msg_type"] != "error", message["content"]
        assert tables[0]["msg_type"] == "display_data"
        assert {m["msg_type"] for m in tables[1:]} == {"update_display_data"}
        assert len({m["content"]["transient"]["display_id"] for m in tables}) == 1
        assert "stopped: interrupted" in tables[-1]["content"]["data"]["text/html"]
        said = kernel.text("print(out.stopped, out[0].result[0].label, out.counts['done'] > 0)")
        assert said.split() == ["interrupted", "row", "0", "True"]
        assert kernel.text("print(c.text_classification('row 5')[0].label)").strip() == "row 5"

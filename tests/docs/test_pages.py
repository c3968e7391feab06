"""The documentation's pages: every block of Python runs, with the engine and played services."""

from pathlib import Path

import httpx
import pytest

from hfwidgets.calls import transports
from hfwidgets.engine_process import EngineState
from tests.docs.documents import DOCS, code_blocks, split_cells
from tests.plugins.internet import Internet, Played
from tests.plugins.loopback import Answer, Loopback, chat_answer
from tests.plugins.shells import open_shell

PAGES = {
    path.stem: blocks
    for path in sorted(DOCS.glob("*.md"))
    if (blocks := list(code_blocks(path, "python", "ipython")))
}
MODEL = "Qwen/Qwen3-8B"
SERVED = {
    provider: {"status": "live", "providerId": MODEL, "task": "conversational"}
    for provider in ("together", "nebius")
}
ABOUT = {"id": MODEL, "pipeline_tag": "text-generation", "inferenceProviderMapping": SERVED}


class Services(Internet):
    """The played hosts; this machine's own addresses, such as the engine's, stay real."""

    def moved(self, request: httpx.Request) -> httpx.Request:
        return request if request.url.host == "127.0.0.1" else super().moved(request)


@pytest.fixture
def services(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    played = Services(loopback)
    chat = chat_answer("Hello.")
    for host in ("localhost", "api.openai.com", "api.together.ai", "api.together.xyz"):
        played.post(f"{host}/v1/chat/completions", chat)
    played.get(f"huggingface.co/api/models/{MODEL}", Answer(json=ABOUT))
    played.get("router.huggingface.co/v1/models", Answer(json={"data": []}))
    played.get("huggingface.co/api/models", Answer(json=[ABOUT]))
    monkeypatch.setattr(transports, "find_proxy", lambda *_: None)
    monkeypatch.setattr(transports, "make_direct_transport", lambda: Played(played))


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize("page", PAGES)
def test_its_code_runs(
    page: str, engine: EngineState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_shell() as shell:
        for code in PAGES[page]:
            for cell in split_cells(code):
                shell.run_cell(cell).raise_error()

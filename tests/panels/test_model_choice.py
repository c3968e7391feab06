"""The model that a panel names before its first run, without a request to a service."""

import pytest

import hfwidgets as hf
from hfwidgets import engine_process
from hfwidgets.panels import model_choice
from hfwidgets.panels.base_panel import Panel
from tests.panels.conftest import page, settled
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.waiting import until

MODELS = [
    {
        "id": "tiny/talker",
        "tasks": ["chat-completion"],
        "default_for": ["chat-completion"],
        "input_modalities": ["text"],
    },
    {"id": "tiny/seer", "tasks": ["chat-completion"], "input_modalities": ["text", "image"]},
    {"id": "tiny/feeler", "tasks": ["text-classification"], "default_for": ["text-classification"]},
]


@pytest.fixture
def local_engine(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """Serve what a running engine lists."""
    running = engine_process.EngineState(loopback.url, "key", 1, "0", 0.0)
    monkeypatch.setattr(engine_process, "find_running", lambda: running)
    monkeypatch.setattr(model_choice, "_engine_models", {})
    loopback.route("GET", "/v1/models", Answer(json={"data": MODELS}))
    return loopback


def expected(panel: Panel) -> tuple[str, bool | None]:
    found = until(lambda: page(panel).doc["expected"], "the model is named")
    return found["model"], found.get("reads_images")


def test_the_engines_default_model_is_named_before_the_run(local_engine: Loopback) -> None:
    panel = hf.panel("text-classification", provider="local")
    assert expected(panel) == ("tiny/feeler", None)
    panel.close()


def test_the_installed_default_is_named_before_an_engine_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_process, "find_running", lambda: None)
    monkeypatch.setattr(model_choice, "_engine_models", {})
    panel = hf.panel("tabular-classification", provider="local")
    assert expected(panel) == ("hfwidgets/sample-tables", None)
    panel.close()
    monkeypatch.setenv("HFWIDGETS_CHAT_MODEL", "mine.gguf")
    assert engine_process.read_default_models() == {}


def test_a_chat_shows_whether_its_model_reads_images(local_engine: Loopback) -> None:
    chat = hf.chat(provider="local")
    assert expected(chat) == ("tiny/talker", False)
    chat.model = "seer"
    until(lambda: expected(chat) == ("seer", True), "the chosen model is named")
    chat.model = "unknown/model"
    until(lambda: expected(chat) == ("unknown/model", None), "the unknown model is named")
    chat.close()


def test_the_engine_is_asked_once_for_all_panels(local_engine: Loopback) -> None:
    for task in ("text-classification", "text-classification"):
        panel = hf.panel(task, provider="local")
        assert expected(panel)[0] == "tiny/feeler"
        panel.close()
    assert len(local_engine.requests) == 1


def test_the_hubs_recommendation_is_named_once_a_call_has_looked_it_up(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 30)
    hosts = {"hub": loopback.url, "router": f"{loopback.url}/router"}
    loopback.route("GET", "/api/tasks", Answer(json={"fill-mask": {"widgetModels": ["org/masks"]}}))
    answer = [{"score": 0.9, "token": 1, "token_str": "a", "sequence": "A a."}]
    loopback.route("POST", "/router/hf-inference/models/org/masks", Answer(json=answer))
    panel = hf.panel("fill-mask", provider="hf-inference", hosts=hosts, text="A [MASK].")
    assert expected(panel) == ("", None)
    assert not loopback.requests
    panel.start()
    settled(panel)
    until(lambda: expected(panel)[0] == "org/masks", "the model is named")
    other = hf.panel("fill-mask", provider="hf-inference", hosts=hosts)
    assert expected(other) == ("org/masks", None)
    for one in (panel, other):
        one.close()

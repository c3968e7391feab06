"""Listed models: their tasks, prices and providers, in listings, completion, usage and code."""

import json

import pytest

from hfwidgets import notebook
from hfwidgets.magics.completion import find_matches
from hfwidgets.magics.infer_magic import InferMagics
from hfwidgets.notebook import background_loop
from tests.plugins.loopback import Answer, chat_answer, chat_events

TOKEN = "hf_" + "x" * 34
ROUTER = {
    "data": [
        {
            "id": "org/talker",
            "providers": [
                {"provider": "together", "status": "live", "pricing": {"input": 1.0, "output": 2.0}}
            ],
        }
    ]
}
LISTED = [
    {"id": "org/feelings", "inferenceProviderMapping": {}},
    {"id": "org/moods", "inferenceProviderMapping": {}},
]
ABOUT = {
    "pipeline_tag": "text-classification",
    "inferenceProviderMapping": {
        "together": {"providerId": "their/name", "status": "live", "task": "conversational"},
        "groq": {"providerId": "other", "status": "staging", "task": "conversational"},
    },
}


@pytest.fixture
def hub(net, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    net.get("router.huggingface.co/v1/models", Answer(json=ROUTER))
    net.get("huggingface.co/api/models", Answer(json=LISTED))
    net.get("huggingface.co/api/models/org/talker", Answer(json=ABOUT))
    return net


def hf(shell, line):
    return shell.run_line_magic("hf", line)


def tab(shell, line):
    return find_matches(line, shell.magics_manager.registry[InferMagics.__name__])[1]


def test_listed_models_are_completed(hub, shell, home):
    assert [model.id for model in hf(shell, "models")] == ["org/talker"]
    found = hf(shell, "models ls --task text-classification --search=oo")
    assert [model.id for model in found] == ["org/feelings", "org/moods"]
    asked = hub.seen[-1].query
    assert asked["pipeline_tag"] == ["text-classification"]
    assert asked["search"] == ["oo"]
    notebook.current_session.cache_clear()  # as in another kernel
    before = len(hub.seen)
    kept = InferMagics(shell)
    assert find_matches("%infer -t text-classification -m org/", kept)[1] == [
        "org/moods",
        "org/feelings",
    ]
    assert "org/talker" in find_matches("%%infer org/t", kept)[1]
    assert find_matches("%infer --compare org/talker,org/f", kept)[1] == ["org/feelings"]
    assert "org/moods" in find_matches("%hf models info org/m", kept)[1]
    assert len(hub.seen) == before, "Tab sent a request"
    assert json.loads((home / "cache" / "models.json").read_text())["org/talker"] == (
        "chat-completion"
    )


def test_a_listed_model_runs_its_own_task(hub, shell, capsys):
    hf(shell, "models --task text-classification")
    about = {"pipeline_tag": "text-classification"}
    hub.get("huggingface.co/api/models/org/moods", Answer(json=about))
    path = "router.huggingface.co/hf-inference/models/org/moods"
    hub.post(path, Answer(json=[[{"label": "glad", "score": 1.0}]]))
    shell.run_line_magic("infer", "-o out -p hf-inference -m org/moods what a day")
    assert shell.user_ns["out"][0].label == "glad"
    assert hub.seen[-1].json()["inputs"] == "what a day"


def test_a_model_keeps_the_task_it_was_used_for():
    memory = notebook.current_session()
    memory.remember_task("org/a", "summarization")
    assert notebook.model_task("org/a") == "summarization"
    memory.remember_task("org/a", "chat-completion")
    memory.remember_task("org/a", "text-generation")
    assert notebook.model_task("org/a") == "chat-completion"
    memory.remember_task("http://localhost/v1", "feature-extraction")
    assert notebook.model_task("http://localhost/v1") is None
    assert notebook.model_task(None) is None


def test_usage_counts_listed_prices(hub, shell):
    hf(shell, "models")
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    stream = chat_events("Hi", usage=usage)
    hub.post("router.huggingface.co/v1/chat/completions", stream)
    answer = Answer(headers={**stream.headers, "x-inference-provider": "together"})
    answer.chunks = list(stream.chunks or ())
    hub.post("router.huggingface.co/v1/chat/completions", answer)
    shell.run_line_magic("infer", "-q -m org/talker hello")
    [used] = notebook.usage()
    assert (used["provider"], used["dollars"]) == ("together", (10 * 1.0 + 20 * 2.0) / 1e6)


def test_model_lists_its_providers(hub, shell):
    hf(shell, "models")
    together, groq = hf(shell, "models info org/talker")
    assert together["name there"] == "their/name"
    assert (together["$ in"], together["$ out"]) == (1.0, 2.0)
    assert (groq["provider"], groq["state"], groq["$ in"]) == ("groq", "staging", None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("models lst", "Did you mean 'ls'"),
        ("models info", "%hf models info ID"),
        ("models --taks x", "Did you mean '--task'"),
        ("models --task", "--task needs a value"),
        ("models --task sumarization", "summarization"),
    ],
)
def test_errors_name_the_alternatives(shell, line, message):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        hf(shell, line)
    assert message in str(caught.value)


def test_code_shows_the_request_to_the_provider(hub, shell):
    hub.post("router.huggingface.co/together/v1/chat/completions", chat_answer("Hi"))
    shell.run_line_magic("infer", "-q --no-stream -p together -m org/talker hello")
    code = hf(shell, "code")
    assert "https://router.huggingface.co/together/v1/chat/completions" in code.curl
    assert '"model": "their/name"' in code.curl
    assert 'model="org/talker"' in code.python.replace("'", '"')


def test_code_looks_up_an_unknown_provider(hub, shell):
    hub.post("router.huggingface.co/together/v1/chat/completions", chat_answer("Hi"))
    shell.run_line_magic("infer", "-q --no-stream -p together -m org/talker hello")
    background_loop.forget_clients()
    assert '"model": "their/name"' in hf(shell, "code").curl
    posts = [asked for asked in hub.asked if asked.startswith("POST")]
    assert len(posts) == 1, "the call itself was made again"
    background_loop.forget_clients()
    hub.silent.add("huggingface.co")
    assert "This look-up" in hf(shell, "code").curl

"""Choose who serves a call by arguments, the model's suffix, the token and the Hub's list."""

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from hfwidgets import InferenceClient, errors
from hfwidgets.calls import call, model_info
from tests.plugins.asker import MODEL, TOKEN, Asker
from tests.plugins.loopback import Answer, Loopback, chat_answer
from tests.plugins.waiting import Clock

HELLO = [{"role": "user", "content": "Hello"}]
LABELS = Answer(json=[[{"label": "A", "score": 0.5}]])
ABOUT = f"/hub/api/models/{MODEL}"
AUTO = "/router/v1/chat/completions"


def entry(task: str, status: str = "live", name: str = "its/name", **more: Any) -> dict[str, Any]:
    return {"status": status, "providerId": name, "task": task, **more}


def known(loopback: Loopback, mapping: Any, pipeline: str | None = None, tags: Any = ()) -> None:
    about = {"id": MODEL, "pipeline_tag": pipeline, "tags": list(tags)}
    loopback.route("GET", ABOUT, Answer(json={**about, "inferenceProviderMapping": mapping}))


def unmapped(**client: Any) -> dict[str, Any]:
    return {"client": {"mapping": None, **client}}


def hosted(loopback: Loopback) -> None:
    loopback.route("POST", f"/router/hf-inference/models/{MODEL}", LABELS)


def paths(loopback: Loopback) -> list[str]:
    return [seen.path for seen in loopback.requests]


# Nothing named


def test_chat_goes_to_the_routers_own_choice(ask: Asker, loopback: Loopback) -> None:
    answer = chat_answer("Hi")
    answer.headers = {"x-inference-provider": "groq"}
    loopback.route("POST", AUTO, answer)
    out = ask(None, "chat_completion", HELLO)
    assert out.meta.provider == "groq"
    assert paths(loopback) == [AUTO]
    assert loopback.requests[0].json()["model"] == MODEL


def test_other_tasks_go_to_hf_inference_where_it_is_live(ask: Asker, loopback: Loopback) -> None:
    task = "text-classification"
    known(loopback, {"together": entry(task), "hf-inference": entry(task)})
    hosted(loopback)
    assert ask(None, "text_classification", "Fine!", **unmapped()).meta.provider == "hf-inference"
    assert loopback.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_else_to_the_first_live_provider_that_is_known(ask: Asker, loopback: Loopback) -> None:
    task = "feature-extraction"
    rows = [
        {"provider": "nobody-knows-it", **entry(task)},
        {"provider": "together", **entry(task, "staging")},
        {"provider": "groq", **entry(task)},
        {"provider": "scaleway", **entry(task, name="bge")},
        {"provider": "hf-inference", **entry(task, "error")},
    ]
    known(loopback, rows)
    loopback.route(
        "POST", "/router/scaleway/v1/embeddings", Answer(json={"data": [{"embedding": [1, 2]}]})
    )
    assert ask(None, "feature_extraction", "x", **unmapped()).shape == (1, 2)
    assert loopback.requests[1].json()["model"] == "bge"


def test_auto_has_no_preference(ask: Asker, loopback: Loopback) -> None:
    task = "feature-extraction"
    known(loopback, {"scaleway": entry(task), "hf-inference": entry(task)})
    loopback.route(
        "POST", "/router/scaleway/v1/embeddings", Answer(json={"data": [{"embedding": [1]}]})
    )
    assert ask("auto", "feature_extraction", "x", **unmapped()).meta.provider == "scaleway"


def test_an_entry_that_is_not_live_is_used_with_a_warning(ask: Asker, loopback: Loopback) -> None:
    for status, words in (("staging", "only being tested"), ("error", "last check of it failed")):
        known(loopback, {"groq": entry("conversational", status)})
        loopback.route("POST", "/router/groq/openai/v1/chat/completions", chat_answer("Hi"))
        with pytest.warns(UserWarning, match=f"{MODEL} at groq is .*{words}"):
            ask("groq", "chat_completion", HELLO, **unmapped())


def test_no_model_is_the_hubs_recommended_one(ask: Asker, loopback: Loopback) -> None:
    tasks = {"text-classification": {"widgetModels": [MODEL, "other/one"]}}
    loopback.route("GET", "/hub/api/tasks", Answer(json=tasks))
    hosted(loopback)
    found = ask(None, "text_classification", "Fine!", client={"model": None, "token": None})
    assert found.meta.model == MODEL
    with pytest.raises(errors.ConfigurationError, match="not recommend a model for fill-mask"):
        ask(None, "fill_mask", "x <mask>", client={"model": None})


def test_the_variable_names_a_default(
    ask: Asker, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFWIDGETS_PROVIDER", "groq")
    loopback.route("POST", "/router/groq/openai/v1/chat/completions", chat_answer("Hi"))
    ask(None, "chat_completion", HELLO, client={"mapping": {MODEL: {"groq": "g"}}})
    assert loopback.requests[0].json()["model"] == "g"


# Tokens


def test_without_a_token(ask: Asker, loopback: Loopback) -> None:
    with pytest.raises(errors.MissingTokenError, match=r"needs a Hub token.*none was found"):
        ask(None, "chat_completion", HELLO, client={"token": None})
    known(loopback, {"hf-inference": entry("text-classification")})
    hosted(loopback)
    ask(None, "text_classification", "Fine!", **unmapped(token=None))
    assert all("authorization" not in seen.headers for seen in loopback.requests)
    with pytest.raises(errors.MissingTokenError, match="together needs a key"):
        ask("together", "chat_completion", HELLO, client={"token": None})


@pytest.mark.parametrize(
    ("method", "value"), [("chat_completion", HELLO), ("text_classification", "x")]
)
def test_a_key_without_a_provider(ask: Asker, method: str, value: Any) -> None:
    with pytest.raises(errors.MissingTokenError, match=r"not a Hub token.*pass provider="):
        ask(None, method, value, client={"token": "sk-123456789"})
    with pytest.raises(errors.MissingTokenError, match="needs a Hub token"):
        ask("auto", "chat_completion", HELLO, client={"token": "sk-123456789"})


@pytest.mark.parametrize("provider", ["openai", "sambanova"])
def test_who_has_no_route_needs_its_own_key(
    ask: Asker, loopback: Loopback, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for token in (TOKEN, None):
        with pytest.raises(errors.MissingTokenError, match="its own keys only, not a Hub token"):
            ask(provider, "chat_completion", HELLO, client={"token": token})
    assert loopback.requests == []


def test_sambanovas_names(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/direct/v1/chat/completions", chat_answer("Hi"))
    for model, name in (
        ("meta-llama/Llama-3.1-8B-Instruct", "Meta-Llama-3.1-8B-Instruct"),
        ("Qwen/Qwen2.5-72B-Instruct", "Qwen2.5-72B-Instruct"),
        ("DeepSeek-V3", "DeepSeek-V3"),
    ):
        schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}}
        ask(
            "sambanova",
            "chat_completion",
            HELLO,
            response_format=schema,
            client={"token": "key-123", "model": model},
        )
        body = loopback.requests[-1].json()
        assert body["model"] == name
        assert body["response_format"]["json_schema"]["strict"] is False
    assert len(loopback.requests) == 3


def test_the_hub_sees_no_key_of_others(ask: Asker, loopback: Loopback) -> None:
    known(loopback, {"groq": entry("conversational", name="g")})
    loopback.route("POST", "/direct/openai/v1/chat/completions", chat_answer("Hi"))
    ask("groq", "chat_completion", HELLO, **unmapped(token="gsk-0123456789"))
    look_up, call = loopback.requests
    assert "authorization" not in look_up.headers
    assert call.headers["authorization"] == "Bearer gsk-0123456789"
    assert call.json()["model"] == "g"


# Suffixes


@pytest.mark.parametrize("suffix", ["together", "fastest", "cheapest", "preferred", "unheard-of"])
def test_the_router_gets_the_suffix(ask: Asker, loopback: Loopback, suffix: str) -> None:
    loopback.route("POST", AUTO, chat_answer("Hi"))
    ask(None, "chat_completion", HELLO, model=f"{MODEL}:{suffix}")
    assert loopback.requests[0].json()["model"] == f"{MODEL}:{suffix}"


def test_a_suffix_names_the_provider_elsewhere(ask: Asker, loopback: Loopback) -> None:
    known(loopback, {"scaleway": entry("feature-extraction")})
    loopback.route(
        "POST", "/router/scaleway/v1/embeddings", Answer(json={"data": [{"embedding": [1]}]})
    )
    found = ask(None, "feature_extraction", "x", model=f"{MODEL}:scaleway")
    assert found.meta.provider == "scaleway"
    with pytest.raises(errors.UnknownProviderError, match="Did you mean 'together'"):
        ask(None, "feature_extraction", "x", model=f"{MODEL}:togther")
    with pytest.raises(errors.ConfigurationError, match="leave one of them out"):
        ask("together", "feature_extraction", "x", model=f"{MODEL}:scaleway")


def test_a_suffix_with_a_key_of_its_own(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/direct/openai/v1/chat/completions", chat_answer("Hi"))
    made = {name: ask.settings("groq")[name] for name in ("hosts", "mapping")}
    client = {**made, "token": "gsk-123456789", "model": f"{MODEL}:groq"}
    ask(None, "chat_completion", HELLO, client=client)
    assert loopback.requests[0].json()["model"] == "its/name"


def test_a_policy_is_left_out_elsewhere(ask: Asker, loopback: Loopback) -> None:
    known(loopback, {"hf-inference": entry("text-classification")})
    hosted(loopback)
    with pytest.warns(UserWarning, match="':fastest' works for chat only"):
        ask(None, "text_classification", "Fine!", **unmapped(model=f"{MODEL}:fastest"))
    ask("hf-inference", "text_classification", "Fine!", **unmapped(model=f"{MODEL}:preferred"))


def test_the_calls_model_wins(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/router/groq/openai/v1/chat/completions", chat_answer("Hi"))
    mapping = {MODEL: {"groq": "one"}, "org/other": {"groq": "two"}}
    ask("groq", "chat_completion", HELLO, model="org/other", client={"mapping": mapping})
    assert loopback.requests[0].json()["model"] == "two"


# Another task, no provider, nonsense


def test_another_task_is_said_with_the_right_call(ask: Asker, loopback: Loopback) -> None:
    known(loopback, {"together": entry("conversational"), "groq": entry("conversational")})
    with pytest.raises(errors.TaskNotServedError) as info:
        ask("together", "text_generation", "Once", **unmapped())
    assert str(info.value) == (
        "together serves org/model for conversational, not for text-generation. Use client."
        'chat_completion([{"role": "user", "content": ...}], model=\'org/model\').'
    )
    with pytest.raises(errors.TaskNotServedError, match=r"is served for conversational, not for "):
        ask(None, "text_generation", "Once", **unmapped())
    with pytest.raises(
        errors.TaskNotServedError,
        match=r"fireworks-ai does not serve org/model.*For conversational use groq, together",
    ):
        ask("fireworks-ai", "chat_completion", HELLO, **unmapped())


@pytest.mark.parametrize("mapping", [None, {}, []])
def test_a_model_without_a_provider(ask: Asker, loopback: Loopback, mapping: Any) -> None:
    known(loopback, mapping, "fill-mask")
    for provider, words in ((None, "No provider serves"), ("together", "does not serve org/model")):
        with pytest.raises(errors.TaskNotServedError, match=f"{words}.*client.models"):
            ask(provider, "feature_extraction", "x", **unmapped())


def test_only_strangers_serve_it(ask: Asker, loopback: Loopback) -> None:
    known(loopback, {"acme": entry("text-to-image")})
    with pytest.raises(
        errors.TaskNotServedError, match="by acme only, which hfwidgets has no route for"
    ):
        ask("auto", "text_to_image", "a cat", **unmapped())


def test_a_provider_that_does_not_do_the_task(ask: Asker, loopback: Loopback) -> None:
    with pytest.raises(
        errors.TaskNotServedError, match=r"groq does not serve text-to-image\. It serv"
    ):
        ask("groq", "text_to_image", "a cat")
    assert loopback.requests == []


# hf-inference's own check


@pytest.mark.parametrize(
    ("pipeline", "tags", "served"),
    [
        ("text-generation", (), {"text_generation", "chat_completion"}),
        ("text2text-generation", (), {"text_generation"}),
        ("image-text-to-text", (), {"chat_completion"}),
        (
            "sentence-similarity",
            ("feature-extraction",),
            {"feature_extraction", "sentence_similarity"},
        ),
        ("feature-extraction", (), {"feature_extraction"}),
        ("text-classification", ("feature-extraction",), {"text_classification"}),
        (None, (), {"text_generation", "chat_completion", "feature_extraction"}),
    ],
)
def test_what_hf_inference_does_with_a_kind_of_model(
    ask: Asker, loopback: Loopback, pipeline: str | None, tags: Any, served: set[str]
) -> None:
    known(loopback, {}, pipeline, tags)
    base = f"/router/hf-inference/models/{MODEL}"
    loopback.route("POST", base, Answer(json=[{"generated_text": "x", "label": "A", "score": 1}]))
    loopback.route("POST", f"{base}/v1/chat/completions", chat_answer("Hi"))
    loopback.route("POST", f"{base}/pipeline/feature-extraction", Answer(json=[1]))
    loopback.route("POST", f"{base}/pipeline/sentence-similarity", Answer(json=[1]))
    calls = {
        "chat_completion": (HELLO,),
        "text_generation": ("Once",),
        "feature_extraction": ("x",),
        "sentence_similarity": ("x", ["y"]),
        "text_classification": ("x",),
    }
    if pipeline is None:
        calls = {name: calls[name] for name in served}
    for method, args in calls.items():
        if method in served:
            ask("hf-inference", method, *args, **unmapped())
        else:
            with pytest.raises(errors.TaskNotServedError, match=f"is a model for {pipeline}, not"):
                ask("hf-inference", method, *args, **unmapped())


# The Hub does not answer


@pytest.mark.parametrize("provider", [None, "hf-inference"])
@pytest.mark.parametrize("answer", [Answer(500, json={}), Answer(cut=True, chunks=[])])
def test_hf_inference_works_without_the_hub(
    ask: Asker, loopback: Loopback, provider: str | None, answer: Answer
) -> None:
    loopback.route("GET", ABOUT, answer)
    hosted(loopback)
    ask(provider, "text_classification", "Fine!", **unmapped())
    assert paths(loopback) == [ABOUT, f"/router/hf-inference/models/{MODEL}"]


@pytest.fixture
def hub_clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock by which answers of the Hub expire."""
    monkeypatch.setattr(model_info, "time", SimpleNamespace(monotonic=clock))
    own = SimpleNamespace(monotonic=clock, perf_counter=time.perf_counter)
    monkeypatch.setattr(call, "time", own)
    return clock


def test_a_silent_hub_is_left_alone_for_a_minute(
    loopback: Loopback, hub_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_info, "LOOKUP_TIMEOUT", 0.2)
    over = threading.Event()

    def silent(_: Any) -> Answer:
        over.wait(30)
        return Answer(500)

    loopback.route("GET", ABOUT, silent)
    hosted(loopback)
    settings = Asker("sync", loopback).settings("hf-inference", mapping=None)
    with InferenceClient(**settings) as client:
        for asked in (1, 1, 2):
            client.text_classification("Fine!")
            assert paths(loopback).count(ABOUT) == asked
            hub_clock.now += 31
    over.set()


def test_a_key_of_its_own_works_without_the_hub(ask: Asker, loopback: Loopback) -> None:
    loopback.route("GET", ABOUT, Answer(404, json={"error": "Repository not found"}))
    loopback.route("POST", "/direct/v1/chat/completions", chat_answer("Hi"))
    with pytest.warns(UserWarning, match="does not list 'org/model' at together"):
        ask("together", "chat_completion", HELLO, **unmapped(token="tgp_123456789"))
    assert loopback.requests[-1].json()["model"] == MODEL


def test_a_hub_token_needs_the_hub(ask: Asker, loopback: Loopback) -> None:
    loopback.route("GET", ABOUT, Answer(500, json={"error": "down"}))
    with pytest.raises(errors.ServerError, match=r"pass mapping=\{'org/model': \{'together': its"):
        ask("together", "chat_completion", HELLO, **unmapped())
    loopback.route("GET", ABOUT, Answer(404, json={"error": "Repository not found"}))
    with pytest.raises(errors.NotFoundError, match="Repository not found"):
        ask(None, "feature_extraction", "x", **unmapped())


# The mapping's keeping


def test_the_mapping_is_kept_for_a_while(loopback: Loopback, hub_clock: Clock) -> None:
    known(loopback, {"groq": entry("conversational")})
    loopback.route("POST", "/router/groq/openai/v1/chat/completions", chat_answer("Hi"))
    with InferenceClient(**Asker("sync", loopback).settings("groq", mapping=None)) as client:
        client.chat_completion(HELLO)
        client.chat_completion(HELLO)
        assert paths(loopback).count(ABOUT) == 1
        hub_clock.now += 601
        client.chat_completion(HELLO)
        assert paths(loopback).count(ABOUT) == 2


def test_a_mapping_by_hand(ask: Asker, loopback: Loopback) -> None:
    rich = {"providerId": "its", "task": "conversational", "status": "live"}
    client = {"mapping": {MODEL: {"groq": rich}}}
    loopback.route("POST", "/router/groq/openai/v1/chat/completions", chat_answer("Hi"))
    ask("groq", "chat_completion", HELLO, client=client)
    assert loopback.requests[0].json()["model"] == "its"
    with pytest.raises(errors.TaskNotServedError, match="together does not serve"):
        ask("together", "chat_completion", HELLO, client=client)
    assert len(loopback.requests) == 1
    for wrong in ({MODEL: "x"}, {MODEL: {"groq": 3}}, {MODEL: {"groq": {}}}):
        with pytest.raises(errors.ConfigurationError, match="must name the model at each provider"):
            InferenceClient(mapping=wrong)


def test_a_url_and_a_provider(ask: Asker, loopback: Loopback) -> None:
    with pytest.raises(errors.ConfigurationError, match="Pass either"):
        ask("groq", "chat_completion", HELLO, model=loopback.url)
    with pytest.raises(errors.ConfigurationError, match="pass base_url="):
        ask("endpoint", "chat_completion", HELLO)
    with pytest.raises(errors.ConfigurationError, match="groq needs a model"):
        ask("groq", "chat_completion", HELLO, client={"model": None})


def test_bill_to_without_a_hub_token(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/direct/v1/chat/completions", chat_answer("Hi"))
    with pytest.warns(UserWarning, match="bill_to is ignored"):
        ask("together", "chat_completion", HELLO, client={"bill_to": "x", "token": "key-123456"})
    assert "x-hf-bill-to" not in loopback.requests[0].headers

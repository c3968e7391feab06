"""The rules of routing one by one, by hand: the Hub's answers are those of a table."""

import json
import warnings
from typing import Any

import pytest

from hfwidgets import errors
from hfwidgets.calls.offers import manual_mapping
from hfwidgets.calls.route import Route
from hfwidgets.calls.routing import choose_route
from hfwidgets.calls.settings import Settings
from hfwidgets.core import auth
from hfwidgets.core.flow import Blocking, Reply, Send
from hfwidgets.core.run_flow import run_flow
from hfwidgets.errors.from_response import attach_response
from hfwidgets.tasks import TASKS

MODEL = "org/model"
HUB_KEY = "hf_0123456789"
OWN_KEY = "own-key"
FILL, CHAT = "fill-mask", "chat-completion"

Row = tuple[str, str | None, str | None, str | None]


class Hub:
    """The Hub's answers; without an entry it fails."""

    def __init__(self, mapping: Any = None, status: int = 200, **about: Any) -> None:
        self.about = {"inferenceProviderMapping": mapping or {}, **about}
        self.status = status
        self.recommended: dict[str, Any] = {}
        self.asked: list[str] = []

    def perform(self, step: Any) -> Any:
        if isinstance(step, Blocking):
            return None  # no token on this machine
        assert isinstance(step, Send)
        self.asked.append(step.url.removeprefix("https://huggingface.co"))
        if self.status == 0:
            raise errors.ConnectError("no Hub")
        if self.status >= 400:
            error = errors.HfHubHTTPError("no")
            attach_response(error, Reply(self.status))
            raise error
        if step.url.endswith("/api/tasks"):
            tasks = {name: {"widgetModels": models} for name, models in self.recommended.items()}
            return Reply(200, {}, json.dumps(tasks).encode())
        return Reply(200, {}, json.dumps(self.about).encode())


def choose(
    task: str,
    model: str | None,
    hub: Hub | None = None,
    /,
    *,
    key: str | None = HUB_KEY,
    **settings: Any,
) -> Route:
    known = Settings(token=auth.explicit_token(key), **settings)
    hub = hub or Hub(status=0)
    return run_flow(choose_route(TASKS[task], model, known), hub.perform)


def row(route: Route) -> Row:
    return route.provider.name, route.model, route.served_as, route.url


def entry(task: str = FILL, status: str = "live", name: str = "its/name") -> dict[str, Any]:
    return {"status": status, "providerId": name, "task": task}


def offered(*names: str, **more: Any) -> Hub:
    return Hub({name: entry(**more) for name in names})


# A URL


@pytest.mark.parametrize(
    ("task", "url", "called"),
    [
        (FILL, "https://h/x", "https://h/x"),
        (FILL, "https://h/v1x", "https://h/v1x"),
        (CHAT, "https://h/x", "https://h/x/v1/chat/completions"),
        (CHAT, "https://h/v1", "https://h/v1/chat/completions"),
        ("feature-extraction", "https://h/v1", "https://h/v1"),
    ],
)
def test_a_url_is_called(task: str, url: str, called: str) -> None:
    hub = Hub(status=0)
    assert row(choose(task, url, hub)) == ("endpoint", None, "default", called)
    assert row(choose(task, None, hub, model=url)) == ("endpoint", None, "default", called)
    assert row(choose(task, "m", hub, model=url)) == ("endpoint", "m", "m", called)
    assert row(choose(task, url, hub, model="https://other/y"))[3] == called
    assert row(choose(task, url, hub, model="m", provider="endpoint"))[1:] == (
        *(None, "default", called),
    )
    assert hub.asked == []


def test_below_v1_a_server_has_openai_s_routes() -> None:
    # Not the whole address: a task's route is joined to it.
    assert "feature-extraction" in choose("feature-extraction", "https://h/v1").provider.routes
    with pytest.raises(errors.TaskNotServedError) as caught:
        choose(FILL, "https://h/v1?key=secret-9")
    assert "no route for fill-mask" in str(caught.value)
    assert "chat-completion, " in str(caught.value)
    assert "secret-9" not in str(caught.value)


@pytest.mark.parametrize("name", ["hf-inference", "auto"])
def test_a_url_wins_over_former_defaults_with_a_warning(name: str) -> None:
    with pytest.warns(UserWarning, match=f"provider='{name}' is ignored, since a URL was passed"):
        assert row(choose(FILL, "https://h/x", provider=name))[0] == "endpoint"


@pytest.mark.parametrize("name", ["together", "local", "no-such-provider"])
def test_a_url_and_another_provider_exclude_each_other(name: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=f"either a URL or provider='{name}'"):
        choose(FILL, "https://h/x", provider=name)


def test_a_url_needs_a_host_and_an_endpoint_a_url() -> None:
    with pytest.raises(errors.ConfigurationError, match="Not a URL that can be called"):
        choose(FILL, "https:///x")
    for model in (None, "m"):
        with pytest.raises(errors.ConfigurationError, match="needs a URL: pass base_url="):
            choose(FILL, model, provider="endpoint")


# No model


@pytest.mark.parametrize("name", [None, "auto", "hf-inference"])
def test_no_model_is_the_recommended_one_at_hf_inference(name: str | None) -> None:
    hub = Hub()
    hub.recommended = {
        FILL: ["org/bert", "org/other"],
        "text-generation": ["org/gpt"],
        "chat-completion": ["org/wrong"],
    }
    for task, model in ((FILL, "org/bert"), (CHAT, "org/gpt")):
        assert row(choose(task, None, hub, provider=name)) == ("hf-inference", model, model, None)
    hub.recommended = {"conversational": ["org/chat"], "text-generation": ["org/gpt"]}
    assert row(choose(CHAT, None, hub, provider=name))[1] == "org/chat"
    hub.recommended = {}
    with pytest.raises(errors.ConfigurationError, match="does not recommend a model for fill-mask"):
        choose(FILL, None, hub, provider=name)


def test_no_model_at_other_providers() -> None:
    hub = Hub(status=0)
    assert row(choose(CHAT, None, hub, provider="local")) == ("local", None, None, None)
    with pytest.raises(errors.ConfigurationError, match="together needs a model: pass model="):
        choose(CHAT, None, hub, provider="together")
    with pytest.raises(errors.TaskNotServedError):
        choose(FILL, None, hub, provider="groq")
    assert hub.asked == []


@pytest.mark.parametrize("model", [None, MODEL])
@pytest.mark.parametrize("task", [FILL, CHAT])
def test_a_key_of_its_own_needs_a_provider(task: str, model: str | None) -> None:
    with pytest.raises(errors.MissingTokenError, match="The token from the argument is not a Hub"):
        choose(task, model, offered("together"), key=OWN_KEY)


# A model and no provider


def test_without_a_provider_hf_inference_is_preferred_where_it_is_live() -> None:
    both = offered("together", "hf-inference")
    assert row(choose(FILL, MODEL, both)) == ("hf-inference", MODEL, MODEL, None)
    for status in ("staging", "error"):
        waiting = Hub({"hf-inference": entry(status=status), "wavespeed": entry("text-to-image")})
        with pytest.warns(UserWarning, match="org/model at hf-inference is"):
            assert row(choose(FILL, MODEL, waiting))[0] == "hf-inference"


def test_auto_takes_the_first_that_fits_in_the_hub_s_order() -> None:
    task = "text-to-image"
    hub = Hub(
        {
            "stranger": entry(task, name="a"),
            "groq": entry(task, name="b"),
            "together": entry("fill-mask", name="c"),
            "fal-ai": entry(task, "staging", name="d"),
            "nscale": entry(task, name="e"),
            "hf-inference": entry(task, name="f"),
        }
    )
    assert row(choose(task, MODEL, hub, provider="auto")) == ("nscale", MODEL, "e", None)
    assert row(choose(task, MODEL, hub)) == ("hf-inference", MODEL, MODEL, None)
    first = Hub({"hf-inference": entry(task, name="f"), "nscale": entry(task, name="e")})
    assert row(choose(task, MODEL, first, provider="auto"))[2] == MODEL
    entries = choose(task, MODEL, hub, provider="auto").entry
    assert (entries["providerId"], entries["provider"]) == ("e", "nscale")


@pytest.mark.parametrize("status", [0, 500, 503])
def test_a_silent_hub_leaves_hf_inference(status: int) -> None:
    assert row(choose(FILL, MODEL, Hub(status=status))) == ("hf-inference", MODEL, MODEL, None)
    with pytest.raises((errors.ConnectError, errors.HfHubHTTPError)):
        choose(FILL, MODEL, Hub(status=status), provider="auto")


def test_chat_goes_to_the_router_with_its_suffix() -> None:
    hub = Hub(status=0)
    for name in (None, "auto"):
        assert row(choose(CHAT, MODEL, hub, provider=name)) == ("auto", MODEL, MODEL, None)
        for suffix in ("fastest", "cheapest", "preferred", "together", "a-stranger"):
            whole = f"{MODEL}:{suffix}"
            assert row(choose(CHAT, whole, hub, provider=name)) == ("auto", whole, whole, None)
    assert hub.asked == []


# A suffix


@pytest.mark.parametrize("suffix", ["fastest", "cheapest", "preferred"])
def test_a_policy_is_for_chat_only(suffix: str) -> None:
    hub = offered("hf-inference", "nscale", task="text-to-image")
    expected = "hf-inference", MODEL, MODEL, None
    if suffix == "preferred":
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert row(choose("text-to-image", f"{MODEL}:{suffix}", hub)) == expected
    else:
        with pytest.warns(UserWarning, match=f"':{suffix}' works for chat only; text-to-image"):
            assert row(choose("text-to-image", f"{MODEL}:{suffix}", hub)) == expected


@pytest.mark.parametrize("provider", [None, "auto", "nscale"])
def test_a_suffix_names_the_provider(provider: str | None) -> None:
    hub = offered("nscale", "hf-inference", task="text-to-image")
    route = choose("text-to-image", f"{MODEL}:nscale", hub, provider=provider)
    assert row(route) == ("nscale", MODEL, "its/name", None)


def test_a_suffix_and_another_provider_are_in_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = offered("nscale", task="text-to-image")
    with pytest.raises(errors.ConfigurationError) as caught:
        choose("text-to-image", f"{MODEL}:nscale", hub, provider="fal-ai")
    assert "'org/model:nscale' names the provider 'nscale'" in str(caught.value)
    assert "provider='fal-ai' was passed" in str(caught.value)
    # The variable is a default only.
    monkeypatch.setenv("HFWIDGETS_PROVIDER", "fal-ai")
    assert row(choose("text-to-image", f"{MODEL}:nscale", hub))[0] == "nscale"


def test_a_suffix_that_the_router_does_not_reach_is_called_directly() -> None:
    for key in (HUB_KEY, OWN_KEY, None):
        route = choose(CHAT, "gpt:openai", key=key)
        assert row(route) == ("openai", "gpt", "gpt", None)
    # The router accepts Hub tokens only.
    with pytest.warns(UserWarning, match="does not list 'org/model' at together"):
        assert row(choose(CHAT, f"{MODEL}:together", Hub(), key=OWN_KEY))[0] == "together"
    assert row(choose(CHAT, f"{MODEL}:together", Hub(), key=None))[0] == "auto"


@pytest.mark.parametrize("model", ["http:/h/x", "C:/models/x", "org/m:a/b"])
def test_what_is_neither_an_id_nor_a_url_is_explained(model: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="neither a model's id nor a URL"):
        choose(FILL, model)


def test_names_with_colons_belong_to_providers_without_a_mapping() -> None:
    assert row(choose(CHAT, "llama3:8b", provider="local"))[:2] == ("local", "llama3:8b")
    assert row(choose(CHAT, ":odd", Hub(status=0)))[:3] == ("auto", ":odd", ":odd")


# A provider


def test_a_provider_gets_its_own_name_for_the_model() -> None:
    hub = Hub({"together": entry("text-to-image", name="x/y"), "nscale": entry("text-to-image")})
    route = choose("text-to-image", MODEL, hub, provider="together")
    assert row(route) == ("together", MODEL, "x/y", None)
    assert route.entry == {**entry("text-to-image", name="x/y"), "provider": "together"}


@pytest.mark.parametrize("status", ["staging", "error"])
def test_a_status_other_than_live_is_a_warning(status: str) -> None:
    hub = Hub({"together": entry("text-to-image", status)})
    reason = "only being tested" if status == "staging" else "marked as failing"
    with pytest.warns(UserWarning, match=f"org/model at together is {reason}"):
        choose("text-to-image", MODEL, hub, provider="together")


@pytest.mark.parametrize("hub", [Hub(status=0), Hub(status=404), Hub()])
def test_with_a_key_of_its_own_a_name_may_be_the_provider_s(hub: Hub) -> None:
    with pytest.warns(UserWarning, match="does not list 'org/model' at together"):
        route = choose("text-to-image", MODEL, hub, key=OWN_KEY, provider="together")
    assert row(route) == ("together", MODEL, MODEL, None)


def test_a_hub_token_needs_the_hub_s_name() -> None:
    with pytest.raises(errors.ConnectError) as caught:
        choose("text-to-image", MODEL, Hub(status=0), provider="together")
    assert "mapping={'org/model': {'together': its name there}}" in str(caught.value)
    for key in (HUB_KEY, None):
        with pytest.raises(errors.TaskNotServedError, match="together does not serve org/model"):
            choose("text-to-image", MODEL, Hub(), key=key, provider="together")
    elsewhere = offered("together", task="conversational")
    for key in (HUB_KEY, OWN_KEY):
        with pytest.raises(errors.TaskNotServedError, match="together serves org/model for conv"):
            choose("text-to-image", MODEL, elsewhere, key=key, provider="together")


def test_a_mapping_that_was_passed_is_complete() -> None:
    mapping = manual_mapping({MODEL: {"together": "x/y", "hf-inference": "z"}})
    hub = Hub(status=0)
    for key in (HUB_KEY, OWN_KEY):
        route = choose("text-to-image", MODEL, hub, key=key, provider="together", mapping=mapping)
        assert row(route) == ("together", MODEL, "x/y", None)
        with pytest.raises(errors.TaskNotServedError, match="nscale does not serve org/model"):
            choose("text-to-image", MODEL, hub, key=key, provider="nscale", mapping=mapping)
    named = choose(FILL, MODEL, hub, provider="hf-inference", mapping=mapping)
    assert row(named) == ("hf-inference", MODEL, "z", None)
    without = manual_mapping({MODEL: {"together": "x/y"}})
    unnamed = choose(FILL, MODEL, hub, provider="hf-inference", mapping=without)
    assert row(unnamed) == ("hf-inference", MODEL, MODEL, None)
    assert hub.asked == []


def test_hf_inference_is_asked_unless_the_page_says_that_it_cannot() -> None:
    def served(**about: Any) -> Row:
        return row(choose(FILL, MODEL, Hub(**about), provider="hf-inference"))

    expected = "hf-inference", MODEL, MODEL, None
    assert served(pipeline_tag=FILL) == served(pipeline_tag=None) == expected
    assert served(status=0) == served(status=404) == served(status=500) == expected
    live = {"hf-inference": entry()}
    assert served(mapping=live, pipeline_tag="summarization") == expected
    with pytest.raises(errors.TaskNotServedError) as caught:
        served(pipeline_tag="summarization")
    assert "org/model is a model for summarization, not for fill-mask" in str(caught.value)
    with pytest.raises(errors.TaskNotServedError):
        choose("text-to-video", MODEL, provider="hf-inference")


def test_a_model_without_a_provider_is_explained() -> None:
    with pytest.raises(errors.TaskNotServedError, match="No provider serves org/model"):
        choose(FILL, MODEL, Hub(pipeline_tag="summarization"))
    with pytest.raises(errors.TaskNotServedError, match="by stranger only"):
        choose(FILL, MODEL, offered("stranger"))

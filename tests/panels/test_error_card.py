"""A panel shows an error's reason and advice from its fields, and offers its action as a button."""

import json
from typing import get_args

import pytest

from hfwidgets import InferenceClient, errors
from hfwidgets.panels.document.protocol import ActionView
from hfwidgets.panels.views.error_card import MAX_REASON_LENGTH, error_card
from tests.plugins.loopback import Answer, Loopback

MODEL = "org/model"
LONG = "The service explains at length why it refuses. " * 12


def refuse(loopback: Loopback, answer: Answer) -> errors.HfWidgetsError:
    """Return the error of a call through the Hub's router that is answered so."""
    loopback.answer(answer)
    client = InferenceClient(
        provider="together",
        token="hf_" + "a1" * 17,
        hosts={"hub": loopback.url, "router": loopback.url},
        mapping={MODEL: {"together": "theirs/model"}},
        max_retries=0,
    )
    with pytest.raises(errors.HfWidgetsError) as caught:
        client.chat_completion([{"role": "user", "content": "Hello"}], model=MODEL)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "title", "advice", "action"),
    [
        (
            Answer(402, json={"error": LONG}),
            "No credits left",
            "Add credits (https://huggingface.co/settings/billing)",
            errors.Action("open_url", {"url": "https://huggingface.co/settings/billing"}),
        ),
        (
            Answer(403, json={"error": LONG}, headers={"X-Error-Code": "GatedRepo"}),
            "Not allowed",
            f"accept its terms at https://huggingface.co/{MODEL}",
            errors.Action("open_url", {"url": f"https://huggingface.co/{MODEL}"}),
        ),
        (
            Answer(401, json={"error": LONG}),
            "The token was not accepted",
            "The token came from the argument",
            errors.Action("sign_in"),
        ),
        (
            Answer(429, json={"error": LONG}, headers={"Retry-After": "900"}),
            "Too many requests",
            "Wait 900 s",
            errors.Action("retry", {"seconds": "900"}),
        ),
        (
            Answer(404, json={"error": LONG}),
            "Not found",
            "Check the model's name",
            errors.Action("choose_model"),
        ),
    ],
)
def test_what_to_do_is_shown_however_it_begins(
    loopback: Loopback, answer: Answer, title: str, advice: str, action: errors.Action
) -> None:
    error = refuse(loopback, answer)
    card = error_card(error)
    assert card.title == title
    assert advice in error.advice
    assert card.text.endswith(error.advice)
    assert card.text.startswith(f"together, model {MODEL} answered ")
    assert len(card.text) < MAX_REASON_LENGTH + len(error.advice)
    assert card.details == str(error)
    assert error.action == action


def test_a_short_error_is_shown_whole() -> None:
    card = error_card(errors.InputError("Short.", advice="Any words at all."))
    assert (card.text, card.details) == ("Short. Any words at all.", "")


def test_a_first_sentence_without_an_end_is_cut() -> None:
    card = error_card(errors.InputError("x" * 1000, advice="Do this."))
    assert card.text == "x" * MAX_REASON_LENGTH + "… Do this."
    assert card.details == "x" * 1000 + " Do this."


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        (errors.InferenceTimeoutError, "Request timed out"),
        (errors.ConfigurationError, "Conflicting settings"),
        (errors.HfWidgetsError, "Request failed"),
        (errors.MissingTokenError, "A token is needed"),
    ],
)
def test_titles(kind: type[errors.HfWidgetsError], title: str) -> None:
    assert error_card(kind("x")).title == title


def test_an_error_of_another_kind_is_named_without_its_secrets() -> None:
    card = error_card(RuntimeError("hf_abc is bad"))
    assert card.title == "Something unexpected happened"
    assert card.text == "RuntimeError: hf_… is bad"


def test_a_missing_key_and_missing_weights_get_a_button() -> None:
    card = error_card(errors.MissingTokenError("x"))
    assert card.action == ActionView(name="sign_in", label="Sign in")
    action = errors.Action("install_set", {"set": "full"})
    card = error_card(errors.EngineError("Not installed.", action=action))
    assert card.action == install_button("full")
    assert error_card(errors.InputError("Run hfwidgets engine install light")).action is None


@pytest.mark.parametrize("name", get_args(errors.ActionName))
def test_each_action_has_a_button_with_words(name: errors.ActionName) -> None:
    action = errors.Action(name, {"set": "full", "url": "https://huggingface.co/settings"})
    card = error_card(errors.HfWidgetsError("It failed.", action=action))
    assert card.action
    assert len(card.action.label.split()) >= 2


def install_button(name: str) -> ActionView:
    label, arguments = f"Install the {name} set", {"set": name}
    return ActionView(name="install_set", label=label, arguments=arguments)


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Not installed.", "error_type": "weights_missing", "weights_set": "SET"},
        {"error": {"message": "Not installed.", "code": "x", "weights_set": "SET"}},
    ],
)
@pytest.mark.parametrize("name", ["light", "standard", "full"])
def test_weights_that_a_server_misses_get_a_button(
    loopback: Loopback, body: dict[str, object], name: str
) -> None:
    known = json.loads(json.dumps(body).replace("SET", name))
    error = refuse(loopback, Answer(501, json=known))
    assert error_card(error).action == install_button(name)
    other = error_card(refuse(loopback, Answer(501, json=body)))
    assert other.action
    assert other.action.name == "choose_provider"

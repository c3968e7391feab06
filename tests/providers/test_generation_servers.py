"""Text generation by servers of all kinds: TGI, plain transformers, and their errors."""

import pytest

from hfwidgets import InferenceClient, errors
from tests.plugins.asker import Asker
from tests.plugins.loopback import Answer, Loopback, Seen

UNUSED = (
    "The following `model_kwargs` are not used by the model: ['watermark', 'stop'] (note: typos in "
    "the generate arguments will also show up in this list)"
)


def transformers(seen: Seen) -> Answer:
    """A server that runs plain transformers."""
    if {"watermark", "stop"} & seen.json()["parameters"].keys():
        return Answer(400, json={"error": UNUSED, "warnings": []})
    if seen.json().get("stream"):
        return Answer(400, json={"error": UNUSED})
    return Answer(json=[{"generated_text": "Once more"}])


def test_what_it_does_not_know_is_left_out(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/x", transformers)
    client = {"model": f"{loopback.url}/x"}
    with pytest.warns(UserWarning, match="does not support stop, watermark: left out"):
        text = ask(
            None, "text_generation", "Once", watermark=True, stop=["."], top_k=3, client=client
        )
    assert text == "Once more"
    assert loopback.requests[1].json()["parameters"] == {"top_k": 3}
    assert len(loopback.requests) == 2


@pytest.mark.filterwarnings("ignore:The server does not run text-generation")
def test_it_is_remembered_by_its_url(loopback: Loopback) -> None:
    for path in ("/x", "/y"):
        loopback.route("POST", path, transformers)
    with InferenceClient() as client:
        client.text_generation("Once", stop=["."], model=f"{loopback.url}/x")
        client.text_generation("Once", stop=["."], model=f"{loopback.url}/x")
        assert len(loopback.requests) == 3
        client.text_generation("Once", stop=["."], model=f"{loopback.url}/y")
        assert len(loopback.requests) == 5
        with pytest.raises(errors.TaskNotServedError, match="cannot stream"):
            client.text_generation("Once", stream=True, model=f"{loopback.url}/x")
        assert len(loopback.requests) == 5


def test_it_cannot_stream(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/x", transformers)
    with pytest.raises(
        errors.TaskNotServedError, match="does not run text-generation-inference and can"
    ):
        ask(None, "text_generation", "Once", stream=True, client={"model": f"{loopback.url}/x"})


def test_another_400_stays_one(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/x", Answer(400, json={"error": ["Error in `inputs`: required"]}))
    with pytest.raises(errors.BadRequestError, match="required"):
        ask(None, "text_generation", "Once", client={"model": f"{loopback.url}/x"})
    assert len(loopback.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (422, "validation", errors.ValidationError),
        (424, "generation", errors.GenerationError),
        (429, "overloaded", errors.OverloadedError),
        (500, "incomplete_generation", errors.IncompleteGenerationError),
    ],
)
def test_errors_that_the_server_names(
    ask: Asker, loopback: Loopback, status: int, kind: str, error: type[Exception]
) -> None:
    loopback.route("POST", "/x", Answer(status, json={"error": "It says why", "error_type": kind}))
    client = {"model": f"{loopback.url}/x", "max_retries": 0}
    with pytest.raises(error, match="It says why"):
        ask(None, "text_generation", "Once", client=client)


def test_a_stream_without_a_space_and_an_error_inside(ask: Asker, loopback: Loopback) -> None:
    token = b'data:{"index":1,"token":{"id":1,"text":"Hi","logprob":-0.1,"special":false}}\n\n'
    wrong = b'data:{"error":"Too much","error_type":"overloaded"}\n\n'
    headers = {"content-type": "text/event-stream"}
    loopback.route("POST", "/x", Answer(headers=headers, chunks=[token, wrong]))
    with pytest.raises(errors.OverloadedError, match="Too much"):
        ask(None, "text_generation", "Once", stream=True, client={"model": f"{loopback.url}/x"})


@pytest.mark.filterwarnings("ignore:The server does not run text-generation")
def test_it_is_not_remembered_for_other_models_of_the_same_host(loopback: Loopback) -> None:
    paths = ["/router/hf-inference/models/a/one", "/router/hf-inference/models/a/two"]
    loopback.route("POST", paths[0], transformers)
    loopback.route("POST", paths[1], Answer(json=[{"generated_text": "Once more"}]))
    mapping = {name: {"hf-inference": name} for name in ("a/one", "a/two")}
    settings = Asker("sync", loopback).settings("hf-inference", mapping=mapping)
    with InferenceClient(**settings) as client:
        client.text_generation("Once", stop=["."], model="a/one")
        client.text_generation("Once", stop=["."], model="a/two")
    assert [seen.path for seen in loopback.requests] == [paths[0], paths[0], paths[1]]
    assert loopback.requests[-1].json()["parameters"] == {"stop": ["."]}


def test_details_that_the_server_does_not_send_are_missed(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/x", Answer(json=[{"generated_text": "there was"}]))
    client = {"model": f"{loopback.url}/x"}
    with pytest.warns(UserWarning, match="sent no details"):
        out = ask(None, "text_generation", "Once", details=True, client=client)
    assert (out.generated_text, out.details) == ("there was", None)

"""The same chat calls by openai and by hfwidgets, at the same base_url."""

from typing import Any

import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfwidgets import InferenceClient, errors
from tests.plugins.loopback import Answer, Loopback
from tests.providers import inputs
from tests.providers.peer import Sent, sent

MORE = inputs.some(
    frequency_penalty=inputs.SHARE,
    logit_bias=st.dictionaries(st.sampled_from(["1", "22"]), inputs.SHARE),
    logprobs=inputs.FLAG,
    max_tokens=inputs.WHOLE,
    max_completion_tokens=inputs.WHOLE,
    metadata=st.dictionaries(inputs.WORDS, inputs.WORDS, max_size=2),
    n=inputs.WHOLE,
    parallel_tool_calls=inputs.FLAG,
    presence_penalty=inputs.SHARE,
    reasoning_effort=st.sampled_from(["low", "high"]),
    response_format=st.sampled_from([inputs.NAMED, inputs.LOOSE, {"type": "json_object"}]),
    seed=inputs.SEED,
    service_tier=st.sampled_from(["auto", "flex"]),
    stop=st.one_of(inputs.WORDS, inputs.LIST),
    store=inputs.FLAG,
    stream=inputs.FLAG,
    stream_options=st.just({"include_usage": True}),
    temperature=inputs.SHARE,
    tool_choice=st.sampled_from(["auto", "none", "required"]),
    tools=st.just([inputs.TOOL]),
    top_logprobs=inputs.WHOLE,
    top_p=inputs.SHARE,
    user=inputs.WORDS,
    extra_body=inputs.EXTRA,
)


def as_ours(theirs: Sent) -> Sent:
    """openai's request with what is different on purpose."""
    theirs.body.setdefault("stream", False)  # always sent: some servers stream by default
    for message in theirs.body["messages"]:
        if message.get("content", "") is None:  # what is None in a message is left out
            del message["content"]
    theirs.headers["accept"] = "*/*"  # a stream is not application/json
    return theirs


def test_the_requests_agree(loopback: Loopback) -> None:
    for root in ("/v1", ""):
        loopback.route("POST", f"{root}/chat/completions", Answer(400, json={"error": "no"}))
    url = f"{loopback.url}/v1"
    theirs = openai.OpenAI(base_url=url, api_key="sk-secret", max_retries=0)
    ours = InferenceClient(base_url=url, api_key="sk-secret", max_retries=0)

    def posted(client: Any, messages: Any, kwargs: dict[str, Any]) -> Sent:
        loopback.requests.clear()
        with pytest.raises((openai.BadRequestError, errors.BadRequestError)):
            client.chat.completions.create(model="named", messages=messages, **kwargs)
        return sent(loopback.requests[0])

    @settings(
        max_examples=100,
        suppress_health_check=list(HealthCheck),
    )
    @given(messages=inputs.MESSAGES, kwargs=MORE)
    def agree(messages: Any, kwargs: dict[str, Any]) -> None:
        assert posted(ours, messages, kwargs) == as_ours(posted(theirs, messages, kwargs))

    agree()

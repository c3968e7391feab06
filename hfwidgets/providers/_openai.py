"""OpenAI's wire, which most providers speak; a whole provider of this kind is one call.

    \"\"\"Groq's fast chips.\"\"\"
    from hfwidgets.providers import openai_compatible

    provider = openai_compatible("https://api.groq.com", "/openai/v1")

That serves chat. More tasks are named; each has one route here:

    provider = openai_compatible("https://api.scaleway.ai", "/v1", "feature-extraction")
"""

from array import array
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hfwidgets import errors
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.errors.user_warnings import warn
from hfwidgets.media import OUTPUT_LIMIT
from hfwidgets.providers._answers import decode_base64_answer, get_value, parse_json
from hfwidgets.providers._provider import Provider

SchemaRewriter = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Turns OpenAI's `json_schema` object (name, schema, strict) into a provider's own form."""

TGI_ONLY = (
    "adapter_id",
    "decoder_input_details",
    "details",
    "do_sample",
    "grammar",
    "top_n_tokens",
    "truncate",
    "typical_p",
    "watermark",
)
"""Parameters of text-generation-inference that OpenAI's completions do not have."""

HUB_ONLY = ("normalize", "prompt_name", "truncate", "truncation_direction")
"""Parameters of text-embeddings-inference that OpenAI's embeddings do not have."""


def openai_compatible(
    base: str,
    root: str = "/v1",
    *tasks: str,
    response_format: SchemaRewriter | None = None,
    **settings: Any,
) -> Provider:
    """A provider that speaks OpenAI's wire below `root`.

    Args:
        base: the address for calls with the provider's own key.
        root: the path below which the routes are.
        tasks: what it serves besides chat: any of `text-generation`, `feature-extraction` and
            `text-to-speech`.
        response_format: how it wants a JSON schema, where that is not OpenAI's way.
        settings: as for `Provider`.
    """
    provider = Provider(base, **settings)
    routes: dict[str, Any] = {
        "chat-completion": partial(
            post_chat, path=f"{root}/chat/completions", rewrite=response_format
        ),
        "text-generation": partial(post_completion, provider=provider, path=f"{root}/completions"),
        "feature-extraction": partial(
            post_embeddings, provider=provider, path=f"{root}/embeddings"
        ),
        "text-to-speech": partial(post_speech, path=f"{root}/audio/speech"),
    }
    for task in ("chat-completion", *tasks):
        provider.serves(task)(routes[task])
    return provider


def post_chat(ask: Infer, path: str, rewrite: SchemaRewriter | None = None) -> Flow[Any]:
    """A conversation's answer as JSON, or the open reply of a stream.

    The model stands first in the body, so that a proxy can route on a prefix.
    """
    body = {
        "model": ask.served_as or "default",
        "messages": ask.inputs,
        **ask.parameters,
        "stream": ask.stream,
    }
    schema = find_json_schema(body) if rewrite else None
    if rewrite and schema is not None:
        body["response_format"] = rewrite(schema)
    reply = yield Send("POST", path, json=body, stream=ask.stream)
    return reply if ask.stream else parse_json(reply)


def find_json_schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The `json_schema` object that a body's `response_format` carries, None when it has none."""
    asked = body.get("response_format")
    if not isinstance(asked, Mapping) or asked.get("type") != "json_schema":
        return None
    schema = asked.get("json_schema")
    return schema if isinstance(schema, Mapping) and schema.get("schema") is not None else None


def post_completion(ask: Infer, provider: Provider, path: str) -> Flow[Any]:
    """Text generation by OpenAI's completions, in the words of text-generation servers."""
    given = provider.drop_unsupported(ask, *(name for name in TGI_ONLY if name != "details"))
    wanted = given.pop("details", None)
    for old, new in (("max_new_tokens", "max_tokens"), ("return_full_text", "echo")):
        if old in given:
            given[new] = given.pop(old)
    body = {"prompt": ask.inputs, **given, "model": ask.served_as}
    if ask.stream:
        return (yield Send("POST", path, json={**body, "stream": True}, stream=True))
    raw = parse_json((yield Send("POST", path, json=body)))
    return _to_generation(raw, provider, wanted)


def _to_generation(raw: Any, provider: Provider, details: bool | None) -> dict[str, Any]:
    if details:
        warn(
            f"{provider.name} returns no tokens: the details say only why the text ended.",
        )
    choice = get_value(raw, "choices", 0)
    counts = raw.get("usage") or {}
    return {
        "generated_text": get_value(choice, "text"),
        "details": {
            "finish_reason": choice.get("finish_reason"),
            "generated_tokens": counts.get("completion_tokens"),
            "seed": choice.get("seed"),
        },
    }


def post_embeddings(ask: Infer, provider: Provider, path: str) -> Flow[list[Any]]:
    """Vectors, one a text, in the texts' order."""
    given = provider.drop_unsupported(ask, *HUB_ONLY)
    body = {"input": ask.inputs, **given, "model": ask.served_as}
    raw = parse_json((yield Send("POST", path, json=body)))
    rows = sorted(get_value(raw, "data"), key=lambda row: row.get("index") or 0)
    return [_parse_vector(get_value(row, "embedding")) for row in rows]


def _parse_vector(value: Any) -> Any:
    """A list of numbers, from one or from the base64 of little-endian float32 numbers."""
    if not isinstance(value, str):
        return value
    numbers = array("f")
    try:
        numbers.frombytes(decode_base64_answer(value))
    except ValueError as error:
        raise errors.OutputError(f"The embedding's base64 holds no float32: {error}.") from error
    if memoryview(array("H", [1])).cast("B")[0] == 0:  # this machine is big-endian
        numbers.byteswap()
    return numbers.tolist()


def post_speech(ask: Infer, path: str) -> Flow[bytes]:
    """Speech, as the file that the server sends."""
    body = {"input": ask.inputs, "model": ask.served_as, **ask.parameters}
    reply = yield Send("POST", path, json=body, limit=OUTPUT_LIMIT)
    return bytes(reply.content)


def size_options(provider: Provider, ask: Infer, *unknown: str) -> dict[str, Any]:
    """The options with width and height as `size: "WxH"`; one alone is left out like the unknown.

    Those who take a size take no width and no height.
    """
    both = ask.parameters.get("width"), ask.parameters.get("height")
    if None in both:
        return provider.drop_unsupported(ask, "width", "height", *unknown)
    given = provider.drop_unsupported(ask, *unknown)
    rest = {name: value for name, value in given.items() if name not in ("width", "height")}
    return {"size": f"{both[0]}x{both[1]}", **rest}


def first_image(raw: Any) -> bytes:
    """The first picture of an images answer."""
    return decode_base64_answer(get_value(raw, "data", 0, "b64_json"))

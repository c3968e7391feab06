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

from hfwidgets import errors, media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.errors.user_warnings import warn
from hfwidgets.media import OUTPUT_LIMIT, read_content
from hfwidgets.providers._answers import decode_base64_answer, fetch_file, get_value, parse_json
from hfwidgets.providers._multipart import MultipartForm
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


TASKS = (
    "text-generation",
    "feature-extraction",
    "text-to-speech",
    "automatic-speech-recognition",
    "text-to-image",
)
"""The tasks besides chat that OpenAI's wire has routes for."""


def openai_compatible(
    base: str,
    root: str = "/v1",
    *tasks: str,
    response_format: SchemaRewriter | None = None,
    **settings: Any,
) -> Provider:
    """Return a provider that speaks OpenAI's wire below `root`.

    Args:
        base: The address for calls with the provider's own key.
        root: The path below which the routes are.
        tasks: The tasks served besides chat; `TASKS` are possible.
        response_format: Rewrites a JSON schema, where the provider's form differs from OpenAI's.
        settings: As for `Provider`.
    """
    provider = Provider(base, **settings)
    provider.root = root
    provider.list_tasks = frozenset({"feature-extraction"})
    routes: dict[str, Any] = {
        "chat-completion": partial(
            post_chat, path=f"{root}/chat/completions", rewrite=response_format
        ),
        "text-generation": partial(post_completion, provider=provider, path=f"{root}/completions"),
        "feature-extraction": partial(
            post_embeddings, provider=provider, path=f"{root}/embeddings"
        ),
        "text-to-speech": partial(post_speech, path=f"{root}/audio/speech"),
        "automatic-speech-recognition": partial(
            post_transcription, path=f"{root}/audio/transcriptions"
        ),
        "text-to-image": partial(post_image, provider=provider, path=f"{root}/images/generations"),
    }
    for task in ("chat-completion", *tasks):
        provider.serves(task)(routes[task])
    return provider


def post_chat(request: Infer, path: str, rewrite: SchemaRewriter | None = None) -> Flow[Any]:
    """Send a conversation and return the answer's JSON, or the open reply of a stream.

    The model comes first in the body, so that a proxy can route on a prefix.
    """
    body = {
        # The protocol requires a model; a server at a URL that was called
        # without one serves just one.
        "model": request.served_as or "default",
        "messages": request.inputs,
        **request.parameters,
        # After the parameters: extra_body must not change how the answer has to be read.
        "stream": request.stream,
    }
    schema = find_json_schema(body) if rewrite else None
    if rewrite and schema is not None:
        body["response_format"] = rewrite(schema)
    reply = yield Send("POST", path, json=body, stream=request.stream)
    return reply if request.stream else parse_json(reply)


def find_json_schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the `json_schema` object in a body's `response_format`, None without one."""
    form = body.get("response_format")
    if not isinstance(form, Mapping) or form.get("type") != "json_schema":
        return None
    schema = form.get("json_schema")
    return schema if isinstance(schema, Mapping) and schema.get("schema") is not None else None


def post_completion(request: Infer, provider: Provider, path: str) -> Flow[Any]:
    """Send a prompt to OpenAI's completions and answer as a text-generation server would."""
    # Details are not dropped: `_to_generation` builds the part of them that this wire has.
    options = provider.drop_unsupported(request, *(name for name in TGI_ONLY if name != "details"))
    wanted = options.pop("details", None)
    for old, new in (("max_new_tokens", "max_tokens"), ("return_full_text", "echo")):
        if old in options:
            options[new] = options.pop(old)
    body = {"prompt": request.inputs, **options, "model": request.served_as}
    if request.stream:
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


def post_embeddings(request: Infer, provider: Provider, path: str) -> Flow[list[Any]]:
    """Return one vector per text, in the texts' order."""
    options = provider.drop_unsupported(request, *HUB_ONLY)
    body = {"input": request.inputs, **options, "model": request.served_as}
    raw = parse_json((yield Send("POST", path, json=body)))
    # Servers need not send the rows in order. The sort is stable: without indices the order stays.
    rows = sorted(get_value(raw, "data"), key=lambda row: row.get("index") or 0)
    return [_parse_vector(get_value(row, "embedding")) for row in rows]


def _parse_vector(value: object) -> Any:
    """Return a list of numbers, from a list or from the base64 of little-endian float32."""
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


def post_speech(request: Infer, path: str) -> Flow[bytes]:
    """Synthesize speech and return the audio file that the server sends."""
    body = {"input": request.inputs, "model": request.served_as, **request.parameters}
    reply = yield Send("POST", path, json=body, limit=OUTPUT_LIMIT)
    return read_content(reply)


def post_transcription(request: Infer, path: str) -> Flow[dict[str, Any]]:
    """Transcribe speech; with `return_timestamps` the answer has chunks with their times."""
    file = yield from media.ensure_bytes(request.inputs)
    fields = {**request.parameters, "model": request.served_as}
    stamps = fields.pop("return_timestamps", None)
    if stamps:
        # The default format has the text alone, without times.
        fields["response_format"] = "verbose_json"
    if stamps == "word":
        fields["timestamp_granularities[]"] = "word"
    form = MultipartForm(file, fields)
    headers = {"content-type": form.content_type}
    raw = parse_json((yield Send("POST", path, content=form, headers=headers)))
    parts = raw.get("words") or raw.get("segments") or ()
    chunks = [
        {"text": part.get("text") or part.get("word"), "timestamp": [part["start"], part["end"]]}
        for part in parts
        if isinstance(part, Mapping) and {"start", "end"} <= part.keys()
    ]
    return {"text": get_value(raw, "text"), **({"chunks": chunks} if chunks else {})}


def post_image(request: Infer, provider: Provider, path: str) -> Flow[bytes]:
    """Generate an image; the server sends it as base64 or names its URL."""
    body = {
        "prompt": request.inputs,
        "response_format": "b64_json",
        **size_options(provider, request),
        "model": request.served_as,
    }
    raw = parse_json((yield Send("POST", path, json=body, limit=OUTPUT_LIMIT)))
    image = get_value(raw, "data", 0)
    if isinstance(image, Mapping) and image.get("b64_json") is None and image.get("url"):
        return (yield from fetch_file(request, image["url"]))
    return first_image(raw)


def size_options(provider: Provider, request: Infer, *unknown: str) -> dict[str, Any]:
    """Return the options with width and height as `size: "WxH"`.

    One of them without the other is left out with a warning, as are the `unknown` options.
    """
    given = {n: request.parameters[n] for n in ("width", "height") if n in request.parameters}
    options = provider.drop_unsupported(request, *unknown)
    rest = {name: value for name, value in options.items() if name not in given}
    if len(given) == 1:
        [alone] = given
        warn(
            f"{provider.name} takes width and height together: {alone} alone is left out.",
        )
    return {"size": f"{given['width']}x{given['height']}", **rest} if len(given) == 2 else rest


def first_image(raw: object) -> bytes:
    """Return the first image of an images answer."""
    return decode_base64_answer(get_value(raw, "data", 0, "b64_json"))

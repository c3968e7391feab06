"""Where hfwidgets sends something else than the peer does, on purpose; each with its reason.

`apply` changes the peer's request into what ours must be. A difference that never shows is an
error (`test_peer.py` counts them).
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.providers import inputs
from tests.providers.peer import Sent

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


@dataclass(frozen=True)
class Difference:
    """One difference: where it holds, why, and what it changes."""

    reason: str
    apply: Callable[[Sent], None]
    providers: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()

    def holds(self, provider: str, task: str) -> bool:
        return provider in (self.providers or (provider,)) and task in (self.tasks or (task,))


def _renamed(body: dict[str, Any], old: str, new: str) -> None:
    value = body.pop(old, None)
    if value is not None:
        body[new] = value


def _completions(sent: Sent) -> None:
    for name in TGI_ONLY:
        sent.body.pop(name, None)


def _length(sent: Sent) -> None:
    _renamed(sent.body, "max_new_tokens", "max_tokens")
    if sent.body.get("max_tokens", 0) is None:
        del sent.body["max_tokens"]


def _echo(sent: Sent) -> None:
    _renamed(sent.body, "return_full_text", "echo")


def _embeddings(sent: Sent) -> None:
    for name in ("normalize", "prompt_name", "truncate", "truncation_direction"):
        sent.body.pop(name, None)


def _size(sent: Sent) -> None:
    size = sent.body.pop("target_size", None)
    sent.body.update(size or {})


def _no_stream(sent: Sent) -> None:
    if sent.body.get("stream") is False:
        del sent.body["stream"]


TRUE_TYPES = {
    base64.b64encode(data).decode(): mime
    for data, mime in (
        (inputs.PNG, "image/png"),
        (inputs.JPEG, "image/jpeg"),
        (inputs.WAV, "audio/wav"),
    )
}


def _data_urls(sent: Sent) -> None:
    sent.body = _typed(sent.body)


def _typed(value: Any) -> Any:
    """The same with the type of each data URL as its bytes say."""
    if isinstance(value, dict):
        return {name: _typed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, str) and value.startswith("data:"):
        text = value.partition(",")[2]
        return f"data:{TRUE_TYPES[text]};base64,{text}"
    return value


def _raw_type(sent: Sent) -> None:
    if isinstance(sent.body, bytes):
        text = base64.b64encode(sent.body).decode()
        sent.headers["content-type"] = TRUE_TYPES[text]


def _file_type(sent: Sent) -> None:
    sent.body = [(n, "audio/wav" if n == "file" else kind, d) for n, kind, d in sent.body]


def _once(sent: Sent) -> None:
    picture = sent.body.pop("image")
    sent.body["inputs"] = {"question": sent.body.pop("question"), "image": picture}


def _no_accept(sent: Sent) -> None:
    sent.headers["accept"] = "*/*"


def _no_none(sent: Sent) -> None:
    plain = [{n: v for n, v in m.items() if v is not None} for m in sent.body["messages"]]
    sent.body["messages"] = plain


def _lone_side(sent: Sent) -> None:
    sent.body.pop("width", None)
    sent.body.pop("height", None)


DIFFERENCES = [
    Difference(
        "completions know no parameters of text-generation-inference: left out with a warning, "
        "where the peer sends what the server silently ignores",
        _completions,
        ("together", "novita", "featherless-ai", "deepinfra"),
        ("text-generation",),
    ),
    Difference(
        "completions call it max_tokens: two of the peer's providers send max_new_tokens, which "
        "is ignored, and two send max_tokens: null when none was given",
        _length,
        ("together", "novita", "featherless-ai", "deepinfra"),
        ("text-generation",),
    ),
    Difference(
        "completions call it echo",
        _echo,
        ("together", "novita", "featherless-ai", "deepinfra"),
        ("text-generation",),
    ),
    Difference(
        "OpenAI's embeddings know no parameters of text-embeddings-inference: left out with a "
        "warning",
        _embeddings,
        ("together", "scaleway", "deepinfra"),
        ("feature-extraction",),
    ),
    Difference(
        "together's pictures have width and height; the peer sends target_size, which it ignores, "
        "though it splits it for films",
        _size,
        ("together",),
        ("image-to-image",),
    ),
    Difference(
        "stream: false is the default and not sent",
        _no_stream,
        tasks=("text-generation",),
    ),
    Difference(
        "data URLs say what the bytes are; the peer writes each provider's default type",
        _data_urls,
        ("fal-ai", "replicate", "together", "wavespeed"),
    ),
    Difference(
        "raw bodies say what the bytes are; endpoints refuse them without a type",
        _raw_type,
        ("hf-inference",),
    ),
    Difference(
        "files in forms say what the bytes are",
        _file_type,
        ("deepinfra",),
        ("automatic-speech-recognition",),
    ),
    Difference(
        "the picture travels once, in the documented shape; the peer sends it twice",
        _once,
        ("hf-inference",),
        ("visual-question-answering",),
    ),
    Difference(
        "the answer of all but hf-inference is JSON, not a picture",
        _no_accept,
        ("fal-ai", "nscale", "replicate", "together", "wavespeed", "zai-org"),
        ("text-to-image", "image-to-image"),
    ),
    Difference(
        "what is None in a message is left out everywhere; the peer keeps it for hf-inference",
        _no_none,
        ("hf-inference",),
        ("chat-completion",),
    ),
    Difference(
        "a width without a height says nothing to this wire: left out with a warning",
        _lone_side,
        ("nscale",),
        ("text-to-image",),
    ),
]

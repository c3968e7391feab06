"""The Hub's inference wire, as hf-inference, Inference Endpoints and the embedded engine speak it.

Bodies are `{"inputs": ..., "parameters": {...}}`; what differs by task is in `body`.
"""

from collections.abc import Mapping
from typing import Any

from hfwidgets import errors
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.media import OUTPUT_LIMIT, Media, ensure_bytes

TEXT_TASKS = (
    "text-classification",
    "zero-shot-classification",
    "token-classification",
    "fill-mask",
    "question-answering",
    "table-question-answering",
    "sentence-similarity",
    "feature-extraction",
    "summarization",
    "translation",
)

TABULAR_TASKS = ("tabular-classification", "tabular-regression")
MEDIA_TASKS = (
    "audio-classification",
    "audio-to-audio",
    "automatic-speech-recognition",
    "document-question-answering",
    "image-classification",
    "image-segmentation",
    "image-to-image",
    "image-to-text",
    "object-detection",
    "text-to-image",
    "text-to-speech",
    "visual-question-answering",
    "zero-shot-image-classification",
    "zero-shot-object-detection",
)
"""Tasks that take or return files."""

VIDEO_TASKS = ("image-to-video", "text-to-video")
IMAGE_OUTPUT_TASKS = frozenset({"image-to-image", "text-to-image"})
FILE_OUTPUT_TASKS = IMAGE_OUTPUT_TASKS | {*VIDEO_TASKS, "audio-to-audio", "text-to-speech"}
"""Tasks whose answer may be a file."""


def build_body(ask: Infer) -> dict[str, Any]:
    """The JSON of a request."""
    if ask.task == "feature-extraction":  # the servers read these beside the inputs
        return {"inputs": ask.inputs, **ask.parameters}
    if ask.task in TABULAR_TASKS:
        return {"parameters": ask.parameters, "table": ask.inputs}
    return {"inputs": ask.inputs, "parameters": ask.parameters}


def post_json(ask: Infer, path: str) -> Flow[Any]:
    """Send a task's inputs and return the parsed answer."""
    reply = yield Send("POST", path, json=build_body(ask))
    return parse_json(reply)


def post_media(ask: Infer, path: str) -> Flow[Any]:
    """Send a task's picture or sound, alone as it is, with parameters as base64 in JSON.

    Returns the parsed answer, or the bytes of a file.
    """
    inputs = yield from _fetch_inputs(ask.inputs)
    headers = {"accept": "image/png"} if ask.task in IMAGE_OUTPUT_TASKS else {}
    limit = OUTPUT_LIMIT if ask.task in FILE_OUTPUT_TASKS else None
    if isinstance(inputs, Media) and not ask.parameters:
        headers["content-type"] = inputs.mime or "application/octet-stream"
        reply = yield Send("POST", path, content=inputs.content, headers=headers, limit=limit)
    else:
        reply = yield Send("POST", path, json=build_body(ask), headers=headers, limit=limit)
    return (
        reply.content
        if ask.task in FILE_OUTPUT_TASKS and not _is_json(reply)
        else parse_json(reply)
    )


def _fetch_inputs(inputs: Any) -> Flow[Any]:
    """The inputs with the bytes of their media at hand."""
    for leaf in inputs.values() if isinstance(inputs, Mapping) else (inputs,):
        if isinstance(leaf, Media):
            yield from ensure_bytes(leaf)
    return inputs


def _is_json(reply: Any) -> bool:
    """Whether an answer is JSON by its first byte, which no picture, sound or film begins with."""
    return bool(reply.content[:1] in (b"{", b"["))


def parse_json(reply: Any) -> Any:
    """A reply's JSON; OutputError when it is none."""
    try:
        return reply.json()
    except ValueError as error:
        raise errors.OutputError(
            f"The server's answer is not JSON: {reply.text[:200]!r}. Check the URL and that the "
            f"model serves the task."
        ) from error

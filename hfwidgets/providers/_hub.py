"""The Hub's inference wire, as hf-inference, Inference Endpoints and the embedded engine speak it.

Bodies are `{"inputs": ..., "parameters": {...}}`; what differs by task is in `body`.
"""

from typing import Any

from hfwidgets import errors
from hfwidgets.flow import Flow, Infer, Send

TEXT = (
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


def body(ask: Infer) -> dict[str, Any]:
    """The JSON of a request."""
    if ask.task == "feature-extraction":  # the servers read these beside the inputs
        return {"inputs": ask.inputs, **ask.given}
    return {"inputs": ask.inputs, "parameters": ask.given}


def post(ask: Infer, path: str) -> Flow[Any]:
    """Send a task's inputs and return the parsed answer."""
    reply = yield Send("POST", path, json=body(ask))
    return parsed(reply)


def parsed(reply: Any) -> Any:
    """A reply's JSON; OutputError when it is none."""
    try:
        return reply.json()
    except ValueError as error:
        raise errors.OutputError(
            f"The server's answer is not JSON: {reply.text[:200]!r}. Check the URL and that the "
            f"model serves the task."
        ) from error

"""Text generation on the Hub's wire, by text-generation-inference or by plain transformers.

A server that runs plain transformers refuses parameters that it does not know with status 400 and
names them in brackets: "The following `model_kwargs` are not used by the model: ['watermark']".
Such a server is remembered by its URL; it gets the request again without them, and cannot stream.
"""

import re
from typing import Any

from hfwidgets import errors
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.errors.user_warnings import warn
from hfwidgets.providers._answers import parse_json

_UNUSED_PATTERN = r"model_kwargs[^\[]*\[([^\]]*)\]"
_QUOTED_NAME = r"""['"]([^'"]+)['"]"""


def generate_text(request: Infer, path: str) -> Flow[Any]:
    """Send a prompt and return the answer's JSON, or the open reply of a stream.

    Raises:
        TaskNotServedError: The server cannot stream.
    """
    # By path as well: at the one address of hf-inference, each model has another server.
    known: set[str] = request.memory.setdefault(f"unused {path}", set())
    if known and request.stream:
        raise _no_stream_error(request)
    try:
        return (yield from _post_generation(request, path, _drop_unused(request, known)))
    except errors.BadRequestError as error:
        unused = _find_unused(error)
        # Names that were left out already are refused again: another try would change nothing.
        if not unused or unused <= known:
            raise
        # In place, since this set is the one in the memory that later calls read.
        known |= unused
    if request.stream:
        raise _no_stream_error(request)
    return (yield from _post_generation(request, path, _drop_unused(request, known)))


def _post_generation(request: Infer, path: str, options: dict[str, Any]) -> Flow[Any]:
    body = {
        "inputs": request.inputs,
        "parameters": options,
        **({"stream": True} if request.stream else {}),
    }
    reply = yield Send("POST", path, json=body, stream=request.stream)
    return reply if request.stream else parse_json(reply)


def _find_unused(error: errors.BadRequestError) -> set[str]:
    found = re.search(_UNUSED_PATTERN, error.server_message or "")
    return set(re.findall(_QUOTED_NAME, found[1])) if found else set()


def _drop_unused(request: Infer, unused: set[str]) -> dict[str, Any]:
    """Return the given options without those that the server does not know, with a warning."""
    options = request.parameters
    left_out = sorted(unused & options.keys())
    if left_out:
        warn(
            f"The server does not run text-generation-inference and does not support "
            f"{', '.join(left_out)}: left out.",
        )
    return {name: value for name, value in options.items() if name not in unused}


def _no_stream_error(request: Infer) -> errors.TaskNotServedError:
    return errors.TaskNotServedError(
        f"{request.model or request.base} does not run text-generation-inference and cannot "
        "stream: call it with stream=False."
    )

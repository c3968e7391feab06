"""Text generation on the Hub's wire, by text-generation-inference or by plain transformers.

A server that runs plain transformers refuses parameters that it does not know with status 400 and
names them in brackets: "The following `model_kwargs` are not used by the model: ['watermark']".
Such a server is remembered by its URL, is asked again without them, and cannot stream.
"""

import re
from typing import Any

from hfwidgets import errors
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.errors.user_warnings import warn
from hfwidgets.providers._answers import parse_json

_UNUSED_PATTERN = r"model_kwargs[^\[]*\[([^\]]*)\]"
_QUOTED_NAME = r"""['"]([^'"]+)['"]"""


def generate_text(ask: Infer, path: str) -> Flow[Any]:
    """The answer's JSON, or the open reply of a stream.

    Raises:
        TaskNotServedError: a stream is wanted from a server that cannot stream.
    """
    known: set[str] = ask.memory.setdefault(f"unused {path}", set())
    if known and ask.stream:
        raise _no_stream_error(ask)
    try:
        return (yield from _post_generation(ask, path, _drop_unused(ask, known)))
    except errors.BadRequestError as error:
        unused = _find_unused(error)
        if not unused or unused <= known:
            raise
        known |= unused
    if ask.stream:
        raise _no_stream_error(ask)
    return (yield from _post_generation(ask, path, _drop_unused(ask, known)))


def _post_generation(ask: Infer, path: str, given: dict[str, Any]) -> Flow[Any]:
    body = {"inputs": ask.inputs, "parameters": given, **({"stream": True} if ask.stream else {})}
    reply = yield Send("POST", path, json=body, stream=ask.stream)
    return reply if ask.stream else parse_json(reply)


def _find_unused(error: errors.BadRequestError) -> set[str]:
    found = re.search(_UNUSED_PATTERN, error.server_message or "")
    return set(re.findall(_QUOTED_NAME, found[1])) if found else set()


def _drop_unused(ask: Infer, unused: set[str]) -> dict[str, Any]:
    """The options that were given but for what the server does not know, with a warning."""
    given = ask.parameters
    left_out = sorted(unused & given.keys())
    if left_out:
        warn(
            f"The server runs no text-generation-inference and does not know "
            f"{', '.join(left_out)}: left out.",
        )
    return {name: value for name, value in given.items() if name not in unused}


def _no_stream_error(ask: Infer) -> errors.TaskNotServedError:
    return errors.TaskNotServedError(
        f"{ask.model or ask.base} runs no text-generation-inference and cannot stream: call it "
        "with stream=False."
    )

"""OpenAI's chat wire, which most providers speak."""

from collections.abc import Mapping
from typing import Any

from hfwidgets.flow import Flow, Infer, Send
from hfwidgets.providers._hub import parsed


def chat_body(ask: Infer, **changes: Any) -> dict[str, Any]:
    """The JSON of a chat request. The model stands first, so that a proxy can route on a prefix."""
    return {
        "model": ask.served_as,
        "messages": ask.inputs,
        **ask.given,
        **changes,
        "stream": ask.stream,
    }


def chat(ask: Infer, path: str, body: Mapping[str, Any] | None = None) -> Flow[Any]:
    """A conversation's answer as JSON, or the open reply of a stream."""
    reply = yield Send("POST", path, json=body or chat_body(ask), stream=ask.stream)
    return reply if ask.stream else parsed(reply)


def schema_of(ask: Infer) -> Any:
    """The JSON schema that `response_format` carries, None when it carries none."""
    asked = ask.given.get("response_format")
    if not isinstance(asked, Mapping) or asked.get("type") != "json_schema":
        return None
    return (asked.get("json_schema") or {}).get("schema")

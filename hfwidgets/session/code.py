"""A call written down: as Python and as curl, with the token as a variable."""

import json
import pprint
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from hfwidgets import runtime
from hfwidgets.errors import redacted
from hfwidgets.explain import Explanation
from hfwidgets.session.memory import Made
from hfwidgets.tasks import find

_LEFT_OUT = ("user-agent", "accept", "accept-encoding", "x-request-id", "x-hfwidgets-client")


@dataclass(frozen=True)
class Code:
    """A call as code."""

    python: str
    curl: str

    def __str__(self) -> str:
        return f"{self.python}\n\n{self.curl}"

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        blocks = f"<pre>{escape(self.python)}</pre><pre>{escape(self.curl)}</pre>"
        return {"text/plain": str(self), "text/html": blocks}


def of(made: Made) -> Code:
    """The code of a call; nothing is sent to make it."""
    settings = {k: v for k, v in made.settings.items() if k != "token"}
    return Code(redacted(python(made)), curl(_explained(made, settings)))


def _explained(made: Made, settings: Mapping[str, Any]) -> Explanation:
    """The call's request, from the client that made it, which knows where its model is served."""

    async def explain() -> Explanation:
        return await runtime.aclient(**settings).explain(made.task, **made.arguments)

    return runtime.wait(runtime.submit(explain()))


def python(made: Made) -> str:
    """The call as a program of its own."""
    settings = ", ".join(f"{name}={value!r}" for name, value in made.settings.items())
    given = {k: v for k, v in made.arguments.items() if k not in ("stream", "stream_options")}
    token = "" if made.settings.get("provider") == "local" else "  # the token comes from HF_TOKEN"
    return "\n".join(
        [
            "from hfwidgets import InferenceClient",
            "",
            f"client = InferenceClient({settings}){token}",
            f"result = client.{find(made.task).method}(",
            *(f"    {name}={_literal(value)}" for name, value in given.items()),
            ")",
        ]
    )


def _literal(value: Any) -> str:
    """A value as source with its comma, or dots and what belongs there."""
    if isinstance(value, str | int | float | list | tuple | dict | type(None)):
        first, *rest = pprint.pformat(value, width=90, sort_dicts=False).splitlines()
        return "\n".join([first, *(f"    {line}" for line in rest)]) + ","
    return f"...,  # put the {type(value).__name__} here"


def curl(explanation: Explanation) -> str:
    """The first request as a shell command."""
    if not explanation.url:
        return "\n".join(f"# {note}" for note in explanation.notes)
    shown = {k: v for k, v in explanation.headers.items() if k.lower() not in _LEFT_OUT}
    headers = [f"-H {_header(name, value, explanation)}" for name, value in shown.items()]
    data = [f"-d {shlex.quote(redacted(_body(explanation)))}"] if explanation.content else []
    url = shlex.quote(redacted(explanation.url))
    parts = [f"curl -X {explanation.method} {url}", *headers, *data]
    return "\n".join([*(f"# {note}" for note in explanation.notes), " \\\n  ".join(parts)])


def _header(name: str, value: str, explanation: Explanation) -> str:
    if value != "…":
        return shlex.quote(redacted(f"{name}: {value}"))
    routed = "huggingface" in explanation.url
    variable = "HF_TOKEN" if routed else explanation.provider.upper().replace("-", "_") + "_KEY"
    scheme = "Bearer " if name == "authorization" else ""
    return f'"{name}: {scheme}${variable}"'


def _body(explanation: Explanation) -> str:
    try:
        return json.dumps(json.loads(explanation.content or b""), ensure_ascii=False)
    except ValueError:
        return "@input"

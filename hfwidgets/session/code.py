"""A call written down: as Python and as curl, with the token as a variable."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from hfwidgets import runtime, snippets
from hfwidgets.errors import redacted
from hfwidgets.explain import Explanation
from hfwidgets.session.memory import Made


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
    return Code(redacted(snippets.python(made)), snippets.curl(_explained(made, settings)))


def _explained(made: Made, settings: Mapping[str, Any]) -> Explanation:
    """The call's request, from the client that made it, which knows where its model is served."""

    async def explain() -> Explanation:
        return await runtime.aclient(**settings).explain(made.task, **made.arguments)

    return runtime.wait(runtime.submit(explain()))

"""A past call as Python and as curl, with the token as a variable."""

import contextlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from hfwidgets.calls import model_info
from hfwidgets.calls.dry_run import Explanation
from hfwidgets.errors import HfWidgetsError
from hfwidgets.notebook import background_loop, code_snippets
from hfwidgets.notebook.session import CallRecord
from hfwidgets.results.show import escape_html


@dataclass(frozen=True)
class Code:
    """A call as code."""

    python: str
    curl: str

    def __str__(self) -> str:
        return f"{self.python}\n\n{self.curl}"

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        blocks = f"<pre>{escape_html(self.python)}</pre><pre>{escape_html(self.curl)}</pre>"
        return {"text/plain": str(self), "text/html": blocks}


def build_code(call: CallRecord) -> Code:
    """Return the code of a call, with the request as its provider receives it.

    Nothing is sent, except a look-up on the Hub if it is no longer known which provider serves the
    model.
    """
    hidden = ("token", "recordings")
    settings = {name: value for name, value in call.settings.items() if name not in hidden}
    visible = CallRecord(call.task, call.arguments, settings)
    return Code(
        code_snippets.to_python(visible), code_snippets.to_curl(_resolve_explanation(visible))
    )


def _resolve_explanation(call: CallRecord) -> Explanation:
    """Return the request of a call, from the client that made it and knows its provider."""
    found = background_loop.wait_for(background_loop.submit(_fetch_explanation(call)))
    # The first request of a client that does not know the model yet is the look-up on the Hub:
    # it is made, and the call explained again.
    looked_up = re.search(r"/api/models/([^?]+)", found.url) if found.method == "GET" else None
    if looked_up is None:
        return found
    with contextlib.suppress(HfWidgetsError):  # the look-up itself is shown then
        background_loop.wait_for(
            background_loop.submit(_look_up_model(call, unquote(looked_up[1])))
        )
    return background_loop.wait_for(background_loop.submit(_fetch_explanation(call)))


async def _fetch_explanation(call: CallRecord) -> Explanation:
    return await background_loop.shared_client(**call.settings).explain(call.task, **call.arguments)


async def _look_up_model(call: CallRecord, model: str) -> None:
    client = background_loop.shared_client(**call.settings)
    await client._run(None, model_info.fetch_model_info(model, client._caller.settings))

"""A call written down: as Python and as curl, with the token as a variable."""

import contextlib
import re
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import unquote

from hfwidgets.calls import model_info
from hfwidgets.calls.dry_run import Explanation
from hfwidgets.errors import HfWidgetsError
from hfwidgets.notebook import background_loop, code_snippets
from hfwidgets.notebook.session import CallRecord


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


def build_code(made: CallRecord) -> Code:
    """The code of a call, with the request as it is sent to who serves it.

    Nothing is sent but, where that is no longer known, the look-up of who serves the model.
    """
    left_out = ("token", "recordings")
    settings = {name: value for name, value in made.settings.items() if name not in left_out}
    shown = CallRecord(made.task, made.arguments, settings)
    return Code(code_snippets.to_python(shown), code_snippets.to_curl(_resolve_explanation(shown)))


def _resolve_explanation(made: CallRecord) -> Explanation:
    """The call's request, from the client that made it, which knows where its model is served."""
    found = background_loop.wait_for(background_loop.submit(_fetch_explanation(made)))
    looked_up = re.search(r"/api/models/([^?]+)", found.url) if found.method == "GET" else None
    if looked_up is None:
        return found
    with contextlib.suppress(HfWidgetsError):  # then the look-up is what can be shown
        background_loop.wait_for(
            background_loop.submit(_look_up_model(made, unquote(looked_up[1])))
        )
    return background_loop.wait_for(background_loop.submit(_fetch_explanation(made)))


async def _fetch_explanation(made: CallRecord) -> Explanation:
    return await background_loop.shared_client(**made.settings).explain(made.task, **made.arguments)


async def _look_up_model(made: CallRecord, model: str) -> None:
    client = background_loop.shared_client(**made.settings)
    await client._run(None, model_info.fetch_model_info(model, client._caller.settings))

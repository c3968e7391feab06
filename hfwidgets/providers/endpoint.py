"""Any URL: an Inference Endpoint, a text-generation server, an OpenAI-compatible server.

The rules for URLs, which `client.explain(...)` shows at work:

    every task but chat    the URL unchanged; below .../v1 OpenAI's route; where a bare address
                           refuses a task that its /health lists, as hfwidgets' own engine does for
                           tasks that it cannot tell apart, the URL +
                           /models/default/pipeline/TASK from then on
    chat                   `chat_url`: .../chat/completions unchanged, .../v1 + /chat/completions,
                           anything else + /v1/chat/completions
    info, health           `side_url`: the same server without what chat adds, + /info or /health

The query is kept everywhere, and a slash at the path's end changes nothing.
"""

import functools
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hfwidgets import errors
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers._hub import HubProvider, post_task
from hfwidgets.providers._openai import TASKS, openai_compatible


class EndpointProvider(HubProvider):
    """Whichever server the caller's URL names."""

    needs_url = True

    def task_path(self, task: str, model: str) -> str:
        """Return no path: the URL is called as it is."""
        return ""

    def chat_path(self, model: str) -> str:
        """Return no path: `chat_url` has made it part of the URL."""
        return ""

    def _post_task(self, request: Infer) -> Flow[Any]:
        if request.memory.get("names tasks"):
            return (yield from post_task(request, _named_path(request.task)))
        try:
            return (yield from post_task(request, ""))
        # A URL with a path names its route already, so there the first error is the answer.
        except (errors.BadRequestError, errors.NotFoundError, errors.NotServedError):
            if urlsplit(request.base).path.strip("/") or not (yield from _lists_task(request)):
                raise
        request.memory["names tasks"] = True
        return (yield from post_task(request, _named_path(request.task)))


provider = EndpointProvider("", anonymous=True, mapped=False, routable=False)


def _named_path(task: str) -> str:
    return f"/models/default/pipeline/{task}"


def _lists_task(request: Infer) -> Flow[bool]:
    """Return whether the server's /health lists the task; it is asked once per client."""
    if "health tasks" not in request.memory:
        try:
            reply = yield Send("GET", "/health", tries=0)
            tasks = reply.json().get("tasks")
        # Whatever /health answers, the error of the task is the one to report.
        except (errors.HfWidgetsError, ValueError, AttributeError, RecursionError):
            tasks = None
        request.memory["health tasks"] = tasks if isinstance(tasks, list) else []
    return request.task in request.memory["health tasks"]


openai_server = openai_compatible("", "", *TASKS, anonymous=True, mapped=False, routable=False)
"""An OpenAI-compatible server: its routes are joined to a URL that ends in `/v1`."""

openai_server.name = "endpoint"


def is_openai_base(url: str) -> bool:
    """True for a URL whose path ends in `/v1`, as OpenAI-compatible servers have it."""
    return urlsplit(url).path.rstrip("/").endswith("/v1")


def side_url(url: str, name: str) -> str:
    """Return where a server describes itself (`info`, `health`); the query is kept.

    `.../v1` and `.../v1/chat/completions` count as the server's address without them.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix("/chat/completions").removesuffix("/v1")
    return urlunsplit(parts._replace(path=f"{path}/{name}"))


@functools.lru_cache(maxsize=64)
def chat_url(url: str) -> str:
    """Return where a chat request for this URL goes; the query is kept.

    `.../chat/completions` stays as it is, `.../v1` gets `/chat/completions`, anything else
    `/v1/chat/completions`.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path += "/chat/completions" if path.endswith("/v1") else "/v1/chat/completions"
    return urlunsplit(parts._replace(path=path))

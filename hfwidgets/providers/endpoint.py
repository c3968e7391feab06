"""Any URL: an Inference Endpoint, a text-generation server, an OpenAI-compatible server.

All tasks but chat are posted to the URL exactly as it was given; `chat_url` says where chat goes.
"""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hfwidgets.flow import Flow, Infer
from hfwidgets.providers import _hub, _openai, _tgi
from hfwidgets.providers._provider import Provider

provider = Provider("", anonymous=True, mapped=False, routable=False)


def chat_url(url: str) -> str:
    """Where a chat request for this URL goes; the query is kept.

    `.../chat/completions` stays as it is, `.../v1` gets `/chat/completions`, anything else
    `/v1/chat/completions`.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path += "/chat/completions" if path.endswith("/v1") else "/v1/chat/completions"
    return urlunsplit(parts._replace(path=path))


@provider.serves(*_hub.TEXT, *_hub.TABLES)
def task(ask: Infer) -> Flow[Any]:
    return _hub.post(ask, "")


@provider.serves(*_hub.MEDIA, *_hub.FILMS)
def files(ask: Infer) -> Flow[Any]:
    return _hub.files(ask, "")


@provider.serves("text-generation")
def generate(ask: Infer) -> Flow[Any]:
    return _tgi.generate(ask, "")


@provider.serves("chat-completion")
def chat(ask: Infer) -> Flow[Any]:
    return _openai.chat(ask, "")

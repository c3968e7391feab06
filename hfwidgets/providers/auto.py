"""The Hub's router, which chooses a provider for a chat model by itself."""

from typing import Any

from hfwidgets.flow import Flow, Infer
from hfwidgets.providers import _openai
from hfwidgets.providers._provider import ROUTER, Provider

provider = Provider(ROUTER, mapped=False)


@provider.serves("chat-completion")
def chat(ask: Infer) -> Flow[Any]:
    return _openai.chat(ask, "/v1/chat/completions")

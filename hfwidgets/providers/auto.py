"""The Hub's router, which chooses a provider for a chat model by itself."""

from typing import Any

from hfwidgets import errors
from hfwidgets.core.auth import Token
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.providers import _openai
from hfwidgets.providers._provider import ROUTER, Address, Hosts, Provider, bearer_headers


class AutoProvider(Provider):
    """The router itself, which needs a Hub token."""

    picks_provider = True

    def connect(self, token: Token | None, hosts: Hosts, task: str = "") -> Flow[Address]:
        """Return the router's address."""
        yield from ()
        if token is None or not token.is_hub_token:
            got = "none was found" if token is None else f"the one from {token.source} is not one"
            raise errors.MissingTokenError(
                f"The Hub's router needs a Hub token, which starts with hf_; {got}. Pass token=, "
                "set HF_TOKEN or log in; or name a provider= with its own key, or use "
                "provider='local', which needs no token."
            )
        return Address(hosts.router, bearer_headers(token.value), True)


provider = AutoProvider(ROUTER, mapped=False)


@provider.serves("chat-completion")
def chat(request: Infer) -> Flow[Any]:
    return _openai.post_chat(request, "/v1/chat/completions")

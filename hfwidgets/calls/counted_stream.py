"""Chat streams that end with their token counts, also where a server refuses to count.

OpenAI's API counts a stream's tokens only with `stream_options={"include_usage": True}`. Servers
that do not know the parameter answer it with 400 or 422: they are asked again without it, and from
then on without it at once.
"""

from collections.abc import Sequence
from typing import Any, Protocol, Unpack
from weakref import WeakKeyDictionary

from hfwidgets import errors
from hfwidgets.tasks.chat import AsyncChatStream, CallOptions, Message

USAGE_OPTION = {"include_usage": True}


class ChatClient(Protocol):
    """The part of the async client that is used here."""

    @property
    def chat_completion(self) -> Any:
        """The task's method, an `AsyncChatCall`; checkers do not look through its descriptor."""
        ...


_refusals: WeakKeyDictionary[ChatClient, set[str | None]] = WeakKeyDictionary()
"""The models of each client whose servers refused to count."""


async def open_counted_stream(
    client: ChatClient, messages: Sequence[Message], **options: Unpack[CallOptions]
) -> AsyncChatStream:
    """Open a chat stream that asks for token counts, unless the options say what to ask for.

    Args:
        client: an async client.
        messages: the conversation.
        options: further parameters of `chat_completion`.

    Raises:
        HfWidgetsError: the call failed.
    """
    stream: AsyncChatStream
    refused = _refusals.setdefault(client, set())
    model = options.get("model")
    if "stream_options" not in options and model not in refused:
        try:
            counted: CallOptions = {**options, "stream_options": USAGE_OPTION}
            stream = await client.chat_completion(messages, stream=True, **counted)
            return stream
        except errors.BadRequestError as error:
            # A request that is wrong in another way would only fail again.
            if "stream_options" not in str(error):
                raise
            refused.add(model)
    stream = await client.chat_completion(messages, stream=True, **options)
    return stream
